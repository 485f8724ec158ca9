"""OHEM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from sohem.mining.checks import checked_names
from sohem.mining.miner import Moment, Settings, WeightedMiner


@dataclass(frozen=True)
class OHEM(WeightedMiner):
    """Online hard example mining (Shrivastava et al. 2016): NMS on the sum of the losses, then the B highest.

    Formula (1) with every coefficient 1.

    Args:
        batch_size: B, the RoIs of each image (torchvision's ``box_batch_size_per_image``).
        losses: which are summed: of "cls", "loc", and for Mask and Keypoint R-CNN "mask" and "keypoint".
        nms_iou, per_label: see `sohem.select`; together: see `Miner`.

    Raises:
        MiningError: a number is out of range, or the names are not different names.
    """

    name: ClassVar[str] = "ohem"

    losses: Sequence[str] = ("cls", "loc")  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "losses", checked_names(self.losses))

    @classmethod
    def from_settings(cls, method: Settings, batch_size: int, total_steps: int, beta_target: float | str) -> Self:
        nms = method["nms"]
        return cls(batch_size, method["losses"], nms_iou=nms["iou"], per_label=nms["per_label"],
                   together=method["together"])  # fmt: skip

    def coefficients_at(self, moment: Moment) -> dict[str, float]:
        return dict.fromkeys(self.losses, 1.0)
