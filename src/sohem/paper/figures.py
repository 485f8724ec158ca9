"""The paper's figures: AP against the IoU threshold (2a) and losses against the iteration (2b and 3).

Widths are those of a column (3.3 inches) and of a page (6.9 inches). Colours are Okabe and Ito's, told apart with every
kind of colour vision; line styles and markers say the same again for print in grey. Equal data give equal bytes.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sohem.evaluation.metrics import COLUMN

COLUMN_WIDTH, PAGE_WIDTH = 3.3, 6.9  # inches
BLACK = "#000000"
COLOURS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = "osD^vP*X"
DASHES: list[Any] = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
STYLE: Any = {  # Any: matplotlib types each key
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.columnspacing": 1.2,
    "svg.hashsalt": "sohem",
    "savefig.dpi": 300,
}
LOSSES = {"cls": "classification", "loc": "localisation"}
ROIS = {"selected": "the B selected RoIs", "all": "all R RoIs"}


@dataclass(frozen=True)
class ApPanel:
    """One panel of Figure 2(a): AP of one method on one data set.

    ``ap`` has the columns class, iou, ap_11point, ap_area, for all classes and one or more seeds; ``classes`` are
    those drawn beside the mean over all.
    """

    title: str
    ap: pd.DataFrame
    classes: Sequence[str]


def ap_figure(panels: Sequence[ApPanel], metric: str, notice: str) -> Figure:
    """AP in percent against the IoU threshold: a line for each chosen class, a thick one for the mAP (Figure 2a)."""
    with matplotlib.rc_context(STYLE):
        columns = min(len(panels), 2)
        figure, axes = grid(-(-len(panels) // columns), columns, height=2.3, notice=notice)
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
        handles = [Line2D([], [], label=name, **looks[name]) for name in labels]
        handles.append(Line2D([], [], label="mAP", color=BLACK, linewidth=2.2))
        legend(figure, handles, most=4 if columns == 1 else 8)
        return figure


def loss_figure(
    logs: Mapping[str, Mapping[str, Sequence[pd.DataFrame]]], rois: str, window: int, notice: str
) -> Figure:
    """Mean losses per RoI against the iteration, each point the mean of ``window`` iterations (Figures 2b and 3).

    One method: a panel for each data set with both losses in it. Several: a row for each data set, a panel for each
    loss with a line for each method, and a band where beta of Formula (1) grows.

    Args:
        logs: data set title -> method title -> training log of each seed; seeds are averaged.
        rois: which RoIs the losses are taken over, selected (comparable within a method only) or all.
    """
    with matplotlib.rc_context(STYLE):
        single = all(len(methods) == 1 for methods in logs.values())
        if single:
            figure, axes = grid(1, len(logs), height=2.2, notice=notice)
            for (dataset, methods), ax in zip(logs.items(), axes.flat, strict=True):
                for k, (loss, name) in enumerate(LOSSES.items()):
                    for runs in methods.values():
                        _plot_loss(ax, runs, f"{loss}_{rois}", window, COLOURS[k], k, name)
                ax.set(title=f"{dataset}, {', '.join(methods)}", ylabel=f"loss per RoI, {ROIS[rois]}")
        else:
            figure, axes = grid(len(logs), 2, height=1.9, notice=notice)
            for (dataset, methods), row in zip(logs.items(), axes, strict=True):
                for (loss, name), ax in zip(LOSSES.items(), row, strict=True):
                    for k, (method, runs) in enumerate(methods.items()):
                        colour = [BLACK, *COLOURS][k % (len(COLOURS) + 1)]
                        _plot_loss(ax, runs, f"{loss}_{rois}", window, colour, k, method)
                    ax.set_title(f"{dataset}, {name}")
                    _mark_beta(ax, methods)
                row[0].set_ylabel(f"loss per RoI, {ROIS[rois]}")
        for ax in axes[-1]:
            ax.set_xlabel(f"iteration (means of {window})")
        for ax in axes.flat:
            ax.set_ylim(0, 1.08 * ax.dataLim.y1)
            ax.yaxis.set_major_locator(MaxNLocator(5))
            iterations(ax)
        handles = {h.get_label(): h for ax in axes.flat for h in ax.get_lines() if h.get_label()[0] != "_"}
        legend(figure, list(handles.values()), most=4)
        return figure


def window_means(log: pd.DataFrame, window: int) -> pd.DataFrame:
    """Means over successive windows of ``window`` rows, the iteration included (so it is the window's middle).

    Rows left over at the end are dropped, unless the log is shorter than one window: then all are one.
    """
    complete = max(len(log) // window, 1) * window
    part = log.iloc[:complete]
    return part.groupby(np.arange(len(part)) // window).mean()


def beta_span(log: pd.DataFrame) -> tuple[int, int, float] | None:
    """The last iteration before beta moves, the first at which it stays, and its last value; None if it never moves."""
    if "beta" not in log or len(log) == 0:
        return None
    beta = log["beta"].to_numpy(float)
    moves = np.flatnonzero(np.diff(beta) != 0)
    if len(moves) == 0 or np.isnan(beta).any():
        return None
    iteration = log["iteration"].to_numpy()
    return int(iteration[moves[0]]), int(iteration[moves[-1] + 1]), float(beta[-1])


def to_bytes(figure: Figure, suffix: str) -> bytes:
    """The figure as a file of the given kind (svg or png), without date or software in it."""
    metadata: dict[str, Any] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}[suffix]
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format=suffix, metadata=metadata)
    return buffer.getvalue()


def grid(rows: int, columns: int, height: float, notice: str) -> tuple[Figure, np.ndarray]:
    """A figure with ``rows`` x ``columns`` panels, each ``height`` inches high, and the notice above them."""
    width = COLUMN_WIDTH if columns == 1 else PAGE_WIDTH
    figure = Figure(figsize=(width, height * rows + 0.55), layout="constrained")
    figure.suptitle(notice, x=0.995, ha="right", fontsize=6.5, color="#555555", style="italic")
    return figure, figure.subplots(rows, columns, squeeze=False)


def legend(figure: Figure, handles: list[Any], most: int) -> None:
    """A legend under the panels, of at most ``most`` columns, its rows as even as they can be."""
    rows = -(-len(handles) // most)
    figure.legend(handles=handles, loc="outside lower center", ncols=-(-len(handles) // rows))


def _plot_loss(
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


def iterations(ax: Axes) -> None:
    """Few round numbers on the axis of the iterations."""
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(thousands))


def thousands(value: float, _position: int | None = None) -> str:
    """12000 as 12k, for an axis."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
