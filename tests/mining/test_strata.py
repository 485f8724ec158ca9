"""The four strata, the quotas and the choice by strata (paper 3.2 and 3.3)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sohem import SOHEM, StratifiedSOHEM
from sohem.mining.miner import Moment
from sohem.mining.select import deduplicated
from sohem.mining.strata import composition, quotas, select_by_strata, stratum

SCHEDULE = {"start": 0.5, "end": 0.75, "share": 0.9}

# Eight RoIs, two of each stratum in order. Medians: L_cls 4.5, L_loc 2 (between 1 and 3).
L_CLS = torch.tensor([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
L_LOC = torch.tensor([3.0, 4.0, 1.0, 0.0, 9.0, 5.0, 1.0, 0.0])
LABELS = torch.tensor([1, 1, 1, 0, 1, 1, 1, 0])
BOXES = torch.tensor([[20.0 * i, 0, 20.0 * i + 10, 10] for i in range(8)])  # all apart


def test_strata_by_the_medians():
    assert stratum(L_CLS, L_LOC).tolist() == [1, 1, 2, 2, 3, 3, 4, 4]


def test_strata_by_another_quantile():
    # 0.75 of L_cls: 6.25. Of L_loc, sorted 0 0 1 1 3 4 5 9: 4.25.
    assert stratum(L_CLS, L_LOC, 0.75).tolist() == [2, 2, 4, 4, 3, 3, 4, 4]


def test_high_is_strictly_above_the_threshold():
    """Mostly background: the median of L_loc is 0, and 0 is not high."""
    l_loc = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.2])
    l_cls = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    assert stratum(l_cls, l_loc).tolist() == [4, 4, 4, 2, 1]
    assert stratum(torch.zeros(3), torch.zeros(3)).tolist() == [4, 4, 4]


def test_thresholds_leave_ignored_rois_out():
    l_cls = torch.tensor([0.0, 0.0, 0.0, 1.0, 2.0])
    valid = torch.tensor([False, False, False, True, True])
    assert stratum(l_cls, torch.zeros(5)).tolist() == [4, 4, 4, 2, 2]
    assert stratum(l_cls, torch.zeros(5), valid=valid).tolist()[3:] == [4, 2]
    assert stratum(l_cls, l_cls, valid=torch.zeros(5, dtype=torch.bool)).tolist() == [4] * 5


@pytest.mark.parametrize(
    ("iteration", "expected"),
    [(1, (64, 0)), (50, (64, 0)), (55, (52, 12)), (75, (6, 58)), (100, (6, 58))],
)
def test_quotas_move_to_the_later_distribution(iteration, expected):
    # at 55: 0.9 * (5 / 25) * 64 = 11.52; in the end 0.9 * 64 = 57.6
    assert quotas(iteration, 100, 64, SCHEDULE) == expected


def test_at_first_the_highest_l_cls():
    assert select_by_strata(L_CLS, L_LOC, BOXES, LABELS, (3, 0)).tolist() == [0, 1, 2]


def test_later_the_highest_l_loc_of_s1_and_s3():
    # s_1 and s_3 are RoIs 0, 1, 4, 5 with L_loc 3, 4, 9, 5.
    assert select_by_strata(L_CLS, L_LOC, BOXES, LABELS, (0, 3)).tolist() == [4, 5, 1]


def test_the_literal_reading_takes_s2_and_s3():
    # RoIs 2, 3, 4, 5 with L_loc 1, 0, 9, 5: the highest L_loc of s_1 stay out.
    chosen = select_by_strata(L_CLS, L_LOC, BOXES, LABELS, (0, 4), s23="literal")
    assert chosen.tolist() == [4, 5, 2, 3]


def test_both_quotas_give_distinct_rois():
    # s_12 takes RoI 0; of what is left, 4 and 5 and 1 have the highest L_loc.
    assert select_by_strata(L_CLS, L_LOC, BOXES, LABELS, (1, 3)).tolist() == [0, 4, 5, 1]
    # s_12 takes 0 and 1, which are s_1: only 4 and 5 remain, then the highest L_cls fills.
    assert select_by_strata(L_CLS, L_LOC, BOXES, LABELS, (2, 3)).tolist() == [0, 1, 4, 5, 2]
    # With an L_loc of 10, RoI 0 heads both; it counts for s_12 alone and takes no place of the later quota.
    l_loc = torch.cat([torch.tensor([10.0]), L_LOC[1:]])
    assert select_by_strata(L_CLS, l_loc, BOXES, LABELS, (1, 2)).tolist() == [0, 4, 5]


def test_what_fills_a_short_stratum():
    l_cls = torch.tensor([9.0, 8.0, 7.0, 3.0, 2.0, 1.0])
    l_loc = torch.tensor([0.0, 0.0, 0.0, 9.0, 0.0, 8.0])
    labels, boxes = torch.tensor([0, 0, 0, 1, 0, 1]), BOXES[:6]
    # Thresholds 5 and 0: s_2 is 0, 1, 2; s_3 is 3, 5; s_4 is 4. Of 4 wanted later only 2 exist.
    assert select_by_strata(l_cls, l_loc, boxes, labels, (0, 4), fill="cls").tolist() == [3, 5, 0, 1]
    # After s_12's quota of 4, which is one more than it has:
    assert select_by_strata(l_cls, l_loc, boxes, labels, (4, 0), fill="cls").tolist() == [0, 1, 2, 3]
    assert select_by_strata(l_cls, l_loc, boxes, labels, (4, 0), fill="sum").tolist() == [0, 1, 2, 3]
    l_cls[3] = 0.5
    assert select_by_strata(l_cls, l_loc, boxes, labels, (4, 0), fill="cls").tolist() == [0, 1, 2, 4]
    assert select_by_strata(l_cls, l_loc, boxes, labels, (4, 0), fill="sum").tolist() == [0, 1, 2, 3]


def test_nms_empties_s3():
    """A RoI with little L_cls lies beside a harder one of its object, and goes with it."""
    boxes = BOXES.clone()
    boxes[4], boxes[5] = boxes[0], boxes[1]
    assert select_by_strata(L_CLS, L_LOC, boxes, LABELS, (0, 2), nms_iou=None).tolist() == [4, 5]
    # The sums are 11, 11 against 13, 8: RoI 4 drops 0, but 1 drops 5.
    assert select_by_strata(L_CLS, L_LOC, boxes, LABELS, (0, 4)).tolist() == [4, 1, 2, 3]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**31),
    st.integers(1, 40),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from(["localisation", "literal"]),
    st.sampled_from(["cls", "sum"]),
)
def test_exactly_b_distinct_rois_if_there_are_as_many(seed, count, early, later, s23, fill):
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(-1, 3, (count,), generator=g)
    l_cls = torch.randint(0, 6, (count,), generator=g).float()
    l_loc = torch.randint(0, 6, (count,), generator=g).float() * (labels > 0)
    corner = torch.randint(0, 12, (count, 2), generator=g).float()
    boxes = torch.cat([corner, corner + 10], 1)
    chosen = select_by_strata(l_cls, l_loc, boxes, labels, (early, later), s23=s23, fill=fill)
    available = deduplicated(l_cls + l_loc, boxes, labels, 0.7, True)
    assert len(set(chosen.tolist())) == len(chosen) == min(early + later, int(available.sum()))
    assert available[chosen].all()


def test_ignored_rois_do_not_move_the_thresholds():
    """Three ignored RoIs without loss would make every other one high."""
    l_cls = torch.tensor([0.0, 0.0, 0.0, 2.0, 1.0])
    l_loc = torch.tensor([0.0, 0.0, 0.0, 1.0, 2.0])
    labels = torch.tensor([-1, -1, -1, 1, 1])
    # Of the two that count, 3 is s_2 and 4 is s_3; as two of s_1 the later quota would take 4, which fits both.
    of = stratum(l_cls, l_loc, valid=labels >= 0)
    assert composition(torch.tensor([3, 4]), of, labels).tolist() == [1, 0, 0.5, 0.5, 0]
    chosen = select_by_strata(l_cls, l_loc, BOXES[:5], labels, (0, 1), s23="literal")
    assert chosen.tolist() == [4]
    chosen = select_by_strata(l_cls, 0 * l_loc + 5, BOXES[:5], labels, (0, 1), s23="literal")
    assert chosen.tolist() == [3]


def test_composition_of_a_choice():
    # Foreground 3 of 4; strata 1, 2, 2, 3.
    of = stratum(L_CLS, L_LOC)
    assert composition(torch.tensor([0, 2, 3, 4]), of, LABELS).tolist() == [0.75, 0.25, 0.5, 0.25, 0]
    assert composition(torch.tensor([], dtype=torch.long), of, LABELS).tolist() == [0] * 5


LOSSES = {"cls": L_CLS, "loc": L_LOC}


def chosen(miner, iteration: int, history=None) -> list[int]:
    return miner.choose(LOSSES, BOXES, LABELS, Moment(iteration, history)).tolist()


def test_the_choice_follows_the_schedule():
    miner = StratifiedSOHEM(4, 100, share=1.0)
    assert chosen(miner, 50) == [0, 1, 2, 3]
    assert chosen(miner, 100) == [4, 5, 1, 0]


def test_formula_1_gives_way_to_localisation():
    def by(alpha: float, beta: float) -> list[int]:
        return chosen(SOHEM(3, 100, {"cls": alpha, "loc": beta}), 1)

    assert by(1, 0) == [0, 1, 2]
    # 8 + 3b, 7 + 4b, 6 + b, 5, 4 + 9b, 3 + 5b, 2 + b, 1 at b = 2: 14, 15, 8, 5, 22, 13, 4, 1
    assert by(1, 2) == [4, 1, 0]
    assert by(0, 1) == [4, 5, 1]


def test_once_the_change_has_begun_the_rest_may_come_from_s1():
    """Section 3.3: "by increasing the sampling ratio between s_23 and s_1"."""
    s12, s1 = (StratifiedSOHEM(4, 100, share=0.25, rest=rest) for rest in ("s12", "s1"))
    assert s1.quotas_at(100) == {"cls": 3, "loc": 1}
    assert chosen(s12, 50) == chosen(s1, 50) == [0, 1, 2, 3]  # before, the highest L_cls
    # s_1 holds 0 and 1 only; then s_3's 4 by L_loc, and what is left by L_cls.
    assert chosen(s12, 100) == [0, 1, 2, 4]
    assert chosen(s1, 100) == [0, 1, 4, 2]
    l_cls, l_loc = L_CLS.clone(), L_LOC.clone()
    l_cls[1], l_loc[1], l_loc[2] = 5.5, 4.0, 3.5  # s_1: 0, 1 and 2; of s_2 only 3 is left
    assert s1.unions_at(51) == [(1,), (1, 3)]
    assert s1.unions_at(50) == s12.unions_at(100) == [(1, 2), (1, 3)]


def test_both_readings_of_s23_are_settings():
    later = {"start": 0.0, "end": 0.0, "share": 1.0}
    assert chosen(StratifiedSOHEM(4, 100, **later), 1) == [4, 5, 1, 0]
    assert chosen(StratifiedSOHEM(4, 100, s23="literal", **later), 1) == [4, 5, 2, 3]


def test_thresholds_by_a_running_mean():
    """L_cls above 2 and L_loc above 6 are high, whatever the image's medians (4.5 and 2) are."""
    history = {"cls_all": torch.tensor([9.0, 2.0]), "loc_all": torch.tensor([1.0, 6.0])}
    miner = StratifiedSOHEM(3, 80, start=0.0, end=0.0, share=1.0, threshold="running")  # reaches back over 1 step
    assert miner.looks_back == ["cls_all", "loc_all"]
    assert miner.strata(LOSSES, LABELS, Moment(3, history)).tolist() == [2, 2, 2, 2, 1, 2, 4, 4]
    assert chosen(miner, 3, history) == [4, 0, 1]  # one RoI with a high L_loc, then the highest L_cls
    assert chosen(miner, 1) == [4, 5, 1]  # nothing is known yet: the medians
    # Half of the training as window: the means are (9 x 0.5 + ...) as of `running_mean`.
    slow = StratifiedSOHEM(3, 4, threshold="running", window=0.5)
    assert [float(x) for x in slow.thresholds(("cls", "loc"), Moment(3, history))] == [5.5, 3.5]
    with pytest.raises(ValueError, match="running thresholds need the recorded losses"):
        chosen(miner, 3)
