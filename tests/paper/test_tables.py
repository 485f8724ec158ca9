"""The paper's tables from AP per run, and their text."""

import math

import pandas as pd
import pytest

from sohem.errors import DataError
from sohem.paper import tables
from sohem.paper.kinds import ap_table, rigid_table

METHODS = {"ohem": "OHEM", "sohem": "S-OHEM"}
CLASSES = ["aeroplane", "cat"]


def ap(values: dict[tuple, float], metric: str = "ap_11point") -> pd.DataFrame:
    """AP of runs from {(method, seed, iou, class): fraction}."""
    rows = [(*key, value) for key, value in values.items()]
    return pd.DataFrame(rows, columns=["method", "seed", "iou", "class", metric])


AP = ap({
    ("ohem", 0, 0.5, "aeroplane"): 0.5004, ("ohem", 0, 0.5, "cat"): 0.60,
    ("ohem", 0, 0.7, "aeroplane"): 0.30, ("ohem", 0, 0.7, "cat"): 0.20,
    ("sohem", 0, 0.5, "aeroplane"): 0.5006, ("sohem", 0, 0.5, "cat"): 0.64,
    ("sohem", 0, 0.7, "aeroplane"): 0.28, ("sohem", 0, 0.7, "cat"): 0.20,
})  # fmt: skip


def test_rows_and_columns_stand_as_in_the_paper() -> None:
    table = ap_table.table(AP, METHODS, [0.5, 0.7], CLASSES, "11point")
    assert table.columns.tolist() == ["method", "IoU", "mAP", "aero", "cat"]
    assert table.values.tolist() == [
        ["OHEM", "0.5", 55.0, 50.0, 60.0],
        ["S-OHEM", "0.5", 57.0, 50.1, 64.0],
        ["improv", "0.5", 2.0, 0.1, 4.0],  # 50.1 - 50.0, as printed, though 50.06 - 50.04 is 0.0
        ["OHEM", "0.7", 25.0, 30.0, 20.0],
        ["S-OHEM", "0.7", 24.0, 28.0, 20.0],
        ["improv", "0.7", -1.0, -2.0, 0.0],
    ]


def test_csv_has_two_decimals_and_markdown_one() -> None:
    two = ap_table.table(AP, METHODS, [0.5], CLASSES, "11point", decimals=2)
    assert tables.to_csv(two) == (
        "method,IoU,mAP,aero,cat\nOHEM,0.5,55.02,50.04,60.00\nS-OHEM,0.5,57.03,50.06,64.00\nimprov,0.5,2.01,0.02,4.00\n"
    )
    one = ap_table.table(AP, METHODS, [0.5], CLASSES, "11point")
    assert tables.to_markdown(one, bold=["aero"]) == (
        "| method | IoU | mAP | **aero** | cat |\n"
        "| --- | --: | --: | --: | --: |\n"
        "| OHEM | 0.5 | 55.0 | 50.0 | 60.0 |\n"
        "| S-OHEM | 0.5 | 57.0 | 50.1 | 64.0 |\n"
        "| *improv* | *0.5* | *2.0* | *0.1* | *4.0* |\n"
    )


def test_several_seeds_give_the_mean_and_the_standard_deviation() -> None:
    seeds = [(0, 0.5, 0.1), (1, 0.6, 0.1), (2, 0.7, 0.1)]
    runs = ap(
        {("ohem", seed, 0.5, name): value for seed, *two in seeds for name, value in zip(CLASSES, two, strict=True)}
    )
    table = ap_table.table(runs, {"ohem": "OHEM"}, [0.5], CLASSES, "11point")
    # The mAP of the seeds is 30, 35 and 40.
    assert table.values.tolist() == [["OHEM", "0.5", 35.0, 60.0, 10.0], ["OHEM sd", "0.5", 5.0, 10.0, 0.0]]
    assert "| OHEM | 0.5 | 35.0 ± 5.0 | 60.0 ± 10.0 | 10.0 ± 0.0 |" in tables.to_markdown(table)
    assert r"OHEM & 0.5 & 35.0 $\pm$ 5.0 & 60.0 $\pm$ 10.0 & 10.0 $\pm$ 0.0 \\" in tables.to_latex(table, "", "t")
    assert tables.to_csv(table).splitlines()[2] == "OHEM sd,0.5,5.00,10.00,0.00"


def test_an_improvement_has_its_interval_below() -> None:
    rows = [("sohem", scope, 0.5, low, 6.0) for scope, low in [("mAP", -1.04), ("aeroplane", 0.1), ("cat", math.nan)]]
    differences = pd.DataFrame(rows, columns=["method", "scope", "iou", "low", "high"])
    table = ap_table.table(AP, METHODS, [0.5], CLASSES, "11point", differences=differences)
    assert tables.to_csv(table).splitlines()[3:] == [
        "improv,0.5,2.00,0.10,4.00", "improv low,0.5,-1.04,0.10,", "improv high,0.5,6.00,6.00,6.00",
    ]  # fmt: skip
    assert tables.to_markdown(table, level=0.9).splitlines()[-1] == (
        "| *90% interval (images)* | *0.5* | *[-1.0, 6.0]* | *[0.1, 6.0]* | *n/a* |"
    )
    assert r"95\% interval (images) & 0.5 & $[-1.0, 6.0]$ & $[0.1, 6.0]$ & -- \\" in tables.to_latex(table, "", "t")
    with pytest.raises(DataError, match=r"differences of sohem hold no aeroplane at IoU 0\.7"):
        ap_table.table(AP, METHODS, [0.7], CLASSES, "11point", differences=differences.replace(0.5, 0.7).iloc[::2])


def test_each_of_several_methods_is_compared_with_the_first() -> None:
    runs = ap({(m, 0, 0.5, "cat"): value for m, value in [("a", 0.5), ("b", 0.6), ("c", 0.4)]}, "ap_area")
    table = ap_table.table(runs, {"a": "A", "b": "B", "c": "C"}, [0.5], ["cat"], "area")
    assert table[["method", "cat"]].values.tolist() == [
        ["A", 50.0], ["B", 60.0], ["improv (B)", 10.0], ["C", 40.0], ["improv (C)", -10.0],
    ]  # fmt: skip


def test_rigid_and_other_classes() -> None:
    table = rigid_table.table(AP, METHODS, [0.7], CLASSES, ["aeroplane"], "11point")
    assert table.columns.tolist() == ["method", "IoU", "rigid", "non-rigid"]
    assert table.values.tolist() == [
        ["OHEM", "0.7", 30.0, 20.0], ["S-OHEM", "0.7", 28.0, 20.0], ["improv", "0.7", -2.0, 0.0],
    ]  # fmt: skip


def test_a_class_without_ground_truth_is_left_out_of_the_mean_and_shown_as_missing() -> None:
    runs = ap({("ohem", 0, 0.5, "aeroplane"): 0.5, ("ohem", 0, 0.5, "cat"): math.nan})
    table = ap_table.table(runs, {"ohem": "OHEM"}, [0.5], CLASSES, "11point")
    assert tables.to_csv(table).splitlines()[1] == "OHEM,0.5,50.00,50.00,"
    assert "| 50.0 | n/a |" in tables.to_markdown(table)
    assert "50.0 & -- \\\\" in tables.to_latex(table, "", "t")


@pytest.mark.parametrize(
    ("methods", "ious", "classes", "named"),
    [
        ({"random": "Random"}, [0.5], CLASSES, "method random"),
        (METHODS, [0.55], CLASSES, "iou 0.55"),
        (METHODS, [0.5], ["dog"], "class dog"),
    ],
)
def test_what_the_runs_lack_is_named(methods: dict, ious: list, classes: list, named: str) -> None:
    with pytest.raises(DataError, match=named):
        ap_table.table(AP, methods, ious, classes, "11point")


def test_latex_is_a_complete_booktabs_float() -> None:
    table = ap_table.table(AP, METHODS, [0.5, 0.7], CLASSES, "11point")
    text = tables.to_latex(table, "AP (%), R&D_1", "ap", bold=["aero"])
    assert text == (
        "% needs \\usepackage{booktabs}\n"
        "\\begin{table}[t]\n"
        "\\centering\n"
        "\\caption{AP (\\%), R\\&D\\_1}\n"
        "\\label{tab:ap}\n"
        "\\setlength{\\tabcolsep}{3pt}\n"
        "\\begin{tabular}{lrrrr}\n"
        "\\toprule\n"
        "method & IoU & mAP & \\textbf{aero} & cat \\\\\n"
        "\\midrule\n"
        "OHEM & 0.5 & 55.0 & 50.0 & 60.0 \\\\\n"
        "S-OHEM & 0.5 & 57.0 & 50.1 & 64.0 \\\\\n"
        "improv & 0.5 & 2.0 & 0.1 & 4.0 \\\\\n"
        "\\midrule\n"
        "OHEM & 0.7 & 25.0 & 30.0 & 20.0 \\\\\n"
        "S-OHEM & 0.7 & 24.0 & 28.0 & 20.0 \\\\\n"
        "improv & 0.7 & $-1.0$ & $-2.0$ & 0.0 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\end{table}\n"
    )


def test_wide_latex_tables_are_shrunk_to_the_page() -> None:
    names = [f"c{k}" for k in range(20)]
    runs = ap({("ohem", 0, 0.5, name): 0.5 for name in names})
    text = tables.to_latex(ap_table.table(runs, {"ohem": "OHEM"}, [0.5], names, "11point"), "", "t")
    assert "\\resizebox{\\linewidth}{!}{%\n\\begin{tabular}{l" + "r" * 22 + "}" in text
    assert "\\end{tabular}}\n" in text
    assert text.count("{") == text.count("}")


def test_a_difference_of_minus_nothing_is_nothing() -> None:
    table = pd.DataFrame({"method": ["improv"], "IoU": ["0.5"], "mAP": [-0.0]})
    assert tables.to_csv(table) == "method,IoU,mAP\nimprov,0.5,0.00\n"
