"""The coefficients of Formula (1) over training: pure functions of the step and of the losses recorded so far.

Losses are NumPy arrays (the pipeline's log) or tensors (the library's record, on the losses' device). The arithmetic is
written for either, and on a GPU nobody waits: a coefficient measured on tensors is a tensor [].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sohem.errors import MiningError

History = Mapping[str, Any]
"""Mean losses per RoI of each step so far, named as in the training log: ``<loss>_selected`` (over the selected RoIs),
``<loss>_all`` (over all R); each an array [steps]. Entry 0 belongs to step 1. Entries of the present and of later steps
are not looked at, so arrays allocated for the whole run, or a finished log, may be passed as they are."""

HORIZON = 40  # windows; what lies further back counts for less than a double's last digit in a running mean


def ramp(iteration: int, start: float, end: float) -> float:
    """0 up to and including iteration ``start``, 1 from ``end`` on, a straight line between them."""
    if iteration <= start:
        return 0.0
    return 1.0 if iteration >= end else (iteration - start) / (end - start)


@dataclass(frozen=True)
class Ramp:
    """A coefficient that is ``begin`` at first and goes to ``target`` once the loss is stable (paper 3.3 and 4.1).

    Attributes:
        target: a number, or "ratio": the first loss of L_select over the one that this is the coefficient of. The
            paper's 1.9 (VOC07) and 2.3 (KITTI) are that ratio, measured with a smooth L1 loss that bends at 1 on
            offsets normalised by their own spread. torchvision's bends at 1/9 on offsets scaled by (10, 10, 5, 5), so
            its ratio is another and the two numbers do not carry over: hence "ratio" is the default.
        start, end: the shares of the training steps after which the change starts, and at which it is complete.
        begin: the value up to ``start``. ``Ramp(0, begin=1)`` is the falling alpha of section 3.3.
        shape: "linear" reaches the target at ``end`` in a straight line, "step" at once after ``start``.
        stable: when the change starts: "iteration", at ``start``; "slope", at `stable_since`, and it lasts as long as
            from ``start`` to ``end``. The host then looks at all losses at each step.
        bound: of ``stable="slope"``: the relative change of the mean over ``windows`` windows that counts as none.
        windows: of ``stable="slope"``: how many windows are compared with as many before them. The mean of one moves
            with its images about as far as the loss falls in training; see `stable_since`.
        measured: what "ratio" is measured over: "before", the last window before the change starts (then it stays);
            "window", the last window; "running", all steps so far in a mean that forgets exponentially, a window back.
        over: the RoIs whose losses ratio and slope are measured on: "selected" (B) or "all" (R).
        window: the length of a window as a share of the training steps (1000 of the paper's 80000).

    Raises:
        MiningError: a share is not within 0 to 1, the end comes before the start, a value is negative or not known, or
            the windows to compare are as long as the training.
    """

    target: float | str = "ratio"
    start: float = 0.5
    end: float = 0.75
    begin: float = 0.0
    shape: str = "linear"
    stable: str = "iteration"
    bound: float = 0.02
    windows: int = 5
    measured: str = "running"
    over: str = "selected"
    window: float = 0.0125

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end <= 1:
            raise MiningError(f"Ramp: start={self.start}, end={self.end}; expected 0 <= start <= end <= 1")
        if not (self.target == "ratio" or (isinstance(self.target, float | int) and self.target >= 0)):
            raise MiningError(f"Ramp: target={self.target!r}; expected a number from 0 up, or 'ratio'")
        if not self.begin >= 0:
            raise MiningError(f"Ramp: begin={self.begin!r}; expected a number from 0 up")
        if not (0 < self.window <= 1 and self.bound > 0):
            raise MiningError(
                f"Ramp: window={self.window}, bound={self.bound}; expected 0 < window <= 1 and a bound above 0"
            )
        if isinstance(self.windows, bool) or not isinstance(self.windows, int) or self.windows < 1:
            raise MiningError(f"Ramp: windows={self.windows!r}; expected a whole number from 1 up")
        if self.stable == "slope" and 2 * self.windows * self.window >= 1:
            raise MiningError(
                f"Ramp: stable='slope' compares {self.windows} windows with {self.windows} before them, but windows of "
                f"{self.window} of the training leave no step after these; lower windows or window"
            )
        for name, known in (
            ("shape", ("linear", "step")),
            ("stable", ("iteration", "slope")),
            ("measured", ("before", "window", "running")),
            ("over", ("selected", "all")),
        ):
            if getattr(self, name) not in known:
                raise MiningError(f"Ramp: {name}={getattr(self, name)!r}; expected {', '.join(known)}")

    def needs(self, own: str, losses: Sequence[str]) -> list[str]:
        """The columns of `History` that the coefficient of the loss ``own`` among ``losses`` looks at."""
        names = [*losses] if self.stable == "slope" else [losses[0], own] if self.target == "ratio" else []
        return [f"{name}_{self.over}" for name in dict.fromkeys(names)]

    def at(
        self,
        step: int,
        total_steps: int,
        history: History | None = None,
        own: str = "loc",
        losses: Sequence[str] = ("cls", "loc"),
    ) -> Any:
        """The coefficient at ``step`` (from 1) of ``total_steps``; after the last step the ramp stays at its end.

        Args:
            history: needed for ``stable="slope"`` and, once the change has started, for a target of "ratio".
            own: the loss whose coefficient this is; losses: all of L_select, the reference of ratios first.

        Returns:
            A number, or a tensor [] where the ratio was measured on tensors.

        Raises:
            ValueError: the history is too short, or there is none.
        """

        def recorded(name: str, steps: int) -> Any:
            return _first(history, f"{name}_{self.over}", steps)

        length = max(1.0, self.window * total_steps)
        whole = max(1, round(self.window * total_steps))
        start, lasts = self.start * total_steps, (self.end - self.start) * total_steps
        if self.stable == "slope":
            start = stable_since([recorded(name, step - 1) for name in losses], whole, self.bound, self.windows)
        if step <= start:
            return self.begin
        progress = 1.0 if self.shape == "step" else ramp(step, start, start + lasts)
        target: Any = self.target
        if target == "ratio":
            first, second = (recorded(name, int(start) if self.measured == "before" else step - 1)
                             for name in (losses[0], own))  # fmt: skip
            if self.measured == "running":
                target = ratio(running_mean(first, length), running_mean(second, length))
            else:
                target = loss_ratio(first[-whole:], second[-whole:])
        return self.begin * (1 - progress) + target * progress


def coefficients(
    schedules: Mapping[str, float | Ramp], step: int, total_steps: int, history: History | None = None
) -> dict[str, Any]:
    """The coefficient of each loss in L_select at ``step`` (from 1): numbers, or tensors [].

    Training begins with alpha = 1, beta = 0: RoIs are chosen by L_cls alone. Once the loss is stable, beta grows to its
    target. A control is made with the same settings: L_cls alone throughout is a target of 0, a constant beta is
    start = end = 0.

    Cost: below 0.5 ms a call at 80000 iterations (a running ratio 1.5 ms), so that nothing needs to be cached.

    Args:
        schedules: for each loss its coefficient, a number or a `Ramp`; the reference of ratios first.
    """
    return {
        name: value.at(step, total_steps, history, name, list(schedules)) if isinstance(value, Ramp) else value
        for name, value in schedules.items()
    }


def stable_since(losses: Sequence[Any], window: int, bound: float, windows: int = 1) -> float:
    """The iteration after which the loss counts as stable (paper 3.3), or inf if it does not yet.

    The losses are averaged in windows of ``window`` iterations, one after another. The loss is stable once the mean of
    the last ``windows`` of them differs from that of as many before by at most ``bound`` of it, for every loss. As the
    first such moment counts, later losses cannot change it. A plateau at the very beginning counts as well.

    Args:
        losses: each [iterations done], mean losses of each iteration. Tensors are fetched from their device.
    """
    known = [np.asarray(x.cpu() if hasattr(x, "cpu") else x, np.float64) for x in losses]
    count = len(known[0]) // window
    if count < 2 * windows:
        return float("inf")
    means = np.stack([x[: count * window].reshape(count, window).mean(1) for x in known])
    sums = np.pad(means.cumsum(1), ((0, 0), (1, 0)))  # sums of windows that do not depend on those after them
    last = (sums[:, windows:] - sums[:, :-windows]) / windows  # [losses, count - windows + 1]
    small = np.abs(last[:, windows:] - last[:, :-windows]) <= bound * np.abs(last[:, :-windows])
    found = np.flatnonzero(small.all(0))
    return float((found[0] + 2 * windows) * window) if len(found) else float("inf")


def loss_ratio(first: Any, second: Any) -> Any:
    """Sum of L_cls over sum of L_loc, what beta grows to (paper 4.1).

    1, the weight that OHEM gives, if nothing is recorded yet or L_loc was 0 throughout (no foreground
    selected): with 0 foreground might never be selected again.
    """
    return ratio(first.sum(), second.sum())


def running_mean(values: Any, length: float) -> Any:
    """Mean of ``values`` [n] that forgets exponentially: each new one counts for 1 / ``length`` of it.

    It starts at the first value; of no values it is 0.
    """
    values = values[-round(HORIZON * length) :]
    n, kept = len(values), 1 - 1 / length
    if n == 0:
        return 0.0
    age = n - (values * 0 + 1).cumsum(0)  # n - 1 to 0, on the device of the values
    return (kept**age * values).sum() / length + kept**n * values[0]


def ratio(above: Any, below: Any) -> Any:
    """``above`` / ``below``, or 1 where ``below`` is 0, of numbers of NumPy or of tensors (not negative).

    Arithmetic in place of a branch: a branch on a tensor would make the host wait for a GPU.
    """
    missing = below == 0
    return (above * (below > 0) + missing) / (below + missing)


def _first(history: History | None, name: str, steps: int) -> Any:
    """The losses of the first ``steps`` steps."""
    if history is None:
        raise ValueError("this schedule needs the recorded losses: pass history")
    values = history[name][:steps]
    if len(values) < steps:
        raise ValueError(f"history holds {len(values)} iterations, {steps} are needed")
    return values
