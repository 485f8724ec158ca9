"""Figures of what was mined and what it gave: the numbers in the picture."""

import numpy as np
import pandas as pd
import pytest

from sohem.paper import plotting
from sohem.paper.kinds import improvement_figure, interval_figure, ratio_figure, strata_figure
from sohem.paper.palette import STRATA

NOTICE = "demo scale, generated data"


def log(s1: float = 0.25, beta: float = 1.0, cls: float = 2.0) -> pd.DataFrame:
    """Four iterations; the losses' ratio is ``cls`` over the selected RoIs and twice that over all."""
    columns = {"s1": s1, "s2": 0.5, "s3": 0.05, "s4": 0.45 - s1, "foreground_selected": s1 + 0.05, "alpha": 1.0,
               "cls_selected": cls, "loc_selected": 1.0, "cls_all": cls, "loc_all": 0.5}  # fmt: skip
    return pd.DataFrame({"iteration": [1, 2, 3, 4], "beta": [0, beta, beta, beta], **columns})


def intervals(value: str = "ap", shift: float = 0.0) -> pd.DataFrame:
    """mAP, the means of a rigid and a non-rigid class, and three classes, at two thresholds."""
    gains = {"mAP": 1, "rigid": 2, "nonrigid": -1, "car": 1, "bus": 3, "cat": -1}
    rows = [
        (scope, "mean" if scope in ("mAP", "rigid", "nonrigid") else "class", iou, gain + shift, gain - 2, gain + 2)
        for scope, gain in gains.items()
        for iou in (0.5, 0.7)
    ]
    return pd.DataFrame(rows, columns=["scope", "kind", "iou", value, "low", "high"])


def test_strata_are_stacked_to_100_percent_in_their_own_colours_with_foreground_on_top():
    figure = strata_figure.figure({"VOC07": {"OHEM": [log(0.25)], "S-OHEM": [log(0.35)]}}, 2, NOTICE)
    first, second = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["VOC07, OHEM", "VOC07, S-OHEM"]
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in first.collections]
    assert tops == pytest.approx([25, 75, 80, 100])
    colours = [tuple(round(255 * c) for c in area.get_facecolor()[0][:3]) for area in first.collections]
    assert colours == [look.rgb for look in STRATA.values()]
    assert first.get_lines()[-1].get_label() == "foreground"
    np.testing.assert_allclose(first.get_lines()[-1].get_ydata(), [30, 30])
    np.testing.assert_allclose(first.get_lines()[-1].get_xdata(), [1.5, 3.5])
    borders = [line.get_ydata()[0] for line in second.get_lines()[:3]]  # those of OHEM, in the panel of S-OHEM
    assert borders == pytest.approx([25, 75, 80])
    assert figure.get_suptitle() == NOTICE


def test_seeds_of_the_strata_are_averaged():
    figure = strata_figure.figure({"VOC07": {"OHEM": [log(0.25), log(0.35)]}}, 2, NOTICE)
    assert figure.axes[0].collections[0].get_paths()[0].vertices[:, 1].max() == pytest.approx(30)


def test_the_ratio_stands_beside_alpha_and_beta_where_they_mean_something():
    runs = {"S-OHEM": [log(beta=1.9)], "Random": [log()]}
    figure = ratio_figure.figure({"VOC07": runs}, ["S-OHEM"], 2, NOTICE)
    weighted, random = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in weighted.get_lines()}
    np.testing.assert_allclose(lines["L_cls / L_loc, the B selected RoIs"], [2, 2])
    np.testing.assert_allclose(lines["L_cls / L_loc, all R RoIs"], [4, 4])
    np.testing.assert_allclose(lines["β"], [0, 1.9, 1.9, 1.9])
    np.testing.assert_allclose(lines["\N{GREEK SMALL LETTER ALPHA}"], [1, 1, 1, 1])
    assert [line.get_label()[0] for line in random.get_lines()] == ["L", "L"]
    assert weighted.get_ylim() == random.get_ylim()


def test_a_loss_of_zero_leaves_a_gap_in_the_ratio():
    none = log().assign(loc_selected=0.0)
    figure = ratio_figure.figure({"VOC07": {"OHEM": [none]}}, [], 2, NOTICE)
    assert np.isnan(figure.axes[0].get_lines()[0].get_ydata()).all()


def test_the_map_of_each_method_is_drawn_with_its_interval():
    tables = {"VOC07": {"OHEM": intervals(), "S-OHEM": intervals(shift=0.5)}}
    figure = interval_figure.figure(tables, 0.95, NOTICE)
    (ax,) = figure.axes
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[1, 1], [1.5, 1.5]]
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (-1, 3)
    assert "95% interval" in ax.get_ylabel()
    assert figure.get_suptitle() == NOTICE


def test_classes_stand_in_their_group_the_largest_gain_on_top():
    order = improvement_figure.class_order(intervals("difference"), ["car", "bus"])
    assert order == [("mean", "mAP"), ("mean", "rigid"), ("mean", "nonrigid"),
                     ("rigid", "bus"), ("rigid", "car"), ("non-rigid", "cat")]  # fmt: skip
    alone = improvement_figure.class_order(intervals("difference"), [])
    assert [name for group, name in alone if group == "classes"] == ["bus", "car", "cat"]


def test_the_gain_of_each_class_is_marked_full_where_its_interval_has_no_0():
    tables = {"VOC07": {"S-OHEM": intervals("difference")}}
    figure = improvement_figure.figure(tables, "OHEM", {"VOC07": ["car", "bus"]}, 0.95, NOTICE)
    left, right = figure.axes
    assert [ax.get_title() for ax in (left, right)] == ["VOC07, IoU 0.5", "VOC07, IoU 0.7"]
    marks = [line for line in left.get_lines() if line.get_marker() == "o"]
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == ["mean of all", "mean of rigid", "mean of non-rigid", "bus", "car", "cat"]
    assert [mark.get_xdata()[0] for mark in marks] == [1, 2, -1, 3, 1, -1]
    full = [name for name, mark in zip(names, marks, strict=True) if mark.get_markerfacecolor() != "white"]
    assert full == ["bus"]  # 1 to 5; that of the rigid mean begins at 0
    bars = [bar.get_segments()[0][:, 0].tolist() for bar in left.collections]
    assert bars == [[-1, 3], [0, 4], [-3, 1], [1, 5], [-1, 3], [-3, 1]]
    assert "AP of S-OHEM minus AP of OHEM (points), 95% interval" in [ax.get_xlabel() for ax in figure.axes]


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_equal_data_give_equal_bytes(suffix):
    tables = {"VOC07": {"A": intervals("difference"), "B": intervals("difference", 1.0)}}
    first, second = (
        plotting.to_files(improvement_figure.figure(tables, "OHEM", {}, 0.95, NOTICE))[suffix] for _ in "ab"
    )
    assert first == second
