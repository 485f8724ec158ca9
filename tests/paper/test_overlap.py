"""The overlap in words and in its figure: sentences chosen by the numbers, and the numbers in the picture."""

import numpy as np
import pandas as pd
import pytest

from sohem import artifacts, params
from sohem.evaluation.overlap import COLUMNS, Mean, Summary
from sohem.paper import claims_page, overlap_words
from sohem.paper.kinds import overlap_figure
from trees import ROOT

TITLES = {"voc": "VOC07", "ohem": "OHEM", "sohem": "S-OHEM", "random": "Random"}


def rows(method, other, shared, seed=0, **numbers):
    """Three iterations; the method takes 8 RoIs and the other would have taken 10."""
    known = {"taken": 8, "taken_other": 10, "left": 88, "foreground_left": 4, "cls_own": 3.0, "loc_own": 0.5,
             "cls_other": 2.0, "loc_other": 1.0}  # fmt: skip
    return [
        {**known, **numbers, "method": method, "other": other, "seed": seed, "iteration": k, "beta": beta, "shared": n}
        for k, beta, n in zip((5, 10, 20), (0, 0.5, 1.9), shared, strict=True)
    ]


def table(*parts):
    return pd.DataFrame([row for part in parts for row in part]).reindex(columns=COLUMNS)


def test_the_sentence_says_what_was_counted():
    found = Summary(Mean(0.9733, 0.969, 0.9774), Mean(0.9512, None, None), 1.9, 11.04, 0.0213, 3)
    assert overlap_words.sentence(found, "S-OHEM", "OHEM") == (
        "On average S-OHEM took 97.3 % [96.9, 97.7] of the RoIs that OHEM would have taken on the same losses (in the "
        "last quarter of the training, with its final beta of 1.9, 95.1 %). NMS leaves 11 RoIs for each one taken; "
        "2.1 % of them are foreground."
    )
    assert "last quarter of the training, 95.1 %" in overlap_words.sentence(found._replace(beta=None), "A", "B")


@pytest.mark.parametrize(
    ("share", "late", "words"),
    [
        (0.97, 0.95, "nearly the same examples"),
        (0.97, 0.94, "most examples"),
        (0.81, 0.99, "most examples"),
        (0.97, 0.79, "differ clearly"),
        (0.3, 0.99, "differ clearly"),
    ],
)
def test_what_it_means_goes_by_the_smaller_share(share, late, words):
    found = Summary(Mean(share, None, None), Mean(late, None, None), None, 11.0, 0.02, 1)
    assert words in overlap_words.meaning(found)
    assert "so few RoIs" not in overlap_words.meaning(found)
    few = overlap_words.meaning(found._replace(left=1.4))
    assert words in few
    assert ("so few RoIs to choose from" in few) == (words != "differ clearly")


def test_every_data_set_and_pair_with_runs_has_its_numbers():
    counted = {"voc": table(rows("sohem", "ohem", (8, 7, 6)))}
    (entry,) = overlap_words.findings(counted, [("sohem", "ohem"), ("random", "ohem")], TITLES, 0.95)
    text = entry.pop("text")
    assert entry == {"dataset": "voc", "method": "sohem", "other": "ohem", "beta": 1.9, "left": 11.0,
                     "foreground": 4.55, "runs": 1, "share": {"value": 70.0, "low": None, "high": None},
                     "late": {"value": 60.0, "low": None, "high": None}}  # fmt: skip
    assert text.startswith("VOC07: On average S-OHEM took 70.0 % of the RoIs that OHEM would have taken")
    assert text.endswith("can come from that choice.")
    assert text in claims_page.page([], [], "demo scale", [text])


def shown():
    return overlap_figure.Shown("ohem", ["sohem"], ["random"], TITLES)


def test_own_runs_and_other_choices_are_drawn_as_shares_of_the_first_methods_rois():
    counted = table(
        rows("sohem", "ohem", (10, 9, 8)), rows("sohem", "ohem", (10, 7, 4), seed=1, cls_own=5.0),
        rows("ohem", "random", (4, 2, 0)), rows("ohem", "sohem", (1, 1, 1)), rows("sohem", "random", (1, 1, 1)),
    )  # fmt: skip
    figure = overlap_figure.figure({"VOC07": counted}, shown(), "demo scale")
    left, right = figure.axes
    lines = {line.get_label(): line for line in left.get_lines()}
    assert list(lines) == ["S-OHEM", "Random"]
    np.testing.assert_allclose(lines["S-OHEM"].get_xdata(), [5, 10, 20])
    np.testing.assert_allclose(lines["S-OHEM"].get_ydata(), [100, 80, 60])  # of the 10 that OHEM would have taken
    np.testing.assert_allclose(lines["Random"].get_ydata(), [50, 25, 0])  # of the 8 that OHEM took
    band = left.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (40, 100)
    exchanged = {line.get_label(): line.get_ydata().tolist() for line in right.get_lines()}
    assert exchanged == {
        "L_cls, taken by S-OHEM only": [4, 4, 4],
        "L_cls, OHEM would have taken instead": [2, 2, 2],
        "L_loc, taken by S-OHEM only": [0.5, 0.5, 0.5],
        "L_loc, OHEM would have taken instead": [1, 1, 1],
    }
    assert figure.get_suptitle() == "demo scale"


def test_where_nothing_was_exchanged_the_line_has_a_gap():
    counted = table(rows("sohem", "ohem", (10, 10, 10), cls_own=np.nan, loc_own=np.nan, cls_other=np.nan,
                         loc_other=np.nan))  # fmt: skip
    figure = overlap_figure.figure({"VOC07": counted}, shown(), "")
    assert all(np.isnan(line.get_ydata()).all() for line in figure.axes[1].get_lines())


def test_which_lines_there_are_follows_from_the_run():
    given = params.load(ROOT / "params.yaml")
    found = overlap_figure.of_artifact(artifacts.artifact(given, "overlap"))
    assert (found.first, found.trained, found.others) == ("ohem", ["sohem"], ["cls_only", "loc_only", "random"])
    given["run"]["methods"] = ["strata"]
    artifact = artifacts.artifact(given, "overlap")
    found = overlap_figure.of_artifact(artifact)
    assert (found.first, found.trained) == ("strata", [])
    assert found.others == ["ohem", "sohem", "cls_only", "loc_only", "random"]
    assert "Right" not in overlap_figure.caption(artifact)
    given["evaluation"]["overlap"] = ["strata"]
    assert "overlap" not in artifacts.artifacts(given)
