"""The numbers kept of a run, and the step that writes them."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sohem import cli, files
from sohem.evaluation import metrics

AP = pd.DataFrame(
    [
        ("car", 0.5, 0.5, 0.6),
        ("car", 0.7, 0.25, 0.3),
        ("dog", 0.5, 0.7, 0.8),
        ("dog", 0.7, 0.35001, 0.4),
        ("cat", 0.5, math.nan, math.nan),
        ("cat", 0.7, math.nan, math.nan),
    ],
    columns=["class", "iou", "ap_11point", "ap_area"],
)
CLASSES = ["car", "dog", "cat"]


def test_means_leave_out_classes_without_ground_truth() -> None:
    assert metrics.mean_ap(AP, "11point", CLASSES) == pytest.approx({0.5: 0.6, 0.7: 0.300005})
    assert metrics.mean_ap(AP, "area", CLASSES) == pytest.approx({0.5: 0.7, 0.7: 0.35})
    assert math.isnan(metrics.mean_ap(AP, "area", ["cat"])[0.5])


def test_headline_is_percent_with_two_decimals() -> None:
    assert metrics.headline(AP, [0.5, 0.7], "11point", CLASSES) == {"mAP@0.5": 60.0, "mAP@0.7": 30.0}


def test_headline_has_rigid_and_nonrigid_means_where_classes_are_rigid() -> None:
    assert metrics.headline(AP, [0.5], "area", CLASSES, rigid=["car"]) == {
        "mAP@0.5": 70.0, "rigid@0.5": 60.0, "nonrigid@0.5": 80.0,
    }  # fmt: skip
    assert metrics.headline(AP, [0.5], "area", ["cat"], rigid=["cat"]) == {"mAP@0.5": None, "rigid@0.5": None}


def test_per_class_holds_the_tables_thresholds_only() -> None:
    assert metrics.per_class(AP, [0.7], "11point") == {
        "car": {"0.7": 25.0}, "dog": {"0.7": 35.0}, "cat": {"0.7": None},
    }  # fmt: skip


def test_thresholds_are_joined_once() -> None:
    assert metrics.thresholds({"curve": [0.1, 0.5], "ious": [0.7, 0.5]}) == [0.1, 0.5, 0.7]


# --- sohem evaluate

PARAMS = {
    "scale": "demo",
    "datasets": {"pets": {"classes": ["dog", "cat"]}},
    "evaluation": {"ious": [0.5], "curve": [0.3, 0.5], "metric": "area"},
}
BOX = {"x1": 0.0, "y1": 0.0, "x2": 10.0, "y2": 10.0}


def evaluate(folder: Path, detections: list[dict]) -> int:
    """Run ``sohem evaluate`` on two images, "a" (train) and "b" (test), with one dog in each."""
    flags = {"difficult": False, "truncated": False, "ignore": False}
    tables = {
        "images": [{"image_id": "a", "subset": "train"}, {"image_id": "b", "subset": "test"}],
        "ground-truth": [{"image_id": name, "class": "dog", **BOX, **flags} for name in "ab"],
        "detections": detections,
    }
    arguments = ["evaluate", "--dataset", "pets", "--params", json.dumps(PARAMS)]
    for name, rows in tables.items():
        files.write_table(folder / f"{name}.parquet", pd.DataFrame(rows))
        arguments += [f"--{name}", str(folder / f"{name}.parquet")]
    for name in ("metrics", "per-class", "curve"):
        arguments += [f"--{name}", str(folder / name)]
    return cli.main(arguments)


def test_evaluates_the_test_subset(tmp_path: Path) -> None:
    assert evaluate(tmp_path, [{"image_id": "b", "class": "dog", "score": 0.5, **BOX}]) == 0
    assert files.read_json(tmp_path / "metrics") == {"mAP@0.5": 100.0}  # the dog of image a is not missed
    assert files.read_json(tmp_path / "per-class") == {"dog": {"0.5": 100.0}, "cat": {"0.5": None}}
    curve = files.read_csv(tmp_path / "curve")
    assert curve["iou"].tolist() == [0.3, 0.5, 0.3, 0.5]
    assert curve.columns.tolist() == ["class", "iou", "ap_11point", "ap_area", "ground_truth", "detections"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image_id": "a", "class": "dog", "score": 0.5, **BOX}, "image_id 'a' (1 in all) is not an image of"),
        ({"image_id": "b", "class": "cow", "score": 0.5, **BOX}, "class 'cow' (1 in all) is not a class"),
        ({"image_id": "b", "class": "dog", **BOX}, "no column score"),
        ({"image_id": "b", "class": "dog", "score": math.nan, **BOX}, "score is nan in row 0"),
    ],
)
def test_refuses_what_cannot_be_detections_of_the_test_images(
    tmp_path: Path, capsys: pytest.CaptureFixture, row: dict, message: str
) -> None:
    assert evaluate(tmp_path, [row]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "metrics").exists()


def test_needs_no_torch() -> None:
    code = "import sys, sohem.commands.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
