"""Training against a second implementation: float64, one loop inside another, written from the papers and recipes.

It shares no code with the package. What it computes: Caffe's preprocessing, convolutions and max pooling in ceil mode
(torch's, in float64), RoI max pooling, labels and normalised targets, softmax and smooth L1 losses, greedy NMS and the
choice of the B hardest RoIs, the RPN's anchors, labels, proposals and losses, and SGD with momentum, weight decay,
multipliers and frozen layers. Compared are whole iterations of the training loop on two small images.
"""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import toy
from sohem import files, settings
from sohem.detectors.architectures.architecture import CAFFE
from sohem.detectors.backbones import Backbone
from sohem.detectors.detector import Detector
from sohem.detectors.heads import RoIHead
from sohem.detectors.rpn import RPN
from sohem.mining.miner import Moment
from sohem.mining.miners.ohem import OHEM
from sohem.mining.miners.sohem import SOHEM
from sohem.mining.schedule import Ramp
from sohem.randomness import stream
from sohem.training import loop
from sohem.training.log import LOG_COLUMNS
from sohem.training.samples import SampleReader

STRIDE, POOL, CLASSES = 4, 2, 2


# The reference. Boxes are lists of four floats, half-open.


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def offsets_to(box, target):
    w, h, tw, th = box[2] - box[0], box[3] - box[1], target[2] - target[0], target[3] - target[1]
    return [
        (target[0] + tw / 2 - box[0] - w / 2) / w,
        (target[1] + th / 2 - box[1] - h / 2) / h,
        math.log(tw / w),
        math.log(th / h),
    ]


def moved(box, offsets):
    w, h = box[2] - box[0], box[3] - box[1]
    x, y = box[0] + w / 2 + offsets[0] * w, box[1] + h / 2 + offsets[1] * h
    w, h = w * math.exp(offsets[2]), h * math.exp(offsets[3])
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def labelled(box, objects):
    """Label, and offsets to the object that the label comes from (None for background)."""
    overlaps = [overlap(box, target) for target, _ in objects]
    best = max(range(len(objects)), key=lambda k: overlaps[k])
    return (objects[best][1], offsets_to(box, objects[best][0])) if overlaps[best] >= 0.5 else (0, None)


def suppressed(boxes, scores, labels, threshold):
    """Indices that greedy NMS within each label keeps, best first."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(labels[i] != labels[k] or overlap(boxes[i], boxes[k]) <= threshold for k in kept):
            kept.append(i)
    return kept


def smooth_l1(difference, sigma=1.0):
    return sum(0.5 * (sigma * d) ** 2 if abs(d) < 1 / sigma**2 else abs(d) - 0.5 / sigma**2 for d in difference)


def pooled(features, box):
    """[C * P * P] of one RoI: RoIPool of Fast R-CNN, whose last pixel belongs to the RoI."""
    corners = [v / STRIDE for v in (box[0], box[1], box[2] - 1, box[3] - 1)]
    x1, y1, x2, y2 = (int(math.copysign(math.floor(abs(v) + 0.5), v)) for v in corners)  # halves away from 0, as in C
    width, height = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    limit_y, limit_x = features.shape[1:]
    cells = []
    for j in range(POOL):
        for i in range(POOL):
            top, bottom = y1 + math.floor(j * height / POOL), y1 + math.ceil((j + 1) * height / POOL)
            left, right = x1 + math.floor(i * width / POOL), x1 + math.ceil((i + 1) * width / POOL)
            top, bottom = (min(max(v, 0), limit_y) for v in (top, bottom))
            left, right = (min(max(v, 0), limit_x) for v in (left, right))
            cell = features[:, top:bottom, left:right].flatten(1)
            cells.append(cell.max(dim=1).values if cell.shape[1] else features.new_zeros(len(features)))
    return torch.stack(cells, dim=1).flatten()


class Reference:
    def __init__(self, detector, images, settings):
        self.w = {k: v.detach().double().requires_grad_() for k, v in detector.named_parameters()}
        self.images, self.settings = images, settings
        self.velocity = {}
        self.mean, self.std = (
            self.statistics() if detector.rpn is None else ([[0.0] * 4] * 3, [[0.1, 0.1, 0.2, 0.2]] * 3)
        )

    def statistics(self):
        """Mean and standard deviation of the offsets of each class over the training set's proposals and objects."""
        found = {k: [] for k in range(1, CLASSES + 1)}
        for _, objects, proposals in self.images:
            for label, offsets in (labelled(b, objects) for b in proposals + [b for b, _ in objects]):
                if label:
                    found[label].append(offsets)
        mean, std = [[0.0] * 4], [[1.0] * 4]
        for rows in found.values():
            mean.append([sum(r[c] for r in rows) / len(rows) for c in range(4)])
            std.append([(sum((r[c] - mean[-1][c]) ** 2 for r in rows) / len(rows)) ** 0.5 for c in range(4)])
        return mean, std

    def layer(self, name, x, function=F.linear, **more):
        return function(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"], **more)

    def features(self, image):
        """[C, H / 4, W / 4] of an image [3, H, W], RGB."""
        x = image.double()[[2, 1, 0]] - torch.tensor([102.9801, 115.9465, 122.7717]).double()[:, None, None]
        for k, index in enumerate((0, 3, 6)):
            x = self.layer(f"backbone.layers.{index}", x[None], F.conv2d, padding=1)[0].clamp(min=0)
            x = F.max_pool2d(x[None], 2, ceil_mode=True)[0] if k < 2 else x
        return x

    def head_losses(self, features, boxes, objects):
        """Labels, L_cls and L_loc of every RoI."""
        labels, l_cls, l_loc = [], [], []
        for box in boxes:
            x = self.layer("head.fc7", self.layer("head.fc6", pooled(features, box)).clamp(min=0)).clamp(min=0)
            logits, deltas = self.layer("head.scores", x), self.layer("head.offsets", x).view(CLASSES + 1, 4)
            label, offsets = labelled(box, objects)
            labels.append(label)
            l_cls.append(logits.exp().sum().log() - logits[label])
            target = [
                (o - m) / s for o, m, s in zip(offsets or [0] * 4, self.mean[label], self.std[label], strict=True)
            ]
            l_loc.append(smooth_l1([deltas[label, c] - target[c] for c in range(4)]) if label else logits.new_zeros(()))
        return labels, l_cls, l_loc

    def rpn(self, features, objects, size):
        """Proposals, objectness loss and box loss of one image; every labelled anchor is in the losses."""
        s = self.settings["rpn"]
        x = self.layer("rpn.convolution", features[None], F.conv2d, padding=1).clamp(min=0)
        scores, deltas = (self.layer(f"rpn.{n}", x, F.conv2d)[0] for n in ("scores", "offsets"))
        units = [(11, 6), (8, 8), (6, 12)]  # of base 8: round(8 / sqrt(ratio)), round(width x ratio)
        anchors, logits, offsets = [], [], []
        for j in range(features.shape[1]):
            for i in range(features.shape[2]):
                for a, (w, h) in enumerate([(w * k, h * k) for k in (1, 2) for w, h in units]):
                    x0, y0 = (i + 0.5) * STRIDE, (j + 0.5) * STRIDE
                    anchors.append([x0 - w / 2, y0 - h / 2, x0 + w / 2, y0 + h / 2])
                    logits.append(scores[2 * a : 2 * a + 2, j, i])
                    offsets.append(deltas[4 * a : 4 * a + 4, j, i])
        inside = [a[0] >= 0 and a[1] >= 0 and a[2] <= size[1] and a[3] <= size[0] for a in anchors]
        ious = [[overlap(a, b) * ok for b, _ in objects] for a, ok in zip(anchors, inside, strict=True)]
        best = [max(column) for column in zip(*ious, strict=True)]
        labels = []
        for row, ok in zip(ious, inside, strict=True):
            positive = max(row) >= 0.7 or any(v == b > 0 for v, b in zip(row, best, strict=True))
            labels.append(-1 if not ok else 1 if positive else 0 if max(row) < 0.3 else -1)
        counted = [k for k, label in enumerate(labels) if label >= 0]
        objectness = sum(logits[k].exp().sum().log() - logits[k][labels[k]] for k in counted) / len(counted)
        box_loss = 0.0
        for k in counted:
            if labels[k] == 1:
                target = offsets_to(anchors[k], objects[max(range(len(objects)), key=lambda g, k=k: ious[k][g])][0])
                box_loss += smooth_l1([offsets[k][c] - target[c] for c in range(4)], sigma=3.0) / len(counted)
        proposals = []
        for anchor, offset, logit in zip(anchors, offsets, logits, strict=True):
            x1, y1, x2, y2 = moved(anchor, offset.tolist())
            box = [
                min(max(x1, 0), size[1]),
                min(max(y1, 0), size[0]),
                min(max(x2, 0), size[1]),
                min(max(y2, 0), size[0]),
            ]
            if box[2] - box[0] >= s["min_size"] and box[3] - box[1] >= s["min_size"]:
                proposals.append(((logit[1] - logit[0]).item(), box))
        proposals = sorted(proposals, key=lambda p: -p[0])[: s["train"]["before"]]
        boxes = [box for _, box in proposals]
        kept = suppressed(boxes, [score for score, _ in proposals], [0] * len(boxes), 0.7)[: s["train"]["after"]]
        return [boxes[k] for k in kept], objectness, box_loss

    def step(self, rate, alpha, beta, miner):
        """One iteration: the log's figures, and every gradient, before the weights move."""
        total, log = (
            0.0,
            dict.fromkeys(("cls_all", "loc_all", "cls_selected", "loc_selected", "n_all", "n_selected"), 0.0),
        )
        log.update(rpn_objectness=0.0, rpn_box=0.0)
        for image, objects, proposals in self.images:
            features = self.features(image)
            if proposals is None:
                proposals, objectness, box_loss = self.rpn(features, objects, image.shape[1:])
                total = total + (objectness + box_loss) / len(self.images)
                log["rpn_objectness"] += objectness.item() / len(self.images)
                log["rpn_box"] += box_loss.item() / len(self.images)
            boxes = proposals + [box for box, _ in objects]
            labels, l_cls, l_loc = self.head_losses(features, boxes, objects)
            a, b = (1.0, 1.0) if miner == "ohem" else (alpha, beta)
            loss = [a * c.item() + b * d.item() for c, d in zip(l_cls, l_loc, strict=True)]
            chosen = suppressed(boxes, loss, labels, 0.7)[: self.settings["train"]["rois"]]
            total = total + sum(l_cls[k] + l_loc[k] for k in chosen) / len(chosen) / len(self.images)
            for name, losses in (("cls", l_cls), ("loc", l_loc)):
                log[f"{name}_all"] += sum(v.item() for v in losses)
                log[f"{name}_selected"] += sum(losses[k].item() for k in chosen)
            log["n_all"] += len(boxes)
            log["n_selected"] += len(chosen)
        for part in ("all", "selected"):
            log[f"cls_{part}"] /= log[f"n_{part}"]
            log[f"loc_{part}"] /= log[f"n_{part}"]
        trained = {k: v for k, v in self.w.items() if not k.startswith("backbone.layers.0.")}
        gradients = dict(zip(trained, torch.autograd.grad(total, list(trained.values())), strict=True))
        train = self.settings["train"]
        for name, gradient in gradients.items():
            bias = name.endswith("bias")
            decay = 0.0 if bias and name.startswith("head.") else train["weight_decay"]
            push = gradient + decay * self.w[name].detach()
            self.velocity[name] = train["momentum"] * self.velocity.get(name, 0.0) + push
            value = self.w[name].detach() - rate * (2.0 if bias else 1.0) * self.velocity[name]
            self.w[name] = value.requires_grad_()
        return log, gradients


# The comparison.


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    return root, toy.make(root, count=3, seed=3)  # of which two train


def setting(root, detector, rois):
    """Parameters of a run in which nothing is drawn at random but the order of the two images."""
    scale = toy.parameters(root, detector)["scales"]["demo"]
    scale["head"] = {"op": "roi_pool", "pool": POOL, "hidden": 16, "dropout": 0.0}
    scale["train"].update(rois=rois, max_proposals=None, flip="none", warmup=0, step=2, lr=0.002, iterations=3)
    scale["train"]["weight_decay"] = 0.5  # so much that its absence would show
    scale["rpn"].update(base=8, sizes=[8, 16], hidden=8, batch=100000, min_size=4)
    scale["rpn"]["train"] = {"before": 60, "after": 20}
    return scale


def network(scale, detector):
    plan = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True), nn.Conv2d(4, 6, 3, padding=1),
            nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()]  # fmt: skip
    backbone = Backbone(nn.Sequential(*plan), STRIDE, 8, frozen=3, preprocessing=CAFFE)
    rpn = RPN(8, scale.rpn) if detector == "faster_rcnn" else None
    result = Detector(backbone, RoIHead(8, POOL, 16, CLASSES, 0.0), rpn, POOL, "roi_pool")
    generator = torch.Generator().manual_seed(5)
    for name, p in result.named_parameters():
        fan_in = p[0].numel() if p.ndim > 1 else 1
        small = 0.01 if name == "backbone.layers.0.weight" else 0.3 if "offsets" in name else 1.0
        nn.init.normal_(p, std=small * (2 / fan_in) ** 0.5 if p.ndim > 1 else 0.1, generator=generator)
    backbone.freeze()
    return result


def compared(data, detector, method, rois):
    """Three iterations of the training loop and of the reference: for each, (log row, gradients, weights)."""
    root, paths = data
    given = setting(root, detector, rois)
    scale = settings.of(settings.Scale, given)
    tables = [files.read_table(paths[n]) for n in ("images", "ground_truth", "proposals")]
    fast = detector == "fast_rcnn"
    at = settings.Images(str(root), 48, 64)
    reader = SampleReader(at, tables[0], "train", ["bright", "dark"], tables[1], tables[2] if fast else None)
    ours = network(scale, detector)
    loop.normalise_targets(ours, reader, scale.train)
    images = []
    for index in range(2):
        sample = reader(index)
        objects = list(zip(sample.boxes.tolist(), sample.labels.tolist(), strict=True))
        images.append((sample.pixels(), objects, sample.proposals.tolist() if fast else None))
    reference = Reference(ours, images, given)
    run = loop.start(ours, scale.train)
    miner = OHEM(rois) if method == "ohem" else SOHEM(rois, 3, {"cls": 1.0, "loc": Ramp(2.0, start=0.3, end=0.6)})
    for iteration in range(3):
        loop.train(run, reader, miner, scale, 0, lambda: None, lambda steps, note: steps,
                   lambda done=iteration + 1: run.done == done)  # fmt: skip
        row = dict(zip(LOG_COLUMNS, run.log[iteration], strict=True))
        log, gradients = reference.step(0.002 * 0.1 ** (iteration // 2), row["alpha"], row["beta"], method)
        yield row, log, ours, gradients, reference


# With 6 of each image there is a choice to make; with 1000 all that NMS leaves are chosen, fewer than wanted.
@pytest.mark.parametrize(("method", "rois"), [("ohem", 6), ("sohem", 6), ("ohem", 1000)])
@pytest.mark.parametrize("detector", ["fast_rcnn", "faster_rcnn"])
def test_losses_gradients_selection_and_steps_equal_the_reference(data, detector, method, rois):
    before, betas = None, []
    for row, log, ours, gradients, reference in compared(data, detector, method, rois):
        frozen = ours.backbone.layers[0].weight
        before = frozen.clone() if before is None else before
        assert torch.equal(frozen, before)
        names = [n for n in log if not n.startswith("rpn") or detector == "faster_rcnn"]
        assert {n: row[n] for n in names} == pytest.approx({n: log[n] for n in names}, rel=2e-5)
        assert log["loc_selected"] > 0  # there is something to compare
        for name, p in ours.named_parameters():
            if name in gradients:
                scale = float(gradients[name].abs().max())
                torch.testing.assert_close(p.grad.double(), gradients[name], rtol=1e-4, atol=1e-5 * scale, msg=name)
                torch.testing.assert_close(p.double(), reference.w[name].detach(), rtol=1e-5, atol=1e-6, msg=name)
            else:
                assert p.grad is None
        betas.append(row["beta"])
    if method == "sohem":
        assert betas[0] < betas[-1] == 2.0
    if detector == "fast_rcnn":
        torch.testing.assert_close(
            ours.head.box_mean.double(), torch.tensor(reference.mean).double(), rtol=1e-5, atol=1e-6
        )
        torch.testing.assert_close(ours.head.box_std[1:].double(), torch.tensor(reference.std[1:]).double())


@pytest.mark.parametrize(("method", "beta"), [("ohem", 1.0), ("sohem", 0.0), ("sohem", 1.9)])
def test_the_same_rois_are_selected(method, beta):
    generator = torch.Generator().manual_seed(11)
    corner = torch.rand(200, 2, generator=generator) * 40
    boxes = torch.cat([corner, corner + 5 + torch.rand(200, 2, generator=generator) * 30], dim=1)
    labels = torch.randint(0, 3, (200,), generator=generator)
    l_cls = torch.rand(200, generator=generator) * 3
    l_loc = torch.rand(200, generator=generator) * 2 * (labels > 0)
    miner = OHEM(64) if method == "ohem" else SOHEM(64, 3, {"cls": 1.0, "loc": beta})
    found = miner.choose({"cls": l_cls, "loc": l_loc}, boxes, labels, Moment(1)).tolist()
    loss = [c + (1.0 if method == "ohem" else beta) * d for c, d in zip(l_cls.tolist(), l_loc.tolist(), strict=True)]
    every = suppressed(boxes.tolist(), loss, labels.tolist(), 0.7)
    assert found == every[:64]
    assert len(every) < 200  # NMS had something to do


def test_the_head_with_given_dropout_masks():
    head = RoIHead(8, POOL, 16, CLASSES, 0.5).double()
    x = torch.randn(5, 8, POOL, POOL, generator=torch.Generator().manual_seed(1)).double()
    masks = head.masks(5, stream(7, "mask"))
    assert all(0 < m.sum() < m.numel() for m in masks)
    logits, deltas = head(x, *masks)
    for r in range(5):
        hidden = x[r].flatten()
        for layer, mask in ((head.fc6, masks[0]), (head.fc7, masks[1])):
            hidden = torch.stack([(row * hidden).sum() for row in layer.weight]) + layer.bias
            hidden = torch.where(hidden > 0, hidden, 0.0) * mask[r] * 2
        torch.testing.assert_close(logits[r], head.scores.weight @ hidden + head.scores.bias)
        torch.testing.assert_close(deltas[r].flatten(), head.offsets.weight @ hidden + head.offsets.bias)
