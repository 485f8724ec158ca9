"""`select`: hard example mining on plain tensors, for a detector of any make."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sohem.errors import MiningError
from sohem.mining.checks import check_choice, check_rois
from sohem.mining.select import combined, hardest, nan_is_hardest


@torch.no_grad()
def select(
    losses: Mapping[str, Tensor],
    boxes: Tensor,
    labels: Tensor,
    batch_size: int,
    coefficients: Mapping[str, float | Tensor] | None = None,
    nms_iou: float | None = 0.7,
    per_label: bool = True,
) -> Tensor:
    """The hard RoIs of one image: NMS on L_select, then the ``batch_size`` with the highest (paper 3.3).

    L_select is the sum of coefficient times loss; with every coefficient 1 this is OHEM, with coefficients that change
    in training it is S-OHEM by Formula (1). The losses are only looked at: call it with those of a forward pass over
    all RoIs without a graph, then run the chosen ones again and backpropagate their plain losses.

    Args:
        losses: by name, each [R] (R RoIs of the image), on the CPU or a GPU, of any floating-point type. A RoI one of
            whose losses is NaN counts as the hardest, so that a broken loss shows in training instead of being
            passed over.
        boxes: [R, 4], xyxy, pixels.
        labels: [R], integer: 0 background, above 0 foreground, -1 ignored and never chosen.
        batch_size: how many RoIs to choose.
        coefficients: a number from 0 up (or a tensor [] on the same device) for each loss; None is 1 for each.
        nms_iou: a RoI is dropped beside a harder one that it overlaps by more; None for no NMS.
        per_label: only RoIs of the same label drop each other, as in the release of OHEM.

    Returns:
        [<= batch_size] distinct indices (int64, on the device of the losses), hardest first; fewer only if fewer
        RoIs are left after NMS. On a tie the lower index comes first.

    Raises:
        MiningError: shapes or names do not fit, or a number is out of its range.
    """
    check_rois(losses, boxes, labels)
    check_choice(batch_size, nms_iou)
    if coefficients is None:
        coefficients = dict.fromkeys(losses, 1.0)
    if set(coefficients) != set(losses):
        raise MiningError(f"coefficients are for {_names(coefficients)}, but losses are {_names(losses)}")
    loss = nan_is_hardest(combined(losses, coefficients))
    return hardest(loss, boxes, labels, batch_size, nms_iou, per_label)


def _names(mapping: Mapping[str, object]) -> str:
    return ", ".join(sorted(mapping)) or "none"
