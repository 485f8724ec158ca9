"""What each method gains on each class over the first, with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sohem.paper import plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.plotting import BLACK, COLOURS, MARKERS, PAGE_WIDTH
from sohem.paper.run_files import DIFFERENCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


ROW = 0.155  # inches of height for each class
GROUPS = {"mean": BLACK, "rigid": COLOURS[1], "non-rigid": COLOURS[0]}
MEANS = {"mAP": "mean of all", "rigid": "mean of rigid", "nonrigid": "mean of non-rigid"}

Tables = Mapping[str, Mapping[str, pd.DataFrame]]
"""Title of a data set -> title of a method -> its table of `sohem difference`; values are AP points (percent)."""


def caption(artifact: Artifact) -> str:
    return (
        "Average precision minus that of the first method, with paired intervals over test images (and seeds, where "
        "there are several): means, rigid classes, non-rigid classes. Filled marks have an interval without 0. Of many "
        "classes some may have one by chance: p_holm in the tables of differences is corrected for their number. "
        + artifact.scale
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    others = {method: title for method, title in artifact.methods.items() if method != artifact.first}
    tables = {
        title: {called: inputs.one("difference", dataset, method) for method, called in others.items()}
        for dataset, title in artifact.datasets.items()
    }
    rigid = {title: artifact.rigid(dataset) for dataset, title in artifact.datasets.items()}
    level = artifact.evaluation["bootstrap"]["level"]
    return plotting.to_files(figure(tables, artifact.methods[artifact.first], rigid, level, artifact.notice))


def figure(tables: Tables, first: str, rigid: Mapping[str, Sequence[str]], level: float, notice: str) -> Figure:
    """The gain in AP over the method ``first`` with its interval: the means, then rigid and non-rigid classes apart.

    A row of panels for each data set, a panel for each IoU threshold, a line for each class. In a group the class that
    gains most, on the average of the thresholds, stands on top. Filled marks have an interval without 0.

    Args:
        tables: the methods that are compared with ``first``.
        rigid: data set title -> its rigid classes; where there are none, all classes are one group.
    """
    orders = {name: class_order(next(iter(methods.values())), rigid.get(name, [])) for name, methods in tables.items()}
    ious = sorted({iou for methods in tables.values() for table in methods.values() for iou in table["iou"]})
    heights = [ROW * (len(order) + 1) for order in orders.values()]
    with plotting.style():
        figure = plotting.empty(PAGE_WIDTH, sum(heights) + 0.5 * len(heights) + 0.45, notice)
        axes = figure.subplots(len(tables), len(ious), squeeze=False, sharex="row", sharey="row", height_ratios=heights)
        for (dataset, methods), row in zip(tables.items(), axes, strict=True):
            order = orders[dataset]
            for iou, ax in zip(ious, row, strict=True):
                for k, table in enumerate(methods.values()):
                    at = table[table["iou"] == iou].set_index("scope")
                    _gains(ax, at.reindex([scope for _, scope in order]), order, k, len(methods))
                ax.axvline(0, color=BLACK, linewidth=0.8, zorder=0.9)
                ax.set_title(f"{dataset}, IoU {iou:g}")
                _rows(ax, order)
            for label, (group, _) in zip(row[0].get_yticklabels(), order, strict=True):
                label.set_color(GROUPS.get(group, COLOURS[1]))
        names = list(dict.fromkeys(method for methods in tables.values() for method in methods))
        of = f"AP of {names[0]}" if len(names) == 1 else "AP"
        axes[-1][len(ious) // 2].set_xlabel(f"{of} minus AP of {first} (points), {level:.0%} interval")
        plotting.legend(figure, _handles(orders, tables), most=6)
        return figure


def class_order(table: pd.DataFrame, rigid: Sequence[str]) -> list[tuple[str, str]]:
    """(group, scope) from top to bottom: the means, then the classes of each group by falling mean gain."""
    gain = table.groupby("scope")["difference"].mean().fillna(-np.inf)  # a class without objects comes last
    kinds = table.drop_duplicates("scope").set_index("scope")["kind"]
    classes = [scope for scope in kinds.index if kinds[scope] == "class"]
    order = [("mean", scope) for scope in MEANS if scope in kinds.index and kinds[scope] == "mean"]
    for group in ("rigid", "non-rigid") if len(rigid) else ("classes",):
        members = [name for name in classes if group == "classes" or (name in rigid) == (group == "rigid")]
        order += [(group, name) for name in sorted(members, key=lambda name: (-gain[name], name))]
    return order


def _gains(ax: Axes, at: pd.DataFrame, order: list[tuple[str, str]], k: int, methods: int) -> None:
    """One mark and interval for each row; ``k``-th of the methods, which lie a little apart."""
    shift = 0.0 if methods == 1 else 0.25 - 0.5 * k / (methods - 1)
    for place, ((group, _), row) in enumerate(zip(order, at.to_dict("records"), strict=True)):
        y, colour = -place + shift, GROUPS.get(group, COLOURS[1])
        ax.hlines(y, row["low"], row["high"], color=colour, linewidth=1)
        face = colour if row["low"] > 0 or row["high"] < 0 else "white"
        ax.plot(row["difference"], y, color=colour, marker=MARKERS[k % len(MARKERS)], markerfacecolor=face,
                markeredgewidth=0.8, markersize=3.2, linestyle="")  # fmt: skip


def _rows(ax: Axes, order: list[tuple[str, str]]) -> None:
    """The names of the rows, and a line between the groups."""
    ax.set_yticks(-np.arange(len(order)), [MEANS[name] if group == "mean" else name for group, name in order])
    ax.set_ylim(-len(order) + 0.3, 0.7)
    for place in range(1, len(order)):
        if order[place][0] != order[place - 1][0]:
            ax.axhline(-place + 0.5, color="#888888", linewidth=0.6)
    ax.tick_params(axis="y", length=0)


def _handles(orders: Mapping[str, list[tuple[str, str]]], tables: Tables) -> list[Line2D]:
    groups = dict.fromkeys(group for order in orders.values() for group, _ in order if group in ("rigid", "non-rigid"))
    handles = [plotting.line(f"{group} class", color=GROUPS[group], marker="o") for group in groups]
    names = list(dict.fromkeys(method for methods in tables.values() for method in methods))
    if len(names) > 1:
        handles += [
            plotting.line(name, color=BLACK, linestyle="", marker=MARKERS[k % len(MARKERS)])
            for k, name in enumerate(names)
        ]
    for face, label in ((BLACK, "interval without 0"), ("white", "interval with 0")):
        handles.append(plotting.line(label, color=BLACK, marker="o", markerfacecolor=face))
    return handles


KIND = Kind(
    title="improvement of each class, with intervals",
    caption=caption,
    draw=draw,
    sources={"difference": DIFFERENCE},
    reads=("datasets.{datasets}.rigid", "evaluation.bootstrap"),
    least=2,
    rank=6,
)
