"""What a measured number scatters by: variance components of runs crossed with test images, each counted once.

Several runs (seeds) are tested on the same N images. What one run measures, an AP or a difference of two, is off by
three independent parts: by the images in the same way for all runs (variance b), by how this one run answers these
images (w, the run's own image noise), and by how its training happened to go (a, luck of the seed). The mean of S runs
has the variance b + (w + a) / S.

The bootstrap over images sees b + w in a single run and b + w / S in the mean of the runs; the variance over runs
estimates a + w. So w stands in both. Only what the runs scatter by beyond w is added to the bootstrap of the mean, with
as many degrees of freedom as Satterthwaite gives such a sum (Biometrics Bulletin 2 (1946) 110-114; for a component
that is a difference of two mean squares: Gaylor and Hopper, Technometrics 11 (1969) 691-706). The bootstrap's image
part is taken as known, as images are many.

All functions are elementwise over arrays, in the squared unit of the number for variances.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtri, ndtri, stdtr, stdtrit

from sohem.evaluation.average_precision import Floats

# Twice in five times chance alone makes the runs scatter by less than w times the matching quantile. A little below a
# median-unbiased estimate of the excess: at the median a luck as large as the images' would be covered too rarely
# (0.92 of 0.95 for two runs), at 30 % no luck too often (0.977), see ``docs/decisions.md``.
QUANTILE = 0.4


class Components(NamedTuple):
    """Variances of what one run measures: images (b), run (w) and seeds (a). NaN where they cannot be told apart."""

    images: Floats
    run: Floats
    seeds: Floats


def image_parts(replicates: Floats) -> tuple[Floats, Floats]:
    """b + w / S, the variance of the mean over runs from the choice of images; and w.

    Args:
        replicates: (S, ..., B) the number of each run on B resamples of the images, the same ones for all runs; NaN
            where a resample has no such number.

    Returns:
        Two arrays (...). w is NaN with one run; NaN both where no resample has the number.
    """
    seeds = len(replicates)
    known = ~np.isnan(replicates[0])
    count = known.sum(axis=-1)

    def variance(drawn: Floats) -> Floats:
        drawn = np.where(known, drawn, 0.0)
        centre = drawn.sum(axis=-1, keepdims=True) / np.maximum(count, 1)[..., None]
        squares = np.where(known, (drawn - centre) ** 2, 0.0).sum(axis=-1)
        return np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)

    of_mean = variance(replicates.mean(axis=0))
    if seeds == 1:
        return of_mean, np.full_like(of_mean, np.nan)
    of_runs = np.mean([variance(run) for run in replicates], axis=0)
    return of_mean, (of_runs - of_mean) * seeds / (seeds - 1)


def estimate(of_mean: Floats, run: Floats, seed_variance: Floats, seeds: int) -> Components:
    """The components by the method of moments, none below 0; with one run ``images`` is b + w and the others are NaN.

    Args:
        of_mean, run: from ``image_parts``. seed_variance: of the S measured numbers. seeds: S.
    """
    if seeds == 1:
        return Components(of_mean, np.full_like(of_mean, np.nan), np.full_like(of_mean, np.nan))
    return Components(np.maximum(of_mean - run / seeds, 0.0), run, np.maximum(seed_variance - run, 0.0))


def excess(seed_variance: Floats, run: Floats, seeds: int) -> Floats:
    """What luck adds to the variance of the mean of S runs: max(0, s^2 - k w) / S; 0 with one run, which shows none.

    k is the quantile of chi-squared(S - 1) / (S - 1) at ``QUANTILE``.
    """
    if seeds == 1:
        return np.zeros_like(run)
    k = chdtri(seeds - 1, 1 - QUANTILE) / (seeds - 1)
    return np.maximum(seed_variance - k * run, 0.0) / seeds


def degrees(known: Floats, added: Floats, seeds: int) -> Floats:
    """Satterthwaite's degrees of freedom of ``known`` + ``added``: (S - 1) (known + added)^2 / added^2.

    Infinite where nothing is added, and S - 1 where nothing is known.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = (known + added) / np.asarray(added, np.float64)
        return np.where(np.equal(added, 0), np.inf, (seeds - 1) * ratio**2)


def reach(known: Floats, added: Floats, seeds: int, level: float) -> Floats:
    """Half the width of the interval: sqrt(known + added) times Student's t."""
    return np.sqrt(known + added) * stdtrit(degrees(known, added, seeds), (1 + level) / 2)


def outwards(distance: Floats, added: Floats, seeds: int, level: float) -> Floats:
    """How far an end of an interval over images moves away from the number, so that the interval holds for luck too.

    The distance of the end, over the normal quantile, is the standard deviation to that side; its square is the
    variance that luck is added to. So the skewness of the bootstrap stays and luck adds none (Zou and Donner,
    Statistics in Medicine 27 (2008) 1693-1702, on recovering variances from limits).

    Args:
        distance: from the number to the end. added: variance by luck, see ``excess``. seeds: S.
        level: nominal coverage of the interval.
    """
    moved = reach((distance / ndtri((1 + level) / 2)) ** 2, added, seeds, level)
    return np.where(added == 0, 0.0, moved - np.abs(distance))


def without_luck(value: Floats, known: Floats, added: Floats, seeds: int) -> Floats:
    """The number that is as unlikely by the images alone as ``value`` is by images and luck.

    Args:
        value: the measured number. known: variance that the images alone give it if the truth is 0.
        added: variance by luck, see ``excess``.
    """
    if seeds == 1:
        return np.asarray(value)
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = stdtr(degrees(known, added, seeds), -np.abs(value) / np.sqrt(known + added))
    return np.where(added == 0, value, -np.sign(value) * np.sqrt(known) * ndtri(tail))
