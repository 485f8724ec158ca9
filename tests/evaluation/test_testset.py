"""`sohem testset`: how small a difference a test set can show, on small made-up sets and on VOC07's own."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulated import World
from sohem import cli, files
from sohem.datasets import voc_results
from sohem.datasets.annotation import BOX
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS
from sohem.evaluation.resolution import MEDIAN, half_widths, shaken
from trees import PARAMS, SHARED, voc_object, voc_xml

CASE = SHARED / "eval" / "voc07_darknet"
IMAGES = 40


def given(resamples: int = 200, classes: list[str] | None = None) -> str:
    """Parameters with VOC07's name, thresholds and metric."""
    chosen = {"resamples": resamples, "seed": 23, "level": 0.95, "interval": "percentile"}
    entry = {"title": "VOC07", "classes": classes or PARAMS["datasets"]["voc"]["classes"]}
    evaluation = {"ious": [0.5, 0.6, 0.7], "metric": "11point", "bootstrap": chosen}
    return json.dumps({"scale": "demo", "datasets": {"voc": entry}, "evaluation": evaluation})


def printed(capsys: pytest.CaptureFixture, *words: object, params: str | None = None, status: int = 0) -> str:
    """What the command prints; its message if it is to fail."""
    classes = ["cat", "dog"]
    assert cli.main(["testset", "--params", params or given(classes=classes), *map(str, words)]) == status
    said = capsys.readouterr()
    return said.err if status else said.out


def numbers(said: str, row: str) -> list[float]:
    """The cells of a row of the table that the command prints."""
    line = next(line for line in said.splitlines() if line.startswith(f"| {row}"))
    return [float(cell) for cell in line.split("|")[2:-1]]


def write_devkit(found: pd.DataFrame, folder: Path, classes: list[str]) -> Path:
    """Results files of the devkit: corners from 1, which belong to the box."""
    folder.mkdir()
    corners = found.assign(x1=found["x1"] + 1, y1=found["y1"] + 1)[["image_id", "score", *BOX]]
    for name in classes:
        corners[found["class"] == name].to_csv(
            folder / f"comp4_det_test_{name}.txt", sep=" ", header=False, index=False
        )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A made-up test set in both forms, with three runs: a and b much alike, c a better detector."""
    world = World(np.random.default_rng(0), classes=2, images=IMAGES, boxes=60)
    called = dict(zip(world.classes, ["cat", "dog"], strict=True))

    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{"class": table["class"].map(called)})

    truth = renamed(world.truth)
    files.write_table(tmp_path / "truth.parquet", truth)
    files.write_table(tmp_path / "images.parquet", pd.DataFrame({"image_id": world.images, "subset": "test"}))
    first = renamed(world.detect(0.0, wrong=30))
    runs = {"a": first, "b": shaken(first.assign(score=1 / (1 + np.exp(-first["score"]))), seed=5),
            "c": renamed(world.detect(1.0, wrong=30))}  # fmt: skip
    for name, table in runs.items():
        files.write_table(tmp_path / f"{name}.parquet", table)
        write_devkit(table, tmp_path / name, ["cat", "dog"])
    tree = tmp_path / "tree"
    (tree / "Annotations").mkdir(parents=True)
    (tree / "ImageSets/Main").mkdir(parents=True)
    (tree / "ImageSets/Main/test.txt").write_text("\n".join(world.images))
    for image in world.images:
        rows = truth[truth["image_id"] == image].to_dict("records")
        objects = [voc_object(r["class"], (r["x1"] + 1, r["y1"] + 1, r["x2"], r["y2"])) for r in rows]
        (tree / f"Annotations/{image}.xml").write_text(voc_xml(*objects, size=""))
    return tmp_path


def parquet(folder: Path, *runs: str) -> list[object]:
    named = ["--ground-truth", folder / "truth.parquet", "--images", folder / "images.parquet"]
    return [*named, *(folder / f"{run}.parquet" for run in runs)]


def test_half_widths_by_hand() -> None:
    ends = {"mAP": (0.0, 3.0), "a": (-1.0, 3.0), "b": (-2.0, 8.0), "c": (-3.0, 3.0), "d": (np.nan, np.nan)}
    table = pd.DataFrame(ends.values(), columns=["low", "high"]).assign(scope=list(ends), iou=0.5, difference=1.0)
    table["kind"] = ["mean", *["class"] * 4]
    found = half_widths(table).set_index("scope")["half_width"]
    assert found.drop("d").to_dict() == {"mAP": 1.5, "a": 2.0, "b": 5.0, "c": 3.0, MEDIAN: 3.0}


def test_a_shaken_copy() -> None:
    found = pd.DataFrame(
        {"image_id": "1", "class": "dog", "score": 0.5, **dict.fromkeys(BOX, 100.0)}, index=range(5000)
    )
    copy = shaken(found)
    assert copy.columns.tolist() == found.columns.tolist()
    assert 0.88 < len(copy) / len(found) < 0.92
    assert copy["score"].std() == pytest.approx(0.05, rel=0.1)
    assert copy["x1"].std() == pytest.approx(2, rel=0.1)
    assert copy["score"].between(0, 1).all()
    assert (found[BOX] == 100).all(axis=None)  # the first is left as it was
    assert shaken(found).equals(copy)


def test_a_detector_against_itself_can_show_anything(folder: Path, capsys: pytest.CaptureFixture) -> None:
    said = printed(capsys, *parquet(folder, "a", "a"))
    for row in ("mAP: difference here", "mAP: half width", "one class: half width", "cat: half width"):
        assert numbers(said, row) == [0, 0, 0]


def test_detectors_much_alike_show_smaller_differences(folder: Path, capsys: pytest.CaptureFixture) -> None:
    alike, other = (printed(capsys, *parquet(folder, "a", run)) for run in "bc")
    assert f"VOC07: {IMAGES} test images" in alike
    for row in ("mAP: half width", "one class: half width"):
        assert 0 < numbers(alike, row)[0] < numbers(other, row)[0]
    assert numbers(other, "mAP: difference here")[0] > 0


def test_what_the_paper_prints_stands_beside_it(folder: Path, capsys: pytest.CaptureFixture) -> None:
    said = printed(capsys, *parquet(folder, "a", "b"), "--class", "dog")
    assert numbers(said, "mAP: the paper prints") == [0.1, 0.5, 0.3]
    assert numbers(said, "cat: the paper prints") == [-0.3, 4.4, 0.4]  # the largest printed one is cat's at 0.6
    assert numbers(said, "dog: the paper prints") == [0.2, 0.1, 0.0]
    assert said.count("half width |") == 3


def test_results_files_and_a_tree_give_the_same_as_tables(folder: Path, capsys: pytest.CaptureFixture) -> None:
    tables = printed(capsys, *parquet(folder, "a", "c"))
    assert printed(capsys, "--ground-truth", folder / "tree", folder / "a", folder / "c") == tables


def test_one_detector_is_compared_with_a_shaken_copy(folder: Path, capsys: pytest.CaptureFixture) -> None:
    said = printed(capsys, *parquet(folder, "b"))
    assert ", the second a shaken copy of the first." in said
    assert numbers(said, "mAP: half width")[0] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--ground-truth truth.parquet a.parquet", "truth.parquet: which are the test images? Name the images.parquet"),
        ("--ground-truth tree a b c", "c: two detectors are compared; name one or two sets of detections"),
        ("--ground-truth tree a --class cow", "--class cow: not a class of voc; known: cat, dog"),
        ("--ground-truth tree nowhere.parquet", "nowhere.parquet: no such file"),
        ("--ground-truth tree truth.parquet", "truth.parquet: no column score; expected image_id, class, score"),
        ("--ground-truth tree other", "other: image_id '999999' (1 in all) is not an image of the test subset"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_named(
    folder: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    monkeypatch.chdir(folder)
    other = files.read_table("a.parquet").head(1).assign(image_id="999999")
    write_devkit(other, folder / "other", ["cat", "dog"])
    assert message in printed(capsys, *words.split(), status=2)


def test_empty_tables_have_no_test_image(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "gt.csv").write_text("image_id,class,x1,y1,x2,y2,difficult\n")
    (tmp_path / "det.csv").write_text("image_id,class,score,x1,y1,x2,y2\n")
    words = "--ground-truth", tmp_path / "gt.csv", tmp_path / "det.csv"
    assert "gt.csv: no box, and nothing was detected" in printed(capsys, *words, status=2)


@pytest.fixture(scope="module")
def voc07() -> Path:
    archive = SHARED / "voc07_annotations.tar.gz"
    if not (CASE.is_dir() and archive.exists()):
        pytest.skip(f"{CASE} or {archive} is not there: real data is for trying only")
    return archive


def test_on_all_of_voc07_test(voc07: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Real detections of one detector and a shaken copy: near the row of measured/voc07_test.yaml."""
    found = voc_results.read_csv(CASE / "det.csv.gz", DETECTION_COLUMNS)
    results = write_devkit(found, tmp_path / "Main", PARAMS["datasets"]["voc"]["classes"])
    said = printed(capsys, "--ground-truth", voc07, results, params=given())
    assert said.startswith("VOC07: 4952 test images, 111247 and 100145 detections, the second a shaken copy")
    assert numbers(said, "mAP: half width") == pytest.approx([0.73, 0.81, 0.92], rel=0.15)
    assert all(3.0 < half < 4.5 for half in numbers(said, "one class: half width"))
    assert numbers(said, "cat: half width")[1] == pytest.approx(4.4, rel=0.2)
    assert "| one class: half width, median of 20 |" in said


def test_voc07_s_annotations_are_its_ground_truth(voc07: Path) -> None:
    images, truth = voc_results.read_truth(voc07, PARAMS["datasets"]["voc"]["classes"])
    expected = voc_results.read_csv(CASE / "gt.csv.gz", GROUND_TRUTH_COLUMNS)
    assert len(images) == 4952
    assert set(images) == set(expected["image_id"])
    columns = GROUND_TRUTH_COLUMNS
    ours, theirs = (table.sort_values(columns).to_numpy().tolist() for table in (truth, expected))
    assert ours == theirs
