"""The miner by strata."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sohem.api.checks import check_rois, checked_names, checked_steps
from sohem.api.miners import Miner
from sohem.api.selection import nan_is_hardest
from sohem.errors import MiningError
from sohem.mining.strata import high_strata, quotas, select_by_unions


class StratifiedSOHEM(Miner):
    """S-OHEM by strata (paper 3.2 and 3.3): each loss has a quota of the batch, taken where that loss is high.

    With n losses an image's RoIs fall into 2^n strata: each loss is high (above its ``quantile`` over the image) or
    low. At first the whole batch comes from the strata with a high first loss; from the share ``start`` to ``end`` of
    the training a ``share`` of the batch passes over to the other losses, in equal parts.

    Args:
        batch_size, total_steps: see `SOHEM`.
        losses: see `OHEM`; the first has the whole batch at the start.
        start, end, share: shares of the training, and of the batch.
        quantile: above it, over the image's RoIs that are not ignored, a loss is high.
        fill: the loss by which RoIs of any stratum are taken, highest first, where a quota cannot be met.
        nms_iou, per_label: see `select`; NMS goes by the sum of the losses.

    Raises:
        MiningError: a number is out of range, or a loss has no such name.
    """

    def __init__(
        self,
        batch_size: int,
        total_steps: int,
        losses: Sequence[str] = ("cls", "loc"),
        start: float = 0.5,
        end: float = 0.75,
        share: float = 0.9,
        quantile: float = 0.5,
        fill: str = "cls",
        nms_iou: float | None = 0.7,
        per_label: bool = True,
    ) -> None:
        super().__init__(batch_size, nms_iou)
        self.losses, self.per_label = checked_names(losses), per_label
        if len(self.losses) < 2:
            raise MiningError(f"losses={tuple(losses)!r}; strata need two or more")
        if fill not in self.losses:
            raise MiningError(f"fill={fill!r}; expected one of {', '.join(self.losses)}")
        if not (0 <= start <= end <= 1 and 0 <= share <= 1 and 0 <= quantile <= 1):
            raise MiningError(f"{start=}, {end=}, {share=}, {quantile=}; expected shares, start not after end")
        self.total_steps = checked_steps(total_steps)
        self.schedule = {"start": start, "end": end, "share": share}
        self.quantile, self.fill = quantile, fill

    @property
    def quotas(self) -> dict[str, int]:
        """How many RoIs of an image each loss may choose at the next training step; together B."""
        counts = quotas(self.step + 1, self.total_steps, self.batch_size, self.schedule, len(self.losses))
        return dict(zip(self.losses, counts, strict=True))

    @torch.no_grad()
    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor) -> Tensor:
        check_rois(losses, boxes, labels)
        known = {name: nan_is_hardest(losses[name]) for name in self.losses}
        counts, unions = list(self.quotas.values()), high_strata(len(known))
        parts, rest = list(known.values()), known[self.fill]
        return select_by_unions(parts, boxes, labels, unions, counts, rest, self.quantile, self.nms_iou, self.per_label)
