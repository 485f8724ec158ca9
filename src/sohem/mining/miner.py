"""What a miner is: an immutable rule that chooses B of the R RoIs of an image at a moment of training.

Each miner is one file of `sohem.mining.miners`; its fields are all of its settings. Here and there torch is imported
only when RoIs are chosen, so that a figure may ask a class for its facts without loading torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sohem.errors import MiningError
from sohem.mining.checks import check_choice
from sohem.mining.schedule import History

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sohem.mining.rois import Rois

Settings = Mapping[str, Any]
"""An entry of ``methods`` in params.yaml."""


@dataclass(frozen=True)
class Moment:
    """When in the training a choice is made.

    Attributes:
        step: the iteration that is about to be done, from 1.
        history: mean losses of the steps before; needed by miners that look back (`Miner.looks_back`).
        generator: of a random choice; None is torch's global one.
    """

    step: int
    history: History | None = None
    generator: torch.Generator | None = None


@dataclass(frozen=True)
class Miner(ABC):
    """A rule that chooses RoIs. Pure: the same losses, boxes, labels and moment give the same choice.

    Attributes:
        batch_size: B of an image, how many of its RoIs are chosen.
        together: with N images B = N x ``batch_size`` are chosen among the RoIs of all of them (NMS within each image),
            instead of ``batch_size`` of each.
    """

    name: ClassVar[str]  # methods.<name>.miner in params.yaml
    weighted: ClassVar[bool] = False  # whether it chooses by Formula (1), so that its alpha and beta mean something
    scheduled: ClassVar[bool] = False  # whether its alpha and beta change in the course of training

    batch_size: int
    together: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_choice(self.batch_size, None)

    @classmethod
    @abstractmethod
    def from_settings(cls, method: Settings, batch_size: int, total_steps: int, beta_target: float | str) -> Self:
        """The miner of a method of params.yaml.

        Args:
            total_steps: iterations of the whole run.
            beta_target: what a target of "dataset" stands for, a number or "ratio".
        """

    @property
    @abstractmethod
    def losses(self) -> tuple[str, ...]:
        """The names of the losses that it looks at; () for none."""

    @abstractmethod
    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor, moment: Moment) -> Tensor:
        """Choose B of the R RoIs of one image; arguments as in `Rois`.

        Returns:
            [<= B] distinct indices, int64; fewer than B only if fewer RoIs are left after NMS.
        """

    def choose_each(self, images: Sequence[Rois], moments: Sequence[Moment]) -> list[Tensor]:
        """The choice in each of N images, ``together`` or each for itself; for each its moment (of one step)."""
        if not self.together:
            return [
                self.choose(image.losses, image.boxes, self.visible(image), moment)
                for image, moment in zip(images, moments, strict=True)
            ]
        from sohem.mining.rois import apart, side_by_side

        whole = replace(self, batch_size=len(images) * self.batch_size, together=False)
        images = [image._replace(labels=self.visible(image)) for image in images]
        losses, boxes, labels, _ = side_by_side(images)
        return apart(whole.choose(losses, boxes, labels, moments[0]), images)

    def visible(self, image: Rois) -> Tensor:
        """The labels [R] that it chooses by: -1 for RoIs that this miner passes over; as they are unless it says so."""
        return image.labels

    def coefficients_at(self, moment: Moment) -> dict[str, Any]:
        """The coefficient of each loss in L_select: numbers, or tensors []. Empty if it does not go by Formula (1)."""
        return {}

    def alpha_beta(self, moment: Moment) -> tuple[float, float]:
        """The coefficients of "cls" and "loc", 0 for one that is not used; 1, 1 if it does not go by Formula (1)."""
        if not self.weighted:
            return 1.0, 1.0
        found = self.coefficients_at(moment)
        return float(found.get("cls", 0.0)), float(found.get("loc", 0.0))

    @property
    def looks_back(self) -> list[str]:
        """The columns of the moment's history that it needs; [] for none."""
        return []

    @property
    def quantile(self) -> float:
        """Above which quantile over an image's RoIs a loss counts as high; the median unless it samples by strata."""
        return 0.5

    def thresholds(self, names: Sequence[str], moment: Moment) -> list[Any] | None:
        """Above which value each of these losses counts as high; None where that goes by the image's `quantile`."""
        return None

    def strata(self, losses: Mapping[str, Tensor], labels: Tensor, moment: Moment) -> Tensor:
        """[R], the stratum 1 to 4 of each RoI by L_cls and L_loc (paper 3.2), as the training log counts them."""
        from sohem.mining.strata import strata

        names = ("cls", "loc")
        return strata([losses[n] for n in names], self.quantile, labels >= 0, self.thresholds(names, moment))


@dataclass(frozen=True)
class WeightedMiner(Miner):
    """By Formula (1): NMS, then the B highest L_select = alpha L_cls + beta L_loc (+ more losses), see `select`.

    Attributes:
        nms_iou: a RoI is dropped beside a harder one that it overlaps by more; None for no NMS.
        per_label: only RoIs of the same label drop each other, as in the release of OHEM.
        nms_by: the loss by which NMS goes: "select" (L_select) or "sum" (L_cls + L_loc (+ more)).
    """

    weighted: ClassVar[bool] = True

    nms_iou: float | None = field(default=0.7, kw_only=True)
    per_label: bool = field(default=True, kw_only=True)
    nms_by: str = field(default="select", kw_only=True)

    def __post_init__(self) -> None:
        check_choice(self.batch_size, self.nms_iou)
        if self.nms_by not in ("select", "sum"):
            raise MiningError(f"nms_by={self.nms_by!r}; expected select or sum")

    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor, moment: Moment) -> Tensor:
        from sohem.mining.select import combined, hardest, nan_is_hardest

        known = {name: losses[name] for name in self.losses}
        loss = nan_is_hardest(combined(known, self.coefficients_at(moment)))
        by_sum = nan_is_hardest(combined(known, dict.fromkeys(known, 1.0))) if self.nms_by == "sum" else None
        return hardest(loss, boxes, labels, self.batch_size, self.nms_iou, self.per_label, by_sum)
