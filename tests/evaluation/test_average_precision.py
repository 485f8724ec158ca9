"""Average precision: numbers worked out by hand, a naive loop as reference, and real detections."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sohem.datasets import voc_results
from sohem.errors import DataError
from sohem.evaluation import metrics
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS, evaluate

EVAL = Path(__file__).parents[3] / "shared" / "data" / "eval"
BOX = ["x1", "y1", "x2", "y2"]


def truth(*rows: tuple) -> pd.DataFrame:
    """Ground truth from (image, class, box) or (image, class, box, "difficult" | "ignore")."""
    return pd.DataFrame(
        [(image, name, *box, "difficult" in flag, "ignore" in flag) for image, name, box, *flag in rows],
        columns=["image_id", "class", *BOX, "difficult", "ignore"],
    ).astype({"image_id": "str", "class": "str", "difficult": bool, "ignore": bool})


def found(*rows: tuple) -> pd.DataFrame:
    """Detections from (image, class, score, box)."""
    return pd.DataFrame(
        [(image, name, score, *box) for image, name, score, box in rows],
        columns=["image_id", "class", "score", *BOX],
    ).astype({"image_id": "str", "class": "str"})


def only(table: pd.DataFrame) -> pd.Series:
    assert len(table) == 1
    return table.iloc[0]


A, B, FAR = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


def test_one_of_two_objects_found_and_a_false_alarm() -> None:
    result = only(evaluate(truth(("1", "dog", A), ("1", "dog", B)),
                           found(("1", "dog", 0.9, A), ("1", "dog", 0.8, FAR)), ["dog"], [0.5]))  # fmt: skip
    assert result["ap_area"] == pytest.approx(1 / 2)  # precision 1 up to recall 1/2
    assert result["ap_11point"] == pytest.approx(6 / 11)  # recalls 0, 0.1 ... 0.5
    assert result["ground_truth"] == 2
    assert result["detections"] == 2


def test_precision_is_the_best_at_this_recall_or_a_higher_one() -> None:
    # By score: wrong, right, right. Precision 0, 1/2, 2/3 at recall 0, 1/2, 1.
    result = only(evaluate(truth(("1", "dog", A), ("1", "dog", B)),
                           found(("1", "dog", 0.7, B), ("1", "dog", 0.9, FAR), ("1", "dog", 0.8, A)),
                           ["dog"], [0.5]))  # fmt: skip
    assert result["ap_area"] == pytest.approx(2 / 3)
    assert result["ap_11point"] == pytest.approx(2 / 3)


def test_the_second_detection_of_an_object_is_wrong() -> None:
    # By score: right, again the same object, right. The lower precision 2/3 holds for the second half.
    result = only(evaluate(truth(("1", "dog", A), ("1", "dog", B)),
                           found(("1", "dog", 0.9, A), ("1", "dog", 0.8, A), ("1", "dog", 0.7, B)),
                           ["dog"], [0.5]))  # fmt: skip
    assert result["ap_area"] == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)
    assert result["ap_11point"] == pytest.approx((6 + 5 * 2 / 3) / 11)


def test_only_the_best_overlap_counts_even_if_that_object_is_taken() -> None:
    # The second box overlaps A by 8/12 and the neighbour by 7/13; A is taken, so it is wrong at 0.5.
    neighbour, between = (5, 0, 15, 10), (2, 0, 12, 10)
    boxes = truth(("1", "dog", A), ("1", "dog", neighbour))
    seen = [("1", "dog", 0.9, A), ("1", "dog", 0.8, between)]
    result = only(evaluate(boxes, found(*seen), ["dog"], [0.5]))
    assert result["ap_area"] == pytest.approx(1 / 2)


def test_a_match_overlaps_by_more_than_the_threshold() -> None:
    half = (0, 0, 10, 5)  # IoU with A is exactly 1/2
    result = evaluate(truth(("1", "dog", A)), found(("1", "dog", 0.9, half)), ["dog"], [0.49, 0.5])
    assert result["ap_area"].tolist() == [1, 0]


def test_converted_boxes_have_the_overlap_of_the_devkit() -> None:
    # Inclusive corners (1, 1, 2, 2) and (1, 1, 2, 4): 4 and 8 pixels with the devkit's +1, so IoU 1/2.
    result = evaluate(truth(("1", "dog", (0, 0, 2, 2))), found(("1", "dog", 0.9, (0, 0, 2, 4))), ["dog"], [0.4])
    assert only(result)["ap_area"] == 1


def test_difficult_objects_need_not_be_found_and_finding_them_is_no_error() -> None:
    boxes = truth(("1", "dog", A), ("1", "dog", B, "difficult"))
    seen = found(("1", "dog", 0.9, B), ("1", "dog", 0.8, B), ("1", "dog", 0.7, A))
    result = only(evaluate(boxes, seen, ["dog"], [0.5]))
    assert result["ap_area"] == 1
    assert result["ground_truth"] == 1
    assert result["detections"] == 3


def test_detections_inside_an_ignored_region_are_not_judged_unless_they_match() -> None:
    region = ("1", "", (0, 0, 100, 10), "ignore")
    inside, partly = (40, 0, 50, 10), (40, 6, 50, 16)  # all, and 4/10, of the area in the region
    boxes = truth(region, ("1", "dog", A))
    right = ("1", "dog", 0.5, A)
    assert only(evaluate(boxes, found(right, ("1", "dog", 0.9, inside)), ["dog"], [0.5]))["ap_area"] == 1
    assert only(evaluate(boxes, found(right, ("1", "dog", 0.9, partly)), ["dog"], [0.5]))["ap_area"] == 1 / 2
    elsewhere = found(right, ("2", "dog", 0.9, inside))
    assert only(evaluate(boxes, elsewhere, ["dog"], [0.5]))["ap_area"] == 1 / 2


def test_the_second_detection_of_an_object_is_wrong_in_an_ignored_region_too() -> None:
    boxes = truth(("1", "", (0, 0, 100, 10), "ignore"), ("1", "dog", A), ("2", "dog", A))
    seen = found(("1", "dog", 0.9, A), ("1", "dog", 0.8, A), ("2", "dog", 0.7, A))
    assert only(evaluate(boxes, seen, ["dog"], [0.5]))["ap_area"] == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)


@pytest.mark.parametrize(
    ("detection", "iou", "wrong"),
    [
        ((0, 0, 10, 10), 0.5, False),
        ((0, 0, 10, 5), 0.5, False),  # half of the object: all of the detection lies in it
        ((0, 0, 10, 19), 0.5, False),  # IoU 10/19, and so is the share of the detection that lies in it
        ((0, 0, 10, 21), 0.5, True),  # 10/21: not found
        ((0, 0, 10, 21), 0.3, True),  # found at a threshold below 1/2, and wrong all the same
    ],
)
def test_from_iou_one_half_on_who_finds_an_ignored_object_is_not_judged(detection, iou, wrong) -> None:
    """IoU is at most the share of the detection inside. Nobody has to find it: the recall is that of the dog."""
    boxes = truth(("1", "", A, "ignore"), ("2", "dog", A))
    seen = found(("1", "dog", 0.9, detection), ("2", "dog", 0.8, A))
    assert only(evaluate(boxes, seen, ["dog"], [iou]))["ap_area"] == (1 / 2 if wrong else 1)


def test_equal_scores_keep_the_order_of_the_rows() -> None:
    boxes = truth(("1", "dog", A))
    good, bad = ("1", "dog", 0.5, A), ("1", "dog", 0.5, FAR)
    assert only(evaluate(boxes, found(good, bad), ["dog"], [0.5]))["ap_area"] == 1
    assert only(evaluate(boxes, found(bad, good), ["dog"], [0.5]))["ap_area"] == 1 / 2


def test_a_class_without_ground_truth_has_no_ap_and_one_without_detections_has_zero() -> None:
    result = evaluate(
        truth(("1", "dog", A), ("1", "cow", B, "difficult")),
        found(("1", "cat", 0.9, A), ("1", "cow", 0.9, B)), ["dog", "cat", "cow"], [0.5],
    ).set_index("class")  # fmt: skip
    assert result.loc["dog", ["ap_11point", "ap_area"]].tolist() == [0, 0]
    assert result.loc[["cat", "cow"], "ap_area"].isna().all()
    assert result.loc[["cat", "cow"], "ap_11point"].tolist() == [0, 0]
    assert metrics.defined(result).loc[["cat", "cow"], ["ap_11point", "ap_area"]].isna().all(axis=None)
    assert result["ground_truth"].tolist() == [1, 0, 0]
    assert result["detections"].tolist() == [0, 1, 1]


def test_no_detections_at_all() -> None:
    result = evaluate(truth(("1", "dog", A)), found(), ["dog", "cat"], [0.5, 0.7])
    assert result["class"].tolist() == ["dog", "dog", "cat", "cat"]
    assert result["iou"].tolist() == [0.5, 0.7, 0.5, 0.7]
    np.testing.assert_equal(metrics.defined(result)["ap_11point"].to_numpy(), [0, 0, math.nan, math.nan])


def test_no_ground_truth_at_all() -> None:
    assert only(evaluate(truth(), found(("1", "dog", 0.9, A)), ["dog"], [0.5]))[["ap_area"]].isna().all()


def test_images_without_objects_hold_false_alarms_only() -> None:
    result = evaluate(truth(("1", "dog", A)), found(("unknown", "dog", 0.9, A), ("1", "dog", 0.8, A)), ["dog"], [0.5])
    assert only(result)["ap_area"] == 1 / 2


def test_classes_that_are_not_asked_for_are_not_looked_at() -> None:
    boxes = truth(("1", "dog", A), ("1", "cat", A))
    seen = found(("1", "cat", 0.9, A), ("1", "dog", 0.8, A), ("1", "unicorn", 0.99, FAR))
    result = only(evaluate(boxes, seen, ["dog"], [0.5]))
    assert (result["ap_area"], result["detections"]) == (1, 1)


@pytest.mark.parametrize("empty", [(5, 5, 5, 5), (5, 0, 5, 10), (10, 10, 0, 0), (10, 0, 0, 10)])
def test_boxes_without_area_overlap_nothing(empty: tuple) -> None:
    right = ("1", "dog", 0.5, A)
    false_alarm = evaluate(truth(("1", "dog", A)), found(right, ("1", "dog", 0.9, empty)), ["dog"], [0.01])
    assert only(false_alarm)["ap_area"] == 1 / 2
    missed = evaluate(truth(("1", "dog", A), ("1", "dog", empty)),
                      found(right, ("1", "dog", 0.4, empty)), ["dog"], [0.01])  # fmt: skip
    assert only(missed)["ap_area"] == 1 / 2
    in_region = evaluate(truth(("1", "dog", A), ("1", "", A, "ignore")),
                         found(right, ("1", "dog", 0.9, empty)), ["dog"], [0.01])  # fmt: skip
    assert only(in_region)["ap_area"] == 1 / 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", ["score", "x2"])
def test_what_is_not_finite_in_the_detections_is_an_error_that_names_the_place(column: str, value: float) -> None:
    seen = found(("1", "dog", 0.9, A), ("7", "cat", 0.8, A))
    seen[column] = [1.0, value]
    with pytest.raises(
        DataError, match=rf"detections: {column} is not a finite number .* row 1 \(image 7, class cat\)"
    ):
        evaluate(truth(("1", "dog", A)), seen, ["dog"], [0.5])


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="ground truth: no column ignore"):
        evaluate(truth(("1", "dog", A)).drop(columns="ignore"), found(), ["dog"], [0.5])


# --- Against a loop over detections, one at a time, as the protocol is worded


def iou_of(a: tuple, b: tuple) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def naive(boxes: list[tuple], seen: list[tuple], name: str, iou: float) -> tuple[float, float]:
    mine = [(row, image, box, flag) for row, (image, label, box, *flag) in enumerate(boxes) if label == name]
    total = sum("difficult" not in flag for *_, flag in mine)
    if not total:
        return 0.0, math.nan
    taken, points, right, wrong = set(), [], 0, 0
    for image, label, _, box in sorted(seen, key=lambda row: -row[2]):
        if label != name:
            continue
        best, value, is_difficult = None, 0.0, False
        for row, where, other, flag in mine:
            if where == image and iou_of(box, other) > value:
                best, value, is_difficult = row, iou_of(box, other), "difficult" in flag
        if value > iou:
            if is_difficult:
                continue
            right, wrong = (right + 1, wrong) if best not in taken else (right, wrong + 1)
            taken.add(best)
        else:
            area = (box[2] - box[0]) * (box[3] - box[1])
            shares = [0.0]
            for where, _, region, *flag in boxes:
                if where == image and "ignore" in flag and area > 0:
                    width = max(min(box[2], region[2]) - max(box[0], region[0]), 0)
                    height = max(min(box[3], region[3]) - max(box[1], region[1]), 0)
                    shares.append(width * height / area)
            if max(shares) > 0.5:
                continue
            wrong += 1
        points.append((right / total, right / (right + wrong)))
    eleven = sum(max((p for r, p in points if r >= t), default=0.0) for t in np.arange(0, 1.1, 0.1)) / 11
    area = sum(max((p for r, p in points if r >= k / total), default=0.0) for k in range(1, total + 1)) / total
    return eleven, area


corner, side = st.integers(0, 6), st.integers(0, 5)
box = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), corner, corner, side, side)
image, label = st.sampled_from("123"), st.sampled_from(["dog", "cat"])
truths = st.lists(
    st.one_of(
        st.tuples(image, label, box),
        st.tuples(image, label, box, st.just("difficult")),
        st.tuples(image, st.just(""), box, st.just("ignore")),
    ),
    max_size=12,
)
detections = st.lists(st.tuples(image, label, st.sampled_from([0.1, 0.2, 0.5, 0.9]), box), max_size=16)


@settings(max_examples=100, deadline=None)
@given(boxes=truths, seen=detections)
def test_agrees_with_a_loop_over_the_detections(boxes: list[tuple], seen: list[tuple]) -> None:
    ious = [0.1, 0.3, 0.5, 0.7]
    result = evaluate(truth(*boxes), found(*seen), ["dog", "cat"], ious)
    expected = [naive(boxes, seen, name, iou) for name in ("dog", "cat") for iou in ious]
    np.testing.assert_allclose(result[["ap_11point", "ap_area"]], expected, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(boxes=truths, seen=detections)
def test_bounds_and_what_the_result_does_not_depend_on(boxes: list, seen: list) -> None:
    ious = [0.1, 0.4, 0.8]
    result = evaluate(truth(*boxes), found(*seen), ["dog", "cat"], ious)
    values = result[["ap_11point", "ap_area"]].to_numpy()
    assert np.all(np.isnan(values) | ((values >= 0) & (values <= 1 + 1e-12)))
    # Scores matter only by their order.
    squeezed = found(*[(image, label, score / 7 - 3, box) for image, label, score, box in seen])
    pd.testing.assert_frame_equal(evaluate(truth(*boxes), squeezed, ["dog", "cat"], ious), result)
    # One threshold at a time gives the same as all in one pass.
    for iou in ious:
        alone = evaluate(truth(*boxes), found(*seen), ["dog", "cat"], [iou])
        pd.testing.assert_frame_equal(alone, result[result["iou"] == iou].reset_index(drop=True))


# --- Real detections with the devkit's own results


def load(case: str) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Tables of one case, from inclusive 1-based corners to half-open boxes."""
    if not EVAL.is_dir():
        pytest.skip(f"needs the reference detections in {EVAL.parent.name}/{EVAL.name}, which are not here")
    boxes = voc_results.read_csv(EVAL / case / "gt.csv.gz", GROUND_TRUTH_COLUMNS)
    seen = voc_results.read_csv(EVAL / case / "det.csv.gz", DETECTION_COLUMNS)
    reference = json.loads((EVAL / case / "reference.json").read_text())["ap"]
    return boxes, seen, reference


@pytest.mark.parametrize(("case", "classes"), [("voc07_darknet", 20), ("voc12_cartucho", 38)])
def test_equals_the_devkit_on_real_detections(case: str, classes: int) -> None:
    boxes, seen, reference = load(case)
    names = sorted(set(boxes["class"]) | set(seen["class"]))
    assert len(names) == classes
    result = evaluate(boxes, seen, names, [float(iou) for iou in reference])
    assert len(result) == 10 * classes
    for row in result.to_dict("records"):
        for ours, theirs in (("ap_11point", "11pt"), ("ap_area", "area")):
            expected = reference[f"{row['iou']:g}"][theirs][row["class"]]
            if not row["detections"]:  # the devkit stops with an IndexError
                assert row[ours] == 0
                assert "IndexError" in expected
            elif expected is None:  # the devkit divides by zero
                assert not row["ground_truth"]
                assert math.isnan(row[ours])
            else:
                assert row[ours] == pytest.approx(expected, abs=1e-9)


def test_ten_thresholds_take_at_most_half_a_second_of_one_core() -> None:
    boxes, seen, reference = load("voc07_darknet")
    names, ious = sorted(set(boxes["class"])), [float(iou) for iou in reference]
    times = []
    for _ in range(3):
        begin = time.process_time()  # the processor's time: what else runs on the machine does not count
        evaluate(boxes, seen, names, ious)
        times.append(time.process_time() - begin)
    assert min(times) <= 0.5
