"""One image of a training iteration: propose, read-only pass, mine, and the loss to backpropagate (paper, Figure 1)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sohem.detectors.detector import Detector
from sohem.mining.losses import roi_losses
from sohem.mining.miners import choose, composition
from sohem.params import Params
from sohem.randomness import stream
from sohem.training.samples import Sample
from sohem.training.targets import label_rois


@dataclass
class Mining:
    """How the B RoIs of an image are chosen at this iteration."""

    method: Params  # methods.<name> of the parameters
    batch_size: int  # B / N
    iteration: int  # from 1
    total: int  # iterations of the whole run
    alpha: float
    beta: float


# Sums over RoIs that one image adds to the log; loop.py turns them into the log's means and shares.
SUMS = ["n_all", "fg_all", "cls_all", "loc_all", "n_selected", "cls_selected", "loc_selected",
        "fg_selected", "s1", "s2", "s3", "s4", "rpn_objectness", "rpn_box"]  # fmt: skip


def image_loss(
    detector: Detector, sample: Sample, mining: Mining, settings: dict[str, Any], seed: int, slot: int
) -> tuple[Tensor, Tensor]:
    """The loss of one image, with its graph, and the sums [len(SUMS)] for the log.

    Both head losses are averaged over the image's selected RoIs, as Caffe's loss layers do.

    Args:
        settings: ``scales.<scale>`` of the parameters.
        slot: which of the N images this is; it and the iteration choose the random streams.
    """
    iteration = mining.iteration
    device = sample.image.device
    features = detector.features(sample.image)
    rois, loss, rpn_losses = propose(detector, features, sample, settings, seed, iteration, slot)
    labels, offsets = label_rois(rois, sample.boxes, sample.labels, sample.ignored, settings["train"]["foreground_iou"])
    counted = labels >= 0
    rois, labels, offsets = rois[counted], labels[counted], offsets[counted]
    head = detector.head
    targets = (offsets - head.box_mean[labels]) / head.box_std[labels]

    # The read-only network: all R RoIs, no graph, a dropout mask of its own.
    with torch.no_grad():
        pooled = detector.pool(features.detach(), rois)
        logits, deltas = head(pooled, stream(seed, "read-only dropout", iteration, slot, device=device))
        l_cls, l_loc = roi_losses(logits, deltas, labels, targets)
        selected = choose(
            mining.method,
            l_cls,
            l_loc,
            rois,
            labels,
            mining.batch_size,
            mining.iteration,
            mining.total,
            mining.alpha,
            mining.beta,
            stream(seed, "random sampling", iteration, slot, device=device),
        )
        shares = composition(selected, l_cls, l_loc, labels, mining.method.get("quantile", 0.5))

    # The standard network: the selected RoIs are pooled again, with gradient.
    pooled = detector.pool(features, rois[selected])
    logits, deltas = head(pooled, stream(seed, "dropout", iteration, slot, device=device))
    cls, loc = roi_losses(logits, deltas, labels[selected], targets[selected])
    count = max(len(selected), 1)
    loss = loss + (cls.sum() + loc.sum()) / count
    sums = torch.stack(
        [
            torch.tensor(float(len(rois)), device=device),
            (labels > 0).sum(),
            l_cls.sum(),
            l_loc.sum(),
            torch.tensor(float(len(selected)), device=device),
            cls.detach().sum(),
            loc.detach().sum(),
            *(shares * len(selected)),
            *rpn_losses,
        ]
    )
    return loss, sums


def propose(
    detector: Detector,
    features: Tensor,
    sample: Sample,
    settings: dict[str, Any],
    seed: int,
    iteration: int,
    slot: int,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """RoIs [R, 4] (proposals and the ground-truth boxes), the RPN's loss (0 without one), and its two parts."""
    if detector.rpn is None:
        assert sample.proposals is not None
        nothing = features.new_tensor(torch.nan)
        return torch.cat([sample.proposals, sample.boxes]), features.new_zeros(()), [nothing, nothing]
    rpn = detector.rpn
    size = (sample.image.shape[1], sample.image.shape[2])
    logits, deltas, anchors = rpn(features, detector.backbone.stride)
    generator = stream(seed, "anchors", iteration, slot, device=features.device)
    objectness, box = rpn.losses(logits, deltas, anchors, size, sample.boxes, sample.ignored, generator)
    kept = rpn.proposals(logits.detach(), deltas.detach(), anchors, size, sample.scale, rpn.settings["train"])
    return torch.cat([kept, sample.boxes]), objectness + box, [objectness.detach(), box.detach()]
