"""The paper's tables: from AP per run to a table in the paper's row order, and from that to CSV, Markdown, LaTeX.

AP tables have the columns method (a key of ``methods``), seed, class, iou, ap_11point, ap_area (fractions). Results are
in percent. With several seeds a cell is the mean over the seeds, and a row "<method> sd" below holds the standard
deviation over them; an improvement's interval stands below it in two rows, "<improvement> low" and "... high".
So every cell of the CSV is one number; for people the rows are joined ("67.0 ± 0.4", "[-0.8, 2.6]").
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sohem import markdown
from sohem.errors import DataError
from sohem.evaluation import metrics

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

SD, LOW, HIGH = " sd", " low", " high"  # what the names of those rows end with

METRICS = {"11point": "11-point AP (VOC07)", "area": "AP as the area under the curve"}

NEGATIVE = re.compile(r"(?<![\w.-])-\d[\d.]*")

# More columns than this are shrunk to the width of the page in LaTeX.
WIDE = 12


def short(name: str) -> str:
    """The column head of a class."""
    return SHORT.get(name, name)


def cells(
    ap: pd.DataFrame, methods: Mapping[str, str], ious: Sequence[float], classes: Sequence[str], metric: str
) -> pd.DataFrame:
    """Percent: rows (method, iou, seed), columns the classes in order."""
    for column, wanted in (("method", list(methods)), ("iou", list(ious)), ("class", list(classes))):
        missing = [value for value in wanted if not (ap[column] == value).any()]
        if missing:
            raise DataError(f"the AP tables hold no {column} {missing[0]}; run sohem evaluate again")
    return (
        100 * ap.set_index(["method", "iou", "seed", "class"])[metrics.COLUMN[metric]].unstack("class")[list(classes)]
    )


def in_paper_order(
    table: pd.DataFrame,
    methods: Mapping[str, str],
    ious: Sequence[float],
    decimals: int,
    differences: pd.DataFrame | None,
) -> pd.DataFrame:
    """A table as the paper orders it: method, IoU, then the columns of ``table``.

    For each IoU: the first method, then each other method followed by its improvement over the first, which is
    the difference of the rounded numbers, so that a printed table adds up.

    Args:
        table: percent, rows (method, iou, seed).
        methods: key -> title, the one that the others are compared with first.
        decimals: places that the numbers are rounded to.
        differences: method, scope, iou, low, high in points (``bootstrap.difference_table``); none, no intervals.
    """
    first, *others = methods
    seeds = table.groupby(level=["method", "iou"])
    mean = seeds.mean().round(decimals)
    # A method that was run with one seed beside others with several has no spread.
    spread = seeds.std().round(decimals) if table.index.get_level_values("seed").nunique() > 1 else None
    rows: list[dict[Any, Any]] = []
    for iou in ious:
        for method in methods:
            rows.append({"method": methods[method], "IoU": f"{iou:g}", **mean.xs((method, iou))})
            if spread is not None:
                rows.append({"method": methods[method] + SD, "IoU": f"{iou:g}", **spread.xs((method, iou))})
            if method == first:
                continue
            name = "improv" if len(others) == 1 else f"improv ({methods[method]})"
            gain = (mean.xs((method, iou)) - mean.xs((first, iou))).round(decimals)
            rows.append({"method": name, "IoU": f"{iou:g}", **gain})
            if differences is not None:
                low, high = _interval(differences, method, iou, table.columns)
                rows.append({"method": name + LOW, "IoU": f"{iou:g}", **low})
                rows.append({"method": name + HIGH, "IoU": f"{iou:g}", **high})
    return pd.DataFrame(rows)


def to_csv(table: pd.DataFrame, decimals: int = 2) -> str:
    """CSV; a cell without a value (a class without ground truth) is empty."""
    return _text(table, decimals, missing="").to_csv(index=False)


def to_markdown(table: pd.DataFrame, decimals: int = 1, bold: Sequence[str] = (), level: float = 0.95) -> str:
    """A Markdown table; the heads named in ``bold`` are bold, improvements italic. level: of the intervals."""
    text = _text(table, decimals, missing="n/a")
    heads = [f"**{markdown.cell(head)}**" if head in bold else markdown.cell(head) for head in text.columns]
    rows = [heads, ["---", *["--:"] * (text.shape[1] - 1)]]
    for row in joined(text.values.tolist(), level, "n/a"):
        italic = row[0].startswith("improv") or row[2].startswith("[")
        rows.append([f"*{markdown.cell(text)}*" if italic else markdown.cell(text) for text in row])
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def of_text(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of text, without a line end behind it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(markdown.cell, line)) + " |" for line in lines)


def to_latex(
    table: pd.DataFrame,
    caption: str,
    label: str,
    decimals: int = 1,
    bold: Sequence[str] = (),
    level: float = 0.95,
    most: int = WIDE,
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
    for row in joined(text.values.tolist(), level, "--"):
        if row[1] != previous:
            lines.append(r"\midrule")
        previous = row[1]
        cells = [
            f"${cell}$" if re.fullmatch(r"-.*\d|\[.*", cell) else NEGATIVE.sub(r"$\g<0>$", escape(cell)) for cell in row
        ]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}" + ("}" if wide else ""), r"\end{table}"]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """``text`` in one line, with LaTeX's special characters made printable."""
    names = {"±": r"$\pm$", "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(names.get(c) or ("\\" + c if c in "&%$#_{}" else c) for c in markdown.one_line(text))


def _interval(differences: pd.DataFrame, method: str, iou: float, scopes: pd.Index) -> tuple[pd.Series, pd.Series]:
    here = differences[(differences["method"] == method) & (differences["iou"] == iou)].set_index("scope")
    missing = scopes.difference(here.index)
    if len(missing):
        raise DataError(f"the differences of {method} hold no {missing[0]} at IoU {iou:g}; run sohem difference again")
    return here.loc[scopes, "low"], here.loc[scopes, "high"]


def joined(rows: list[list[str]], level: float, missing: str) -> list[list[str]]:
    """The rows as people read them: a standard deviation within its method's row, an interval in one row.

    Without standard deviations there is one seed, and the name of an interval says that it is over the images alone.
    """
    result: list[list[str]] = []
    low: list[str] = []
    over = "" if any(name.endswith(SD) for name, *_ in rows) else " (images)"
    for name, iou, *cells in rows:
        before = result[-1] if result else [""]
        if name == before[0] + SD:
            both = zip(before[2:], cells, strict=True)
            before[2:] = [value if spread == missing else f"{value} ± {spread}" for value, spread in both]
        elif name == before[0] + LOW:
            low = cells
        elif name == before[0] + HIGH:
            ends = [missing if one == missing else f"[{one}, {other}]" for one, other in zip(low, cells, strict=True)]
            result.append([f"{level:.0%} interval{over}", iou, *ends])
        else:
            result.append([name, iou, *cells])
    return result


def _text(table: pd.DataFrame, decimals: int, missing: str) -> pd.DataFrame:
    """Every cell as text; text is left as it is."""

    def show(value: Any) -> str:
        if isinstance(value, str):
            return value
        # Adding 0 turns -0.0, which rounding a small negative difference gives, into 0.0.
        return missing if math.isnan(value) else f"{np.round(value, decimals) + 0.0:.{decimals}f}"

    return table.map(show)
