"""`select`, `Ramp` and the miners on plain tensors, worked out by hand; more than two losses; 2^n strata."""

import itertools
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import sohem
from sohem import OHEM, SOHEM, Course, MiningError, Ramp, RandomSampler, StratifiedSOHEM, select
from sohem.mining.miner import Moment
from sohem.mining.select import hardest, selection_loss
from sohem.mining.strata import high_strata, quotas, strata, stratum

BOXES = torch.tensor([[20.0 * i, 0, 20.0 * i + 10, 10] for i in range(8)])  # all apart
ONES = torch.ones(4, dtype=torch.long)
THREE = {
    "cls": torch.tensor([4.0, 3.0, 2.0, 1.0]),
    "loc": torch.tensor([0.0, 1.0, 2.0, 3.0]),
    "mask": torch.tensor([0.0, 0.0, 3.0, 1.0]),
}


def test_select_without_coefficients_is_ohem():
    # Sums 4, 4, 7, 5.
    assert select(THREE, BOXES[:4], ONES, 4).tolist() == [2, 3, 0, 1]
    assert Course(OHEM(4, tuple(THREE))).choose(THREE, BOXES[:4], ONES).tolist() == [2, 3, 0, 1]


def test_select_with_coefficients_of_three_losses():
    # cls + 2 loc: 4, 5, 6, 7. With 1/3 of mask: 4, 5, 7, 7.33.
    coefficients = {"cls": 1.0, "loc": torch.tensor(2.0), "mask": 0.0}
    assert select(THREE, BOXES[:4], ONES, 2, coefficients).tolist() == [3, 2]
    assert select(THREE, BOXES[:4], ONES, 2, coefficients | {"mask": 2.0}).tolist() == [2, 3]  # 4, 5, 12, 9


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 30), st.floats(0, 3))
def test_two_losses_are_formula_1(seed, count, beta):
    g = torch.Generator().manual_seed(seed)
    l_cls, l_loc = torch.rand(2, count, generator=g)
    corner = torch.rand(count, 2, generator=g) * 20
    boxes, labels = torch.cat([corner, corner + 10], 1), torch.randint(-1, 3, (count,), generator=g)
    expected = hardest(selection_loss(l_cls, l_loc, 1.0, beta), boxes, labels, 8)
    chosen = select({"cls": l_cls, "loc": l_loc}, boxes, labels, 8, {"cls": 1.0, "loc": beta})
    assert chosen.tolist() == expected.tolist()


def test_select_leaves_no_graph():
    loss = torch.rand(4, requires_grad=True)
    assert not select({"cls": loss}, BOXES[:4], ONES, 2).requires_grad


def test_a_ramp_by_hand():
    beta = Ramp(1.9)
    assert [beta.at(step, 100) for step in (1, 50, 60, 75, 100, 200)] == pytest.approx([0, 0, 0.76, 1.9, 1.9, 1.9])
    alpha = Ramp(0, begin=1)
    assert [alpha.at(step, 100) for step in (50, 60, 75)] == pytest.approx([1, 0.6, 0])
    jump = Ramp(2.0, start=0.5, end=0.5)
    assert [jump.at(step, 100) for step in (50, 51)] == [0, 2]
    threes = {"cls_selected": torch.full((74,), 6.0), "loc_selected": torch.full((74,), 2.0)}
    assert Ramp().at(75, 100, threes) == pytest.approx(3)


def test_the_running_ratio_follows_the_losses_of_the_chosen_rois():
    course = Course(SOHEM(4, 80, {"cls": 1.0, "loc": Ramp(start=0, end=0)}))  # the means reach back over 1 step
    assert course.beta == 1  # nothing known yet: OHEM
    course.advance({"cls": torch.tensor([1.0, 3.0]), "loc": torch.tensor([0.5, 0.5])})
    assert course.beta == 4
    course.advance({"cls": torch.tensor([3.0]), "loc": torch.tensor([1.0])})
    assert course.beta == 3


def test_a_step_without_finite_losses_moves_no_ratio():
    course = Course(SOHEM(4, 320, {"cls": 1.0, "loc": Ramp(start=0, end=0)}))
    course.advance({"cls": torch.tensor([3.0]), "loc": torch.tensor([1.0])})
    course.advance({"cls": torch.zeros(0), "loc": torch.zeros(0)})  # nothing chosen
    course.advance({"cls": torch.tensor([torch.nan]), "loc": torch.tensor([1.0])})
    assert (course.beta, course.step) == (pytest.approx(3), 3)


def test_the_running_means_reach_back_over_a_share_of_the_training():
    course = Course(SOHEM(4, 320, {"cls": 1.0, "loc": Ramp(start=0, end=0)}))  # 4 steps: a new one counts for a quarter
    for cls in (4.0, 8.0):
        course.advance({"cls": torch.tensor([cls]), "loc": torch.tensor([1.0])})
    assert course.beta == 5


def test_what_a_miner_looks_back_at_is_recorded_and_nothing_else():
    assert Course(SOHEM(4, 320, {"cls": 1.0, "loc": Ramp(1.9)})).history == {}
    course = Course(StratifiedSOHEM(4, 320, threshold="running"))
    with pytest.raises(MiningError, match="looks at the losses of all RoIs: pass them to advance"):
        course.advance({"cls": torch.ones(2), "loc": torch.ones(2)})
    for k in range(70):
        course.advance({}, {"cls": torch.tensor([k, k + 2.0]), "loc": torch.tensor(2.0)})
    assert {name: values.tolist() for name, values in course.history.items()} == {
        "cls_all": [k + 1.0 for k in range(70)],
        "loc_all": [2.0] * 70,
    }


def test_sohem_by_its_schedule():
    course = Course(SOHEM(2, 4, {"cls": 1.0, "loc": Ramp(2.0, start=0.25, end=0.5), "mask": 1.0}))
    chosen = []
    for _ in range(3):
        chosen.append(course.choose(THREE, BOXES[:4], ONES).tolist())
        course.advance({name: loss[chosen[-1]] for name, loss in THREE.items()})
    # beta 0, 2, 2. cls + mask: 4, 3, 5, 2; with 2 loc: 4, 5, 9, 8.
    assert chosen == [[2, 0], [2, 3], [2, 3]]


def test_eight_strata_of_three_losses():
    high = list(itertools.product([1.0, 0.0], repeat=3))  # all, then all but the last, ..., none
    losses = [torch.tensor(column) for column in zip(*high, strict=True)]
    assert strata(losses).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert high_strata(3) == [(1, 2, 3, 4), (1, 2, 5, 6), (1, 3, 5, 7)]
    assert high_strata(2) == [(1, 2), (1, 3)]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(0, 20), st.integers(1, 4))
def test_strata_are_those_in_which_each_loss_is_high(seed, count, n):
    g = torch.Generator().manual_seed(seed)
    losses = list(torch.randint(0, 4, (n, count), generator=g).float())
    of = strata(losses)
    for loss, union in zip(losses, high_strata(n), strict=True):
        middle = sorted(loss.tolist())
        median = (middle[(count - 1) // 2] + middle[count // 2]) / 2 if count else 0
        assert [s in union for s in of.tolist()] == [x > median for x in loss.tolist()]
    if n == 2:
        assert of.tolist() == stratum(*losses).tolist()


def test_quotas_of_three_losses():
    schedule = {"start": 0.5, "end": 0.75, "share": 0.9}
    assert [quotas(i, 100, 64, schedule, 3) for i in (1, 55, 75)] == [(64, 0, 0), (52, 6, 6), (6, 29, 29)]
    assert quotas(75, 100, 10, schedule, 3) == (1, 5, 4)


def test_strata_of_three_losses_by_hand():
    losses = {
        "cls": torch.tensor([8.0, 7, 6, 5, 4, 3, 2, 1]),  # high: 0 to 3
        "loc": torch.tensor([0.0, 1, 0, 1, 9, 8, 7, 0]),  # median 1, high: 4, 5, 6
        "mask": torch.tensor([0.0, 0, 0, 0, 9, 1, 2, 3]),  # median 0.5, high: 4 to 7
    }
    labels = torch.ones(8, dtype=torch.long)
    miner = StratifiedSOHEM(4, 100, tuple(losses), start=0, end=0.5, share=1.0)
    assert Course(miner).choose(losses, BOXES, labels).tolist() == [0, 1, 2, 3]
    assert miner.quotas_at(100) == {"cls": 0, "loc": 2, "mask": 2}
    # 4 counts for loc, so mask takes 7 and 6
    assert miner.choose(losses, BOXES, labels, Moment(100)).tolist() == [4, 5, 7, 6]
    larger = replace(miner, batch_size=8)  # 4 and 4 wanted, 3 and 1 are there; the rest by cls
    assert larger.choose(losses, BOXES, labels, Moment(100)).tolist() == [4, 5, 6, 7, 0, 1, 2, 3]


def test_the_random_sampler_follows_torchs_seed():
    labels = torch.tensor([1] * 10 + [0] * 40 + [-1] * 5)
    boxes = torch.zeros(55, 4)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(Course(RandomSampler(16)).choose({}, boxes, labels).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    assert sum(labels[drawn[0]] == 1) == 4
    assert sum(labels[drawn[0]] == 0) == 12


def test_the_public_names_are_there_and_no_others():
    assert sohem.__all__ == sorted(sohem.__all__, key=lambda name: (name.islower(), not name.isupper(), name))
    for name in sohem.__all__:
        assert getattr(sohem, name).__doc__, name
    assert set(sohem.__all__) <= set(dir(sohem))
    with pytest.raises(AttributeError, match="no attribute 'mining_rate'"):
        _ = sohem.mining_rate


def test_importing_the_package_loads_nothing():
    code = "import sys, sohem; print(sorted({'torch', 'numpy', 'torchvision'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_miner_is_an_immutable_rule():
    miner = SOHEM(16, 10)
    with pytest.raises(FrozenInstanceError):
        miner.batch_size = 8
    assert miner == SOHEM(16, 10) != SOHEM(16, 20)


def test_a_figure_may_ask_a_miner_for_its_facts_without_loading_torch():
    code = (
        "import sys; from sohem.mining.miners import registry; "
        "print([n for n, m in sorted(registry().items()) if m.weighted], [m for m in ('torch',) if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert printed.strip() == "['ohem', 'sohem'] []"
