"""The losses of every proposal from torchvision's RoI heads, without a graph (paper, Figure 1: the read-only network).

N images, R proposals of all of them together, P of these foreground, K classes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import keypoints_to_heatmap, project_masks_on_boxes
from torchvision.ops import MultiScaleRoIAlign, roi_align

from sohem.mining.losses import roi_losses

SIGMA = 3.0  # torchvision's smooth L1 has beta = 1 / 9 = 1 / sigma^2


@dataclass
class Batch:
    """The proposals of N images with what they are to become, as torchvision's RoI heads have them in training."""

    features: dict[str, Tensor]
    image_shapes: list[tuple[int, int]]
    boxes: list[Tensor]  # each [R_n, 4]
    matched: list[Tensor]  # each [R_n], the index of a proposal's object
    labels: list[Tensor]  # each [R_n], int64
    offsets: list[Tensor]  # each [R_n, 4], the regression targets
    targets: list[dict[str, Tensor]]


@torch.no_grad()
def read_only_losses(heads: Any, batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """The named losses of every proposal, each [R], float32 or better.

    Args:
        heads: torchvision's ``RoIHeads``, in training mode; nothing of it is changed.
        names: of cls, loc, mask, keypoint.
    """
    losses: dict[str, Tensor] = {}
    with unchanged(heads):
        if {"cls", "loc"} & set(names):
            losses["cls"], losses["loc"] = box_losses(heads, batch)
        if {"mask", "keypoint"} & set(names):
            kept = foreground(batch)
            if "mask" in names:
                losses["mask"] = spread(mask_losses, heads, batch, kept)
            if "keypoint" in names:
                losses["keypoint"] = spread(keypoint_losses, heads, batch, kept)
    return {name: losses[name] for name in names}


def box_losses(heads: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """L_cls and L_loc, each [R]; their sums over R, divided by R, are torchvision's two losses of these RoIs."""
    pooled = pool(heads.box_roi_pool, batch.features, batch.boxes, batch.image_shapes)
    logits, deltas = heads.box_predictor(heads.box_head(pooled))
    deltas = deltas.float().reshape(len(deltas), deltas.shape[-1] // 4, 4)  # -1 is ambiguous without RoIs
    return roi_losses(logits.float(), deltas, torch.cat(batch.labels), torch.cat(batch.offsets), SIGMA)


def mask_losses(heads: Any, batch: Batch, kept: list[Tensor]) -> Tensor:
    """[P], the mean cross-entropy over the pixels of the mask of the class (torchvision's ``maskrcnn_loss``)."""
    boxes = [box[k] for box, k in zip(batch.boxes, kept, strict=True)]
    matched = [index[k] for index, k in zip(batch.matched, kept, strict=True)]
    labels = torch.cat([label[k] for label, k in zip(batch.labels, kept, strict=True)])
    pooled = pool(heads.mask_roi_pool, batch.features, boxes, batch.image_shapes)
    logits = heads.mask_predictor(heads.mask_head(pooled)).float()
    size = logits.shape[-1]
    wanted = torch.cat(
        [
            project_masks_on_boxes(target["masks"], box, index, size)
            for target, box, index in zip(batch.targets, boxes, matched, strict=True)
        ]
    )
    rows = torch.arange(len(labels), device=labels.device)
    loss = F.binary_cross_entropy_with_logits(logits[rows, labels], wanted.float(), reduction="none")
    return loss.mean((1, 2))


def keypoint_losses(heads: Any, batch: Batch, kept: list[Tensor]) -> Tensor:
    """[P], the mean cross-entropy over the visible keypoints inside each proposal, 0 if there are none.

    torchvision's ``keypointrcnn_loss`` averages over all keypoints of the batch instead of over those of a RoI first.
    """
    boxes = [box[k] for box, k in zip(batch.boxes, kept, strict=True)]
    pooled = pool(heads.keypoint_roi_pool, batch.features, boxes, batch.image_shapes)
    logits = heads.keypoint_predictor(heads.keypoint_head(pooled)).float()
    size = logits.shape[-1]
    cells, visible = [], []
    for target, box, index, k in zip(batch.targets, boxes, batch.matched, kept, strict=True):
        cell, seen = keypoints_to_heatmap(target["keypoints"][index[k]], box, size)
        cells.append(cell)
        visible.append(seen)
    loss = F.cross_entropy(logits.flatten(0, 1).flatten(1), torch.cat(cells).flatten(), reduction="none")
    seen = torch.cat(visible)
    return (loss.view_as(seen) * seen).sum(1) / seen.sum(1).clamp(min=1)


def foreground(batch: Batch) -> list[Tensor]:
    """For each image the indices of its foreground proposals. The host waits once for all images."""
    masks = [label > 0 for label in batch.labels]
    counts = torch.stack([mask.sum() for mask in masks]).tolist()
    return [
        mask.to(torch.uint8).argsort(descending=True, stable=True)[:count]
        for mask, count in zip(masks, counts, strict=True)
    ]


def spread(
    measure: Callable[[Any, Batch, list[Tensor]], Tensor], heads: Any, batch: Batch, kept: list[Tensor]
) -> Tensor:
    """[R], what ``measure`` gives for the foreground, 0 for the rest."""
    losses = batch.offsets[0].new_zeros(sum(len(label) for label in batch.labels), dtype=torch.float32)
    starts = accumulate([0, *(len(label) for label in batch.labels[:-1])])
    rows = torch.cat([k + start for k, start in zip(kept, starts, strict=True)])
    return losses.index_copy(0, rows, measure(heads, batch, kept).float())


def pool(pooler: Any, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
    """What ``pooler(features, boxes, image_shapes)`` gives, [R, C, P, P].

    torchvision's pooler over several feature maps asks the device once for each map which RoIs belong to it, and each
    time the host waits. Sorted by map, one question serves them all. Another pooler, or one that has not yet seen an
    image and so does not know its maps' scales, is called as it is.
    """
    maps = [value for name, value in features.items() if name in getattr(pooler, "featmap_names", ())]
    if type(pooler) is not MultiScaleRoIAlign or len(maps) < 2 or pooler.scales is None or pooler.map_levels is None:
        return pooler(features, boxes, image_shapes)
    levels = pooler.map_levels(boxes)
    order = levels.argsort(stable=True)
    image = torch.cat([torch.full_like(box[:, :1], k) for k, box in enumerate(boxes)])
    rois = torch.cat([image, torch.cat(boxes)], dim=1)[order]
    counts = torch.stack([(levels == k).sum() for k in range(len(maps))]).tolist()
    pooled = maps[0].new_empty(len(rois), maps[0].shape[1], *pooler.output_size)
    first = 0
    for value, scale, count in zip(maps, pooler.scales, counts, strict=True):
        part = slice(first, first + count)
        aligned = roi_align(value, rois[part], pooler.output_size, scale, pooler.sampling_ratio)
        pooled[order[part]] = aligned.to(pooled.dtype)
        first += count
    return pooled


@contextmanager
def unchanged(heads: nn.Module) -> Iterator[None]:
    """Within it a forward pass in training mode leaves no trace in ``heads``.

    Batch normalisation goes by the batch, as in training, but its running statistics stay as they are.
    """
    norms = [m for m in heads.modules() if m.training and getattr(m, "track_running_stats", False)]
    for norm in norms:
        norm.track_running_stats = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True  # type: ignore[assignment]
