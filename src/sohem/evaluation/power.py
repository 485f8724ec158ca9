"""How small a difference can be seen: power of the comparison of two methods, and what it would take to see more.

Everything follows from three variances of the difference that one pair of runs shows (``components.Components``): of
the images in common (b), of the pair's own answer to them (w), of luck (a). More seeds lessen w and a, more test images
b and w (Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021). The chance to see a
difference is that of the very interval of ``bootstrap``, whose width is itself subject to luck with few seeds; it is
worked out for normally distributed runs, without simulation.

Differences and their standard deviations are in one unit, e.g. points. The variances are themselves estimated from the
runs at hand, that of luck from few: take the seeds needed as an order of magnitude.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr

from sohem.evaluation import components
from sohem.evaluation.components import Components

POWER = 0.8  # the customary one
MOST = 10**9  # seeds or images; what needs more is out of reach

# Equally likely values of the variance over seeds, by which the chance is averaged.
SHARES = (np.arange(400) + 0.5) / 400


def on_images(found: Components, measured: int, planned: int) -> Components:
    """The variances on ``planned`` test images, from those on ``measured`` ones: the images' parts fall as 1 / N."""
    return Components(found.images * measured / planned, found.run * measured / planned, found.seeds)


def standard_error(found: Components, seeds: int) -> float:
    """sqrt(b + (w + a) / S): of the mean difference of S pairs of runs."""
    return float(np.sqrt(found.images + (found.run + found.seeds) / seeds))


def wrong_sign(difference: float, found: Components, seeds: int = 1) -> float:
    """The chance that S pairs of runs on average show the wrong sign, if the methods differ by ``difference``.

    The images are those of a test set drawn anew. At 0 any sign is wrong in half of all cases.
    """
    return float(ndtr(-abs(difference) / standard_error(found, seeds)))


def chance_to_see(difference: float, found: Components, seeds: int, level: float = 0.95) -> float:
    """The power: how often the interval of S pairs of runs leaves out 0, if the methods differ by ``difference``.

    Args:
        difference: the true one; at 0 the answer is the rate of false alarms. found: no NaN. seeds: S, at least 2.
        level: of the interval.

    Raises:
        ValueError: fewer than two seeds, or components that one run could not tell apart.
    """
    if seeds < 2 or np.isnan(found).any():
        raise ValueError(f"power is that of an interval over seeds: it needs two of them and components, not {found}")
    spread = (found.run + found.seeds) * chdtri(seeds - 1, 1 - SHARES) / (seeds - 1)
    added = components.excess(spread, np.full_like(spread, found.run), seeds)
    reached = components.reach(np.full_like(spread, found.images + found.run / seeds), added, seeds, level)
    error = max(standard_error(found, seeds), np.finfo(float).tiny)
    return float((ndtr((difference - reached) / error) + ndtr((-difference - reached) / error)).mean())


def smallest_difference(found: Components, seeds: int, level: float = 0.95, power: float = POWER) -> float:
    """The smallest difference that the interval of S pairs of runs tells from 0 with the chance ``power``."""
    step = standard_error(found, seeds)
    if step == 0:
        return 0.0

    def lacking(difference: float) -> float:
        return chance_to_see(difference, found, seeds, level) - power

    high = step
    while lacking(high) < 0:
        high *= 2
    return float(brentq(lacking, 0.0, high, xtol=1e-6 * step))


def seeds_needed(difference: float, found: Components, level: float = 0.95, power: float = POWER) -> int | None:
    """The fewest pairs of runs (two or more) that see ``difference`` with the chance ``power``.

    None if no number does: the images' common part alone hides it. Then see ``images_needed``.
    """
    return _fewest(lambda seeds: chance_to_see(difference, found, seeds, level) >= power, 2)


def images_needed(
    difference: float, found: Components, measured: int, seeds: int, level: float = 0.95, power: float = POWER
) -> int | None:
    """The fewest test images on which S pairs of runs see ``difference`` with the chance ``power``.

    None if no number does: the luck of so few seeds alone hides it. ``found`` is from ``measured`` test images.
    """

    def enough(planned: int) -> bool:
        return chance_to_see(difference, on_images(found, measured, planned), seeds, level) >= power

    return _fewest(enough, 1)


def _fewest(enough: Callable[[int], bool], least: int) -> int | None:
    """The smallest whole number from ``least`` to ``MOST`` that is enough, where more is never worse."""
    high = least
    while not enough(high):
        if high == MOST:
            return None
        high = min(2 * high, MOST)
    low = max(high // 2, least - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
