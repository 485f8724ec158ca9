"""Printed numbers that must fit each other: sums with known weights, what rounding allows, swapped pairs.

Every check says that one printed number is a weighted sum of others (a row's mean, a difference, the same number
printed twice). It is broken when no unrounded numbers could have been rounded to what is printed.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from sohem.paper.published import TITLES

EXACT = 1e-9  # what floating point may add to a sum of some twenty numbers with one decimal
IMPROVEMENT = "improv"


class Cell(NamedTuple):
    """Where a number is printed: in a table (place is its title), or in the text about a cell of that table."""

    place: str
    table: str
    method: str
    iou: str
    column: str

    def __str__(self) -> str:
        what = {IMPROVEMENT: "the improvement"}.get(self.method, self.method)
        return f"{what}, {self.column}, IoU {self.iou}"


class Number(NamedTuple):
    """A printed number, and half a unit of its last printed place."""

    value: float
    half: float


Numbers = Mapping[Cell, Number]


@dataclass(frozen=True)
class Check:
    """``printed`` should be the sum of ``weights`` times the numbers of their cells.

    kind: mean (mAP of a row), improvement (second method minus first), group (Table 4 from Tables 2 and 3), copy (the
    text repeats a cell).
    """

    kind: str
    printed: Cell
    weights: Mapping[Cell, float]

    def cells(self) -> set[Cell]:
        """Every cell that the check looks at."""
        return {self.printed, *self.weights}

    def expected(self, numbers: Numbers) -> float:
        """The weighted sum."""
        return sum(weight * numbers[cell].value for cell, weight in self.weights.items())

    def deviation(self, numbers: Numbers) -> float:
        """Printed minus expected."""
        return numbers[self.printed].value - self.expected(numbers)

    def slack(self, numbers: Numbers) -> float:
        """The greatest deviation that rounding alone can cause; 0 for a number printed twice with equal places."""
        half = numbers[self.printed].half
        if self.kind == "copy" and all(numbers[cell].half == half for cell in self.weights):
            return 0.0
        return half + sum(abs(weight) * numbers[cell].half for cell, weight in self.weights.items())

    def holds(self, numbers: Numbers) -> bool:
        """Whether rounding explains the deviation."""
        return abs(self.deviation(numbers)) <= self.slack(numbers) + EXACT


def read_numbers(tables: Mapping[str, pd.DataFrame], text: pd.DataFrame) -> dict[Cell, Number]:
    """Every number of the tables and of the text, in printed order.

    A table prints all numbers with the places of its longest ("0" stands for 0.0); the text's count one by one.

    Args:
        tables: name -> table as ``published.read`` gives it. text: ``published.read("text")``.
    """
    numbers = {}
    for name, table in tables.items():
        columns = list(table.columns[2:])
        half = 0.5 * 10.0 ** -max(_places(cell) for cell in table[columns].to_numpy().ravel())
        for row in table.to_dict("records"):
            for column in columns:
                numbers[Cell(TITLES[name], name, row["method"], row["IoU"], column)] = Number(float(row[column]), half)
    for row in text.to_dict("records"):
        cell = Cell(row["place"], row["table"], row["method"], row["IoU"], row["column"])
        numbers[cell] = Number(float(row["value"]), 0.5 * 10.0 ** -_places(row["value"]))
    return numbers


def derivations(
    tables: Mapping[str, pd.DataFrame], rigid: Mapping[str, Sequence[str]], sources: Mapping[str, str]
) -> list[Check]:
    """The checks that compute a method's number from the numbers of its classes: mAP (mean) and Table 4 (group).

    Args:
        rigid: table with a column for each class -> its rigid columns; a table that is not named has no groups.
        sources: table of groups -> the table of classes that it is computed from.
    """
    checks = []
    for name, table in tables.items():
        per_class = tables[sources.get(name, name)]
        classes = list(per_class.columns[3:])
        if name not in sources:
            groups = {"mAP": classes}
        elif sources[name] in rigid:
            chosen = rigid[sources[name]]
            groups = {"rigid": list(chosen), "non-rigid": [c for c in classes if c not in chosen]}
        else:
            continue
        for method, iou in zip(table["method"], table["IoU"], strict=True):
            if method == IMPROVEMENT:
                continue
            for column, members in groups.items():
                source = sources.get(name, name)
                weights = {Cell(TITLES[source], source, method, iou, c): 1 / len(members) for c in members}
                kind = "group" if name in sources else "mean"
                checks.append(Check(kind, Cell(TITLES[name], name, method, iou, column), weights))
    return checks


def improvements(tables: Mapping[str, pd.DataFrame]) -> list[Check]:
    """A check for every number of an improvement row: the second method minus the first."""
    checks = []
    for name, table in tables.items():
        first, second = [method for method in dict.fromkeys(table["method"]) if method != IMPROVEMENT]
        for iou in dict.fromkeys(table["IoU"]):
            for column in table.columns[2:]:
                cells = {method: Cell(TITLES[name], name, method, iou, column) for method in (first, second)}
                printed = Cell(TITLES[name], name, IMPROVEMENT, iou, column)
                checks.append(Check("improvement", printed, {cells[second]: 1.0, cells[first]: -1.0}))
    return checks


def copies(numbers: Numbers) -> list[Check]:
    """A check for every number of the text that repeats a cell of a table."""
    return [
        Check("copy", cell, {cell._replace(place=TITLES[cell.table]): 1.0})
        for cell in numbers
        if cell.place != TITLES[cell.table]
    ]


def swaps(numbers: Numbers, checks: Sequence[Check]) -> list[tuple[Cell, Cell, list[Check]]]:
    """Pairs of numbers that, printed the other way round, would settle every broken check they take part in.

    Tried are all pairs of one place and table that differ in the method, the threshold or the column, and in
    nothing else. Where pairs overlap, the one that settles most is kept.

    Returns:
        (first cell, second cell, the checks that the swap settles), the strongest first.
    """
    broken = [check for check in checks if not check.holds(numbers)]
    suspects = set().union(*(check.cells() for check in broken))
    found = []
    for a, b in itertools.combinations([cell for cell in numbers if cell in suspects], 2):
        near = a[:2] == b[:2] and sum(x != y for x, y in zip(a, b, strict=True)) == 1
        if not near or numbers[a].value == numbers[b].value:
            continue
        swapped = {**numbers, a: numbers[b], b: numbers[a]}
        touched = [check for check in checks if check.cells() & {a, b}]
        settled = [check for check in broken if check.cells() & {a, b}]
        if all(check.holds(swapped) for check in touched):
            found.append((a, b, settled))
    kept: list[tuple[Cell, Cell, list[Check]]] = []
    for a, b, settled in sorted(found, key=lambda entry: -len(entry[2])):
        if not any({a, b} & set(entry[:2]) for entry in kept):
            kept.append((a, b, settled))
    return kept


def _places(number: str) -> int:
    """Decimal places as printed."""
    return len(number.partition(".")[2])
