"""One training iteration up to its loss: propose, read-only pass, mine, standard pass (paper, Figure 1)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sohem.detectors.detector import Detector
from sohem.mining.choice import choose_of
from sohem.mining.losses import roi_losses
from sohem.mining.miner import Miner, Moment
from sohem.mining.rois import Rois
from sohem.mining.strata import composition
from sohem.randomness import stream
from sohem.settings import Train
from sohem.training.samples import Sample
from sohem.training.targets import label_rois

# Sums over RoIs that one image adds to the log; loop.py turns them into the log's means and shares.
SUMS = ["n_all", "fg_all", "cls_all", "loc_all", "n_selected", "cls_selected", "loc_selected",
        "fg_selected", "s1", "s2", "s3", "s4", "rpn_objectness", "rpn_box"]  # fmt: skip


@dataclass
class Candidates:
    """All R RoIs of an image as the read-only network judges them: what the miner chooses from."""

    features: Tensor  # [1, C, H', W'] with their graph
    rois: Tensor  # [R, 4]
    labels: Tensor  # [R]
    overlaps: Tensor  # [R], the highest IoU with an object
    targets: Tensor  # [R, 4], normalised
    losses: Mapping[str, Tensor]  # cls and loc, each [R]
    rpn_loss: Tensor  # with its graph; 0 without an RPN
    rpn_parts: list[Tensor]  # objectness and box, detached; NaN without an RPN


def batch_loss(
    detector: Detector,
    samples: Sequence[Sample],
    miner: Miner,
    moment: Moment,
    settings: Train,
    seed: int,
    look: Callable[[Sequence[Candidates], Sequence[Tensor]], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """The loss of an iteration's N images, with its graph, and the sums [len(SUMS)] for the log.

    Both head losses are averaged over their image's selected RoIs, as Caffe's loss layers do, then over the images; for
    a miner that chooses ``together``, over the RoIs selected in all of them.

    Args:
        samples: on the detector's device.
        moment: the iteration that is about to be done.
        seed: of the run; with the iteration and an image's place among the N it chooses the random streams.
        look: is shown what was chosen from, and for each image the indices of the chosen.
    """
    step = moment.step
    images = [candidates(detector, sample, settings, seed, step, slot) for slot, sample in enumerate(samples)]
    chosen = choose(miner, moment, images, seed, range(len(images)))
    if look is not None:
        look(images, chosen)
    generator = stream(seed, "dropout", step, device=images[0].rois.device)
    cls, loc = standard(detector, images, chosen, generator)
    counts = [len(selected) for selected in chosen]
    total, rows = cls.new_zeros(()), []
    for image, selected, l_cls, l_loc in zip(images, chosen, cls.split(counts), loc.split(counts), strict=True):
        divisor = max(sum(counts), 1) / len(images) if miner.together else max(len(selected), 1)
        total = total + image.rpn_loss + (l_cls.sum() + l_loc.sum()) / divisor
        rows.append(sums(miner, moment, image, selected, l_cls.detach(), l_loc.detach()))
    return total / len(images), torch.stack(rows).double().sum(0)


def candidates(detector: Detector, sample: Sample, settings: Train, seed: int, iteration: int, slot: int) -> Candidates:
    """Features and RoIs of an image, the RoIs labelled, their losses taken by the read-only pass."""
    features = sample.features(detector)
    rois, rpn_loss, rpn_parts = propose(detector, features, sample, seed, iteration, slot)
    labels, offsets, overlaps = label_rois(rois, sample.boxes, sample.labels, sample.ignored, settings.foreground_iou)
    # A label of -1 (ignored) reads the last class's statistics; both losses of such a RoI are 0 all the same.
    targets = (offsets - detector.head.box_mean[labels]) / detector.head.box_std[labels]
    generator = stream(seed, "read-only dropout", iteration, slot, device=rois.device)
    l_cls, l_loc = read_only(detector, features, rois, labels, targets, generator)
    return Candidates(features, rois, labels, overlaps, targets, {"cls": l_cls, "loc": l_loc}, rpn_loss, rpn_parts)


@torch.no_grad()
def choose(miner: Miner, moment: Moment, images: Sequence[Candidates], seed: int, slots: Sequence[int]) -> list[Tensor]:
    """For each image the indices [B] of the RoIs to train on; see `choose_of`."""
    every = [Rois(image.losses, image.rois, image.labels, image.overlaps) for image in images]
    return choose_of(miner, moment, every, seed, slots)


def sums(miner: Miner, moment: Moment, image: Candidates, selected: Tensor, l_cls: Tensor, l_loc: Tensor) -> Tensor:
    """[len(SUMS)], what one image adds to the log.

    Args:
        selected: [B] indices; l_cls, l_loc: [B], losses of the selected in the standard pass.
    """
    labels, count = image.labels, len(selected)
    every = [(labels >= 0).sum(), (labels > 0).sum(), image.losses["cls"].sum(), image.losses["loc"].sum()]
    shares = composition(selected, miner.strata(image.losses, labels, moment), labels)
    own = [l_cls.new_full((), count), l_cls.sum(), l_loc.sum()]
    return torch.stack([*every, *own, *(shares * count), *image.rpn_parts])


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


def standard(
    detector: Detector, images: Sequence[Candidates], chosen: Sequence[Tensor], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """L_cls and L_loc [N x B] of the selected RoIs of all images, pooled again, with gradient."""
    pairs = list(zip(images, chosen, strict=True))
    pooled = torch.cat([detector.pool(image.features, image.rois[rows]) for image, rows in pairs])
    logits, deltas = detector.scores(pooled, generator)
    labels = torch.cat([image.labels[rows] for image, rows in pairs])
    return roi_losses(logits, deltas, labels, torch.cat([image.targets[rows] for image, rows in pairs]))


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
