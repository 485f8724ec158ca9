import json

import numpy as np
import pytest
import scipy.io

from box_tables import IMAGES, table
from sohem import cli
from sohem.errors import DataError
from sohem.files import read_table, write_table
from sohem.proposals import chunks, matlab
from trees import settings


def cells(*values):
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def write(path, **boxes):
    """A file as published: ``images`` is a column of names, ``boxes`` a row of matrices, of doubles or int16."""
    names = cells(*boxes)[:, None]
    scipy.io.savemat(
        path, {"images": names, "boxes": cells(*(np.array(b, float).reshape(-1, 4) for b in boxes.values()))}
    )
    return path


def test_y_first_and_from_one_becomes_x_first_half_open():
    # Rows 2 to 11, columns 5 to 25, both counted from 1 and included: 21 x 10 pixels.
    found = matlab.convert(np.array([[2.0, 5, 11, 25]]), "x")
    assert found.tolist() == [[4, 1, 25, 11]]
    assert found.dtype == np.float32
    assert matlab.convert(np.array([[2, 5, 11, 25]], dtype=np.int16), "x").tolist() == found.tolist()


def test_each_box_once_in_order_and_the_small_ones_left_out():
    rows = np.array([[1.0, 1, 50, 50], [1, 1, 4, 3], [1, 1, 50, 50], [1, 1, 3, 3], [1, 1, 4, 2], [9, 9, 19, 19]])
    # Kept: 3 wide and 4 high (x2 - x1 = 2, y2 - y1 = 3). Left out: 3 high, 2 wide, and the repetition.
    assert matlab.convert(rows, "x").tolist() == [[0, 0, 50, 50], [0, 0, 3, 4], [8, 8, 19, 19]]
    assert matlab.convert(np.zeros((0, 0)), "x").shape == (0, 4)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 1, 5]], r"boxes of shape \[1, 3\]"),
        ([[0.0, 1, 5, 5]], "1 <= y1 <= y2"),
        ([[1.0, 9, 5, 5]], "1 <= x1 <= x2"),
        ([[1.0, 1, np.nan, 5]], "1 <= y1"),
    ],
)
def test_rows_that_are_no_boxes_are_refused(rows, message):
    with pytest.raises(DataError, match=f"v.mat: image 7: .*{message}"):
        matlab.convert(np.array(rows), "v.mat: image 7")


BOX, OTHER = [1, 1, 20, 30], [3, 4, 23, 24]


def test_files_are_read_for_the_images_of_the_split_in_their_order(tmp_path):
    files = [write(tmp_path / "trainval.mat", **{"000012": [BOX, OTHER], "000005": [OTHER]}),
             write(tmp_path / "test.mat", **{"000001": [BOX]})]  # fmt: skip
    found = matlab.read_all(files, ["000001", "000012"])
    assert found.columns.tolist() == chunks.COLUMNS
    assert found["image_id"].tolist() == ["000001", "000012", "000012"]
    assert found.iloc[2, 1:].tolist() == [3, 2, 24, 23]
    with pytest.raises(DataError, match=r"test\.mat: no boxes for image 000099 and 1 more"):
        matlab.read_all(files, ["000001", "000099", "000098"])
    with pytest.raises(DataError, match=r"image 000001 is in .*test\.mat too"):
        matlab.read_all([*files, files[1]], ["000001"])


def test_files_that_are_something_else_are_refused(tmp_path):
    whole = write(tmp_path / "a.mat", x=[BOX]).read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[:-40])
    (tmp_path / "text.mat").write_text("boxes")
    scipy.io.savemat(tmp_path / "bare.mat", {"boxes": np.zeros((3, 4))})
    scipy.io.savemat(tmp_path / "uneven.mat", {"images": cells("a", "b")[:, None], "boxes": cells(np.ones((1, 4)))})
    scipy.io.savemat(tmp_path / "unnamed.mat", {"images": cells(1.0), "boxes": cells(np.ones((1, 4)))})
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + b"\x89HDF" + bytes(500))
    for name, message in (
        ("cut", "cut short"), ("text", "not a MATLAB file"), ("bare", "no cell array images"),
        ("absent", "cannot be read"),
        ("uneven", "2 images, but boxes for 1"), ("unnamed", "holds no name"), ("new", "save it again with -v7"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=rf"{name}\.mat: .*{message}"):
            matlab.read(tmp_path / f"{name}.mat", ["x"])


def test_published_boxes_take_the_place_of_the_chunks(tmp_path, capsys):
    write_table(tmp_path / "images.parquet", IMAGES)
    truth = table(("a", (0, 0, 30, 20)), **{"class": "dog", "difficult": False, "ignore": False})
    write_table(tmp_path / "truth.parquet", truth)
    given = settings("voc", tmp_path)
    given["datasets"]["voc"]["demo"]["proposals"] = [str(write(tmp_path / "v.mat", a=[BOX], b=[OTHER], c=[BOX]))]
    paths = {"images": "images.parquet", "ground-truth": "truth.parquet", "out": "p.parquet", "recall": "r.csv"}
    options = [word for name, file in paths.items() for word in (f"--{name}", str(tmp_path / file))]
    step = ["merge-proposals", "--dataset", "voc", *options]
    assert cli.main([*step, "--params", json.dumps(given)]) == 0
    assert read_table(tmp_path / "p.parquet")["image_id"].tolist() == ["a", "b", "c"]
    assert "voc train: recall 1.000 at IoU 0.5" in capsys.readouterr().out
    assert cli.main([*step, "--params", json.dumps(given), "chunk.parquet"]) == 2
    assert "give either chunks of sohem propose or published files" in capsys.readouterr().err
    given["datasets"]["voc"]["demo"]["proposals"] = None
    assert cli.main([*step, "--params", json.dumps(given)]) == 2
