"""One training iteration up to its loss: propose, read-only pass, mine, standard pass (paper, Figure 1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sohem.detectors.detector import Detector
from sohem.mining.losses import roi_losses
from sohem.mining.miners import choose, composition
from sohem.params import Params
from sohem.randomness import stream
from sohem.settings import Train
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


@dataclass
class Mined:
    """What mining leaves of one image for the standard network: B RoIs and what they should be."""

    features: Tensor  # [1, C, H', W'] with their graph
    rois: Tensor  # [B, 4]
    labels: Tensor  # [B]
    targets: Tensor  # [B, 4], normalised
    loss: Tensor  # the RPN's; 0 without one
    sums: list[Tensor]  # of SUMS, those over all RoIs
    shares: Tensor  # [5], from `composition`
    rpn_losses: list[Tensor]  # objectness and box, detached; NaN without an RPN


def batch_loss(
    detector: Detector, samples: list[Sample], mining: Mining, settings: Train, seed: int
) -> tuple[Tensor, Tensor]:
    """The loss of an iteration's N images, with its graph, and the sums [len(SUMS)] for the log.

    Both head losses are averaged over their image's selected RoIs, as Caffe's loss layers do, then over the images.

    Args:
        samples: on the detector's device.
        settings: of the training; foreground_iou is used.
        seed: of the run; with the iteration and an image's place among the N it chooses the random streams.
    """
    mined = [mine(detector, sample, mining, settings, seed, slot) for slot, sample in enumerate(samples)]
    generator = stream(seed, "dropout", mining.iteration, device=mined[0].rois.device)
    cls, loc = standard(detector, mined, generator)
    counts = [len(image.rois) for image in mined]
    total, rows = cls.new_zeros(()), []
    for image, l_cls, l_loc in zip(mined, cls.split(counts), loc.split(counts), strict=True):
        count = len(image.rois)
        total = total + image.loss + (l_cls.sum() + l_loc.sum()) / max(count, 1)
        selected = [l_cls.new_full((), count), l_cls.detach().sum(), l_loc.detach().sum()]
        rows.append(torch.stack([*image.sums, *selected, *(image.shares * count), *image.rpn_losses]))
    return total / len(samples), torch.stack(rows).double().sum(0)


def mine(detector: Detector, sample: Sample, mining: Mining, settings: Train, seed: int, slot: int) -> Mined:
    """Features and RoIs of one image, the read-only pass over all of them, and the B that are chosen."""
    features = detector.features(sample.pixels())
    rois, loss, rpn_losses = propose(detector, features, sample, seed, mining.iteration, slot)
    seen = look(detector, features, rois, sample, mining, settings, seed, slot)
    labels, l_cls, l_loc, selected = seen.labels, seen.l_cls, seen.l_loc, seen.selected
    shares = composition(selected, l_cls, l_loc, labels, quantile(mining.method))
    sums = [(labels >= 0).sum(), (labels > 0).sum(), l_cls.sum(), l_loc.sum()]
    return Mined(features, rois[selected], labels[selected], seen.targets[selected], loss, sums, shares, rpn_losses)


def quantile(method: Params) -> float:
    """Above which quantile a loss counts as high; the median where a method does not sample by strata."""
    return method.get("quantile", 0.5)


@dataclass
class Seen:
    """What the read-only pass says of all R RoIs of an image."""

    labels: Tensor  # [R]
    targets: Tensor  # [R, 4], normalised
    l_cls: Tensor  # [R]
    l_loc: Tensor  # [R]
    selected: Tensor  # [B] indices


def look(
    detector: Detector,
    features: Tensor,
    rois: Tensor,
    sample: Sample,
    mining: Mining,
    settings: Train,
    seed: int,
    slot: int,
) -> Seen:
    """Label the RoIs [R, 4] of an image, take their losses by the read-only pass, and choose B of them."""
    iteration, device = mining.iteration, rois.device
    labels, offsets = label_rois(rois, sample.boxes, sample.labels, sample.ignored, settings.foreground_iou)
    # A label of -1 (ignored) reads the last class's statistics; both losses of such a RoI are 0 all the same.
    targets = (offsets - detector.head.box_mean[labels]) / detector.head.box_std[labels]
    generator = stream(seed, "read-only dropout", iteration, slot, device=device)
    l_cls, l_loc = read_only(detector, features, rois, labels, targets, generator)
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
    return Seen(labels, targets, l_cls, l_loc, selected)


@torch.no_grad()
def read_only(
    detector: Detector,
    features: Tensor,
    rois: Tensor,
    labels: Tensor,
    targets: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """L_cls and L_loc [R] of all RoIs of an image: no graph, a dropout mask of its own (the read-only network)."""
    logits, deltas = detector.classify(features.detach(), rois, generator)
    return roi_losses(logits, deltas, labels, targets)


def standard(detector: Detector, mined: list[Mined], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """L_cls and L_loc [N x B] of the selected RoIs of all images, pooled again, with gradient."""
    pooled = torch.cat([detector.pool(image.features, image.rois) for image in mined])
    logits, deltas = detector.scores(pooled, generator)
    return roi_losses(
        logits, deltas, torch.cat([image.labels for image in mined]), torch.cat([image.targets for image in mined])
    )


def propose(
    detector: Detector,
    features: Tensor,
    sample: Sample,
    seed: int,
    iteration: int,
    slot: int,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """RoIs [R, 4] (proposals and the ground-truth boxes), the RPN's loss (0 without one), and its two parts."""
    if detector.rpn is None:
        assert sample.proposals is not None
        nothing = features.new_full((), torch.nan)
        return torch.cat([sample.proposals, sample.boxes]), features.new_zeros(()), [nothing, nothing]
    rpn = detector.rpn
    logits, deltas, anchors = detector.objectness(features)
    generator = stream(seed, "anchors", iteration, slot, device=features.device)
    objectness, box = rpn.losses(logits, deltas, anchors, sample.size, sample.boxes, sample.ignored, generator)
    kept = rpn.proposals(logits.detach(), deltas.detach(), anchors, sample.size, sample.scale, rpn.settings.train)
    return torch.cat([kept, sample.boxes]), objectness + box, [objectness.detach(), box.detach()]
