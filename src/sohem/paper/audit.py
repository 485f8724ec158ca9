"""The paper's own arithmetic, checked: which of its printed numbers fit each other and which do not.

Nothing here knows where a mistake is. The checks run over every cell of the transcribed tables, every number of the
text that repeats or counts cells, and the example of section 3.1.2; a finding is whatever they come upon.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from sohem.paper.audit_arithmetic import (
    EXACT,
    IMPROVEMENT,
    Cell,
    Check,
    Numbers,
    copies,
    derivations,
    improvements,
    read_numbers,
    swaps,
)
from sohem.paper.audit_example import example_findings
from sohem.paper.audit_finding import Finding
from sohem.paper.published import TITLES

# Table of groups -> the table of classes that it summarises.
SOURCES = {"table4a": "table2", "table4b": "table3"}
SUBJECTS = {
    "mean": "Every mAP is the mean of its row",
    "group": "The means of rigid and of other classes follow from the classes",
    "improvement": "Every improvement is the difference of the two rows above it",
    "copy": "Numbers in the text are those of the tables",
}


def audit(
    tables: Mapping[str, pd.DataFrame],
    text: pd.DataFrame,
    counts: pd.DataFrame,
    example: pd.DataFrame,
    rigid: Mapping[str, Sequence[str]],
) -> list[Finding]:
    """Everything that the checks find, disagreements first.

    Args:
        tables: name -> Tables 2 to 4 as ``published.read`` gives them; text, counts, example: the numbers in the text.
        rigid: table with a column for each class -> the columns of its rigid classes. Without an entry, nothing that
            needs to know the rigid classes is checked.
    """
    numbers = read_numbers(tables, text)
    derived = derivations(tables, rigid, SOURCES)
    checks = [*derived, *improvements(tables), *copies(numbers)]
    findings = [
        *_broken(numbers, checks, derived),
        *_swapped(numbers, checks),
        *_relative(numbers, text, derived),
        *_counted(tables, counts, rigid),
        *example_findings(example),
        *_agreeing(numbers, checks),
    ]
    return sorted(findings, key=lambda finding: finding.agrees)


def _broken(numbers: Numbers, checks: Sequence[Check], derived: Sequence[Check]) -> Iterable[Finding]:
    """One finding for each number that does not fit, with what the classes' own numbers give where that is known."""
    for check in checks:
        if check.holds(numbers):
            continue
        cell, printed, expected = check.printed, numbers[check.printed].value, check.expected(numbers)
        values = {"printed": printed, "expected": round(expected, 4), "rounding_allows": round(check.slack(numbers), 4)}
        classes = _from_classes(cell, numbers, derived)
        if classes is not None:
            values["from_classes"] = round(classes, 4)
        source = next(iter(check.weights)).place
        finding = (
            f"{cell}: printed {printed:g}; "
            + {
                "mean": f"the mean of the row is {expected:.2f}",
                "group": f"the classes of {source} give {expected:.2f}",
                "improvement": f"the printed rows differ by {expected:.1f}",
                "copy": f"{source} prints {expected:g}"
                + ("" if classes is None else f", its classes give {classes:.3g}"),
            }[check.kind]
        )
        yield Finding(_id(check.kind, cell), cell.place, _sentence(finding), values)


def _swapped(numbers: Numbers, checks: Sequence[Check]) -> Iterable[Finding]:
    for a, b, settled in swaps(numbers, checks):
        values = {"first": numbers[a].value, "second": numbers[b].value, "settled": len(settled)}
        what = f"{values['first']:g} ({a}) and {values['second']:g} ({b})"
        one = len(settled) == 1
        finding = (
            f"{what} look swapped: the other way round, {'the number' if one else f'all {len(settled)} numbers'} that "
            f"{'does' if one else 'do'} not fit would fit, and none that fits would not"
        )
        yield Finding(_id("swap", a), a.place, finding, values)


def _relative(numbers: Numbers, text: pd.DataFrame, derived: Sequence[Check]) -> Iterable[Finding]:
    """Numbers that the text calls relative: are they relative changes, or differences in points?

    Points are compared as a set for each table, so that two swapped numbers still count as points.
    """
    called = text[text["wording"] == "relative"]
    for place, rows in called.groupby("place", sort=False):
        relative, points = 0, 0
        values: dict[str, Any] = {}
        for table, part in rows.groupby("table", sort=False):
            pairs = []
            for row in part.to_dict("records"):
                cell = Cell(str(place), row["table"], row["method"], row["IoU"], row["column"])
                first, second = _rows(cell, derived)
                before, after = numbers[first].value, numbers[second].value
                change, half = 100 * (after - before) / before, numbers[cell].half
                relative += abs(numbers[cell].value - change) <= half + EXACT
                pairs.append((numbers[cell].value, after - before, half))
                key = f"{TITLES[str(table)]}, {row['column']} at IoU {row['IoU']}"
                values[key] = {
                    "printed": numbers[cell].value,
                    "points": round(after - before, 4),
                    "relative_percent": round(change, 2),
                }
            ordered = zip(sorted(pairs), sorted(pair[1] for pair in pairs), strict=True)
            points += sum(abs(printed - known) <= half + EXACT for (printed, _, half), known in ordered)
        agrees = relative == len(rows)
        listed = "; ".join(
            f"{key}: {v['printed']:g} printed, {v['points']:g} points, {v['relative_percent']:g} % relative"
            for key, v in values.items()
        )
        finding = (
            f"{relative} of the {len(rows)} increases of mAP that are called relative equal the relative change; "
            f"{points} equal the differences in points, in whatever order ({listed})"
        )
        yield Finding(f"relative-{_slug(str(place))}", str(place), finding, values, agrees)


def _counted(
    tables: Mapping[str, pd.DataFrame], counts: pd.DataFrame, rigid: Mapping[str, Sequence[str]]
) -> Iterable[Finding]:
    """Statements that most classes of a group improve: how many rise, fall and stay, by the printed improvements."""
    for row in counts.to_dict("records"):
        name, iou = row["table"], row["IoU"]
        if name not in rigid:
            continue
        table = tables[name]
        improved = table[(table["method"] == IMPROVEMENT) & (table["IoU"] == iou)].iloc[0]
        values = [float(improved[column]) for column in rigid[name]]
        rise, fall = sum(v > 0 for v in values), sum(v < 0 for v in values)
        same = len(values) - rise - fall
        agrees = 2 * rise > len(values)
        finding = (
            f"{row['share'].capitalize()} of the {row['group']} classes of {TITLES[name]} are said to improve; at IoU "
            f"{iou}, of {len(values)}, {rise} rise, {fall} fall and {same} {'stays' if same == 1 else 'stay'}"
        )
        numbers = {"rise": rise, "fall": fall, "same": same, "classes": len(values)}
        yield Finding(f"count-{name}-{row['group']}-{iou}", row["place"], finding, numbers, agrees)


def _agreeing(numbers: Numbers, checks: Sequence[Check]) -> Iterable[Finding]:
    """How many checks of a kind hold, table by table or place by place, and by how much they miss at most."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.kind, check.printed.place), []).append(check)
    for (kind, place), members in groups.items():
        holding = [check for check in members if check.holds(numbers)]
        if not holding:
            continue
        largest = max(abs(check.deviation(numbers)) for check in holding)
        finding = f"{SUBJECTS[kind]}: {len(holding)} of {len(members)} hold, to within {largest:.3f}"
        values = {"hold": len(holding), "of": len(members), "largest_deviation": round(largest, 4)}
        yield Finding(f"{kind}-{_slug(place)}", place, finding, values, agrees=True)


def _from_classes(cell: Cell, numbers: Numbers, derived: Sequence[Check]) -> float | None:
    """A number as the printed numbers of the classes give it; None for a number of a class."""
    known = {check.printed: check.expected(numbers) for check in derived}
    inside = cell._replace(place=TITLES[cell.table])
    if cell.method != IMPROVEMENT:
        return known.get(inside) if inside != cell else None
    first, second = _rows(cell, derived)
    return known[second] - known[first] if first in known else None


def _rows(cell: Cell, derived: Sequence[Check]) -> tuple[Cell, Cell]:
    """The cells of the two methods that an improvement compares."""
    table = TITLES[cell.table]
    methods = list(dict.fromkeys(check.printed.method for check in derived))
    first, second = (cell._replace(place=table, method=method) for method in methods)
    return first, second


def _id(kind: str, cell: Cell) -> str:
    place = [] if cell.place == TITLES[cell.table] else [_slug(cell.place)]
    return "-".join([kind, *place, cell.table, _slug(cell.method), cell.iou, _slug(cell.column)])


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower()).strip("-").replace("--", "-")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
