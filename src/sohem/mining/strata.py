"""S-OHEM by strata (paper 3.2 and 3.3): quotas that move from one union of strata to another.

s_1: high L_cls, high L_loc.  s_2: high, low.  s_3: low, high.  s_4: low, low.

With most RoIs background the median of L_loc is 0, and every foreground RoI with any loss has a high L_loc.
NMS on the loss removes most of s_3, since its RoIs lie beside harder ones of the same object: unions run
short of RoIs, and `select_by_strata` says what takes their place.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from sohem.mining.schedule import ramp
from sohem.mining.select import UNAVAILABLE, deduplicated, rank, take

LATER = {"localisation": (1, 3), "literal": (2, 3)}
"""The strata of the later distribution. The paper prints "the union of s_2 and s_3" for "RoIs with high
L_loc", but its s_2 has a LOW L_loc: s_1 and s_3 are those that the sentence describes."""


def stratum(l_cls: Tensor, l_loc: Tensor, quantile: float = 0.5, valid: Tensor | None = None) -> Tensor:
    """[R], int64: the stratum 1 to 4 of each RoI of one image (paper 3.2).

    A loss is high if it lies strictly above the ``quantile`` of that loss over the image's RoIs (interpolated
    linearly between two of them), so that a loss of 0 is never high.

    Args:
        l_cls, l_loc: [R]
        quantile: 0 to 1; the paper leaves the threshold open.
        valid: [R], bool: the RoIs over which the thresholds are measured; all if None.
    """
    # In double precision, because torch has no quantiles of half precision.
    high_cls, high_loc = (x > _threshold(x, quantile, valid) for x in (l_cls.double(), l_loc.double()))
    return 4 - 2 * high_cls.long() - high_loc.long()


def _threshold(loss: Tensor, quantile: float, valid: Tensor | None) -> Tensor:
    if len(loss) == 0:
        return loss.new_zeros(())
    if valid is not None:
        loss = loss.masked_fill(~valid, torch.nan)
    return loss.nanquantile(quantile)


def quotas(iteration: int, total: int, batch_size: int, schedule: Mapping[str, float]) -> tuple[int, int]:
    """How many of the B RoIs are to come from s_12 and from the later distribution (paper 3.3).

    All from s_12 up to the share ``start`` of the iterations; then the later distribution's part grows in a
    straight line to ``share`` of B at ``end``, and stays.

    Args:
        iteration: from 1 to ``total``.
        schedule: ``methods.strata.schedule`` of params.yaml.

    Returns:
        (from s_12, from the later distribution), together B.
    """
    progress = ramp(iteration, schedule["start"] * total, schedule["end"] * total)
    later = round(schedule["share"] * progress * batch_size)
    return batch_size - later, later


def select_by_strata(
    l_cls: Tensor,
    l_loc: Tensor,
    boxes: Tensor,
    labels: Tensor,
    counts: tuple[int, int],
    s23: str = "localisation",
    quantile: float = 0.5,
    fill: str = "cls",
    nms_iou: float | None = 0.7,
    per_label: bool = True,
) -> Tensor:
    """Stratified choice of B RoIs of one image (paper 3.3).

    1. Strata by thresholds over all RoIs that are not ignored.
    2. NMS on L_cls + L_loc, as OHEM does it, since neither loss alone belongs to the whole choice.
    3. From s_12 its quota, highest L_cls first.
    4. From the later distribution its quota, highest L_loc first, of RoIs not chosen in step 3.
    5. If that gives less than B, the rest from what NMS left, of any stratum, highest ``fill`` loss first.

    Args:
        l_cls, l_loc: [R]
        boxes: [R, 4], xyxy.
        labels: [R], integer; -1 is ignored and never chosen.
        counts: of step 3 and step 4, from `quotas`; their sum is B.
        s23: localisation (s_1 and s_3) | literal (s_2 and s_3, as printed).
        quantile: see `stratum`.
        fill: cls (L_cls) | sum (L_cls + L_loc).
        nms_iou, per_label: see `hardest`.

    Returns:
        [min(B, RoIs left after NMS)] distinct indices in the order of the steps.
    """
    total = l_cls + l_loc
    kept = deduplicated(total, boxes, labels, nms_iou, per_label)
    of = stratum(l_cls, l_loc, quantile, labels >= 0)
    early = kept & (of <= 2)
    early &= rank(l_cls, early) < counts[0]
    first, second = LATER[s23]
    later = kept & ~early & ((of == first) | (of == second))
    later &= rank(l_loc, later) < counts[1]

    rest = {"cls": l_cls, "sum": total}[fill]
    score = torch.where(early, l_cls, torch.where(later, l_loc, rest))
    tier = torch.where(early, 0, torch.where(later, 1, 2)).masked_fill(~kept, UNAVAILABLE)
    return take(score, tier, sum(counts))
