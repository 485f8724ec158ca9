"""S-OHEM by strata (paper 3.2 and 3.3): quotas that move from one union of strata to another.

s_1: high L_cls, high L_loc.  s_2: high, low.  s_3: low, high.  s_4: low, low.
With n losses there are 2^n strata in the same order: the first loss is high in the first half, and so on.

With most RoIs background the median of L_loc is 0, and every foreground RoI with any loss has a high L_loc.
NMS on the loss removes most of s_3, since its RoIs lie beside harder ones of the same object: unions run
short of RoIs, and `select_by_strata` says what takes their place.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add, or_

import torch
from torch import Tensor

from sohem.mining.schedule import ramp
from sohem.mining.select import UNAVAILABLE, deduplicated, rank, take, widest

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
    return strata((l_cls, l_loc), quantile, valid)


def strata(
    losses: Sequence[Tensor],
    quantile: float = 0.5,
    valid: Tensor | None = None,
    thresholds: Sequence[float | Tensor] | None = None,
) -> Tensor:
    """[R], int64: the stratum 1 to 2^n of each RoI by n losses, each [R]; see `stratum`.

    Stratum 1 has every loss high, 2 all but the last, and 2^n none.

    Args:
        thresholds: of each loss, above it is high; in place of the image's ``quantile``.
    """
    # In double precision, because torch has no quantiles of half precision.
    values = [widest(loss) for loss in losses]
    if thresholds is None:
        thresholds = [_threshold(x, quantile, valid) for x in values]
    high = [x > threshold for x, threshold in zip(values, thresholds, strict=True)]
    places = range(len(high) - 1, -1, -1)
    return 2 ** len(high) - sum(2**place * x.long() for place, x in zip(places, high, strict=True))


def high_strata(losses: int) -> list[tuple[int, ...]]:
    """For each of ``losses`` losses the strata in which it is high; of two losses (1, 2) and (1, 3)."""
    numbers = range(2**losses)
    return [tuple(k + 1 for k in numbers if not k >> place & 1) for place in range(losses - 1, -1, -1)]


def _threshold(loss: Tensor, quantile: float, valid: Tensor | None) -> Tensor:
    if len(loss) == 0:
        return loss.new_zeros(())
    if valid is not None:
        loss = loss.masked_fill(~valid, torch.nan)
    return loss.nanquantile(quantile)


def quotas(
    iteration: int, total: int, batch_size: int, schedule: Mapping[str, float], losses: int = 2
) -> tuple[int, ...]:
    """How many of the B RoIs are to come from s_12 and from the later distribution (paper 3.3).

    All from s_12 up to the share ``start`` of the iterations; then the later distribution's part grows in a
    straight line to ``share`` of B at ``end``, and stays. With more than two losses the first has s_12's part and
    the others share the later part evenly; what cannot be divided goes to the earlier of them.

    Args:
        iteration: from 1 to ``total``.
        schedule: ``methods.strata.schedule`` of params.yaml.

    Returns:
        (from s_12, from the later distribution), together B; with n losses n numbers.
    """
    progress = ramp(iteration, schedule["start"] * total, schedule["end"] * total)
    later = round(schedule["share"] * progress * batch_size)
    each, over = divmod(later, losses - 1)
    return batch_size - later, *(each + (k < over) for k in range(losses - 1))


def select_by_strata(
    l_cls: Tensor,
    l_loc: Tensor,
    boxes: Tensor,
    labels: Tensor,
    counts: Sequence[int],
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
    rest = {"cls": l_cls, "sum": l_cls + l_loc}[fill]
    unions = ((1, 2), LATER[s23])
    return select_by_unions((l_cls, l_loc), boxes, labels, unions, counts, rest, quantile, nms_iou, per_label)


def select_by_unions(
    losses: Sequence[Tensor],
    boxes: Tensor,
    labels: Tensor,
    unions: Sequence[Sequence[int]],
    counts: Sequence[int],
    rest: Tensor,
    quantile: float = 0.5,
    nms_iou: float | None = 0.7,
    per_label: bool = True,
    thresholds: Sequence[float | Tensor] | None = None,
) -> Tensor:
    """The choice of `select_by_strata` for n losses: NMS on their sum, then the quota of each loss in turn.

    Args:
        losses: n, each [R].
        unions: for each loss the strata from which its quota comes, highest of that loss first; see `high_strata`.
        counts: for each loss its quota; their sum is B.
        rest: [R], by which RoIs are taken, highest first, if a union is short.
        thresholds: see `strata`.

    Returns:
        [min(B, RoIs left after NMS)] distinct indices, those of the first loss first.
    """
    kept = deduplicated(reduce(add, losses), boxes, labels, nms_iou, per_label)
    of = strata(losses, quantile, labels >= 0, thresholds)
    score, tier = rest, torch.full_like(of, len(losses))
    free = kept
    for place, (loss, union, count) in enumerate(zip(losses, unions, counts, strict=True)):
        chosen = free & reduce(or_, (of == number for number in union))
        chosen &= rank(loss, chosen) < count
        score, tier = torch.where(chosen, loss, score), tier.masked_fill(chosen, place)
        free = free & ~chosen
    return take(score, tier.masked_fill(~kept, UNAVAILABLE), sum(counts))


@torch.no_grad()
def composition(indices: Tensor, of: Tensor, labels: Tensor) -> Tensor:
    """[5], the shares of foreground and of s_1, s_2, s_3, s_4 (paper 3.2) among the chosen RoIs of an image.

    All shares are 0 if nothing was chosen. The result stays on the device.

    Args:
        indices: [B], of the chosen RoIs.
        of: [R], the stratum of each RoI. labels: [R].
    """
    numbers = torch.arange(1, 5, device=of.device)
    marks = torch.cat([(labels[indices] > 0)[:, None], of[indices][:, None] == numbers], dim=1)
    return marks.float().sum(0) / max(1, len(indices))
