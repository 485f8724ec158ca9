"""How a run agrees with the recorded one, in lines for the end of a terminal: pure functions from tables to text."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd


class Compared(NamedTuple):
    """Headline differences of this run that the recorded one has too."""

    inside: int  # of them, those that lie inside the recorded interval
    number: int


def headlines(tables: Mapping[str, pd.DataFrame | None], ious: Sequence[float], level: float) -> list[str]:
    """Lines with the differences in mAP of each data set.

    Args:
        tables: title of a data set -> what ``sohem difference`` wrote; None where it has not.
        ious: the thresholds to show. level: of the intervals.
    """
    seeds = {int(table["seeds"].max()) for table in tables.values() if table is not None and len(table)}
    over = "test images alone, one seed" if seeds == {1} else f"test images and {' or '.join(map(str, seeds))} seeds"
    if not seeds:
        return ["mAP: not measured yet"]
    lines = [f"points of mAP with {100 * level:g} % intervals (over {over}):"]
    width = max(map(len, tables), default=0)
    for title, table in tables.items():
        rows = () if table is None else (row for row in _means(table) if row[0] == "mAP" and row[1] in ious)
        shown = [f"at {iou:g}: {value:+.2f} [{low:+.2f}, {high:+.2f}]" for _, iou, value, low, high in rows]
        lines.append(f"  {title:{width}}  {'   '.join(shown) or 'no difference was measured'}")
    return lines


def compared(tables: Sequence[tuple[pd.DataFrame | None, pd.DataFrame | None]]) -> Compared:
    """Whether the means' differences (mAP, rigid, non-rigid; every threshold) lie inside the recorded intervals.

    Args:
        tables: for each data set what ``sohem difference`` wrote now, and what is recorded; None where there is none.
    """
    verdicts = []
    for now, recorded in tables:
        if now is not None and recorded is not None:
            known = {(scope, iou): (low, high) for scope, iou, _, low, high in _means(recorded)}
            for scope, iou, value, _, _ in _means(now):
                low, high = known.get((scope, iou), (float("nan"),) * 2)
                if low == low and value == value:  # a mean without any class has no value and no interval
                    verdicts.append(low <= value <= high)
    return Compared(sum(verdicts), len(verdicts))


def verdict(files: int, changed: int, commit: str, differences: Compared) -> str:
    """The line that says how a run agrees with the recorded one."""
    recorded = f"the recorded run (commit {commit})"
    if not changed:
        return f"Agreement with {recorded}: the same bytes in all {files} files."
    inside = (
        f"{differences.inside} of {differences.number} headline differences lie inside the recorded intervals"
        if differences.number
        else "it has no differences to compare with"
    )
    return f"Agreement with {recorded}: other bytes in {changed} of {files} files; {inside}."


def advice(results: str, reasons: Sequence[str]) -> list[str]:
    """Lines that say where other bytes come from and what to do with them.

    Args:
        results: the folder. reasons: what tells the two runs apart (``recorded.reasons``).
    """
    if reasons:
        why = [f"  That can be expected: this run had {reason}." for reason in reasons]
    else:
        why = ["  Parameters, code, packages and processor are those of the recorded run, so that should not be."]
    return [
        *why,
        '  What is equal on which machines: README.md, "The same numbers on another machine?".',
        f"  The tracked files below {results} now show as changed. To bring the recorded ones back:",
        f"    git restore {results}",
        "  To keep these as your own: make record, then commit.",
    ]


def _means(table: pd.DataFrame) -> list[tuple[str, float, float, float, float]]:
    """(scope, IoU, difference, low, high) of each mean."""
    rows = table[table["kind"] == "mean"]
    columns = ("scope", "iou", "difference", "low", "high")
    return [(str(a), *map(float, rest)) for a, *rest in zip(*(rows[name] for name in columns), strict=True)]  # type: ignore[misc]
