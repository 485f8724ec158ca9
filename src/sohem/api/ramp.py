"""A coefficient of L_select that changes during training."""

from dataclasses import dataclass
from typing import Any

from sohem.errors import MiningError
from sohem.mining.schedule import ramp


@dataclass(frozen=True)
class Ramp:
    """A coefficient that is ``begin`` at first and goes in a straight line to ``target`` (paper 3.3).

    Attributes:
        target: a number, or "ratio": the running ratio of the first loss of L_select to the one that this is the
            coefficient of, both averaged over the selected RoIs. The paper's 1.9 (VOC07) and 2.3 (KITTI) are that
            ratio, measured with a smooth L1 loss that bends at 1 on offsets normalised by their own spread.
            torchvision's bends at 1/9 on offsets scaled by (10, 10, 5, 5), so its ratio is another and the two numbers
            do not carry over: hence "ratio" is the default.
        start: the share of the training steps after which the change starts.
        end: the share at which the target is reached; ``end`` = ``start`` is a jump.
        begin: the value up to ``start``. ``Ramp(0, begin=1)`` is the falling alpha of section 3.3.

    Raises:
        MiningError: a share is not within 0 to 1, or the end comes before the start, or a value is negative.
    """

    target: float | str = "ratio"
    start: float = 0.5
    end: float = 0.75
    begin: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end <= 1:
            raise MiningError(f"Ramp: start={self.start}, end={self.end}; expected 0 <= start <= end <= 1")
        if not (self.target == "ratio" or (isinstance(self.target, float | int) and self.target >= 0)):
            raise MiningError(f"Ramp: target={self.target!r}; expected a number from 0 up, or 'ratio'")
        if not self.begin >= 0:
            raise MiningError(f"Ramp: begin={self.begin!r}; expected a number from 0 up")

    def at(self, step: int, total_steps: int, ratio: Any = 1.0) -> Any:
        """The coefficient at ``step`` (from 1) of ``total_steps``; after the last step it stays.

        Args:
            ratio: what "ratio" stands for, a number or a tensor []; then the result is of that type.
        """
        progress = ramp(step, self.start * total_steps, self.end * total_steps)
        target = ratio if isinstance(self.target, str) else self.target
        return self.begin * (1 - progress) + target * progress
