"""How far the methods choose the same RoIs on the same losses, over training, and what they exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sohem import params
from sohem.paper import plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.plotting import BLACK, COLOURS, DASHES, MARKERS
from sohem.paper.run_files import OVERLAP
from sohem.params import Params

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# column -> which loss, and of which RoIs
EXCHANGED = {
    "cls_own": ("L_cls", "taken by {own} only"),
    "cls_other": ("L_cls", "{other} would have taken instead"),
    "loc_own": ("L_loc", "taken by {own} only"),
    "loc_other": ("L_loc", "{other} would have taken instead"),
}
LOSS_COLOURS = {"L_cls": COLOURS[3], "L_loc": COLOURS[5]}  # not those of the methods beside them


@dataclass(frozen=True)
class Shown:
    """What the figure shows, as keys of methods.

    first: whose RoIs are shared. trained: methods whose own runs are compared with it. others: methods that choose on
    the losses of its runs. titles: key -> title.
    """

    first: str
    trained: Sequence[str]
    others: Sequence[str]
    titles: Mapping[str, str]


def caption(artifact: Artifact) -> str:
    shown = of_artifact(artifact)
    first = shown.titles[shown.first]
    text = f"Left: the share of the RoIs of {first} that another way to choose takes on the very same losses"
    if shown.trained:
        text += "; solid lines are measured in the method's own runs, the others in those of " + first
        own = shown.titles[shown.trained[0]]
        text += (
            f". Right: the mean losses of the RoIs that {own} took and {first} would not have taken, and of those that "
            f"{first} would have taken instead; a gap is where nothing was exchanged"
        )
    return f"{text}. {artifact.scale}"


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    tables = {title: inputs.one("overlap", dataset) for dataset, title in artifact.datasets.items()}
    return plotting.to_files(figure(tables, of_artifact(artifact), artifact.notice))


def of_artifact(artifact: Artifact) -> Shown:
    """Which lines there are: own runs of what is trained, the rest of evaluation.overlap on those of the first."""
    named, first = artifact.evaluation["overlap"], artifact.first
    trained = [name for name in artifact.methods if name != first and first in named]
    others = [name for name in named if name != first and name not in trained]
    titles = {name: artifact.given["methods"][name]["title"] for name in [first, *trained, *others]}
    return Shown(first, trained, others, titles)


def applies(given: Params, dataset: str) -> bool:
    """There is something to compare with."""
    methods = given.get("run", {}).get("methods", [])
    return any(other != method for other in params.compared(given) for method in methods)


def figure(tables: Mapping[str, pd.DataFrame], shown: Shown, notice: str) -> Figure:
    """A row for each data set: shares in common with the first method (%), and mean losses of what is exchanged.

    Lines are means over the runs, bands go from the least to the greatest of them.

    Args:
        tables: title of a data set -> overlap.csv.
    """
    with plotting.style():
        figure, axes = plotting.grid(len(tables), 1 + bool(shown.trained), height=1.9, notice=notice)
        for (dataset, table), row in zip(tables.items(), axes, strict=True):
            _shares(row[0], table, shown)
            row[0].set(title=f"{dataset}: RoIs in common with {shown.titles[shown.first]}", ylim=(0, 103),
                       ylabel="share (%)")  # fmt: skip
            if shown.trained:
                _exchanged(row[1], table, shown)
                row[1].set_title(f"{dataset}: RoIs exchanged with {shown.titles[shown.first]}")
                row[1].set_ylabel("mean loss of a RoI")
            for ax in row:
                ax.set_xlim(0, 1.02 * table["iteration"].max())
                plotting.iterations(ax)
        for ax in axes[-1]:
            ax.set_xlabel("iteration")
        handles = {h.get_label(): h for ax in axes.flat for h in ax.get_lines() if h.get_label()[0] != "_"}
        plotting.legend(figure, list(handles.values()), most=2 if shown.trained else 3)
        return figure


def _shares(ax: Axes, table: pd.DataFrame, shown: Shown) -> None:
    for k, name in enumerate([*shown.trained, *shown.others]):
        own = name in shown.trained
        pair = (name, shown.first) if own else (shown.first, name)
        rows = table[(table["method"] == pair[0]) & (table["other"] == pair[1])]
        share = 100 * rows["shared"] / rows["taken_other" if own else "taken"].where(lambda n: n > 0)
        colour = ([BLACK, *COLOURS] if shown.trained else COLOURS)[k % len(COLOURS)]
        dash = "-" if own else DASHES[1 + k % (len(DASHES) - 1)]
        _line(ax, rows.assign(value=share), shown.titles[name], colour, dash, k)


def _exchanged(ax: Axes, table: pd.DataFrame, shown: Shown) -> None:
    rows = table[(table["method"] == shown.trained[0]) & (table["other"] == shown.first)]
    words = {"own": shown.titles[shown.trained[0]], "other": shown.titles[shown.first]}
    for k, (column, (loss, which)) in enumerate(EXCHANGED.items()):
        label = f"{loss}, {which.format(**words)}"
        _line(ax, rows.assign(value=rows[column]), label, LOSS_COLOURS[loss], DASHES[k % 2], 3 + k)
    ax.set_ylim(0, 1.08 * max(ax.dataLim.y1, 0.1))


def _line(ax: Axes, rows: pd.DataFrame, label: str, colour: str, dash: Any, mark: int) -> None:
    """The mean over the runs at each iteration, with a pale band from the least to the greatest of them."""
    values = rows.pivot(index="iteration", columns="seed", values="value")
    if values.shape[1] > 1:
        ax.fill_between(values.index, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0)
    ax.plot(
        values.index, values.mean(axis=1), label=label, color=colour, linestyle=dash,
        marker=MARKERS[mark % len(MARKERS)], markevery=max(len(values) // 12, 1),
    )  # fmt: skip


KIND = Kind(
    title="how far the methods choose the same RoIs",
    caption=caption,
    draw=draw,
    sources={"overlap": OVERLAP},
    reads=("methods.{overlap}.title", "evaluation.overlap"),
    applies=applies,
    rank=8,
)
