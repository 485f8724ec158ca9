"""The weights of Formula (1) over the iterations: pure functions of the iteration and the recorded losses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

History = Mapping[str, ArrayLike]
"""Mean losses per RoI of each iteration so far, named as in the training log: cls_selected, loc_selected
(over the B selected RoIs), cls_all, loc_all (over all R). Entry 0 belongs to iteration 1. Entries of the
present and of later iterations are not looked at, so arrays allocated for the whole run, or a finished log,
may be passed as they are."""


def ramp(iteration: int, start: float, end: float) -> float:
    """0 up to and including iteration ``start``, 1 from ``end`` on, a straight line between them."""
    if iteration <= start:
        return 0.0
    return 1.0 if iteration >= end else (iteration - start) / (end - start)


def coefficients(
    iteration: int,
    total: int,
    schedule: Mapping[str, Any],
    target: float | str,
    history: History | None = None,
) -> tuple[float, float]:
    """alpha and beta of Formula (1) at an iteration (paper 3.3 and 4.1).

    Training begins with alpha = 1, beta = 0: RoIs are chosen by L_cls alone. Once the loss is stable, beta
    grows to its target. A control is made with the same keys: L_cls alone throughout is a target of 0, a
    constant beta is start = end = 0.

    Args:
        iteration: from 1 to ``total``.
        schedule: ``methods.sohem.schedule`` of params.yaml. ``stable: iteration`` starts the change at the
            share ``start`` of the iterations; ``slope`` starts it at `stable_since`, and it lasts as long as
            from ``start`` to ``end``. ``shape: linear`` reaches the target at ``end``, ``step`` at once.
            ``shape: ratio`` knows no target: from the start on, beta is `loss_ratio` over the last window of
            iterations. ``alpha: falling`` goes from 1 to 0 where a linear beta goes from 0 to its target
            (with ``step``: at once).
        target: what beta grows to, or "ratio": `loss_ratio` over the last window before the change starts.
        history: needed for ``slope``, for ``shape: ratio`` and for a target of "ratio". ``ratio_over`` says
            whether its losses over the selected RoIs or over all are used; ``slope.window`` is the length of
            a window as a share of the iterations.

    Cost: below 0.2 ms a call at 80000 iterations (``slope`` averages the whole history once; the others look
    at one window at most), so that nothing needs to be cached.
    """
    window = max(1, round(schedule["slope"]["window"] * total))
    start = schedule["start"] * total
    length = (schedule["end"] - schedule["start"]) * total
    if schedule["stable"] == "slope":
        cls, loc = _losses(history, schedule["ratio_over"], iteration - 1)
        start = stable_since(cls, loc, window, schedule["slope"]["bound"])
    if iteration <= start:
        return 1.0, 0.0

    shape = schedule["shape"]
    progress = 1.0 if shape == "step" else ramp(iteration, start, start + length)
    alpha = 1.0 - progress if schedule["alpha"] == "falling" else 1.0
    if shape != "ratio" and target != "ratio":
        return alpha, progress * float(target)
    last = iteration - 1 if shape == "ratio" else int(start)
    cls, loc = _losses(history, schedule["ratio_over"], last)
    ratio = loss_ratio(cls[-window:], loc[-window:])
    return alpha, ratio if shape == "ratio" else progress * ratio


def stable_since(cls: NDArray[np.float64], loc: NDArray[np.float64], window: int, bound: float) -> float:
    """The iteration after which the loss counts as stable (paper 3.3), or inf if it does not yet.

    The losses are averaged in windows of ``window`` iterations, one after another. The loss is stable after
    the first window whose mean differs from that of the window before by at most ``bound`` of it, for both
    losses. As the first such moment counts, later losses cannot change it. A plateau at the very beginning
    counts as well.

    Args:
        cls, loc: [iterations done], mean losses of each iteration.
    """
    windows = len(cls) // window
    if windows < 2:
        return float("inf")
    means = np.stack([x[: windows * window].reshape(windows, window).mean(1) for x in (cls, loc)])
    small = np.abs(np.diff(means)) <= bound * np.abs(means[:, :-1])
    found = np.flatnonzero(small.all(0))
    return float((found[0] + 2) * window) if len(found) else float("inf")


def loss_ratio(cls: NDArray[np.float64], loc: NDArray[np.float64]) -> float:
    """Sum of L_cls over sum of L_loc, what beta grows to (paper 4.1).

    1, the weight that OHEM gives, if nothing is recorded yet or L_loc was 0 throughout (no foreground
    selected): with 0 foreground might never be selected again.
    """
    return float(ratio(cls.sum(), loc.sum()))


def ratio(above: Any, below: Any) -> Any:
    """``above`` / ``below``, or 1 where ``below`` is 0, of numbers of NumPy or of tensors (not negative).

    Arithmetic in place of a branch: a branch on a tensor would make the host wait for a GPU.
    """
    missing = below == 0
    return (above * (below > 0) + missing) / (below + missing)


def _losses(history: History | None, rois: str, iterations: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """L_cls and L_loc of the first ``iterations`` iterations."""
    if history is None:
        raise ValueError("this schedule needs the recorded losses: pass history")
    cls, loc = (np.asarray(history[f"{loss}_{rois}"], np.float64)[:iterations] for loss in ("cls", "loc"))
    if len(cls) < iterations or len(loc) < iterations:
        raise ValueError(f"history holds {min(len(cls), len(loc))} iterations, {iterations} are needed")
    return cls, loc
