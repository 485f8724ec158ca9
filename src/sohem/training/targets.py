"""What each RoI should be: its label and its regression target (Fast R-CNN, with the thresholds of OHEM's release)."""

import torch
from torch import Tensor
from torchvision.ops import box_iou

from sohem.boxes import covered_share, encode

# The usual spread of R-CNN offsets, for detectors whose proposals are not known beforehand (py-faster-rcnn).
FIXED_STD = (0.1, 0.1, 0.2, 0.2)


def label_rois(
    rois: Tensor, boxes: Tensor, labels: Tensor, ignored: Tensor, foreground_iou: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Labels [R], raw regression targets [R, 4] and the highest IoU with an object [R] of RoIs.

    A RoI takes the label of the object that it overlaps most if their IoU is at least ``foreground_iou``, otherwise it
    is background (0), without a lower bound (OHEM: BG_THRESH_LO = 0; random sampling has one of its own). Background
    RoIs that lie mostly in an ignored region get -1: never mined, never counted.

    Args:
        rois: [R, 4]. boxes, labels: the objects, [G, 4] and [G]. ignored: [I, 4].
    """
    result = torch.zeros(len(rois), dtype=torch.long, device=rois.device)
    offsets, best = rois.new_zeros(len(rois), 4), rois.new_zeros(len(rois))
    if len(boxes):
        best, matched = box_iou(rois, boxes).max(dim=1)
        foreground = best >= foreground_iou
        result = torch.where(foreground, labels[matched], result)
        offsets = torch.where(foreground[:, None], encode(rois, boxes[matched]), offsets)
    if len(ignored):
        result = result.masked_fill((result == 0) & (covered_share(rois, ignored) > 0.5), -1)
    return result, offsets, best


def target_statistics(labels: Tensor, offsets: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation [K + 1, 4] of the raw targets [R, 4] of each class (per-class, as in OHEM's roidb).

    Classes with fewer than two RoIs get mean 0 and ``FIXED_STD``, and so does background.
    """
    mean = torch.zeros(classes + 1, 4)
    std = torch.tensor(FIXED_STD).repeat(classes + 1, 1)
    for k in range(1, classes + 1):
        own = offsets[labels == k].double()
        if len(own) >= 2:
            mean[k] = own.mean(dim=0).float()
            std[k] = own.std(dim=0, correction=0).clamp(min=1e-3).float()
    return mean, std
