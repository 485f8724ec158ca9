"""What the paper's test set can show: half widths of intervals over its images, beside the printed differences.

The half widths were measured once, on stored detections of real detectors; ``measured/voc07_test.yaml`` has them, with
where they come from. ``sohem testset`` measures the same with detections of one's own.
"""

import functools
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import pandas as pd
import yaml

from sohem.evaluation.resolution import MEDIAN
from sohem.paper import published, tables

Facts = Mapping[str, Any]
Grid = tuple[list[str], list[list[str]]]  # heads, rows

TITLE = "What the paper's test set can show"
PRINTS = "the paper prints"


class Section(NamedTuple):
    """A part of a page: its title, sentences above a table, the table, and where the numbers come from."""

    title: str
    text: str
    heads: list[str]
    rows: list[list[str]]
    sources: list[str]


@functools.cache
def printed(dataset: str, scope: str, iou: float) -> float | None:
    """The difference that the paper's tables print for mAP or a class; None if they do not."""
    found = published.improvements(dataset, tables.short(scope), iou)
    return next((value for place, value in found.items() if place in published.TITLES.values()), None)


def most_improved(dataset: str, classes: Sequence[str], ious: Sequence[float]) -> tuple[str, float, float] | None:
    """Class, threshold and size of the largest difference of a class that the paper prints; None if it prints none."""
    found = [(value, name, iou) for name in classes for iou in ious
             if (value := printed(dataset, name, iou)) is not None]  # fmt: skip
    if not found:
        return None
    value, name, iou = max(found)
    return name, iou, value


def grid(halves: pd.DataFrame, dataset: str, classes: Sequence[str], more: Sequence[str] = ()) -> Grid:
    """Measured differences, half widths and printed differences, a column for each threshold.

    Args:
        halves: of ``resolution.half_widths``. classes: all of the data set. more: classes to be shown beside that
            whose printed difference is largest.
    """
    ious = sorted(halves["iou"].unique())
    found = halves.set_index(["scope", "iou"])
    best = most_improved(dataset, classes, ious)
    shown = list(dict.fromkeys([*([best[0]] if best else []), *more]))

    def row(head: str, scope: str, column: str, form: str) -> list[str]:
        values = [found.loc[(scope, iou), column] for iou in ious]
        return [head, *("n/a" if pd.isna(value) else f"{value:{form}}" for value in values)]

    rows = []
    for scope in ("mAP", *shown):
        rows.append(row(f"{scope}: difference here", scope, "difference", "+.2f"))
        rows.append(row(f"{scope}: half width", scope, "half_width", ".2f"))
        on_paper = [printed(dataset, scope, iou) for iou in ious]
        if any(value is not None for value in on_paper):
            rows.append([f"{scope}: {PRINTS}", *("" if value is None else f"{value:+g}" for value in on_paper)])
        if scope == "mAP":
            rows.append(row(f"one class: half width, median of {len(classes)}", MEDIAN, "half_width", ".2f"))
    return ["IoU", *(f"{iou:g}" for iou in ious)], rows


def facts() -> Facts:
    """What was measured, as ``measured/voc07_test.yaml`` says it."""
    with resources.files(__package__).joinpath("measured", "voc07_test.yaml").open(encoding="utf-8") as file:
        return yaml.safe_load(file)


def section(found: Facts | None = None) -> Section:
    """The section of a page: half widths of each pair of detectors, the printed differences below, and what follows.

    Args:
        found: as ``facts`` gives it, which is the default.
    """
    found = facts() if found is None else found
    dataset, pairs = found["dataset"], found["pairs"]
    ious = list(pairs[0]["mAP"])
    single = [(name, iou) for name, values in pairs[0]["classes"].items() for iou in values]
    heads = ["half width between", *(f"mAP at IoU {iou:g}" for iou in ious), "one class (median)",
             *(f"{name} at IoU {iou:g}" for name, iou in single)]  # fmt: skip
    rows = [[pair["pair"], *pair["mAP"].values(), pair["one_class"],
             *(pair["classes"][name][iou] for name, iou in single)] for pair in pairs]  # fmt: skip
    on_paper = {("mAP", iou): printed(dataset, "mAP", iou) for iou in ious}
    on_paper |= {cell: printed(dataset, *cell) for cell in single}
    shown = ["" if value is None else f"{value:+g}" for value in on_paper.values()]
    rows.append([PRINTS, *shown[: len(ious)], "", *shown[len(ious) :]])
    text = [
        f"How small a difference can {found['test_set']} show? Detectors were compared on them, one run of each. Below "
        "stands half the width of the 95 % interval of their difference by the images alone, in points: a smaller "
        "difference cannot be told from nothing. Luck of training comes on top.",
        *_told({iou: size for iou in ious if (size := on_paper["mAP", iou]) is not None}, pairs),
        *_picked(dataset, ious, single),
    ]
    sources = [f"{pair['pair']}: {pair['detections'].strip()}." for pair in pairs]
    sources.append(f"Measured {found['measured']}; detections of your own: `{found['command']}`.")
    return Section(TITLE, " ".join(text), heads, rows, sources)


def _told(sizes: Mapping[float, float], pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which printed differences in mAP are below the half widths of all pairs, and which above those of some."""
    wider = {iou: [pair["pair"] for pair in pairs if size > _ends(pair["mAP"][iou])[1]] for iou, size in sizes.items()}
    hidden = [f"{sizes[iou]:+g} at IoU {iou:g}" for iou, names in wider.items() if not names]
    likest = min(pairs, key=lambda pair: min(_ends(text)[0] for text in pair["mAP"].values()))["pair"]
    text = []
    if hidden:
        text.append(f"So of the differences in mAP that the paper prints, {_list(hidden)} cannot be told from "
                    f"nothing by these images, not even between {likest}.")  # fmt: skip
    for iou, names in wider.items():
        if names:
            only = "" if len(names) == len(pairs) else ", but only"
            text.append(f"{sizes[iou]:+g} at IoU {iou:g} can{only} between {' and between '.join(names)}.")
    return text


def _picked(dataset: str, ious: Sequence[float], single: Sequence[tuple[str, float]]) -> list[str]:
    """That a class shown here is the one, of all classes and thresholds, with the largest printed difference."""
    table = next(published.read(name) for name, key in published.DATASETS.items() if key == dataset)
    classes = list(table.columns[3:])
    best = most_improved(dataset, classes, ious)
    if best is None or best[:2] not in [(tables.short(name), iou) for name, iou in single]:
        return []
    name, iou, size = best
    count = len(classes) * len(ious)
    return [f"{size:+g} for {name} at IoU {iou:g} is the largest of the {count} differences that the paper prints "
            "for single classes, and the largest of so many is far from 0 by chance alone."]  # fmt: skip


def _list(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _ends(text: str) -> tuple[float, float]:
    """The least and the greatest half width: of "0.9 to 1.1", or of "0.38", which is both."""
    numbers = [float(number) for number in text.split(" to ")]
    return numbers[0], numbers[-1]
