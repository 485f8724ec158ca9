"""The steps `sohem difference` and `sohem interval`: from stored detections to CSV."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulated import World
from sohem import cli, files

Change = Callable[[pd.Series], Any]  # of a column
PARAMS = {
    "scale": "demo",
    "datasets": {"pets": {"classes": ["c0000", "c0001"], "rigid": ["c0001"]}},
    "evaluation": {
        "ious": [0.5],
        "curve": [0.3, 0.5],
        "metric": "area",
        "bootstrap": {"resamples": 100, "seed": 1, "level": 0.9, "interval": "bca"},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty test images, one training image, and the detections of two methods with two seeds each."""
    world = World(np.random.default_rng(0), classes=2, images=20, boxes=15)
    subset = ["train", *["test"] * 19]
    files.write_table(tmp_path / "images.parquet", pd.DataFrame({"image_id": world.images, "subset": subset}))
    files.write_table(tmp_path / "truth.parquet", world.truth)
    for method, skill in (("a", 0.0), ("b", 1.0)):
        for seed in (0, 1):
            found = world.detect(skill, wrong=10)
            found = found[found["image_id"] != world.images[0]]
            files.write_table(tmp_path / f"{method}{seed}.parquet", found)
    return tmp_path


def step(name: str, folder: Path, runs: list[str]) -> int:
    return cli.main([
        name, "--params", json.dumps(PARAMS), "--dataset", "pets", "--images", str(folder / "images.parquet"),
        "--ground-truth", str(folder / "truth.parquet"), "--out", str(folder / "out.csv"), *runs,
    ])  # fmt: skip


def pairs(folder: Path, names: str) -> list[str]:
    return [f"{name[0]}={folder / name}.parquet" for name in names.split()]


def test_differences_are_written_with_every_column(folder: Path) -> None:
    assert step("difference", folder, pairs(folder, "a0 a1 b0 b1")) == 0
    table = pd.read_csv(folder / "out.csv")
    assert table.columns.tolist() == [
        "scope", "kind", "iou", "first", "second", "difference", "seed_sd", "low", "high",
        "low_percentile", "high_percentile", "low_bca", "high_bca", "p", "p_holm", "seeds",
        "se_images", "se_run", "se_seeds", "se", "df", "checksum",
    ]  # fmt: skip
    assert table["scope"].tolist() == ["mAP", "rigid", "nonrigid", "c0000", "c0001"]
    assert table["kind"].tolist() == ["mean"] * 3 + ["class"] * 2
    assert table["low"].equals(table["low_bca"])
    assert (table["seeds"] == 2).all()
    assert table["difference"].iloc[0] > 0
    text = (folder / "out.csv").read_bytes()
    assert step("difference", folder, pairs(folder, "a0 a1 b0 b1")) == 0
    assert (folder / "out.csv").read_bytes() == text


def test_one_seed_has_no_spread(folder: Path) -> None:
    assert step("difference", folder, pairs(folder, "b0 a0")) == 0
    table = pd.read_csv(folder / "out.csv")
    assert table["seed_sd"].isna().all()
    assert table["difference"].iloc[0] < 0  # a minus b: the method that is named first is the one compared with


def test_intervals_are_written_for_every_threshold(folder: Path) -> None:
    assert step("interval", folder, [str(folder / "a0.parquet"), str(folder / "a1.parquet")]) == 0
    table = pd.read_csv(folder / "out.csv")
    assert table.columns.tolist()[:7] == ["scope", "kind", "iou", "ap", "seed_sd", "low", "high"]
    assert table["iou"].tolist() == [0.3, 0.5] * 5
    assert ((table["low"] <= table["ap"]) & (table["ap"] <= table["high"])).all()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("a0 b0 b1", "expected as many files of one method as of another; given: 1 of a, 2 of b"),
        ("a0 a1", "given: 2 of a"),
        ("a0 b7", "b7.parquet: no such file"),
    ],
)
def test_runs_that_make_no_pair_are_refused(
    folder: Path, capsys: pytest.CaptureFixture, names: str, message: str
) -> None:
    assert step("difference", folder, pairs(folder, names)) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "out.csv").exists()


def test_a_run_without_its_method_is_refused(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert step("difference", folder, ["x.parquet"]) == 2
    assert "x.parquet: expected METHOD=FILE" in capsys.readouterr().err


def test_detections_of_other_images_are_refused(folder: Path, capsys: pytest.CaptureFixture) -> None:
    found = files.read_table(folder / "b0.parquet").assign(image_id="000000")  # a training image
    files.write_table(folder / "b0.parquet", found)
    assert step("difference", folder, pairs(folder, "a0 b0")) == 2
    assert "b0.parquet: image_id '000000' (1 in all) is not an image of the test subset" in capsys.readouterr().err


FOREIGN: list[tuple[str, str | None, Change | None, str]] = [
    ("images", "subset", None, "images.parquet: no column subset; expected image_id, subset; run sohem split again"),
    ("images", "image_id", None, "images.parquet: no column image_id; expected image_id, subset"),
    ("images", "subset", lambda column: "train", "images.parquet: no image of the test subset among 20; run sohem"),
    ("images", "image_id", lambda column: ["000001", *column[1:]], "image 000001 is listed twice (1 rows in all)"),
    ("images", "image_id", lambda column: [["a"]] * len(column), "image_id is ['a'] in row 0 (20 of 20 rows are like"),
    ("images", "image_id", lambda column: [None, *column[1:]], "image_id is nan in row 0 (1 of 20 rows"),
    ("images", "image_id", lambda column: column.astype("float64"), "image_id is 0.0 in row 0"),
    ("truth", "difficult", lambda column: "False", "truth.parquet: difficult is 'False' in row 0 (22 of 22 rows are "
     "like that), expected True or False; run sohem split again"),
    ("truth", "ignore", lambda column: 2, "ignore is 2 in row 0"),
    ("truth", "difficult", lambda column: np.nan, "difficult is nan in row 0"),
    ("truth", "class", None, "truth.parquet: no column class; expected image_id, class, x1"),
    ("truth", "x1", lambda column: ["left", *column[1:].astype("str")], "x1 is 'left' in row 0"),
    ("truth", "y2", lambda column: [[1.0, 2.0]] * len(column), "y2 is [1.0, 2.0] in row 0 (22 of 22 rows"),
    ("truth", "x2", lambda column: np.inf, "x2 is inf in row 0"),
    ("a0", "score", lambda column: [*column[:-1], np.inf], "a0.parquet: score is inf in row "),
    ("a0", "score", lambda column: [*column[:-1], -np.inf], "score is -inf in row "),
    ("a0", "score", lambda column: column.astype("str"), "expected a finite number; run sohem detect again"),
    ("a0", "x1", lambda column: [[1] * 500] * len(column), "x1 is [1, 1"),
    ("a0", "x1", lambda column: True, "x1 is True in row 0"),
    ("a0", "image_id", lambda column: np.arange(len(column)) + 7_000, "image_id '7000' ("),
    ("a0", "class", lambda column: np.arange(len(column)), "class '0' ("),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column", "change", "message"), FOREIGN, ids=[f"{k}" for k in range(len(FOREIGN))])
def test_tables_of_another_origin_are_read_or_refused_in_one_message(
    folder: Path, capsys: pytest.CaptureFixture, table: str, column: str, change: Change | None, message: str
) -> None:
    path = folder / f"{table}.parquet"
    rows = files.read_table(path)
    rows = rows.drop(columns=column) if change is None else rows.assign(**{column: change(rows[column])})
    files.write_table(path, rows)
    for name, runs in (("difference", pairs(folder, "a0 b0")), ("interval", [str(folder / "a0.parquet")])):
        assert step(name, folder, runs) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.startswith(f"sohem: error: {path}: ")
        assert "np." not in said
        assert len(said) < 600
        assert not (folder / "out.csv").exists()


def test_numbered_images_flags_of_0_and_1_and_categories_are_plain(folder: Path) -> None:
    assert step("difference", folder, pairs(folder, "a0 b0")) == 0
    expected = (folder / "out.csv").read_text()
    for table in ("images", "truth", "a0", "b0"):
        rows = files.read_table(folder / f"{table}.parquet")
        rows["image_id"] = rows["image_id"].astype("int64")
        if "class" in rows:
            rows["class"] = rows["class"].astype("category")
        if "difficult" in rows:
            rows = rows.assign(difficult=rows["difficult"].astype("int8"), ignore=rows["ignore"].astype("boolean"))
        if "score" in rows:
            rows["score"] = rows["score"].astype("Float64")
        files.write_table(folder / f"{table}.parquet", rows)
    assert step("difference", folder, pairs(folder, "a0 b0")) == 0
    assert (folder / "out.csv").read_text() == expected


def test_needs_no_torch() -> None:
    code = "import sys, sohem.commands.difference, sohem.commands.interval; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
