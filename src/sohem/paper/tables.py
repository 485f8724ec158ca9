"""The paper's tables: from AP per run to a table in the paper's row order, and from that to CSV, Markdown, LaTeX.

AP tables have the columns method (a key of ``methods``), seed, class, iou, ap_11point, ap_area (fractions). Results are
in percent. With several seeds a cell is the mean over the seeds.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sohem.errors import DataError
from sohem.evaluation.metrics import COLUMN

# Column heads as the paper prints them; other classes are shown under their full names.
SHORT = {
    "aeroplane": "aero",
    "bicycle": "bike",
    "diningtable": "table",
    "motorbike": "mbike",
    "person": "persn",
    "pottedplant": "plant",
    "tvmonitor": "tv",
}

METRICS = {"11point": "11-point AP (VOC07)", "area": "AP as the area under the curve"}

NEGATIVE = re.compile(r"(?<![\w.-])-\d[\d.]*")

# More columns than this are shrunk to the width of the page in LaTeX.
WIDE = 12


def short(name: str) -> str:
    """The column head of a class."""
    return SHORT.get(name, name)


def ap_table(
    ap: pd.DataFrame,
    methods: Mapping[str, str],
    ious: Sequence[float],
    classes: Sequence[str],
    metric: str,
    decimals: int = 1,
) -> pd.DataFrame:
    """AP of every class and their mean (Tables 2 and 3): method, IoU, mAP, then one column a class.

    For each IoU: the first method, then each other method followed by its improvement over the first, which is
    the difference of the rounded numbers, so that a printed table adds up.

    Args:
        ap: AP of all runs. methods: key -> title, the one that the others are compared with first.
        metric: 11point or area. decimals: places that the numbers are rounded to.

    Raises:
        DataError: ``ap`` lacks a method, class or threshold.
    """
    cells = _cells(ap, methods, ious, classes, metric)
    table = pd.concat([cells.mean(axis=1).rename("mAP"), cells.rename(columns=short)], axis=1)
    return _in_paper_order(table, methods, ious, decimals)


def rigid_table(
    ap: pd.DataFrame,
    methods: Mapping[str, str],
    ious: Sequence[float],
    classes: Sequence[str],
    rigid: Sequence[str],
    metric: str,
    decimals: int = 1,
) -> pd.DataFrame:
    """Mean AP of the rigid and of the other classes (Table 4): method, IoU, rigid, non-rigid; rows as ``ap_table``.

    Raises:
        DataError: ``ap`` lacks a method, class or threshold.
    """
    cells = _cells(ap, methods, ious, classes, metric)
    others = [name for name in classes if name not in rigid]
    table = pd.DataFrame({"rigid": cells[list(rigid)].mean(axis=1), "non-rigid": cells[others].mean(axis=1)})
    return _in_paper_order(table, methods, ious, decimals)


def to_csv(table: pd.DataFrame, decimals: int = 2) -> str:
    """CSV; a cell without a value (a class without ground truth) is empty."""
    return _text(table, decimals, missing="").to_csv(index=False)


def to_markdown(table: pd.DataFrame, decimals: int = 1, bold: Sequence[str] = ()) -> str:
    """A Markdown table; the heads named in ``bold`` are bold, improvements italic."""
    text = _text(table, decimals, missing="n/a")
    rows = [[f"**{head}**" if head in bold else head for head in text.columns], ["---", *["--:"] * (text.shape[1] - 1)]]
    for row in text.values.tolist():
        rows.append([f"*{cell}*" for cell in row] if row[0].startswith("improv") else row)
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def to_latex(
    table: pd.DataFrame, caption: str, label: str, decimals: int = 1, bold: Sequence[str] = (), most: int = WIDE
) -> str:
    """A LaTeX float for a document with the packages booktabs and, if it has more than ``most`` columns, graphicx."""
    text = _text(table, decimals, missing="--")
    heads = [rf"\textbf{{{escape(head)}}}" if head in bold else escape(head) for head in text.columns]
    wide = text.shape[1] > most
    lines = [
        rf"% needs \usepackage{{booktabs{',graphicx' if wide else ''}}}",
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\setlength{\tabcolsep}{3pt}",
        *([r"\resizebox{\linewidth}{!}{%"] if wide else []),
        rf"\begin{{tabular}}{{l{'r' * (text.shape[1] - 1)}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
    ]
    previous = None
    for row in text.values.tolist():
        if row[1] != previous:
            lines.append(r"\midrule")
        previous = row[1]
        lines.append(" & ".join(NEGATIVE.sub(r"$\g<0>$", escape(cell)) for cell in row) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}" + ("}" if wide else ""), r"\end{table}"]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """``text`` with LaTeX's special characters made printable."""
    names = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(names.get(c) or ("\\" + c if c in "&%$#_{}" else c) for c in text)


def _cells(
    ap: pd.DataFrame, methods: Mapping[str, str], ious: Sequence[float], classes: Sequence[str], metric: str
) -> pd.DataFrame:
    """Percent, mean over seeds: rows (method, iou), columns the classes in order."""
    for column, wanted in (("method", list(methods)), ("iou", list(ious)), ("class", list(classes))):
        missing = [value for value in wanted if not (ap[column] == value).any()]
        if missing:
            raise DataError(f"the AP tables hold no {column} {missing[0]}; run sohem evaluate again")
    means = ap.groupby(["method", "iou", "class"])[COLUMN[metric]].mean().unstack("class")
    return 100 * means[list(classes)]


def _in_paper_order(
    table: pd.DataFrame, methods: Mapping[str, str], ious: Sequence[float], decimals: int
) -> pd.DataFrame:
    first, *others = methods
    by_method = {key: table.round(decimals).xs(key, level="method") for key in methods}
    rows: list[dict[Any, Any]] = []
    for iou in ious:
        base = by_method[first].loc[iou]
        rows.append({"method": methods[first], "IoU": f"{iou:g}", **base})
        for other in others:
            name = "improv" if len(others) == 1 else f"improv ({methods[other]})"
            values = by_method[other].loc[iou]
            rows.append({"method": methods[other], "IoU": f"{iou:g}", **values})
            rows.append({"method": name, "IoU": f"{iou:g}", **(values - base).round(decimals)})
    return pd.DataFrame(rows)


def _text(table: pd.DataFrame, decimals: int, missing: str) -> pd.DataFrame:
    """Every cell as text; text is left as it is."""

    def show(value: Any) -> str:
        if isinstance(value, str):
            return value
        # Adding 0 turns -0.0, which rounding a small negative difference gives, into 0.0.
        return missing if math.isnan(value) else f"{np.round(value, decimals) + 0.0:.{decimals}f}"

    return table.map(show)
