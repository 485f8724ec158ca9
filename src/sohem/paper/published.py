"""The numbers that the S-OHEM paper prints (Li et al. 2017, Tables 2 to 4), transcribed once into CSV.

The cells are kept as text, exactly as printed ("0", not "0.0"), mistakes included: ``audit`` finds them. Three more
files hold the numbers of the running text, each with the place where it stands.
"""

from importlib import resources

import pandas as pd

from sohem.paper import tables

SOURCE = "published in Li et al. 2017"

# File -> what the paper calls the table.
TITLES = {"table2": "Table 2", "table3": "Table 3", "table4a": "Table 4(a)", "table4b": "Table 4(b)"}

# File -> what the paper says about it.
CAPTIONS = {
    "table2": "VOC 2007 test detection average precision (%)",
    "table3": "KITTI 2012 test detection average precision (%)",
    "table4a": "Mean average precision (%) of rigid and non-rigid categories, VOC 2007 test",
    "table4b": "Mean average precision (%) of rigid and non-rigid categories, KITTI 2012 test",
}

# File -> the data set (a key of params.yaml) that the table is about.
DATASETS = {"table2": "voc", "table3": "kitti", "table4a": "voc", "table4b": "kitti"}

# Files with the numbers of the running text: those that repeat a cell of a table (wording: whether the paper calls the
# number a level, an improvement or a relative increase), counts of classes, and the example of section 3.1.2.
IN_TEXT = ("text", "counts", "example")


def read(name: str) -> pd.DataFrame:
    """A published table, every cell as printed: method, IoU, then its columns in the paper's order; or one of IN_TEXT.

    Raises:
        KeyError: the paper has no such table.
    """
    if name not in (*TITLES, *IN_TEXT):
        raise KeyError(name)
    with resources.files(__package__).joinpath("published", f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="str")


def column(scope: str) -> str:
    """The column of the tables that holds a scope of ours: mAP, rigid, nonrigid or a class."""
    return {"nonrigid": "non-rigid"}.get(scope, tables.short(scope))


def size(dataset: str, scope: str, iou: float) -> float | None:
    """The difference that the paper prints for a scope, in points; of several the one furthest from 0; None if none.

    That one is the fairest to the paper: what a verdict then excludes is all that was ever claimed.
    Relative increases, in percent of the first method's AP, are left out: they are no points.
    """
    found = improvements(dataset, column(scope), iou, relative=False)
    return max(found.values(), key=abs, default=None)


def improvements(dataset: str, column: str, iou: float, relative: bool = True) -> dict[str, float]:
    """Place -> the improvement that the paper prints there for a column (mAP, rigid, ... or a class's short name).

    Both the tables and the text are searched; empty for a data set or number that the paper does not have.

    Args:
        relative: whether those count that the text calls a relative increase.
    """
    found: dict[str, float] = {}
    text = read("text")
    text = text if relative else text[text["wording"] != "relative"]
    for name in (name for name, key in DATASETS.items() if key == dataset):
        repeated = text[(text["table"] == name) & (text["column"] == column)]
        table = read(name).assign(place=TITLES[name])
        for rows, values in ((repeated, "value"), (table, column)):
            if values in rows:
                chosen = rows[(rows["method"] == "improv") & (rows["IoU"] == f"{iou:g}")]
                found.update(zip(chosen["place"], chosen[values].astype(float), strict=True))
    return found
