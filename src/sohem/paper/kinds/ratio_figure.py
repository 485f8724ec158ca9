"""The weights alpha and beta of Formula (1) beside the ratio of the losses, over training."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sohem.mining.miners import registry
from sohem.paper import plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.logs import Logs, of_runs, smoothed
from sohem.paper.plotting import BLACK, COLOURS
from sohem.paper.run_files import LOG

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def caption(artifact: Artifact) -> str:
    return (
        "The weights alpha and beta of Formula (1) and the ratio of the mean losses L_cls / L_loc, which section 4.1 "
        f"of the paper says beta grows to. OHEM is alpha = beta = 1. {artifact.scale}"
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    weighted = [title for method, title in artifact.methods.items() if registry()[artifact.miner(method)].weighted]
    return plotting.to_files(figure(of_runs(artifact, inputs), weighted, artifact.window, artifact.notice))


def figure(logs: Logs, weighted: Collection[str], window: int, notice: str) -> Figure:
    """alpha and beta of Formula (1), and the ratio L_cls / L_loc that beta is to follow (paper 4.1).

    The ratio is that of the losses summed over a window, over the B selected RoIs and over all R.

    Args:
        weighted: titles of the methods that choose by Formula (1); the others have no alpha and beta.
    """
    looks: dict[str, Any] = {
        "selected": {"color": COLOURS[1], "linestyle": "-", "label": "L_cls / L_loc, the B selected RoIs"},
        "all": {"color": COLOURS[5], "linestyle": "--", "label": "L_cls / L_loc, all R RoIs"},
        "beta": {"color": BLACK, "linewidth": 2, "label": "β"},
        "alpha": {"color": COLOURS[0], "linestyle": ":", "linewidth": 1.6, "label": "\N{GREEK SMALL LETTER ALPHA}"},
    }
    columns = ["alpha", "beta", *(f"{loss}_{rois}" for rois in ("selected", "all") for loss in ("cls", "loc"))]
    with plotting.style():
        figure, axes = plotting.grid(len(logs), max(map(len, logs.values())), height=1.8, notice=notice)
        for (dataset, methods), row in zip(logs.items(), axes, strict=True):
            for (method, runs), ax in zip(methods.items(), row, strict=False):
                means = smoothed(runs, columns, window)
                for rois in ("selected", "all"):
                    below = means[f"loc_{rois}"].where(means[f"loc_{rois}"] > 0)
                    ax.plot(means.index, means[f"cls_{rois}"] / below, **looks[rois])
                for name in ("beta", "alpha") if method in weighted else ():
                    raw = smoothed(runs, [name], 1)  # as it was, a step stays a step
                    ax.plot(raw.index, raw[name], **looks[name])
                ax.set_title(f"{dataset}, {method}")
                ax.set_xlim(0, max(len(log) for log in runs))
                plotting.iterations(ax)
            row[0].set_ylabel("weight or ratio")
            top = max(ax.dataLim.y1 for ax in row[: len(methods)])
            for ax in row:
                ax.set_ylim(0, 1.05 * top)
        plotting.over_training(axes, window)
        plotting.legend(figure, [plotting.line(**look) for look in looks.values()], most=4)
        return figure


KIND = Kind(
    title="alpha, beta and the ratio of the losses",
    caption=caption,
    draw=draw,
    sources={"log": LOG},
    reads=("methods.{methods}.miner", "scales.{scale}.window"),
    rank=4,
)
