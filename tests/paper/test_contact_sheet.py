"""Contact sheets: which images, how boxes are drawn, what counts as right."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sohem import cli, files
from sohem.paper import sheet_cells, sheets
from sohem.paper.kind import Artifact
from sohem.paper.kinds import contact_sheet


def truth(rows: list[tuple]) -> pd.DataFrame:
    columns = ["image_id", "class", "x1", "y1", "x2", "y2", "difficult", "truncated", "ignore"]
    return pd.DataFrame([(*row[:6], row[6], False, row[7]) for row in rows], columns=columns)


def test_evenly_spread_images_are_changed_only_for_a_missing_class():
    images = pd.DataFrame({"image_id": [f"{i}" for i in range(9)]})
    rows = [(f"{i}", "cat", 0, 0, 9, 9, False, False) for i in range(9)]
    assert sheet_cells.choose(images, truth(rows), ["cat"], 3) == ["0", "4", "8"]
    rows.append(("5", "dog", 0, 0, 9, 9, False, False))
    assert sheet_cells.choose(images, truth(rows), ["cat", "dog"], 3) == ["0", "5", "8"]
    assert sheet_cells.choose(images, truth(rows), ["cat", "dog"], 20) == [f"{i}" for i in range(9)]


def test_text_of_several_lines_is_drawn_in_one():
    black = np.zeros((40, 60, 3), np.uint8)
    made = []
    for text in ("two lines", "two\nlines"):
        boxed = sheets.draw_boxes(black, np.array([[5, 14, 15, 22]]), [text], [(255, 0, 0)])
        cell = sheets.captioned(boxed, text, [(text, (0, 255, 0))])
        made.append(sheets.page([cell], 1, text, "notice", "key", [text], [(text, (0, 0, 255))]))
    assert (np.asarray(made[0]) == np.asarray(made[1])).all()


def test_a_box_is_drawn_on_its_outermost_pixels():
    black = np.zeros((20, 30, 3), np.uint8)
    drawn = np.asarray(sheets.draw_boxes(black, np.array([[5, 4, 15, 12]]), [""], [(255, 0, 0)]))
    rows, columns = np.nonzero(drawn[:, :, 0])
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (5, 4, 15, 12)
    assert drawn[8, 10].tolist() == [0, 0, 0]
    dashed = np.asarray(sheets.draw_boxes(black, np.array([[5, 4, 15, 12]]), [""], [(255, 0, 0)], [True]))
    assert 0 < np.count_nonzero(dashed[:, :, 0]) < np.count_nonzero(drawn[:, :, 0])


def test_detections_are_judged_as_in_the_evaluation():
    ground_truth = truth(
        [
            ("a", "cat", 0, 0, 10, 10, False, False),
            ("a", "dog", 20, 0, 30, 10, True, False),
            ("a", "", 50, 0, 90, 40, False, True),
        ]
    )
    detections = pd.DataFrame(
        [
            ("cat", 0.9, 0, 0, 10, 9),  # IoU 0.9: right
            ("cat", 0.8, 0, 0, 10, 10),  # the same cat again: wrong
            ("dog", 0.7, 20, 0, 30, 10),  # difficult: does not count
            ("dog", 0.6, 0, 0, 10, 10),  # a cat: wrong
            ("cat", 0.5, 55, 5, 70, 20),  # in a region to be ignored: does not count
        ],
        columns=["class", "score", "x1", "y1", "x2", "y2"],
    )
    assert sheet_cells.verdicts(detections, ground_truth, 0.5) == [True, False, None, False, None]
    assert sheet_cells.verdicts(detections.iloc[:0], ground_truth, 0.5) == []


def test_a_sheet_has_the_same_bytes_twice_and_stays_below_the_limit():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    cells = [sheets.draw_boxes(noise, np.zeros((0, 4)), [], []) for _ in range(3)]
    sheet = sheets.page(cells, 2, "Title", "demo scale, generated data", "key", ["left", "right"])
    assert sheet.size == (2 * 80 + 3 * 8, 62 + 24 + 2 * 60 + 2 * 8)
    data = sheets.to_png(sheet, 20_000)
    assert data == sheets.to_png(sheet, 20_000)
    assert len(data) <= 20_000
    assert Image.open(io.BytesIO(data)).format == "PNG"


def test_images_are_enlarged_by_whole_numbers_or_reduced():
    assert sheet_cells.cell_scale(192, 144, 384) == 2
    assert sheet_cells.cell_scale(150, 192, 400) == 2
    assert sheet_cells.cell_scale(768, 500, 384) == 0.5


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([(500, 375), (333, 500), (500, 333)], (24, 6, 384)), ([(1242, 375), (1224, 370)], (20, 4, 640))],
    ids=["VOC", "KITTI"],
)
def test_the_shape_of_the_images_decides_how_they_fill_a_sheet(sizes, expected):
    assert sheet_cells.layout(pd.DataFrame(sizes, columns=["width", "height"])) == expected


@pytest.mark.parametrize(
    ("labels", "regions", "expected"),
    [
        ([], False, "dashed: difficult"),
        ([], True, "dashed: difficult; hatched: to be ignored"),  # crowds in COCO's format
        (["DontCare", "tree"], True, "dashed: difficult; hatched: to be ignored; labels to be ignored: DontCare, tree"),
        (["tree"], False, "dashed: difficult"),
    ],
)
def test_the_labels_to_be_ignored_are_named(labels, regions, expected):
    given = {"datasets": {"pets": {"ignore": labels}}}
    artifact = Artifact("contact_pets", contact_sheet.KIND, {"pets": "Pets"}, {}, {}, given)
    assert contact_sheet.key(artifact, regions) == expected


def test_as_many_detections_are_shown_as_there_are_objects():
    found = pd.DataFrame({"score": [0.2, 0.9, 0.4, 0.3]})
    boxes = truth([("a", "cat", 0, 0, 9, 9, False, False), ("a", "cat", 0, 0, 9, 9, True, False),
                   ("a", "", 0, 0, 9, 9, False, True), ("b", "dog", 0, 0, 9, 9, False, False)])  # fmt: skip
    assert sheet_cells.least_score(found, boxes) == 0.4
    assert sheet_cells.least_score(found.iloc[:1], boxes) == 0.0
    assert sheet_cells.least_score(found, boxes.iloc[:0]) == 0.0


def test_classes_have_colours_of_their_own():
    for count in (1, 2, 7, 20, 27):
        assert len(set(sheet_cells.class_colours([f"{k}" for k in range(count)]).values())) == count


@pytest.mark.parametrize(("width", "enlarged"), [(40, 9), (80, 8)])  # 384 and 640 pixels a cell
def test_both_sheets_are_written(width, enlarged, tmp_path):
    """Four images, two of each subset, with one detection by one method."""
    rows, boxes = [], []
    for k in range(4):
        Image.new("RGB", (width, 30), (0, 60 * k, 90)).save(tmp_path / f"{k}.png")
        rows.append((f"{k}", f"{k}.png", width, 30, "train" if k < 2 else "test"))
        boxes.append((f"{k}", "cat", 5, 5, 25, 20, k == 1, False))
    boxes.append(("0", "", 30, 0, 40, 10, False, True))
    data, run = tmp_path / "data" / "pets", tmp_path / "runs" / "pets" / "ohem" / "seed0"
    table = pd.DataFrame(rows, columns=["image_id", "file", "width", "height", "subset"])
    files.write_table(data / "images.parquet", table)
    files.write_table(data / "ground_truth.parquet", truth(boxes))
    box = {"image_id": ["2"], "class": ["cat"], "score": [0.75], "x1": [5.0], "y1": [5.0], "x2": [25.0], "y2": [19.0]}
    files.write_table(run / "detections.parquet", pd.DataFrame(box))
    settings = {
        "scale": "demo",
        "run": {"datasets": ["pets"], "methods": ["ohem"], "seeds": [0]},
        "datasets": {"pets": {"title": "Pets", "classes": ["cat"], "demo": {"root": str(tmp_path)}}},
        "methods": {"ohem": {"title": "OHEM"}},
    }
    for name in ("contact_pets", "detections_pets"):
        words = ["--params", json.dumps(settings), "--results", str(tmp_path), "--out", str(tmp_path / name)]
        assert cli.main(["artifact", "--artifact", name, *words]) == 0
    assert len(json.loads((tmp_path / "detections_pets.provenance.json").read_text())["inputs"]) == 3
    assert Image.open(tmp_path / "contact_pets.png").width == 2 * width * enlarged + 3 * 8
    assert Image.open(tmp_path / "detections_pets.png").height == 62 + 24 + 2 * 30 * enlarged + 2 * 8
