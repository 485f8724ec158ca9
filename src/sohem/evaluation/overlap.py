"""How far two ways to choose RoIs agree on the same losses: counts, what is exchanged, and means over a training.

Methods that take nearly the same RoIs train nearly the same network, whatever is measured of it afterwards. Here only
the choices are counted; which RoIs a method takes is worked out in `sohem.mining.replay`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

COLUMNS = ["method", "seed", "other", "iteration", "beta", "beta_other", "left", "foreground_left", "taken",
           "taken_other", "shared", "cls_own", "loc_own", "cls_other", "loc_other"]  # fmt: skip
LATE = 0.75  # share of the iterations after which beta has its target (paper 4.1, `beta.end` of the parameters)

Mask = NDArray[np.bool_]


class Exchange(NamedTuple):
    """Two choices of the same RoIs: sizes, and mean losses of what only one of them took (NaN if that is nothing)."""

    taken: int
    taken_other: int
    shared: int
    cls_own: float
    loc_own: float
    cls_other: float
    loc_other: float


def exchange(own: Mask, other: Mask, l_cls: np.ndarray, l_loc: np.ndarray) -> Exchange:
    """Compare two choices.

    Args:
        own, other: [R], True for the RoIs that each took. l_cls, l_loc: [R], their losses.
    """

    def mean(loss: np.ndarray, chosen: Mask) -> float:
        return float(loss[chosen].mean(dtype=np.float64)) if chosen.any() else float("nan")

    alone, instead = own & ~other, other & ~own
    losses = (mean(loss, of) for of in (alone, instead) for loss in (l_cls, l_loc))
    return Exchange(int(own.sum()), int(other.sum()), int((own & other).sum()), *losses)


class Mean(NamedTuple):
    """A mean over runs with its interval; no interval from a single run."""

    value: float
    low: float | None
    high: float | None


class Summary(NamedTuple):
    """How much of what another method would have taken the runs of a method took.

    Attributes:
        share: of the other's RoIs that were taken, from 0 to 1, over all recorded iterations.
        late: the same over those after the share LATE of the training.
        beta: the method's beta at the end, or None if it did not change in the course of training.
        left: RoIs left after NMS for each one taken.
        foreground: share of foreground among those left.
        seeds: number of runs.
    """

    share: Mean
    late: Mean
    beta: float | None
    left: float
    foreground: float
    seeds: int


def summary(table: pd.DataFrame, method: str, other: str, level: float) -> Summary | None:
    """What the rows of a pair say; None if there are none.

    Intervals are Student's t over the means of the runs.

    Args:
        table: with COLUMNS. method: whose runs. other: what they are compared with. level: of the intervals.
    """
    rows = table[(table["method"] == method) & (table["other"] == other) & (table["taken_other"] > 0)]
    if rows.empty:
        return None
    share = rows["shared"] / rows["taken_other"]
    late = rows["iteration"] > LATE * table["iteration"].max()
    first, last = (rows.loc[rows["iteration"] == k, "beta"].iloc[0] for k in (rows["iteration"].min(),
                                                                            rows["iteration"].max()))  # fmt: skip
    left, taken, foreground = (float(rows[name].sum()) for name in ("left", "taken", "foreground_left"))
    return Summary(
        mean_of_runs(share.groupby(rows["seed"]).mean().to_numpy(), level),
        mean_of_runs(share[late].groupby(rows["seed"]).mean().to_numpy(), level),
        None if first == last else float(last),
        left / taken if taken else float("nan"),
        foreground / left if left else float("nan"),
        rows["seed"].nunique(),
    )


def mean_of_runs(values: Sequence[float] | np.ndarray, level: float) -> Mean:
    """The mean of independent runs [n] with its interval, cut to where shares can lie, 0 to 1."""
    found = np.asarray(values, float)
    n, mean = len(found), float(found.mean())
    if n < 2:
        return Mean(mean, None, None)
    reach = float(stdtrit(n - 1, (1 + level) / 2) * found.std(ddof=1) / np.sqrt(n))
    return Mean(mean, max(0.0, mean - reach), min(1.0, mean + reach))
