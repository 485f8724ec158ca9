"""The section of pages on what the paper's test set can show: its numbers, and what is concluded from them."""

import copy

import pytest

from sohem.evaluation.resolution import MEDIAN
from sohem.paper import claims_page, testset
from trees import PARAMS

CLASSES = PARAMS["datasets"]["voc"]["classes"]


def test_the_printed_differences_are_those_of_the_tables() -> None:
    assert [testset.printed("voc", "mAP", iou) for iou in (0.5, 0.6, 0.7)] == [0.1, 0.5, 0.3]  # Table 2, not the text
    assert testset.printed("voc", "cat", 0.6) == 4.4
    assert testset.printed("voc", "aeroplane", 0.7) == 2.4  # "aero" there
    assert testset.printed("voc", "mAP", 0.8) is None
    assert testset.printed("cells", "mAP", 0.5) is None
    assert testset.most_improved("voc", CLASSES, [0.5, 0.6, 0.7]) == ("cat", 0.6, 4.4)
    assert testset.most_improved("voc", CLASSES, [0.7]) == ("aeroplane", 0.7, 2.4)
    assert testset.most_improved("cells", ["a"], [0.5]) is None


def test_the_table_of_the_page() -> None:
    section = testset.section()
    means = [f"mAP at IoU {iou}" for iou in (0.5, 0.6, 0.7)]
    assert section.heads == ["half width between", *means, "one class (median)", "cat at IoU 0.6"]
    assert section.rows[0] == ["two checkpoints of one YOLOv2 training", "0.38", "0.42", "0.62", "1.7 to 2.5", "2.6"]
    assert section.rows[-1] == ["the paper prints", "+0.1", "+0.5", "+0.3", "", "+4.4"]
    assert all(len(row) == len(section.heads) for row in section.rows)
    assert len(section.sources) == len(section.rows)  # one for each pair, and the command


def test_what_is_concluded() -> None:
    text = testset.section().text
    assert (
        "+0.1 at IoU 0.5 and +0.3 at IoU 0.7 cannot be told from nothing by these images, not even between two "
        "checkpoints of one YOLOv2 training."
    ) in text
    assert "+0.5 at IoU 0.6 can, but only between two checkpoints of one YOLOv2 training." in text
    assert "+4.4 for cat at IoU 0.6 is the largest of the 60 differences" in text


@pytest.mark.parametrize(
    ("half", "expected", "absent"),
    [
        ("0.01", "+0.1 at IoU 0.5 can between one and another and between two others.", "cannot"),
        ("9", "+0.1 at IoU 0.5, +0.5 at IoU 0.6 and +0.3 at IoU 0.7 cannot be told", " can "),
        ("0.2 to 0.4", "+0.1 at IoU 0.5 and +0.3 at IoU 0.7 cannot be told", "+0.3 at IoU 0.7 can "),
    ],
)
def test_the_conclusion_follows_the_numbers(half: str, expected: str, absent: str) -> None:
    found = copy.deepcopy(dict(testset.facts()))
    pair = {
        "one_class": "1",
        "detections": "x",
        "mAP": dict.fromkeys((0.5, 0.6, 0.7), half),
        "classes": {"dog": {0.6: "1"}},
    }
    found["pairs"] = [{"pair": name, **pair} for name in ("one and another", "two others")]
    text = testset.section(found).text
    assert expected in text
    assert absent not in text.partition("Luck of training")[2]
    assert "largest of" not in text  # dog is not it


def test_the_page_of_claims_shows_it() -> None:
    page = claims_page.page([], [], "notice")
    section = testset.section()
    assert f"## {section.title}\n\n{section.text}\n\n| half width between |" in page
    assert "| two different detectors | 0.9 to 1.1 | 1.0 to 1.3 | 1.2 to 1.5 | 3.8 to 5.2 | 4.0 |" in page
    for line in section.sources:
        assert f"- {line}" in page


def test_the_scope_of_the_median_is_no_class() -> None:
    assert not any(MEDIAN in entry["classes"] for entry in PARAMS["datasets"].values())
