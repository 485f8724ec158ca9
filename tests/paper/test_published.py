"""The transcribed tables against the paper's own arithmetic."""

from pathlib import Path

import pandas as pd
import pytest

from sohem import cli, params
from sohem.paper import published, tables

IOUS = ["0.5", "0.6", "0.7"]
RIGID = {
    "table2": ["aero", "bike", "boat", "bottle", "bus", "car", "chair", "table", "mbike", "sofa", "train", "tv"],
    "table3": ["car", "truck", "van", "tram", "misc"],
}


def numbers(name: str) -> pd.DataFrame:
    """The cells of a published table as numbers, by method and IoU."""
    table = published.read(name)
    return table.astype(dict.fromkeys(table.columns[1:], float)).set_index(["method", "IoU"])


@pytest.mark.parametrize("name", published.TITLES)
def test_rows_stand_in_the_papers_order(name: str) -> None:
    table = published.read(name)
    assert table["method"].tolist() == ["OHEM", "S-OHEM", "improv"] * 3
    assert table["IoU"].tolist() == [iou for iou in IOUS for _ in range(3)]
    assert table.notna().all(axis=None)


@pytest.mark.parametrize(("name", "classes"), [("table2", 20), ("table3", 7)])
def test_map_is_the_mean_of_its_row(name: str, classes: int) -> None:
    table = numbers(name).drop(index="improv", level="method")
    per_class = table.drop(columns="mAP")
    assert per_class.shape == (6, classes)
    assert ((per_class.mean(axis=1) - table["mAP"]).abs() <= 0.06).all()


@pytest.mark.parametrize("name", published.TITLES)
def test_improvements_are_differences_of_the_printed_numbers(name: str) -> None:
    table = numbers(name)
    difference = (table.loc["S-OHEM"] - table.loc["OHEM"]).round(1)
    if name == "table4b":  # the swapped cells: the printed improvement fits the right order
        assert difference.loc[0.5, "non-rigid"] == -1.1
        difference.loc[0.5, "non-rigid"] = 1.1
    pd.testing.assert_frame_equal(difference, table.loc["improv"])


@pytest.mark.parametrize(("name", "source"), [("table4a", "table2"), ("table4b", "table3")])
def test_table_4_follows_from_tables_2_and_3(name: str, source: str) -> None:
    table, per_class = numbers(name), numbers(source).drop(columns="mAP")
    expected = pd.DataFrame(
        {
            "rigid": per_class[RIGID[source]].mean(axis=1),
            "non-rigid": per_class.drop(columns=RIGID[source]).mean(axis=1),
        }
    )
    if name == "table4b":
        swapped = table.loc[[("OHEM", 0.5), ("S-OHEM", 0.5)], "non-rigid"]
        assert swapped.tolist() == [68.8, 67.7]
        assert expected.loc[swapped.index, "non-rigid"].tolist() == pytest.approx([67.65, 68.80])
        table.loc[swapped.index, "non-rigid"] = swapped.tolist()[::-1]
    # Both the cells of the source and the printed mean are rounded to within 0.05.
    assert ((table - expected).loc[["OHEM", "S-OHEM"]].abs() <= 0.1).all(axis=None)


@pytest.mark.parametrize(("name", "dataset"), [("table2", "voc"), ("table3", "kitti")])
def test_columns_and_rigid_classes_are_those_of_the_parameters(name: str, dataset: str) -> None:
    parameters = params.load(Path(__file__).parents[2] / "params.yaml")
    classes = params.class_names(parameters, dataset)
    assert published.read(name).columns[3:].tolist() == [tables.short(label) for label in classes]
    rigid = parameters["datasets"][dataset]["rigid"]
    assert RIGID[name] == [tables.short(label) for label in classes if label in rigid]


def test_spot_checks_against_the_printed_page() -> None:
    table = numbers("table2")
    assert table.loc[("S-OHEM", 0.6), "cat"] == 75.3
    assert table.loc[("OHEM", 0.7), "plant"] == 16.6
    assert published.read("table3").iloc[5].tolist()[:7] == ["improv", "0.6", "1", "-0.4", "1.4", "-2", "3.9"]


def test_the_step_writes_each_table_marked_as_published(tmp_path: Path) -> None:
    assert cli.main(["published", "--table", "table4b", "--out", str(tmp_path / "table4b")]) == 0
    for suffix in ("csv", "md", "tex"):
        assert "published in Li et al. 2017" in (tmp_path / f"table4b.{suffix}").read_text()
    table = pd.read_csv(tmp_path / "table4b.csv", dtype=str)
    pd.testing.assert_frame_equal(table.drop(columns="source"), published.read("table4b"))
