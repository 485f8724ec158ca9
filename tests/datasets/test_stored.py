"""Tables as files hold them: what is taken as it is, what is converted, what is refused."""

import numpy as np
import pandas as pd
import pytest

import toy
from sohem import files
from sohem.cli import main
from sohem.datasets import stored
from sohem.errors import DataError


def test_a_table_of_this_program_stays_as_it_is():
    rows = {"image_id": ["1"], "class": ["dog"], "x1": 1.5, "y1": 2, "x2": 3, "y2": 4,
            "difficult": False, "truncated": True, "ignore": False}  # fmt: skip
    table = pd.DataFrame(rows).astype(stored.OBJECTS)
    seen = stored.checked(table, "t", stored.OBJECTS, "again")
    pd.testing.assert_frame_equal(seen, table)
    assert seen.dtypes.to_dict() == table.dtypes.to_dict()
    empty = stored.checked(table.iloc[:0], "t", stored.OBJECTS, "again")
    assert empty.dtypes.to_dict() == table.dtypes.to_dict()


def test_a_table_without_rows_has_columns_of_any_type():
    assert stored.checked(pd.DataFrame(columns=[*stored.PROPOSALS, "difficult"]), "t", stored.PROPOSALS, "").empty


@pytest.mark.parametrize("width", [0, -1, 20.5, np.nan, "20", 1e400])
def test_a_side_is_a_whole_number(width):
    table = pd.DataFrame({"image_id": ["1"], "width": [width]})
    with pytest.raises(DataError, match=r"t: width is .* in row 0 .*, expected a whole number from 1; again"):
        stored.checked(table, "t", ["image_id", "width"], "again")


@pytest.mark.parametrize(
    ("value", "text"),
    [(np.int64(1), "1"), (np.float32(0.5), "0.5"), (np.array([1, 2]), "[1, 2]"), (np.str_("a"), "'a'"), (None, "None")],
)
def test_a_value_is_shown_as_python_writes_it(value, text):
    assert stored.shown(value) == text
    assert len(stored.shown("x" * 1000)) < 100


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("images", {"width": 0}, "images.parquet: width is 0 in row 0"),
        ("images", {"file": None}, "images.parquet: file is None in row 0"),
        ("images", {"image_id": "000001"}, "images.parquet: image 000001 is listed twice"),
        (
            "ground_truth",
            {"class": "dragon"},
            r"ground_truth.parquet: class 'dragon' \(.* objects\) is not in the para",
        ),
        ("ground_truth", {"difficult": "False"}, "ground_truth.parquet: difficult is 'False' in row 0"),
        ("proposals", {"x1": "1"}, "proposals.parquet: x1 is '1' in row 0 .*; make the proposals again"),
        ("proposals", {"y2": np.inf}, "proposals.parquet: y2 is inf in row 0"),
    ],
)
def test_no_training_begins_on_such_tables(tmp_path, capsys, table, change, message):
    paths = toy.make(tmp_path)
    files.write_table(paths[table], files.read_table(paths[table]).assign(**change))
    given = toy.write_params(tmp_path / "params.yaml", toy.parameters(tmp_path, "fast_rcnn", iterations=2))
    assert main(toy.train_arguments(paths, given, tmp_path, "ohem")) == 2
    said = capsys.readouterr().err
    assert pd.Series([said]).str.contains(message).all(), said
    assert not (tmp_path / "checkpoint.pt").exists()
