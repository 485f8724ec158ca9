"""Intervals and p-values of one number: percentile, BCa, permutation, equivalence, Holm.

Everything here is about one number (a difference of AP, or an AP); how it is resampled stands in ``bootstrap``, and
how luck of the seeds comes in, in ``components``.
Sources: Efron, Better bootstrap confidence intervals, JASA 82 (1987) 171-185; Efron and Tibshirani, An introduction to
the bootstrap (1993), chapters 11 and 14; Holm, Scandinavian Journal of Statistics 6 (1979) 65-70; Phipson and Smyth,
Permutation p-values should never be zero, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39; Schuirmann, Journal of
Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680.
"""

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from sohem.evaluation.average_precision import Floats


def percentile(replicates: Floats, level: float) -> tuple[float, float]:
    """The interval that holds the middle ``level`` of the replicates; NaN ones are left out."""
    return _quantiles(replicates, np.array([(1 - level) / 2, (1 + level) / 2]))


def bca(value: float, replicates: Floats, acceleration: float, level: float) -> tuple[float, float]:
    """The bias-corrected and accelerated interval (Efron 1987); NaN replicates are left out.

    Args:
        value: the number itself. replicates: (B,) the resampled ones. acceleration: see ``acceleration``.
        level: nominal coverage, e.g. 0.95.
    """
    drawn = replicates[~np.isnan(replicates)]
    if len(drawn) == 0 or np.isnan(value):
        return np.nan, np.nan
    # A replicate that equals the value counts half, so that a number which never moves has no bias.
    below = ((drawn < value).mean() + (drawn <= value).mean()) / 2
    bias = ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    shifted = bias + ndtri([(1 - level) / 2, (1 + level) / 2])
    # The correction has a pole; past it, the outermost replicate is the end.
    room = np.maximum(1 - acceleration * shifted, 1e-9)
    return _quantiles(drawn, ndtr(bias + shifted / room))


def acceleration(left_out: Floats) -> float:
    """The acceleration of BCa from a jackknife (Efron and Tibshirani 1993, formula 14.15), 0 if nothing moves.

    Args:
        left_out: (G,) the number without each of G groups of images; NaN ones are left out.
    """
    known = left_out[~np.isnan(left_out)]
    if len(known) == 0:
        return 0.0
    moved = known.mean() - known
    spread = (moved**2).sum()
    return float((moved**3).sum() / (6 * spread**1.5)) if spread > 0 else 0.0


def p_value(value: float, under_null: Floats) -> float:
    """The two-sided p-value: share of the values drawn under the null that lie as far from 0, the value among them."""
    drawn = under_null[~np.isnan(under_null)]
    if len(drawn) == 0 or np.isnan(value):
        return np.nan
    # A hair below the value: sums that are equal on paper may differ in the last bit.
    return float((1 + (np.abs(drawn) >= np.abs(value) - 1e-12).sum()) / (1 + len(drawn)))


def equivalence(value: float, error: float, freedom: float, margin: float) -> float:
    """The p-value of "the number is ``margin`` or further from 0" by two one-sided tests (Schuirmann 1987).

    At 0.05 or below the number lies within the margin, tested at 5 %: the interval at 90 % lies wholly within it.

    Args:
        value: the measured number. error, freedom: its standard error and degrees of freedom of Student's t (infinite:
            normal), columns se and df of ``bootstrap.difference_table``. margin: above 0, in the number's unit.

    Returns:
        The greater of both tests' p-values; NaN if the number or its error is NaN.
    """
    room = margin - abs(value)
    if error == 0:
        return float(room <= 0)
    return float(stdtr(freedom, -room / error))


def smallest_margin(value: float, error: float, freedom: float, alpha: float = 0.05) -> float:
    """The smallest margin at which ``equivalence`` gives ``alpha``: the end of the interval that is further from 0.

    Of the interval at 1 - 2 ``alpha``; the other arguments are those of ``equivalence``.
    """
    return float(abs(value) + stdtrit(freedom, 1 - alpha) * error)


def holm(p: Floats) -> Floats:
    """p-values corrected for their number by Holm's step-down method; NaN ones are not counted and stay NaN."""
    corrected = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _quantiles(replicates: Floats, shares: Floats) -> tuple[float, float]:
    drawn = replicates[~np.isnan(replicates)]
    if len(drawn) == 0:
        return np.nan, np.nan
    low, high = np.quantile(drawn, shares)
    return float(low), float(high)
