"""Losses against the training iteration (Figures 2(b) and 3 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sohem.paper import plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.logs import Logs, beta_span, of_runs, window_means
from sohem.paper.plotting import BLACK, COLOURS, DASHES, MARKERS
from sohem.paper.run_files import LOG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = {"cls": "classification", "loc": "localisation"}
ROIS = {"selected": "the B selected RoIs", "all": "all R RoIs"}


def caption(artifact: Artifact) -> str:
    return (
        "Classification and localisation loss per RoI against the training iteration, averaged in windows of "
        f"{artifact.window} iterations. {artifact.scale}"
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    rois = artifact.options.get("rois", "all")
    return plotting.to_files(figure(of_runs(artifact, inputs), rois, artifact.window, artifact.notice))


def figure(logs: Logs, rois: str, window: int, notice: str) -> Figure:
    """Mean losses per RoI against the iteration, each point the mean of ``window`` iterations.

    One method: a panel for each data set with both losses in it. Several: a row for each data set, a panel for each
    loss with a line for each method, and a band where beta of Formula (1) grows.

    Args:
        rois: which RoIs the losses are taken over, selected (comparable within a method only) or all.
    """
    with plotting.style():
        single = all(len(methods) == 1 for methods in logs.values())
        if single:
            figure, axes = plotting.grid(1, len(logs), height=2.2, notice=notice)
            for (dataset, methods), ax in zip(logs.items(), axes.flat, strict=True):
                for k, (loss, name) in enumerate(LOSSES.items()):
                    for runs in methods.values():
                        _plot(ax, runs, f"{loss}_{rois}", window, COLOURS[k], k, name)
                ax.set(title=f"{dataset}, {', '.join(methods)}", ylabel=f"loss per RoI, {ROIS[rois]}")
        else:
            figure, axes = plotting.grid(len(logs), 2, height=1.9, notice=notice)
            for (dataset, methods), row in zip(logs.items(), axes, strict=True):
                for (loss, name), ax in zip(LOSSES.items(), row, strict=True):
                    for k, (method, runs) in enumerate(methods.items()):
                        colour = [BLACK, *COLOURS][k % (len(COLOURS) + 1)]
                        _plot(ax, runs, f"{loss}_{rois}", window, colour, k, method)
                    ax.set_title(f"{dataset}, {name}")
                    _mark_beta(ax, methods)
                row[0].set_ylabel(f"loss per RoI, {ROIS[rois]}")
        for ax in axes[-1]:
            ax.set_xlabel(f"iteration (means of {window})")
        for ax in axes.flat:
            ax.set_ylim(0, 1.08 * ax.dataLim.y1)
            plotting.few_ticks(ax)
            plotting.iterations(ax)
        handles = {h.get_label(): h for ax in axes.flat for h in ax.get_lines() if h.get_label()[0] != "_"}
        plotting.legend(figure, list(handles.values()), most=4)
        return figure


def _plot(
    ax: Axes, runs: Sequence[pd.DataFrame], column: str, window: int, colour: str, style: int, label: str
) -> None:
    """One line: the mean over the runs of ``column``, and a pale band from the least to the greatest of them."""
    smooth = [window_means(log[["iteration", column]], window) for log in runs]
    values = pd.concat([part.set_index("iteration")[column] for part in smooth], axis=1)
    if len(runs) > 1:
        ax.fill_between(values.index, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0)
    ax.plot(
        values.index, values.mean(axis=1), label=label, color=colour, linestyle=DASHES[style % len(DASHES)],
        marker=MARKERS[style % len(MARKERS)], markevery=max(len(values) // 12, 1),
    )  # fmt: skip


def _mark_beta(ax: Axes, methods: Mapping[str, Sequence[pd.DataFrame]]) -> None:
    """A grey band from the iteration where beta leaves its first value to the one where it has reached its last."""
    for runs in methods.values():
        span = beta_span(runs[0])
        if span:
            start, end, last = span
            ax.axvspan(start, end, color="#999999", alpha=0.18, linewidth=0)
            ax.annotate(
                f"β rises to {last:.3g}", ((start + end) / 2, 0), xycoords=("data", "axes fraction"), xytext=(0, 2),
                textcoords="offset points", ha="center", va="bottom", fontsize=6.5, color="#555555",
            )  # fmt: skip
            return


KIND = Kind(
    title="losses during training",
    caption=caption,
    draw=draw,
    sources={"log": LOG},
    reads=("scales.{scale}.window",),
    options={"rois": {"enum": list(ROIS)}},
    rank=2,
)
