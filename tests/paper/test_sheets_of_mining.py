"""Sheets of what was mined and of where methods differ: which images, which boxes, what is counted."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sohem import cli, files
from sohem.evaluation.average_precision import DETECTION_COLUMNS
from sohem.paper import sheets
from sohem.paper.kinds import differences_sheet, mined_sheet
from sohem.paper.palette import STRATA

BOX = ["x1", "y1", "x2", "y2"]


def mined(iteration: int = 9) -> pd.DataFrame:
    """One foreground and two background RoIs of one image, of which one is not selected."""
    rows = [
        ("0", 2, 2, 12, 12, "cat", True, 1, True),
        ("0", 14, 2, 24, 12, "", False, 2, True),
        ("0", 26, 2, 36, 12, "", False, 4, False),
    ]
    columns = ["image_id", *BOX, "class", "foreground", "stratum", "selected"]
    return pd.DataFrame(rows, columns=columns).assign(iteration=iteration, beta=1.9)


def test_selected_rois_are_drawn_in_the_colour_of_their_stratum():
    grey = np.full((16, 40, 3), 200, np.uint8)
    cell = np.asarray(mined_sheet.mined_cell(grey, mined(), 1.0, "OHEM"))
    picture = cell[-16:, :40].astype(int)
    background = mined_sheet.faded(grey)[0, 0, 0]
    assert picture[7, 2].tolist() == picture[2, 7].tolist() == picture[7, 3].tolist() == list(STRATA[1].rgb)
    seen = np.any(picture != background, axis=2)
    assert (seen[7, 14], seen[7, 15], seen[7, 26]) == (True, False, False)  # thin, and what is not selected is left out
    assert abs(picture[7, 14] - np.array(STRATA[2].rgb)).sum() > 30  # paler
    assert 0 < seen[3:11, 14].sum() < 8  # broken
    assert mined_sheet.counts(mined().query("selected")) == [
        ("1", STRATA[1].rgb), ("1", STRATA[2].rgb), ("0", STRATA[3].rgb), ("0", STRATA[4].rgb),
    ]  # fmt: skip


def test_strata_have_colours_of_their_own():
    assert len({look.colour for look in STRATA.values()}) == 4
    assert STRATA[1].rgb == (213, 94, 0)


def truth(rows: list[tuple]) -> pd.DataFrame:
    columns = ["image_id", "class", *BOX, "difficult", "truncated", "ignore"]
    return pd.DataFrame([(*row, False, False, False) for row in rows], columns=columns)


def detections(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=DETECTION_COLUMNS)


def test_right_and_wrong_detections_are_counted_by_image():
    boxes = truth([("a", "cat", 0, 0, 10, 10), ("b", "cat", 0, 0, 10, 10)])
    found = detections(
        [
            ("a", "cat", 0.9, 0, 0, 10, 10),
            ("a", "cat", 0.8, 0, 0, 10, 10),  # the same again
            ("b", "cat", 0.7, 0, 0, 10, 6),  # IoU 0.6
            ("c", "dog", 0.7, 0, 0, 10, 6),  # no dog there
        ]
    )
    counted = differences_sheet.right_and_wrong(boxes, found, ["a", "b", "c", "d"], ["cat", "dog"], 0.5)
    assert counted["right"].tolist() == [1, 1, 0, 0]
    assert counted["wrong"].tolist() == [1, 0, 1, 0]
    strict = differences_sheet.right_and_wrong(boxes, found, ["a", "b", "c", "d"], ["cat", "dog"], 0.7)
    assert strict["right"].tolist() == [1, 0, 0, 0]
    none = differences_sheet.right_and_wrong(boxes, found.iloc[:0], ["a", "b"], ["cat"], 0.5)
    assert none.to_numpy().tolist() == [[0, 0], [0, 0]]


def test_images_differ_most_by_right_then_by_wrong_detections_then_by_order():
    names = ["a", "b", "c", "d", "e", "f"]
    first = pd.DataFrame({"right": [3, 1, 1, 1, 2, 2], "wrong": [0, 0, 2, 0, 5, 0]}, index=names)
    second = pd.DataFrame({"right": [1, 2, 2, 2, 2, 1], "wrong": [0, 1, 0, 1, 0, 9]}, index=names)
    assert differences_sheet.most_different(first, second, 3) == (["a", "f"], ["c", "b", "d"])
    assert differences_sheet.most_different(second, first, 3) == (["c", "b", "d"], ["a", "f"])
    assert differences_sheet.most_different(first, first, 3) == ([], [])
    assert differences_sheet.most_different(first, second, 1) == (["a"], ["c"])


@pytest.fixture
def pets(tmp_path):
    """Four test images with a cat each, which the first method finds in one and the second in another."""
    rows, boxes = [], []
    for k in range(4):
        Image.new("RGB", (40, 30), (0, 60 * k, 90)).save(tmp_path / f"{k}.png")
        rows.append((f"{k}", f"{k}.png", 40, 30, "test"))
        boxes.append((f"{k}", "cat", 5, 5, 25, 20))
    data = tmp_path / "data" / "pets"
    table = pd.DataFrame(rows, columns=["image_id", "file", "width", "height", "subset"])
    files.write_table(data / "images.parquet", table)
    files.write_table(data / "ground_truth.parquet", truth(boxes))
    for method, image in (("ohem", "1"), ("sohem", "3")):
        found = [(image, "cat", 0.75, 5, 5, 25, 20), ("2", "cat", 0.75, 5, 5, 25, 20), ("0", "cat", 0.4, 5, 5, 25, 20)]
        run = tmp_path / "runs" / "pets" / method / "seed0"
        files.write_table(run / "detections.parquet", detections(found))
        files.write_table(run / "mined.parquet", pd.concat([mined(iteration) for iteration in (1, 9)]))
    return tmp_path


def make(name: str, folder, methods=("ohem", "sohem")) -> int:
    """Run ``sohem artifact`` on the results in a folder."""
    settings = {
        "scale": "demo",
        "run": {"datasets": ["pets"], "methods": list(methods), "seeds": [0]},
        "datasets": {"pets": {"title": "Pets", "classes": ["cat"], "demo": {"root": str(folder)}}},
        "methods": {"ohem": {"title": "OHEM", "miner": "ohem"}, "sohem": {"title": "S-OHEM", "miner": "sohem"}},
        "evaluation": {"ious": [0.5, 0.7]},
        "scales": {"demo": {"probe": {"images": 1}}},
    }
    words = ["--params", json.dumps(settings), "--results", str(folder), "--out", str(folder / name)]
    return cli.main(["artifact", "--artifact", name, *words])


def test_the_sheet_of_differences_shows_both_directions(pets, monkeypatch):
    lines, real = [], sheets.captioned
    monkeypatch.setattr(sheets, "captioned", lambda cell, words: lines.append(words) or real(cell, words))
    out = pets / "differences_pets.png"
    assert make("differences_pets", pets) == 0
    assert lines == ["OHEM finds more", "1 right, 0 wrong", "0 right, 0 wrong",
                     "S-OHEM finds more", "0 right, 0 wrong", "1 right, 0 wrong"]  # fmt: skip
    assert Image.open(out).width == 3 * 40 * 9 + 4 * 8
    record = json.loads(out.with_suffix(".provenance.json").read_text())
    assert [entry["path"].split("/")[-1] for entry in record["inputs"]] == [
        "images.parquet", "ground_truth.parquet", "detections.parquet", "detections.parquet",
    ]  # fmt: skip
    runs = pets / "runs" / "pets"
    (runs / "sohem/seed0/detections.parquet").write_bytes((runs / "ohem/seed0/detections.parquet").read_bytes())
    assert make("differences_pets", pets) == 0
    assert Image.open(out).height < 120  # no image differs: a title and one line


def test_one_method_has_no_difference(pets, capsys):
    assert make("differences_pets", pets, methods=["ohem"]) == 2
    assert "artifacts.differences_pets: not defined; expected one of pets_ap_figure, " in capsys.readouterr().err


def test_the_sheet_of_what_was_mined_has_a_column_for_each_moment(pets, monkeypatch):
    lines, real = [], sheets.captioned
    monkeypatch.setattr(sheets, "captioned", lambda cell, *words: lines.append(words[0]) or real(cell, *words))
    assert make("mined_pets", pets) == 0
    of = ": 1 of 2 foreground"
    assert lines == [f"OHEM{of}", f"OHEM{of}", f"S-OHEM, beta 1.9{of}", f"S-OHEM, beta 1.9{of}"]
    sheet = (pets / "mined_pets.png").read_bytes()
    assert Image.open(io.BytesIO(sheet)).height == 62 + 22 + 24 + 2 * (30 * 9 + 19) + 2 * 8  # a row for each method
    assert make("mined_pets", pets) == 0
    assert (pets / "mined_pets.png").read_bytes() == sheet


def test_tables_that_do_not_fit_each_other_are_named(pets, capsys):
    other = pets / "runs/pets/sohem/seed0/mined.parquet"
    files.write_table(other, mined(9))
    assert make("mined_pets", pets) == 2
    assert "pets, sohem: no RoIs of image 0 at iteration 1, which ohem has" in capsys.readouterr().err
    files.write_table(other, mined().drop(columns="stratum"))
    assert make("mined_pets", pets) == 2
    assert "sohem/seed0/mined.parquet: no column stratum; expected iteration, beta" in capsys.readouterr().err
