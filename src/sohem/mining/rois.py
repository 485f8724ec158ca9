"""All RoIs of an image, and those of several images as one, for miners that choose ``together``."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sohem.mining.select import widest


class Rois(NamedTuple):
    """All R RoIs of an image: losses by name, each [R]; boxes [R, 4], xyxy; labels [R], integer; overlaps [R].

    Labels are 0 for background, above 0 for foreground, and -1 for ignored, which are never chosen. Overlaps are the
    highest IoU with an object; None where the miner need not know (`Miner.visible`).
    """

    losses: Mapping[str, Tensor]
    boxes: Tensor
    labels: Tensor
    overlaps: Tensor | None = None


def side_by_side(images: Sequence[Rois]) -> Rois:
    """The RoIs of N images as of one, each image's boxes moved to the right of those before, so that none overlap.

    In float64, in which a moved box keeps its size (on Apple's MPS in float32: to a thousandth of a pixel).
    """
    boxes = widest(torch.cat([image.boxes for image in images]))
    number = torch.cat([torch.full_like(image.labels, n) for n, image in enumerate(images)])
    if len(boxes):
        shift = number * (boxes.max() - boxes.min() + 1)
        boxes = boxes + torch.stack([shift, torch.zeros_like(shift)] * 2, dim=1)
    losses = {name: torch.cat([image.losses[name] for image in images]) for name in images[0].losses}
    return Rois(losses, boxes, torch.cat([image.labels for image in images]))


def apart(chosen: Tensor, images: Sequence[Rois]) -> list[Tensor]:
    """For each image its own of the indices [B] that were chosen `side_by_side`, in the same order."""
    first, own = 0, []
    for image in images:
        count = len(image.labels)
        own.append(chosen[(chosen >= first) & (chosen < first + count)] - first)
        first += count
    return own
