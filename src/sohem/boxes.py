"""Boxes: xyxy, absolute pixels, half-open (width = x2 - x1). Overlaps, clipping and NMS are torchvision's."""

import math

import torch
from torch import Tensor

# A predicted log-scale change is cut here, so that a wild prediction cannot overflow (Caffe has no such bound).
_MAX_LOG_SCALE = math.log(1000.0 / 16)


def encode(boxes: Tensor, targets: Tensor) -> Tensor:
    """Offsets that turn each box into its target (R-CNN's parametrisation; Girshick et al. 2014, appendix C).

    Args:
        boxes: [R, 4], the proposals or anchors.
        targets: [R, 4], the ground-truth boxes.

    Returns:
        [R, 4]: shift of the centre in widths and heights, logarithm of the change in width and height.
    """
    size, target_size = boxes[:, 2:] - boxes[:, :2], targets[:, 2:] - targets[:, :2]
    centre, target_centre = boxes[:, :2] + size / 2, targets[:, :2] + target_size / 2
    return torch.cat([(target_centre - centre) / size, torch.log(target_size / size)], dim=1)


def decode(boxes: Tensor, deltas: Tensor) -> Tensor:
    """The inverse of ``encode``: boxes [..., 4] moved by offsets [..., 4]."""
    size = boxes[..., 2:] - boxes[..., :2]
    centre = boxes[..., :2] + size / 2 + deltas[..., :2] * size
    half = size * torch.exp(deltas[..., 2:].clamp(max=_MAX_LOG_SCALE)) / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def flip(boxes: Tensor, width: float) -> Tensor:
    """Mirror boxes [R, 4] in an image of ``width`` pixels."""
    return torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)


def covered_share(boxes: Tensor, regions: Tensor) -> Tensor:
    """The largest share of each box [R, 4] that lies inside one of the regions [G, 4]; 0 without regions."""
    if len(regions) == 0:
        return boxes.new_zeros(len(boxes))
    corner = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    inside = (corner - torch.maximum(boxes[:, None, :2], regions[None, :, :2])).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    return inside.max(dim=1).values / area.clamp(min=1e-9)
