"""`mine` on torchvision's R-CNNs: which RoIs are chosen, what the losses are, when the schedule advances."""

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

import rcnn
from sohem import OHEM, SOHEM, Ramp, RandomSampler, StratifiedSOHEM, mine, unmine
from sohem.api.read_only import Batch, pool, read_only_losses

EVERYTHING = {"batch_size": 100_000, "nms_iou": None}


class Watch:
    """What goes into the RoI heads and what their box pooler is asked for last: the RoIs of the standard network."""

    def __init__(self, model):
        self.heads = model.roi_heads
        self.heads.register_forward_pre_hook(lambda _, inputs: setattr(self, "inputs", inputs))
        self.heads.box_roi_pool.register_forward_pre_hook(lambda _, inputs: setattr(self, "trained_on", inputs[1]))


def smooth_l1(x: float) -> float:
    return 0.5 * x * x * 9 if abs(x) < 1 / 9 else abs(x) - 0.5 / 9


@torch.no_grad()
def naive(watch: Watch, batch_size: int, alpha: float, beta: float, iou: float = 0.7) -> list[Tensor]:
    """The chosen boxes of each image: one image, one proposal, one suppression after another."""
    features, proposals, shapes, targets = watch.inputs
    heads, chosen = watch.heads, []
    for n, target in enumerate(targets):
        own = {name: value[n : n + 1] for name, value in features.items()}
        boxes = torch.cat([proposals[n], target["boxes"]])
        overlap = box_iou(boxes, target["boxes"]) if len(target["boxes"]) else torch.zeros(len(boxes), 1)
        losses, labels = [], []
        for box, row in zip(boxes, overlap, strict=True):
            best = int(row.argmax())
            label = int(target["labels"][best]) if row[best] >= 0.5 else 0
            pooled = heads.box_roi_pool(own, [box[None]], shapes[n : n + 1])
            scores, deltas = heads.box_predictor(heads.box_head(pooled))
            loss = -alpha * scores[0].log_softmax(0)[label].item()
            if label:
                wanted = heads.box_coder.encode([target["boxes"][best][None]], [box[None]])[0][0]
                off = deltas[0, 4 * label : 4 * label + 4] - wanted
                loss += beta * sum(smooth_l1(x) for x in off.tolist())
            losses.append(loss)
            labels.append(label)
        left, kept = sorted(range(len(boxes)), key=lambda i: -losses[i]), []
        while left and len(kept) < batch_size:
            first = left.pop(0)
            kept.append(first)
            apart = box_iou(boxes[first][None], boxes)[0] <= iou
            left = [i for i in left if apart[i] or labels[i] != labels[first]]
        chosen.append(boxes[kept])
    return chosen


@pytest.mark.parametrize("objects", [(2, 3), (0, 4), (1,)], ids=str)
@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_the_chosen_rois_are_those_of_a_naive_loop(objects, beta):
    model = rcnn.model(rpn_post_nms_top_n_train=60)
    mine(model, SOHEM(12, total_steps=10, coefficients={"cls": 1.0, "loc": beta}))
    watch = Watch(model)
    rcnn.losses(model, rcnn.batch(objects))
    trained_on = watch.trained_on
    expected = naive(watch, 12, 1.0, beta)
    assert [len(boxes) for boxes in expected] == [12] * len(objects)
    for ours, theirs in zip(trained_on, expected, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", ["faster", "mask", "keypoint"])
def test_with_everything_selected_the_losses_are_torchvisions(kind):
    plain, mined = rcnn.model(kind), rcnn.model(kind)
    plain.roi_heads.subsample = lambda labels: [torch.arange(len(label)) for label in labels]
    mine(mined, OHEM(**EVERYTHING))
    expected, ours = rcnn.losses(plain), rcnn.losses(mined)
    assert ours.keys() == expected.keys()
    for name, loss in ours.items():
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("kind", ["mask", "keypoint"])
@pytest.mark.parametrize("miner", [OHEM, SOHEM, StratifiedSOHEM, RandomSampler])
def test_on_the_chosen_rois_the_losses_are_torchvisions(kind, miner):
    plain, mined = rcnn.model(kind), rcnn.model(kind)
    mine(mined, miner(10, *([5] if "SOHEM" in miner.__name__ else [])))
    rows: list[Tensor] = []
    choose = mined.roi_heads.course.choose_each
    mined.roi_heads.course.choose_each = lambda images: rows.extend(choose(images)) or rows
    ours = rcnn.losses(mined)
    plain.roi_heads.subsample = lambda labels: rows
    expected = rcnn.losses(plain)
    for name, loss in ours.items():
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("kind", ["mask", "keypoint"])
def test_single_losses_add_up_to_torchvisions(kind):
    """Of all foreground RoIs; keypoints are all visible here, but those outside their RoI do not count."""
    model = rcnn.model(kind)
    mine(model, OHEM(**EVERYTHING))
    heads, seen = model.roi_heads, []
    choose = heads._choose
    heads._choose = lambda batch, advance: seen.append(batch) or choose(batch, advance)
    total = rcnn.losses(model, rcnn.batch((2, 0)))
    batch: Batch = seen[0]
    losses = read_only_losses(heads, batch, ["cls", "loc", kind])
    labels = torch.cat(batch.labels)
    assert losses["cls"].mean().item() == pytest.approx(total["loss_classifier"].item(), rel=1e-5)
    assert losses["loc"].mean().item() == pytest.approx(total["loss_box_reg"].item(), rel=1e-5)
    assert not losses[kind][labels == 0].any()
    assert (labels > 0).sum() >= 2
    if kind == "mask":
        assert losses["mask"][labels > 0].mean().item() == pytest.approx(total["loss_mask"].item(), rel=1e-5)
    else:
        # log(number of cells) is what an untrained head costs; a RoI without a keypoint inside has 0.
        some = losses["keypoint"] > 0
        assert total["loss_keypoint"].item() == pytest.approx(losses["keypoint"][some].mean().item(), rel=0.05)


def test_pooling_gives_what_torchvisions_pooler_gives():
    g = torch.Generator().manual_seed(0)
    features = {"0": torch.rand(2, 3, 16, 24, generator=g), "1": torch.rand(2, 3, 8, 12, generator=g)}
    boxes = []
    for count in (20, 0):
        corner = torch.rand(count, 2, generator=g) * 60
        boxes.append(torch.cat([corner, corner + 4 + torch.rand(count, 2, generator=g) * 60], 1))
    pooler, shapes = rcnn.pooler(3), [(128, 192), (128, 192)]
    assert torch.equal(pool(pooler, features, boxes, shapes), pooler(features, boxes, shapes))  # scales not known yet
    assert len(pooler.map_levels(boxes).unique()) == 2
    assert torch.equal(pool(pooler, features, boxes, shapes), pooler(features, boxes, shapes))


def test_mask_rcnn_with_three_losses_and_three_schedules():
    model = rcnn.model("mask")
    miner = SOHEM(16, 4, {"cls": 1.0, "loc": Ramp(start=0, end=0.5), "mask": Ramp(2.0, start=0.25, end=0.75)})
    course = mine(model, miner).roi_heads.course
    betas = []
    for _ in range(4):
        betas.append(course.coefficients["mask"])
        model.zero_grad()
        losses = rcnn.losses(model)
        sum(losses.values()).backward()
        assert all(loss.isfinite() and loss > 0 for loss in losses.values())
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
    assert betas == [0, 1, 2, 2]
    # The ratio of the two losses over the selected RoIs, which the last losses also have, roughly.
    assert course.beta == pytest.approx((losses["loss_classifier"] / losses["loss_box_reg"]).item(), rel=0.3)


def test_a_mask_loss_decides_when_it_is_asked_to():
    chosen = []
    for coefficients in ({"cls": 1.0, "mask": 0.0}, {"cls": 1.0, "mask": 100.0}):
        model = rcnn.model("mask")
        mine(model, SOHEM(6, 5, coefficients))
        watch = Watch(model)
        rcnn.losses(model)
        chosen.append(torch.cat(watch.trained_on))
    assert chosen[0].tolist() != chosen[1].tolist()


def test_the_schedule_advances_with_training_steps_only():
    model = rcnn.model()
    miner = SOHEM(8, total_steps=10, coefficients={"cls": 1.0, "loc": Ramp(2.0, start=0, end=1)})
    course = mine(model, miner).roi_heads.course
    assert (course.step, course.alpha, course.beta) == (0, 1, pytest.approx(0.2))
    rcnn.losses(model)
    assert (course.step, course.beta) == (1, pytest.approx(0.4))
    with torch.no_grad():
        rcnn.losses(model)  # a validation loss
    model.eval()
    images, _ = rcnn.batch()
    assert len(model(images)) == 2
    model.train()
    assert course.step == 1
    for _ in range(12):
        rcnn.losses(model)
    assert (course.step, course.beta) == (13, 2)  # after the end it stays


@pytest.mark.parametrize("together", [False, True])
def test_b_is_chosen_of_each_image_or_of_all_together(together):
    model = mine(rcnn.model(), OHEM(8, together=together))
    watch = Watch(model)
    losses = rcnn.losses(model)
    counts = [len(boxes) for boxes in watch.trained_on]
    assert sum(counts) == 16
    assert (counts == [8, 8]) is not together
    assert all(loss.isfinite() for loss in losses.values())


def test_running_thresholds_know_the_losses_of_all_proposals():
    model = mine(rcnn.model(), StratifiedSOHEM(8, 10, threshold="running"))
    heads, seen = model.roi_heads, []
    choose = heads._choose
    heads._choose = lambda batch, advance: (
        seen.append(read_only_losses(heads, batch, ["cls", "loc"])) or choose(batch, advance)
    )
    rcnn.losses(model)
    history = heads.course.history
    assert history["cls_all"].tolist() == [pytest.approx(seen[0]["cls"].mean().item())]
    assert history["loc_all"].tolist() == [pytest.approx(seen[0]["loc"].mean().item())]
    rcnn.losses(model)
    assert heads.course.step == 2


def test_unmine_gives_torchvisions_sampling_back():
    plain, model = rcnn.model(), rcnn.model()
    before = dict(model.roi_heads.__dict__)
    miner = OHEM(8)
    assert mine(model, miner) is model
    rcnn.losses(model)
    assert unmine(model).miner is miner
    assert type(model.roi_heads) is type(plain.roi_heads)
    assert model.roi_heads.__dict__.keys() == before.keys()
    expected = rcnn.losses(plain)
    for name, loss in rcnn.losses(model).items():
        assert loss.item() == expected[name].item()
