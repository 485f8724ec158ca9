"""From a method of params.yaml to a choice of RoIs, and what the log records about the choice."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sohem.mining.select import hardest, random_sample, selection_loss
from sohem.mining.strata import quotas, select_by_strata, stratum


@torch.no_grad()
def choose(
    method: Mapping[str, Any],
    l_cls: Tensor,
    l_loc: Tensor,
    boxes: Tensor,
    labels: Tensor,
    batch_size: int,
    iteration: int,
    total: int,
    alpha: float,
    beta: float,
    generator: torch.Generator,
) -> Tensor:
    """Choose B of the R RoIs of one image by the miner of a method.

    Args:
        method: an entry of ``methods`` in params.yaml. ``miner``: ohem (L_cls + L_loc), sohem (Formula (1)),
            strata (paper 3.2) or random (Fast R-CNN).
        l_cls, l_loc: [R], from `roi_losses`.
        boxes: [R, 4], xyxy.
        labels: [R], integer: 0 background, above 0 foreground, -1 ignored and never chosen.
        batch_size: B of this image.
        iteration: from 1 to ``total``; for strata.
        alpha, beta: from `coefficients`; for sohem.
        generator: for random.

    Returns:
        [<= B] distinct indices, int64; fewer than B only if fewer RoIs are left after NMS.

    Raises:
        ValueError: the miner is unknown.
    """
    miner = method["miner"]
    if miner == "random":
        return random_sample(labels, batch_size, method["foreground"], generator)
    iou, per_label = method["nms"]["iou"], method["nms"]["per_label"]
    if miner == "ohem":
        return hardest(l_cls + l_loc, boxes, labels, batch_size, iou, per_label)
    if miner == "sohem":
        loss = selection_loss(l_cls, l_loc, alpha, beta)
        return hardest(loss, boxes, labels, batch_size, iou, per_label)
    if miner == "strata":
        counts = quotas(iteration, total, batch_size, method["schedule"])
        s23, quantile, fill = method["s23"], method["quantile"], method["fill"]
        return select_by_strata(l_cls, l_loc, boxes, labels, counts, s23, quantile, fill, iou, per_label)
    raise ValueError(f"unknown miner {miner!r}; expected ohem, sohem, strata or random")


@torch.no_grad()
def composition(indices: Tensor, l_cls: Tensor, l_loc: Tensor, labels: Tensor, quantile: float = 0.5) -> Tensor:
    """[5], the shares of foreground and of s_1, s_2, s_3, s_4 (paper 3.2) among the chosen RoIs.

    The strata's thresholds are measured over all RoIs of the image that are not ignored. All shares are 0 if
    nothing was chosen. The result stays on the device.
    """
    strata = stratum(l_cls, l_loc, quantile, labels >= 0)[indices]
    numbers = torch.arange(1, 5, device=strata.device)
    marks = torch.cat([(labels[indices] > 0)[:, None], strata[:, None] == numbers], dim=1)
    return marks.float().sum(0) / max(1, len(indices))
