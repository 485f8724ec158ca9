"""Which RoIs are chosen: Formula (1), greedy NMS on the loss, OHEM, random sampling."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import box_iou

from sohem import OHEM, SOHEM, RandomSampler, StratifiedSOHEM
from sohem.errors import MiningError
from sohem.mining.miner import Moment
from sohem.mining.rois import Rois
from sohem.mining.select import deduplicated, hardest, random_sample, rank, selection_loss, take

quick = settings(max_examples=60, deadline=None, derandomize=True)

# Two boxes that overlap by 0.8, one that stands apart.
NEAR, NEARER, APART = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [50.0, 50, 60, 60]


def labels_of(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.long)


@st.composite
def rois(draw: st.DrawFn, most: int = 40) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """L_cls, L_loc, boxes and labels as an image has them; whole numbers, so that sums are exact and ties occur."""
    count = draw(st.integers(1, most))
    seed = draw(st.integers(0, 2**31))
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(-1, 4, (count,), generator=g)
    l_cls = torch.randint(0, 50, (count,), generator=g).float()
    l_loc = torch.randint(0, 50, (count,), generator=g).float() * (labels > 0)
    corner = torch.randint(-10, 10, (count, 2), generator=g).float()
    boxes = torch.cat([corner, corner + torch.randint(8, 16, (count, 2), generator=g)], 1)
    return l_cls, l_loc, boxes, labels


def naive_ohem(
    l_cls: list[float],
    l_loc: list[float],
    boxes: Tensor,
    labels: list[int],
    batch_size: int,
    iou: float,
    per_label: bool,
) -> list[int]:
    """OHEM as one would tell it: take the hardest RoI, strike out what overlaps it, and so on."""
    overlap = box_iou(boxes.double(), boxes.double())
    left = [i for i in range(len(labels)) if labels[i] != -1]
    chosen: list[int] = []
    while left and len(chosen) < batch_size:
        best = left[0]
        for i in left:
            if l_cls[i] + l_loc[i] > l_cls[best] + l_loc[best]:
                best = i
        chosen.append(best)
        left = [i for i in left if i != best and (overlap[best, i] <= iou or (per_label and labels[i] != labels[best]))]
    return chosen


def test_formula_1():
    l_cls, l_loc = torch.tensor([1.0, 2.0]), torch.tensor([10.0, 0.0])
    assert selection_loss(l_cls, l_loc, 1, 0).tolist() == [1, 2]
    assert selection_loss(l_cls, l_loc, 1, 1).tolist() == [11, 2]
    assert selection_loss(l_cls, l_loc, 0.5, 2).tolist() == [20.5, 1]


def test_the_papers_example():
    """RoI A 0.21, 0.11 and B 0.19, 0.12 (paper 3.1.2): B is chosen only when beta > 2; written in hundredths."""
    l_cls, l_loc = torch.tensor([21.0, 19.0]), torch.tensor([11.0, 12.0])
    boxes, labels = torch.tensor([NEAR, APART]), labels_of(1, 1)

    def chosen(alpha: float, beta: float) -> str:
        index = hardest(selection_loss(l_cls, l_loc, alpha, beta), boxes, labels, 1)
        return "AB"[index.item()]

    assert chosen(1, 0) == "A"
    assert chosen(1, 1) == "A"  # equal weights, OHEM
    assert chosen(1, 1.9) == "A"  # VOC07's final beta
    assert chosen(1, 2) == "A"  # a tie: the lower index
    assert chosen(1, 2.01) == "B"
    assert chosen(1, 2.3) == "B"  # KITTI's
    assert chosen(0, 1) == "B"


def test_the_hardest_come_first_and_ties_go_to_the_lower_index():
    boxes, labels = torch.tensor([APART] * 5), labels_of(0, 0, 0, 0, 0)
    loss = torch.tensor([1.0, 3.0, 2.0, 3.0, 0.0])
    assert hardest(loss, boxes, labels, 4, nms_iou=None).tolist() == [1, 3, 2, 0]
    assert hardest(torch.zeros(5), boxes, labels, 3, nms_iou=None).tolist() == [0, 1, 2]


def test_nms_keeps_the_harder_of_two_that_overlap():
    boxes, labels = torch.tensor([NEAR, NEARER, APART]), labels_of(1, 1, 1)
    assert hardest(torch.tensor([1.0, 2.0, 0.5]), boxes, labels, 3, 0.7).tolist() == [1, 2]
    assert hardest(torch.tensor([2.0, 2.0, 0.5]), boxes, labels, 3, 0.7).tolist() == [0, 2]  # a tie
    assert hardest(torch.tensor([1.0, 2.0, 0.5]), boxes, labels, 3, 0.8).tolist() == [1, 0, 2]  # not above


def test_nms_goes_by_label_only_if_asked():
    boxes, labels = torch.tensor([NEAR, NEARER]), labels_of(0, 1)
    loss = torch.tensor([1.0, 2.0])
    assert hardest(loss, boxes, labels, 2, 0.7, per_label=True).tolist() == [1, 0]
    assert hardest(loss, boxes, labels, 2, 0.7, per_label=False).tolist() == [1]


def test_labels_stay_apart_whatever_the_coordinates():
    """With negative coordinates torchvision's batched_nms would move one label's box onto another's."""
    boxes = torch.tensor([[-51.0, -51, -41, -41], [0, 0, 10, 10], [90, 90, 100, 100]])
    boxes[1] = boxes[0] + 101  # where batched_nms would put a box of the next label
    labels = labels_of(1, 0, 0)
    assert hardest(torch.tensor([3.0, 2.0, 1.0]), boxes, labels, 3).tolist() == [0, 1, 2]


def test_an_ignored_roi_is_not_chosen_and_drops_no_other():
    boxes = torch.tensor([NEAR, NEARER, APART])
    loss = torch.tensor([9.0, 0.0, 2.0])
    for per_label in (True, False):
        assert hardest(loss, boxes, labels_of(-1, 0, 0), 3, 0.7, per_label).tolist() == [2, 1]


def test_fewer_than_b_only_if_fewer_are_left():
    boxes = torch.tensor([NEAR, NEAR, NEAR])
    assert hardest(torch.ones(3), boxes, labels_of(0, 0, 0), 64).tolist() == [0]
    assert hardest(torch.ones(3), boxes, labels_of(-1, -1, -1), 64).tolist() == []
    assert hardest(torch.zeros(0), torch.zeros(0, 4), labels_of(), 64).tolist() == []


def test_beta_moves_only_foreground():
    """Background has no L_loc: beta lifts foreground past it but does not reorder background."""
    l_cls, l_loc = torch.tensor([5.0, 4.0, 3.0, 1.0]), torch.tensor([0.0, 0.0, 0.0, 2.0])
    boxes, labels = torch.tensor([APART] * 4), labels_of(0, 0, 0, 1)
    orders = [
        hardest(selection_loss(l_cls, l_loc, 1, beta), boxes, labels, 4, None).tolist()
        for beta in (0, 1.25, 1.75, 2.25)
    ]
    # The foreground RoI reaches 1, 3.5, 4.5 and 5.5.
    assert orders == [[0, 1, 2, 3], [0, 1, 3, 2], [0, 3, 1, 2], [3, 0, 1, 2]]


def test_rank_and_take():
    score = torch.tensor([1.0, 5.0, 3.0, 5.0])
    assert rank(score, torch.tensor([True, True, True, True])).tolist() == [3, 0, 2, 1]
    assert rank(score, torch.tensor([True, False, True, True])).tolist() == [2, 3, 1, 0]
    assert take(score, torch.tensor([0, 1, 0, 127]), 3).tolist() == [2, 0, 1]  # tier before score
    assert take(score, torch.tensor([0, 1, 0, 127]), 4).tolist() == [2, 0, 1]


@quick
@given(rois(), st.integers(1, 50), st.sampled_from([0.3, 0.5, 0.7]), st.booleans())
def test_ohem_is_the_naive_loop(image, batch_size, iou, per_label):
    l_cls, l_loc, boxes, labels = image
    miner = OHEM(batch_size, nms_iou=iou, per_label=per_label)
    chosen = miner.choose({"cls": l_cls, "loc": l_loc}, boxes, labels, Moment(1))
    naive = naive_ohem(l_cls.tolist(), l_loc.tolist(), boxes, labels.tolist(), batch_size, iou, per_label)
    assert chosen.tolist() == naive


@quick
@given(rois(), st.integers(1, 50), st.sampled_from([0.3, 0.7]), st.floats(0, 3))
def test_what_is_chosen_is_distinct_not_ignored_and_apart(image, batch_size, iou, beta):
    l_cls, l_loc, boxes, labels = image
    loss = selection_loss(l_cls, l_loc, 1, beta)
    chosen = hardest(loss, boxes, labels, batch_size, iou)
    assert len(set(chosen.tolist())) == len(chosen) <= batch_size
    assert (labels[chosen] >= 0).all()
    assert (loss[chosen].diff() <= 0).all()
    overlap = box_iou(boxes[chosen].double(), boxes[chosen].double()).fill_diagonal_(0)
    assert not ((overlap > iou) & (labels[chosen][:, None] == labels[chosen])).any()


@quick
@given(rois(), st.integers(1, 50), st.integers(0, 2**31))
def test_the_order_of_the_rois_does_not_matter(image, batch_size, seed):
    l_cls, _, boxes, labels = image
    g = torch.Generator().manual_seed(seed)
    loss = torch.randperm(len(l_cls), generator=g).float()  # no ties, which go by order
    order = torch.randperm(len(l_cls), generator=g)
    chosen = hardest(loss, boxes, labels, batch_size)
    permuted = hardest(loss[order], boxes[order], labels[order], batch_size)
    assert order[permuted].tolist() == chosen.tolist()


@quick
@given(rois(), st.integers(1, 50))
def test_l_loc_of_the_chosen_rises_with_beta(image, batch_size):
    l_cls, l_loc, boxes, labels = image
    means = []
    for beta in (0, 0.5, 1, 2, 4):
        chosen = hardest(selection_loss(l_cls, l_loc, 1, beta), boxes, labels, batch_size, nms_iou=None)
        means.append(l_loc[chosen].sum().item())  # all choices are of the same size
    assert means == sorted(means)


@quick
@given(rois())
def test_deduplication_drops_only_what_a_kept_roi_covers(image):
    l_cls, _, boxes, labels = image
    kept = deduplicated(l_cls, boxes, labels, 0.5, per_label=True)
    overlap = box_iou(boxes.double(), boxes.double())
    for i in torch.nonzero(~kept & (labels >= 0)).flatten():
        covers = kept & (labels == labels[i]) & (overlap[i] > 0.5) & (l_cls >= l_cls[i])
        assert covers.any()


def test_random_sampling_draws_a_quarter_of_foreground():
    labels = torch.tensor([1] * 50 + [0] * 100 + [-1] * 50)
    chosen = random_sample(labels, 64, 0.25, torch.Generator().manual_seed(1))
    assert len(set(chosen.tolist())) == 64
    assert (labels[chosen] > 0).sum() == 16
    assert (labels[chosen] == 0).sum() == 48


def test_random_sampling_tops_up_the_side_that_is_short():
    few_foreground = torch.tensor([1] * 3 + [0] * 100)
    chosen = random_sample(few_foreground, 64, 0.25, torch.Generator().manual_seed(1))
    assert (few_foreground[chosen] > 0).sum() == 3
    assert len(chosen) == 64

    few_background = torch.tensor([1] * 100 + [0] * 5)
    chosen = random_sample(few_background, 64, 0.25, torch.Generator().manual_seed(1))
    assert (few_background[chosen] == 0).sum() == 5
    assert len(chosen) == 64

    assert len(random_sample(labels_of(1, 0, -1), 64, 0.25, torch.Generator())) == 2
    assert len(random_sample(labels_of(), 64, 0.25, torch.Generator())) == 0


def test_random_background_has_a_least_overlap():
    labels, overlaps = labels_of(0, 0, 0, 0, 2), torch.tensor([0.0, 0.09, 0.1, 0.4, 0.8])
    image = Rois({}, torch.tensor([APART] * 5), labels, overlaps)
    moments = [Moment(1, None, torch.Generator().manual_seed(seed)) for seed in range(20)]
    for together in (False, True):
        bound, free = (RandomSampler(2, 0.0, least, together=together) for least in (0.1, 0.0))
        assert [set(bound.choose_each([image], [moment])[0].tolist()) for moment in moments] == [{2, 3}] * 20
        drawn = {index for moment in moments for index in free.choose_each([image], [moment])[0].tolist()}
        assert drawn == {0, 1, 2, 3}
    with pytest.raises(MiningError, match=r"background=0.1: give each image's overlaps"):
        RandomSampler(2, background=0.1).choose_each([image._replace(overlaps=None)], moments[:1])
    with pytest.raises(MiningError, match=r"background=1.5; expected an IoU from 0 to 1"):
        RandomSampler(2, background=1.5)


def test_random_sampling_is_uniform_and_depends_on_its_generator_alone():
    labels = torch.tensor([1] * 8 + [0] * 24)
    g = torch.Generator().manual_seed(3)
    drawn = torch.zeros(32)
    for _ in range(2000):
        drawn[random_sample(labels, 8, 0.25, g)] += 1
    # 2 of 8 and 6 of 24: each RoI is expected 500 times, standard deviation 19.
    assert ((drawn - 500).abs() < 100).all()
    first = random_sample(labels, 8, 0.25, torch.Generator().manual_seed(5))
    assert first.tolist() == random_sample(labels, 8, 0.25, torch.Generator().manual_seed(5)).tolist()


def test_half_precision_and_integer_labels_are_taken():
    boxes = torch.tensor([NEAR, NEARER, APART]).half()
    loss = torch.tensor([1.0, 2.0, 0.5]).half()
    assert hardest(loss, boxes, labels_of(1, 1, 1).int(), 3).tolist() == [1, 2]


def test_nms_by_the_sum_keeps_what_ohem_keeps():
    """Of two RoIs on one object L_cls alone keeps the first, L_cls + L_loc the second; then L_cls chooses."""
    losses = {"cls": torch.tensor([3.0, 2.0, 2.5]), "loc": torch.tensor([0.0, 4.0, 0.0])}
    boxes, labels = torch.tensor([NEAR, NEARER, APART]), labels_of(1, 1, 1)
    for by, expected in (("select", [0, 2]), ("sum", [2, 1])):
        miner = SOHEM(2, 10, {"cls": 1.0, "loc": 0.0}, nms_by=by)
        assert miner.choose(losses, boxes, labels, Moment(1)).tolist() == expected


def test_b_chosen_over_both_images_together():
    """The first image has the harder RoIs and gets three of four; boxes in the same place do not drop each other."""
    boxes = torch.tensor([NEAR, NEARER, APART, [70.0, 0, 90, 10]])
    labels = labels_of(1, 1, 1, 1)
    images = [Rois({"cls": torch.tensor(cls), "loc": torch.zeros(4)}, boxes, labels)
              for cls in ([9.0, 8.0, 7.0, 6.0], [5.0, 6.5, 1.0, 0.5])]  # fmt: skip
    moments = [Moment(1)] * 2
    assert [c.tolist() for c in OHEM(2).choose_each(images, moments)] == [[0, 2], [1, 2]]
    assert [c.tolist() for c in OHEM(2, together=True).choose_each(images, moments)] == [[0, 2, 3], [1]]
    assert [c.tolist() for c in OHEM(1, together=True).choose_each(images, moments)] == [[0, 2], []]
    nobody = Rois({"cls": torch.zeros(0), "loc": torch.zeros(0)}, torch.zeros(0, 4), labels_of())
    assert [c.tolist() for c in OHEM(2, together=True).choose_each([nobody, nobody], moments)] == [[], []]


@quick
@given(rois(), rois(), st.integers(1, 30))
def test_together_is_the_hardest_of_what_nms_leaves_in_each_image(first, second, batch_size):
    images = [Rois({"cls": l_cls, "loc": l_loc}, boxes, labels) for l_cls, l_loc, boxes, labels in (first, second)]
    left = OHEM(1000).choose_each(images, [Moment(1)] * 2)
    found = OHEM(batch_size, together=True).choose_each(images, [Moment(1)] * 2)
    sums = [image.losses["cls"] + image.losses["loc"] for image in images]
    ranked = sorted((-sums[n][k].item(), n, k) for n in (0, 1) for k in left[n].tolist())[: 2 * batch_size]
    for n in (0, 1):
        assert found[n].tolist() == [k for _, image, k in ranked if image == n]


def test_every_miner_chooses_together():
    g = torch.Generator().manual_seed(0)
    images = [
        Rois({"cls": torch.rand(30, generator=g), "loc": torch.rand(30, generator=g)},
             torch.tensor([[30.0 * k, 0, 30.0 * k + 10, 10] for k in range(30)]),
             torch.randint(0, 3, (30,), generator=g))
        for _ in range(2)
    ]  # fmt: skip
    for miner in (SOHEM(5, 9, together=True), StratifiedSOHEM(5, 9, together=True), RandomSampler(5, together=True)):
        assert sum(len(chosen) for chosen in miner.choose_each(images, [Moment(1)] * 2)) == 10
