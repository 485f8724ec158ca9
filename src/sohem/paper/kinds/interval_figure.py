"""mAP against the IoU threshold with the interval of each method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from sohem.paper import plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.plotting import COLOURS, DASHES, MARKERS
from sohem.paper.run_files import INTERVAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Tables = Mapping[str, Mapping[str, pd.DataFrame]]
"""Title of a data set -> title of a method -> its table of `sohem interval`; values are AP points (percent)."""


def caption(artifact: Artifact) -> str:
    return (
        "Mean average precision against the IoU threshold with intervals over test images (and seeds, where there are "
        "several). The methods are tested on the same images, so bands that overlap do not show that the methods are "
        f"equal; the figure of the improvements compares them in pairs. {artifact.scale}"
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    tables = {
        title: {called: inputs.one("interval", dataset, method) for method, called in artifact.methods.items()}
        for dataset, title in artifact.datasets.items()
    }
    return plotting.to_files(figure(tables, artifact.evaluation["bootstrap"]["level"], artifact.notice))


def figure(tables: Tables, level: float, notice: str) -> Figure:
    """mAP against the IoU threshold, a panel for each data set, a line and a band (its interval) for each method."""
    with plotting.style():
        figure, axes = plotting.grid(1, len(tables), height=2.4, notice=notice)
        looks = {}
        for (dataset, methods), ax in zip(tables.items(), axes.flat, strict=True):
            for k, (method, table) in enumerate(methods.items()):
                rows = table[table["scope"] == "mAP"].sort_values("iou")
                look = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)]}
                looks[method] = {**look, "marker": MARKERS[k % len(MARKERS)]}
                ax.fill_between(rows["iou"], rows["low"], rows["high"], color=look["color"], alpha=0.2, linewidth=0)
                ax.plot(rows["iou"], rows["ap"], **looks[method])
            ax.set(title=dataset, xlabel="IoU threshold", ylabel=f"mAP (%), {level:.0%} interval")
            ax.set_ylim(0, None)
            ax.margins(x=0.01)
        plotting.legend(figure, [plotting.line(name, **look) for name, look in looks.items()], most=6)
        return figure


KIND = Kind(
    title="mean AP against the IoU threshold, with intervals",
    caption=caption,
    draw=draw,
    sources={"interval": INTERVAL},
    reads=("evaluation.bootstrap",),
    rank=5,
)
