"""Choosing B of the R RoIs of one image.

Every function takes tensors of one image, on any device, and returns the indices of the chosen RoIs. The work
is done on masks of fixed size. On a GPU the host waits at two places only, because their results have a
length that depends on the data: torchvision's NMS, and the last line of `take`.
"""

from collections.abc import Mapping
from functools import reduce
from operator import add

import torch
from torch import Tensor
from torchvision.ops import nms

UNAVAILABLE = 127  # the tier of RoIs that must not be chosen


def selection_loss(l_cls: Tensor, l_loc: Tensor, alpha: float, beta: float) -> Tensor:
    """Formula (1): L_select = alpha L_cls + beta L_loc, [R]. Only for choosing; never backpropagated.

    OHEM is alpha = beta = 1.
    """
    return combined({"cls": l_cls, "loc": l_loc}, {"cls": alpha, "loc": beta})


def combined(losses: Mapping[str, Tensor], coefficients: Mapping[str, float | Tensor]) -> Tensor:
    """Formula (1) for any number of losses (the paper's conclusion): the sum of coefficient times loss, [R].

    Args:
        losses: at least one, each [R].
        coefficients: one for each loss, by its name; numbers, or tensors [] on the device of the losses.
    """
    return reduce(add, (coefficients[name] * loss for name, loss in losses.items()))


def nan_is_hardest(loss: Tensor) -> Tensor:
    """NaN becomes inf, so that a broken loss shows in training instead of being passed over; everything else stays."""
    return loss.nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)


def widest(values: Tensor) -> Tensor:
    """``values`` in float64, or in float32 where the device has no float64: on Apple's MPS."""
    return values.float() if values.device.type == "mps" else values.double()


def take(score: Tensor, tier: Tensor, count: int) -> Tensor:
    """The first ``count`` RoIs in order of tier (lowest first), then score (highest first), then index.

    Args:
        score: [R]
        tier: [R], integer; RoIs of tier `UNAVAILABLE` are never taken.

    Returns:
        [min(count, available RoIs)] indices, int64, in that order.
    """
    order = score.argsort(descending=True, stable=True)
    order = order[tier[order].argsort(stable=True)][:count]
    return order[tier[order] < UNAVAILABLE]


def rank(score: Tensor, member: Tensor) -> Tensor:
    """[R], the position of each RoI in descending order of score, counted from 0.

    RoIs for which ``member`` [R] is True come before all others. On a tie the lower index comes first.
    """
    order = score.argsort(descending=True, stable=True)
    order = order[(~member)[order].to(torch.uint8).argsort(stable=True)]
    return torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))


def highest(score: Tensor, member: Tensor, count: int) -> Tensor:
    """[R], True for the ``count`` members with the highest score [R] (of the same score, any), or all of them.

    Without sorting all R: an RPN has thousands of anchors and draws a hundred.
    """
    order = score.masked_fill(~member, -torch.inf).topk(min(count, len(score))).indices
    return member & torch.zeros_like(member).index_fill_(0, order, True)


def deduplicated(loss: Tensor, boxes: Tensor, labels: Tensor, iou: float | None, per_label: bool) -> Tensor:
    """Greedy NMS on the loss (paper 3.3): [R], True for the RoIs that may be chosen.

    A RoI is dropped if one with a higher loss (or the same loss and a lower index) stays that overlaps it by
    more than ``iou``. Ignored RoIs (label -1) are never kept and drop no other.

    Args:
        loss: [R], what the miner chooses by.
        boxes: [R, 4], xyxy.
        labels: [R], integer.
        iou: the threshold, or None for no NMS.
        per_label: only RoIs of the same label drop each other, as in the release of OHEM.
    """
    allowed = labels >= 0
    if iou is None or len(loss) == 0:
        return allowed
    if boxes.device.type == "mps":  # has no float64, and torchvision's NMS waits for the CPU there in any case
        return deduplicated(loss.cpu(), boxes.cpu(), labels.cpu(), iou, per_label).to(loss.device)
    # torchvision.ops.batched_nms moves the boxes of different labels apart too, but in float32, where large
    # images lose digits, and not far enough if coordinates are negative. nms breaks ties by index.
    boxes = boxes.double()
    if per_label:
        boxes = boxes + (labels * (boxes.max() - boxes.min() + 1))[:, None]
    # -inf puts ignored RoIs last, where they can drop only each other.
    kept = nms(boxes, loss.double().masked_fill(~allowed, -torch.inf), iou)
    return allowed & torch.zeros_like(allowed).index_fill_(0, kept, True)


def hardest(
    loss: Tensor,
    boxes: Tensor,
    labels: Tensor,
    batch_size: int,
    nms_iou: float | None = 0.7,
    per_label: bool = True,
    nms_loss: Tensor | None = None,
) -> Tensor:
    """NMS on the loss, then the B RoIs with the highest (paper 3.3; OHEM section 4.2).

    With `selection_loss` as ``loss`` this is S-OHEM by Formula (1), and with L_cls + L_loc it is OHEM.
    Where the loss is equal (background RoIs at alpha = 0 all have 0) the lower index comes first.

    Args:
        loss: [R]
        boxes: [R, 4], xyxy.
        labels: [R], integer: 0 background, above 0 foreground, -1 ignored and never chosen.
        batch_size: B, the number wanted of this image.
        nms_iou: None for no NMS.
        per_label: see `deduplicated`.
        nms_loss: [R], what NMS goes by where that is another loss than ``loss``.

    Returns:
        [<= B] distinct indices in descending order of loss; fewer than B only if fewer are left after NMS.
    """
    kept = deduplicated(loss if nms_loss is None else nms_loss, boxes, labels, nms_iou, per_label)
    return take(loss, torch.where(kept, 0, UNAVAILABLE), batch_size)


def random_sample(
    labels: Tensor, batch_size: int, foreground: float, generator: torch.Generator | None = None
) -> Tensor:
    """Fast R-CNN's sampling (its section 2.3), a share of foreground, the rest background: no mining.

    Both are drawn without replacement. If one side has too few RoIs the other fills its place, so that B RoIs
    are drawn whenever the image has them. (The original leaves the batch short if background is missing; a
    batch of fixed size keeps the methods comparable.)

    Args:
        labels: [R], integer: 0 background, above 0 foreground, -1 ignored and never drawn.
        batch_size: B
        foreground: share of B, rounded to a whole number of RoIs.
        generator: may live on another device than ``labels``; None is torch's global one of that device.

    Returns:
        [<= B] distinct indices.
    """
    device = labels.device if generator is None else generator.device
    noise = torch.rand(len(labels), generator=generator, device=device).to(labels.device)
    quota = round(foreground * batch_size)
    is_foreground, is_background = labels > 0, labels == 0
    within = highest(noise, is_foreground, quota) | highest(noise, is_background, batch_size - quota)
    # If these are fewer than B, one side is used up, and what follows them is of the other side only.
    order = (noise + within).masked_fill(labels < 0, -1.0).topk(min(batch_size, len(noise))).indices
    return order[labels[order] >= 0]
