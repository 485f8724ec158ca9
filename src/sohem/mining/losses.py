"""Losses of single RoIs, from which the miners choose. R RoIs; K classes, 0 is background."""

import torch
import torch.nn.functional as F
from torch import Tensor


def smooth_l1(difference: Tensor, sigma: float = 1.0) -> Tensor:
    """Smooth L1 loss, summed over the four coordinates (Fast R-CNN eq. 3, with Caffe's ``sigma``).

    One coordinate d costs 0.5 (sigma d)^2 where abs(d) < 1 / sigma^2, and abs(d) - 0.5 / sigma^2 elsewhere.

    Args:
        difference: [..., 4], predicted minus true box offsets.
        sigma: 1 for the head, 3 for the region proposal network. torchvision's ``beta`` is 1 / sigma^2.

    Returns:
        [...]
    """
    zero = torch.zeros_like(difference)
    return F.smooth_l1_loss(difference, zero, reduction="none", beta=1 / sigma**2).sum(-1)


def roi_losses(
    logits: Tensor, deltas: Tensor, labels: Tensor, targets: Tensor, sigma: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Classification and localisation loss of every RoI (paper 3.1.2; Fast R-CNN section 2.3).

    L_cls is -log p_u of the true class u. L_loc is the smooth L1 loss of the box offsets predicted for class
    u, and 0 for background, which has no box to find: hence beta of Formula (1) lifts foreground RoIs only.

    Args:
        logits: [R, K+1], class scores before the softmax.
        deltas: [R, K+1, 4], predicted offsets, a row for each class.
        labels: [R], int64: 0 background, 1 to K, -1 ignored (both losses are 0).
        targets: [R, 4], true offsets in the units of ``deltas``; rows of background RoIs may hold anything.
        sigma: see `smooth_l1`.

    Returns:
        L_cls [R] and L_loc [R], both with gradient where the inputs have it.
    """
    l_cls = F.cross_entropy(logits, labels, ignore_index=-1, reduction="none")
    rows = torch.arange(len(labels), device=labels.device)
    difference = deltas[rows, labels.clamp(min=0)] - targets
    # Masked before the loss and not after it, so that a NaN in an unused target does not reach the gradient.
    difference = difference.masked_fill((labels <= 0)[:, None], 0)
    return l_cls, smooth_l1(difference, sigma)
