"""Figures of the training logs: what the mini-batches were made of, and the weights of Formula (1) beside the losses.

A row of panels for each data set, a panel for each method. Logs: data set title -> method title -> the training log of
each seed; seeds are averaged.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sohem.paper.figures import BLACK, COLOURS, STYLE, grid, iterations, legend, window_means
from sohem.paper.palette import STRATA

Logs = Mapping[str, Mapping[str, Sequence[pd.DataFrame]]]
NAMES = [look.name for look in STRATA.values()]


def strata_figure(logs: Logs, window: int, notice: str) -> Figure:
    """The shares of the four strata among the B selected RoIs, stacked, and the share of foreground as a line.

    In the panels of the other methods dashed lines repeat where the first method's strata end.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = grid(len(logs), max(map(len, logs.values())), height=1.9, notice=notice)
        for (dataset, methods), row in zip(logs.items(), axes, strict=True):
            ends = []
            for (method, runs), ax in zip(methods.items(), row, strict=False):
                shares = 100 * _mean(runs, [*NAMES, "foreground_selected"], window)
                ax.stackplot(
                    shares.index, shares[NAMES].T, colors=[look.colour for look in STRATA.values()], linewidth=0
                )
                ends.append(shares[NAMES].cumsum(axis=1).iloc[:, :-1])
                for column in ends[0] if len(ends) > 1 else []:
                    ax.plot(ends[0].index, ends[0][column], color=BLACK, linewidth=0.7, linestyle=(0, (4, 3)))
                ax.plot(shares.index, shares["foreground_selected"], color="white", linewidth=3)
                ax.plot(shares.index, shares["foreground_selected"], color=BLACK, linewidth=1.4, label="foreground")
                ax.set(title=f"{dataset}, {method}", ylim=(0, 100), xlim=(shares.index[0], shares.index[-1]))
                ax.grid(False)
                iterations(ax)
            row[0].set_ylabel("share of the selected RoIs (%)")
        _finish(axes, window)
        handles: list[Any] = [Patch(color=look.colour, label=f"{look.name}: {look.holds}") for look in STRATA.values()]
        handles.append(Line2D([], [], color=BLACK, linewidth=1.4, label="foreground"))
        first = next(iter(next(iter(logs.values()))))
        if axes.shape[1] > 1:
            handles.append(Line2D([], [], color=BLACK, linewidth=0.7, linestyle=(0, (4, 3)), label=f"as in {first}"))
        legend(figure, handles, most=3)
        return figure


def ratio_figure(logs: Logs, weighted: Collection[str], window: int, notice: str) -> Figure:
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
    with matplotlib.rc_context(STYLE):
        figure, axes = grid(len(logs), max(map(len, logs.values())), height=1.8, notice=notice)
        for (dataset, methods), row in zip(logs.items(), axes, strict=True):
            for (method, runs), ax in zip(methods.items(), row, strict=False):
                means = _mean(runs, columns, window)
                for rois in ("selected", "all"):
                    below = means[f"loc_{rois}"].where(means[f"loc_{rois}"] > 0)
                    ax.plot(means.index, means[f"cls_{rois}"] / below, **looks[rois])
                for name in ("beta", "alpha") if method in weighted else ():
                    raw = _mean(runs, [name], 1)  # as it was, a step stays a step
                    ax.plot(raw.index, raw[name], **looks[name])
                ax.set_title(f"{dataset}, {method}")
                ax.set_xlim(0, max(len(log) for log in runs))
                iterations(ax)
            row[0].set_ylabel("weight or ratio")
            top = max(ax.dataLim.y1 for ax in row[: len(methods)])
            for ax in row:
                ax.set_ylim(0, 1.05 * top)
        _finish(axes, window)
        legend(figure, [Line2D([], [], **look) for look in looks.values()], most=4)
        return figure


def _mean(runs: Sequence[pd.DataFrame], columns: list[str], window: int) -> pd.DataFrame:
    """The columns by iteration, averaged over windows and then over seeds."""
    parts = [window_means(log[["iteration", *columns]], window).set_index("iteration") for log in runs]
    return pd.concat(parts).groupby(level=0).mean()


def _finish(axes: np.ndarray, window: int) -> None:
    for ax in axes[-1]:
        ax.set_xlabel(f"iteration (means of {window})")
    for ax in axes.flat:
        if not _drawn(ax):
            ax.set_axis_off()


def _drawn(ax: Axes) -> bool:
    return bool(ax.get_lines())
