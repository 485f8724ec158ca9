"""AP against the IoU threshold: a panel for each data set and method (Figure 2(a) of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from sohem.evaluation.metrics import COLUMN
from sohem.paper import plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.plotting import BLACK, COLOURS, DASHES, MARKERS
from sohem.paper.run_files import AP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MANY_CLASSES = 8  # each class is shown if there are at most so many, otherwise the mean only


class Panel(NamedTuple):
    """AP of one method on one data set.

    ``ap`` has the columns class, iou, ap_11point, ap_area, for all classes and one or more seeds; ``classes`` are
    those drawn beside the mean over all.
    """

    title: str
    ap: pd.DataFrame
    classes: Sequence[str]


def caption(artifact: Artifact) -> str:
    return "Average precision against the IoU threshold from which a detection counts as correct. " + artifact.scale


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    panels = []
    for dataset, title in artifact.datasets.items():
        classes = artifact.classes(dataset)
        shown = artifact.options.get("classes", classes if len(classes) <= MANY_CLASSES else [])
        for method, called in artifact.methods.items():
            panels.append(Panel(f"{title}, {called}", pd.concat(inputs.of("ap", dataset, method)), shown))
    return plotting.to_files(figure(panels, artifact.evaluation["metric"], artifact.notice))


def figure(panels: Sequence[Panel], metric: str, notice: str) -> Figure:
    """AP in percent against the IoU threshold: a line for each chosen class, a thick one for the mAP."""
    with plotting.style():
        columns = min(len(panels), 2)
        figure, axes = plotting.grid(-(-len(panels) // columns), columns, height=2.3, notice=notice)
        labels = list(dict.fromkeys(name for panel in panels for name in panel.classes))
        looks = {
            name: {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)],
                   "linestyle": DASHES[k // len(COLOURS) % len(DASHES)]}
            for k, name in enumerate(labels)
        }  # fmt: skip
        for panel, ax in zip(panels, axes.flat, strict=False):
            per_class = 100 * panel.ap.groupby(["iou", "class"])[COLUMN[metric]].mean().unstack("class")
            for name in panel.classes:
                ax.plot(per_class.index, per_class[name], label=name, markevery=2, **looks[name])
            ax.plot(per_class.index, per_class.mean(axis=1), label="mAP", color=BLACK, linewidth=2.2)
            ax.set(title=panel.title, xlabel="IoU threshold", ylabel="AP (%)", ylim=(0, 100), yticks=range(0, 101, 20))
            ax.set_xlim(per_class.index.min(), per_class.index.max())
        for ax in axes.flat[len(panels) :]:
            ax.set_axis_off()
        handles = [plotting.line(name, **looks[name]) for name in labels]
        handles.append(plotting.line("mAP", color=BLACK, linewidth=2.2))
        plotting.legend(figure, handles, most=4 if columns == 1 else 8)
        return figure


KIND = Kind(
    title="AP against the IoU threshold",
    caption=caption,
    draw=draw,
    sources={"ap": AP},
    reads=("datasets.{datasets}.classes", "evaluation.metric"),
    options={"classes": {"type": "array", "minItems": 1, "items": {"type": "string"}}},
    rank=1,
)
