"""The report's sections from what was read: pure functions, from tables and records to what the template shows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from sohem.paper import claims_page, published, tables

Record = Mapping[str, Any]  # a provenance.json


class Headline(NamedTuple):
    """One comparison at one threshold; AP in percent, differences in points, None where something is not known."""

    dataset: str
    iou: float
    first: float
    first_sd: float | None  # over the seeds; None with one
    second: float
    second_sd: float | None
    difference: float
    low: float | None
    high: float | None
    p: float | None
    printed: str  # what the paper prints for the same difference

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


class Verdict(NamedTuple):
    """How many claims got a verdict."""

    word: str
    number: int
    meaning: str
    sentences: list[str]  # of the claims, where something was decided


class Cell(NamedTuple):
    """A cell of a table: its text, and the number by which it is sorted (None: by the text)."""

    text: str
    value: float | None


class Grid(NamedTuple):
    """A table to be shown."""

    heads: list[str]
    rows: list[list[Cell]]


def headline(
    dataset: str,
    paper: tuple[str, str],
    names: tuple[str, str],
    difference: pd.DataFrame,
    first: pd.DataFrame,
    second: pd.DataFrame,
) -> list[Headline]:
    """mAP of two methods at each threshold of the paper's tables, and their difference.

    Args:
        dataset: key of the data set. names: how the methods are called.
        paper: key of the data set of the paper that it stands for, and how that is called, "" where it is the same.
        difference: what ``sohem difference`` writes. first, second: what ``sohem interval`` writes of each method.
    """
    spreads = [_spreads(table) for table in (first, second)]
    rows = []
    for row in difference[difference["scope"] == "mAP"].to_dict("records"):
        iou = float(row["iou"])
        low, high, p = (number(row[key]) for key in ("low", "high", "p_holm"))
        sd = [spread.get(iou) for spread in spreads]
        rows.append(Headline(dataset, iou, row["first"], sd[0], row["second"], sd[1], row["difference"], low, high, p,
                             _printed(*paper, names, iou)))  # fmt: skip
    return rows


def verdicts(claims: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """The claims counted by verdict, in the order in which the verdicts are explained."""
    found = []
    for word, meaning in claims_page.MEANING.items():
        chosen = [claims_page.sentence(claim) for claim in claims if claim["verdict"] == word]
        found.append(Verdict(word, len(chosen), meaning, [] if word == claims_page.INCONCLUSIVE else chosen))
    return found


def grid(text: pd.DataFrame) -> Grid:
    """A table that was read as text."""
    rows = text.fillna("n/a").values.tolist()
    return Grid([str(head) for head in text.columns], [[cell(str(value)) for value in row] for row in rows])


def across(text: pd.DataFrame, level: float) -> Grid:
    """A table of ``paper.tables``, turned: a row for each class, a column for each method and threshold.

    So it fits a phone and a sheet of paper, and can be sorted by the improvement. Spreads and intervals are joined to
    one cell, as people read them.

    Args:
        text: read as text: method, IoU, then the classes or means. level: of the intervals.
    """
    columns = tables.joined(text.fillna("n/a").values.tolist(), level, "n/a")
    heads = ["AP of", *(f"{name} @{iou}" for name, iou, *_ in columns)]
    names = text.columns[2:]
    return Grid(heads, [[cell(str(n)), *(cell(column[k + 2]) for column in columns)] for k, n in enumerate(names)])


def cell(text: str) -> Cell:
    """A cell that is sorted by the number that it begins with: "66.97 ± 0.4", "[-1.2, 3.4]"."""
    found = re.match(r"\[?([+-]?\d+(?:\.\d+)?)(?![\w-])", text)
    return Cell(text, float(found[1]) if found else None)


def last_losses(log: pd.DataFrame, window: int) -> dict[str, float]:
    """Means over the last ``window`` iterations of a training log, as its figures average them."""
    return {name: float(log[name].tail(window).mean()) for name in ("cls_all", "loc_all")}


def commits(records: Sequence[Record]) -> list[tuple[str, bool]]:
    """The commits that results were made at, each once, with whether there were changes that no commit held."""
    states = [record["git"] for record in records if record.get("git")]
    return sorted({(state["commit"], bool(state["dirty"])) for state in states})


def distinct(records: Sequence[Record], key: str) -> list[Any]:
    """The different values of ``key`` in the records, in the order of their first appearance."""
    found: list[Any] = []
    for record in records:
        if record.get(key) is not None and record[key] not in found:
            found.append(record[key])
    return found


def checksums(records: Sequence[Record]) -> dict[str, list[str]]:
    """Path of an input -> its SHA-256 in the records; more than one where results were made from different versions."""
    found: dict[str, list[str]] = {}
    for record in records:
        for entry in record.get("inputs", []):
            known = found.setdefault(entry["path"], [])
            if entry["sha256"] not in known:
                known.append(entry["sha256"])
    return dict(sorted(found.items()))


def total(costs: Sequence[Mapping[str, Any] | None]) -> dict[str, float | None]:
    """Seconds and joules of all runs together; None unless every run has them."""
    sums: dict[str, float | None] = {}
    for key in ("seconds", "joules"):
        values = [None if cost is None else cost[key] for cost in costs]
        known = [value for value in values if value is not None]
        sums[key] = sum(known) if known and len(known) == len(values) else None
    return sums


def number(value: Any) -> float | None:
    """A number of a table; None for NaN."""
    return None if pd.isna(value) else float(value)


def _spreads(table: pd.DataFrame) -> dict[float, float | None]:
    """IoU -> standard deviation of the mAP over the seeds."""
    rows = table[table["scope"] == "mAP"].to_dict("records")
    return {float(row["iou"]): number(row["seed_sd"]) for row in rows}


def _printed(dataset: str, title: str, names: tuple[str, str], iou: float) -> str:
    """The improvement that the paper's tables print, if they compare the same two methods: "+0.1 (VOC07)"."""
    for table, key in published.DATASETS.items():
        printed = published.read(table)
        methods = list(dict.fromkeys(printed["method"]))
        if key == dataset and "mAP" in printed and methods[:2] == list(names):
            row = printed[(printed["method"] == "improv") & (printed["IoU"] == f"{iou:g}")]
            text = "" if row.empty else str(row["mAP"].iloc[0])
            signed = f"+{text}" if text and float(text) > 0 else text
            return f"{signed} ({title})" if signed and title else signed
    return ""
