"""Random sampling, the control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from sohem.errors import MiningError
from sohem.mining.miner import Miner, Moment, Settings

if TYPE_CHECKING:
    from torch import Tensor

    from sohem.mining.rois import Rois


@dataclass(frozen=True)
class RandomSampler(Miner):
    """No mining: Fast R-CNN's sampling, a share ``foreground`` of each batch, the control that any miner must beat.

    Background RoIs are drawn among those whose highest IoU with an object is ``background`` or more (BG_THRESH_LO: 0.1
    in Fast R-CNN, 0 in Faster R-CNN and under OHEM). Where one side is short, the other fills. In `sohem.mine` it draws
    from torch's global generator, as torchvision's own sampler does, and ``background`` stays 0.

    Raises:
        MiningError: a number is out of range.
    """

    name: ClassVar[str] = "random"

    foreground: float = 0.25
    background: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.foreground <= 1:
            raise MiningError(f"foreground={self.foreground!r}; expected a share from 0 to 1")
        if not 0 <= self.background <= 1:
            raise MiningError(f"background={self.background!r}; expected an IoU from 0 to 1")

    @classmethod
    def from_settings(cls, method: Settings, batch_size: int, total_steps: int, beta_target: float | str) -> Self:
        return cls(batch_size, method["foreground"], method["background"], together=method["together"])

    @property
    def losses(self) -> tuple[str, ...]:
        return ()

    def visible(self, image: Rois) -> Tensor:
        if not self.background:
            return image.labels
        if image.overlaps is None:
            raise MiningError(
                f"background={self.background!r}: give each image's overlaps, the IoU with its best object"
            )
        return image.labels.masked_fill((image.labels == 0) & (image.overlaps < self.background), -1)

    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor, moment: Moment) -> Tensor:
        from sohem.mining.select import random_sample

        return random_sample(labels, self.batch_size, self.foreground, moment.generator)
