"""Every trained method with its interval, and its difference to the first: a dot for each IoU threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sohem.paper import ablation, plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.plotting import BLACK, COLOURS, MARKERS, PAGE_WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.225  # inches of height for each variant
SPREAD = 0.5  # share of a row over which its thresholds are spread


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    rows, notice = ablation.of_runs(artifact, inputs), ablation.notice(artifact)
    return plotting.to_files(figure(rows, artifact.datasets, artifact.first, notice))


def figure(rows: pd.DataFrame, datasets: Mapping[str, str], baseline: str, notice: str) -> Figure:
    """For each data set a panel with the mAP of every variant, and beside it its difference to the baseline.

    Dotted lines mark the baseline's mAP. The difference is that of paired resamples, so that its interval is not
    what the two intervals on the left would suggest.

    Args:
        rows: from `ablation.collect`. datasets: key -> title. baseline: a key of ``method``.
    """
    titles = rows.drop_duplicates("method").set_index("method")["title"]
    ious = sorted(rows["iou"].unique())
    offsets = np.linspace(SPREAD / 2, -SPREAD / 2, len(ious)) if len(ious) > 1 else [0.0]
    named = titles[baseline]
    with plotting.style():
        height = (ROW * len(titles) + 0.55) * len(datasets) + 0.5
        figure = plotting.empty(PAGE_WIDTH, height, notice)
        axes = figure.subplots(len(datasets), 2, squeeze=False, sharey=True, width_ratios=[1.25, 1])
        for (dataset, heading), (left, right) in zip(datasets.items(), axes, strict=True):
            part = rows[rows["dataset"] == dataset]
            for k, (iou, offset) in enumerate(zip(ious, offsets, strict=True)):
                at = part[part["iou"] == iou].set_index("method").loc[titles.index]
                y = np.arange(len(titles))[::-1] + offset
                left.axvline(at.loc[baseline, "ap"], color=_colour(k), linewidth=0.7, linestyle=":")
                _dots(left, y, at["ap"], at["low"], at["high"], k)
                others = at["difference"].notna().to_numpy()
                at = at[others]
                _dots(right, y[others], at["difference"], at["difference_low"], at["difference_high"], k)
            right.axvline(0, color=BLACK, linewidth=0.8, zorder=0.9)
            left.set(title=f"{heading}: mAP", xlabel="mAP (%)")
            right.set(title=f"{heading}: difference to {named}", xlabel=f"mAP minus that of {named} (points)")
            for ax in (left, right):
                _bands(ax, len(titles))
            left.set_yticks(np.arange(len(titles))[::-1], titles)
        handles = [
            plotting.line(f"IoU {iou:g}", color=_colour(k), marker=MARKERS[k % len(MARKERS)])
            for k, iou in enumerate(ious)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return figure


def _dots(ax: Axes, y: np.ndarray, value: pd.Series, low: pd.Series, high: pd.Series, k: int) -> None:
    # Not errorbar: it refuses an interval that does not hold the value, which a corrected one (BCa) need not do.
    ax.hlines(y, low, high, color=_colour(k), linewidth=1.1)
    ax.plot(value, y, color=_colour(k), marker=MARKERS[k % len(MARKERS)], linestyle="")


def _bands(ax: Axes, count: int) -> None:
    """Every second row shaded, so that the eye keeps to its row."""
    for row in range(0, count, 2):
        ax.axhspan(row - 0.5, row + 0.5, color="#f4f4f4", linewidth=0, zorder=0)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.5, count - 0.5)


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]


KIND = Kind(
    title=ablation.TITLE,
    caption=ablation.caption,
    draw=draw,
    sources=ablation.SOURCES,
    reads=("run.shown", "evaluation.ious"),
    applies=ablation.applies,
    trained=True,
    rank=7,
)
