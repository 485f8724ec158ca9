"""S-OHEM by Formula (1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from sohem.errors import MiningError
from sohem.mining.checks import checked_names, checked_steps
from sohem.mining.miner import Moment, Settings, WeightedMiner
from sohem.mining.schedule import Ramp, coefficients


@dataclass(frozen=True)
class SOHEM(WeightedMiner):
    """S-OHEM by Formula (1): NMS on L_select = alpha L_cls + beta L_loc (+ more losses), then the B highest.

    Up to the share ``start`` of the training RoIs are chosen by L_cls alone; then beta grows.

    The paper lets beta grow to 1.9 (VOC07) and 2.3 (KITTI), the ratio of the two losses in its set-up. torchvision's
    smooth L1 loss has beta = 1/9 and its box offsets other scales, so those numbers do not carry over. The default
    target is therefore the running ratio itself, L_cls / L_loc averaged over the selected RoIs of the last steps
    (exponentially, over about 1.25 % of the training); `Ramp` takes a number instead, or measures it otherwise.

    Args:
        batch_size: B, the RoIs of each image (torchvision's ``box_batch_size_per_image``).
        total_steps: forward passes of the whole training, ``len(loader) * epochs``. Gradient accumulation changes
            nothing: a step is a forward pass in training mode with gradients enabled.
        coefficients: loss name to number or `Ramp`, the reference of ratios first. The default is
            ``{"cls": 1.0, "loc": Ramp()}``; for Mask R-CNN ``{"cls": 1.0, "loc": Ramp(), "mask": Ramp()}``.
        nms_iou, per_label: see `sohem.select`.
        nms_by: the loss by which NMS goes: "select" (L_select) or "sum" (L_cls + L_loc, as OHEM has it).
        together: choose N x ``batch_size`` of all N images together.

    Raises:
        MiningError: a number is out of range, or a loss has no such name.
    """

    name: ClassVar[str] = "sohem"
    scheduled: ClassVar[bool] = True

    total_steps: int
    coefficients: Mapping[str, float | Ramp] = field(default_factory=lambda: {"cls": 1.0, "loc": Ramp()})

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_steps(self.total_steps)
        checked_names(tuple(self.coefficients))
        object.__setattr__(self, "coefficients", dict(self.coefficients))  # a copy, which the caller cannot change
        for name, value in self.coefficients.items():
            if not isinstance(value, Ramp) and not (isinstance(value, float | int) and value >= 0):
                raise MiningError(f"coefficients[{name!r}]={value!r}; expected a number from 0 up, or a Ramp")

    @classmethod
    def from_settings(cls, method: Settings, batch_size: int, total_steps: int, beta_target: float | str) -> Self:
        nms = method["nms"]
        schedules = {loss: _coefficient(method, key, beta_target) for loss, key in (("cls", "alpha"), ("loc", "beta"))}
        return cls(batch_size, total_steps, schedules, nms_iou=nms["iou"], per_label=nms["per_label"],
                   nms_by=nms["by"], together=method["together"])  # fmt: skip

    @property
    def losses(self) -> tuple[str, ...]:
        return tuple(self.coefficients)

    @property
    def looks_back(self) -> list[str]:
        ramps = {name: value for name, value in self.coefficients.items() if isinstance(value, Ramp)}
        needed = [column for name, value in ramps.items() for column in value.needs(name, self.losses)]
        return list(dict.fromkeys(needed))

    def coefficients_at(self, moment: Moment) -> dict[str, Any]:
        return coefficients(self.coefficients, moment.step, self.total_steps, moment.history)


def _coefficient(method: Settings, key: str, beta_target: float | str) -> float | Ramp:
    """The number or the ramp that stands under ``key``; a target of "dataset" is that of the data set."""
    value = method[key]
    if not isinstance(value, Mapping):
        return value
    target = beta_target if value["target"] == "dataset" else value["target"]
    try:
        return Ramp(**{**value, "target": target})
    except MiningError as error:
        raise MiningError(f"{key}: {error}") from None
