"""What `mine`, the miners and `select` do with input that is wrong, empty or broken."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import rcnn
from sohem import OHEM, SOHEM, Course, MiningError, Ramp, RandomSampler, StratifiedSOHEM, mine, select, unmine

BOXES = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]])


@pytest.fixture(
    params=[OHEM(16), SOHEM(16, 10), StratifiedSOHEM(16, 10), RandomSampler(16)], ids=lambda m: type(m).__name__
)
def miner(request):
    """Each of the four."""
    return request.param


def chosen(model):
    """Labels of the RoIs that the losses are computed of, for each image."""
    found = []
    select_samples = model.roi_heads.select_training_samples

    def spy(*args):
        samples = select_samples(*args)
        found.append(samples[2])
        return samples

    model.roi_heads.select_training_samples = spy
    return found


def test_a_model_without_roi_heads():
    with pytest.raises(MiningError, match=r"Sequential has no torchvision RoIHeads.*sohem\.select"):
        mine(nn.Sequential(nn.Linear(1, 1)), OHEM(16))
    with pytest.raises(MiningError, match=r"no model; expected a torch\.nn\.Module"):
        mine("fasterrcnn", OHEM(16))


def test_several_roi_heads_are_named_and_one_can_be_passed():
    pair = nn.ModuleList([rcnn.model(), rcnn.model()])
    with pytest.raises(MiningError, match="ModuleList has 2 RoIHeads; pass the one to mine"):
        mine(pair, OHEM(16))
    mine(pair[1].roi_heads, OHEM(16))
    assert unmine(pair[1]).miner.batch_size == 16


def test_mining_twice_and_undoing_nothing():
    model = mine(rcnn.model(), OHEM(16))
    with pytest.raises(MiningError, match=r"mined already, by Course\(OHEM\(batch_size=16\), step=0\); call unmine"):
        mine(model, OHEM(8))
    assert unmine(model).miner.batch_size == 16
    with pytest.raises(MiningError, match="FasterRCNN is not mined"):
        unmine(model)
    with pytest.raises(MiningError, match="is no miner"):
        mine(model, OHEM)  # forgot to call it


@pytest.mark.parametrize(("kind", "name"), [("faster", "mask"), ("mask", "keypoint"), ("keypoint", "maks")])
def test_a_loss_that_the_model_does_not_have(kind, name):
    with pytest.raises(MiningError, match=f"has no loss {name}; it has .*cls.*loc"):
        mine(rcnn.model(kind), OHEM(16, losses=("cls", name)))


class Deaf(type(rcnn.model().roi_heads)):
    """Heads that do not ask for samples."""

    def forward(self, features, proposals, image_shapes, targets=None):
        return [], {}


def test_heads_that_do_not_sample_are_told_apart():
    model = rcnn.model()
    model.roi_heads.__class__ = Deaf
    mine(model, OHEM(16))
    with pytest.raises(MiningError, match=r"Deaf\.forward does not call select_training_samples"):
        rcnn.losses(model)


class Cascade(type(rcnn.model().roi_heads)):
    """Heads of two stages, each with its own samples."""

    def forward(self, features, proposals, image_shapes, targets=None):
        if self.training:
            proposals = self.select_training_samples(proposals, targets)[0]
        return super().forward(features, proposals, image_shapes, targets)


def test_heads_that_sample_twice_are_told_what_to_do():
    model = rcnn.model()
    model.roi_heads.__class__ = Cascade
    mine(model, OHEM(16))
    with pytest.raises(
        MiningError, match=r"Cascade calls select_training_samples twice.*Call unmine\(model\).*a Course"
    ):
        rcnn.losses(model)
    assert len(model.eval()(rcnn.batch()[0])) == 2
    unmine(model.train())
    assert len(rcnn.losses(model)) == 4


def test_a_batch_larger_than_the_proposals_takes_what_there_is(miner):
    model = rcnn.model(rpn_post_nms_top_n_train=10)
    labels = chosen(mine(model, replace(miner, batch_size=10_000)))
    losses = rcnn.losses(model)
    proposals = [10 + 2, 10 + 3]  # the objects are proposals, too
    counts = [len(label) for label in labels[0]]
    assert (
        counts == proposals
        if isinstance(miner, RandomSampler)
        else all(5 < c <= p for c, p in zip(counts, proposals, strict=True))
    )
    assert all(loss.isfinite() for loss in losses.values())


@pytest.mark.parametrize("kind", ["faster", "mask", "keypoint"])
@pytest.mark.parametrize("objects", [(0, 0), (0, 2)], ids=str)
def test_images_without_objects_are_all_background(miner, kind, objects):
    model = mine(rcnn.model(kind), miner)
    labels = chosen(model)
    losses = rcnn.losses(model, rcnn.batch(objects))
    assert not labels[0][0].any()
    assert [len(label) for label in labels[0]] == [16, 16]
    assert all(loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    if not sum(objects):
        assert losses["loss_box_reg"] == 0


@pytest.mark.parametrize("kind", ["mask", "keypoint"])
def test_third_losses_of_images_without_objects_are_zero(kind):
    miner = SOHEM(16, 10, {"cls": 1.0, "loc": Ramp(), kind: Ramp()})
    model = mine(rcnn.model(kind), miner)
    rcnn.losses(model, rcnn.batch((0, 0)))
    cls, *others = model.roi_heads.course.history.values()
    assert [loss.tolist() for loss in others] == [[0], [0]]
    assert cls[0] > 0


@pytest.mark.parametrize("kind", ["faster", "mask", "keypoint"])
@pytest.mark.parametrize("objects", [(0, 0), (0, 2)], ids=str)
def test_a_diverged_rpn_leaves_no_proposal_of_an_image_without_objects(miner, kind, objects):
    """The losses are then what torchvision's own are, and show it."""

    def diverged():
        model = rcnn.model(kind)
        torch.nn.init.constant_(model.rpn.head.bbox_pred.bias, torch.nan)
        return model

    model = mine(diverged(), miner)
    labels = chosen(model)
    expected, losses = (rcnn.losses(one, rcnn.batch(objects)) for one in (diverged(), model))
    assert [len(label) for label in labels[0]] == list(objects)  # these are proposals, too
    assert {name: loss.isnan().item() for name, loss in losses.items()} == {
        name: loss.isnan().item() for name, loss in expected.items()
    }
    assert losses["loss_classifier"].isnan() == (not any(objects))
    assert all(values.isfinite().all() for values in model.roi_heads.course.history.values())


def test_an_image_whose_proposals_are_all_background(miner):
    """The ground truth is a proposal, too, unless somebody leaves it out."""
    model = mine(rcnn.model(fg_iou_thresh=1.0, box_fg_iou_thresh=1.0, box_bg_iou_thresh=1.0), miner)
    model.roi_heads.add_gt_proposals = lambda proposals, boxes: proposals
    labels = chosen(model)
    losses = rcnn.losses(model)
    assert [int(label.sum()) for label in labels[0]] == [0, 0]
    assert [len(label) for label in labels[0]] == [16, 16]
    assert losses["loss_box_reg"] == 0
    assert losses["loss_classifier"].isfinite()


def test_a_target_without_masks_is_torchvisions_error():
    images, targets = rcnn.batch()
    for target in targets:
        del target["masks"]
    with pytest.raises(ValueError, match="masks"):
        mine(rcnn.model("mask"), OHEM(16))(images, targets)


def test_nan_losses_reach_the_training_loss_and_not_the_schedule(miner):
    model = mine(rcnn.model(), miner)
    rcnn.losses(model)
    course = model.roi_heads.course
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[0] = torch.nan
    assert rcnn.losses(model)["loss_classifier"].isnan()  # as without mining
    assert course.step == 2
    assert all(values[0].isfinite() and values[1] == 0 for values in course.history.values())


def test_one_nan_is_the_hardest():
    losses = {"cls": torch.tensor([1.0, 9.0, 2.0]), "loc": torch.tensor([0.0, 0.0, torch.nan])}
    labels = torch.tensor([0, 0, 1])
    assert select(losses, BOXES, labels, 2).tolist() == [2, 1]
    assert select(losses, BOXES, labels, 2, {"cls": 1.0, "loc": 0.0}).tolist() == [2, 1]
    assert Course(StratifiedSOHEM(3, 10)).choose(losses, BOXES, labels).tolist()[0] == 1  # quota of cls
    late = StratifiedSOHEM(1, 10, start=0, end=0, share=1.0)
    assert Course(late).choose(losses, BOXES, labels).tolist() == [2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OHEM(0), "batch_size=0; expected a whole number from 1 up"),
        (lambda: OHEM(16.0), "batch_size=16.0"),
        (lambda: OHEM(16, nms_iou=70), "nms_iou=70; expected 0 to 1, or None"),
        (lambda: OHEM(16, losses="cls"), "losses='cls'; expected different names"),
        (lambda: OHEM(16, losses=("cls", "cls")), "expected different names"),
        (lambda: OHEM(16, losses=()), "expected different names"),
        (lambda: SOHEM(16, 0), r"total_steps=0; expected the whole training, len\(loader\) \* epochs"),
        (lambda: SOHEM(16, 1e4), "total_steps=10000.0"),
        (lambda: SOHEM(16, 10, {"cls": 1.0, "loc": -1.0}), r"coefficients\['loc'\]=-1.0; expected a number from 0 up"),
        (lambda: SOHEM(16, 10, {"cls": "ratio"}), r"coefficients\['cls'\]='ratio'"),
        (lambda: Ramp(start=0.8, end=0.7), "start=0.8, end=0.7; expected 0 <= start <= end <= 1"),
        (lambda: Ramp("half"), "target='half'; expected a number from 0 up, or 'ratio'"),
        (lambda: Ramp(-1), "target=-1"),
        (lambda: Ramp(begin=-1), "begin=-1"),
        (lambda: StratifiedSOHEM(16, 10, losses=("cls",)), "strata need two or more"),
        (lambda: StratifiedSOHEM(16, 10, fill="mask"), "fill='mask'; expected one of cls, loc, sum"),
        (lambda: StratifiedSOHEM(16, 10, ("cls", "loc", "mask"), s23="literal"), "a reading of two losses"),
        (lambda: StratifiedSOHEM(16, 10, rest="s2"), "rest='s2'; expected one of s12, s1"),
        (lambda: StratifiedSOHEM(16, 10, threshold="mean"), "threshold='mean'; expected one of quantile, running"),
        (lambda: StratifiedSOHEM(16, 10, window=0), "window=0; expected a share of the training above 0"),
        (lambda: SOHEM(16, 10, nms_by="loss"), "nms_by='loss'; expected select or sum"),
        (lambda: Ramp(shape="ratio"), "shape='ratio'; expected linear, step"),
        (lambda: Ramp(measured="after"), "measured='after'; expected before, window, running"),
        (lambda: Ramp(windows=0), "windows=0; expected a whole number from 1 up"),
        (lambda: Ramp(windows=2.5), "windows=2.5"),
        (lambda: Ramp(window=0), "window=0, bound=0.02; expected 0 < window <= 1"),
        (lambda: StratifiedSOHEM(16, 10, share=2), "share=2"),
        (lambda: RandomSampler(16, foreground=25), "foreground=25; expected a share from 0 to 1"),
    ],
)  # fmt: skip
def test_numbers_out_of_range(make, message):
    with pytest.raises(MiningError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"losses": {}}, "losses is empty"),
        ({"losses": {"cls": torch.zeros(2)}}, r"losses\['cls'\]: \[2\]; expected \[3\]"),
        ({"losses": {"loc": torch.zeros(3, 4)}}, r"losses\['loc'\]: \[3, 4\].*summed over coordinates"),
        ({"boxes": torch.zeros(2, 4)}, r"boxes: \[2, 4\]; expected \[3, 4\]"),
        ({"labels": torch.zeros(3)}, r"labels: torch.float32 \[3\]; expected integers"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"coefficients": {"loc": 1.0}}, "coefficients are for loc, but losses are cls"),
        ({"coefficients": {}}, "coefficients are for none, but losses are cls"),
    ],
)
def test_tensors_that_do_not_fit(change, message):
    good = {
        "losses": {"cls": torch.zeros(3)},
        "boxes": BOXES,
        "labels": torch.zeros(3, dtype=torch.long),
        "batch_size": 2,
    }
    assert len(select(**good)) == 2
    with pytest.raises(MiningError, match=message):
        select(**good | change)


def test_a_course_says_which_loss_is_missing():
    labels = torch.zeros(3, dtype=torch.long)
    with pytest.raises(MiningError, match="losses has no loc, which the miner looks at"):
        Course(OHEM(2)).choose({"cls": torch.zeros(3)}, BOXES, labels)
    with pytest.raises(MiningError, match=r"losses\['loc'\]: \[2\]; expected \[3\]"):
        Course(OHEM(2)).choose({"cls": torch.zeros(3), "loc": torch.zeros(2)}, BOXES, labels)
