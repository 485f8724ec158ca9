"""What all figures share: style, colours, panels, legend, and how they become files.

Widths are those of a column (3.3 inches) and of a page (6.9 inches). Colours are Okabe and Ito's, told apart with every
kind of colour vision; line styles and markers say the same again for print in grey. Equal data give equal bytes.

Matplotlib is imported where it is used, so that what describes a figure costs no start of the workflow its half second.
"""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

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
    "text.parse_math": False,  # a title may hold $: no label here is a formula
}
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def style() -> AbstractContextManager[None]:
    """Within it figures are drawn as described here."""
    import matplotlib

    return matplotlib.rc_context(STYLE)


def to_files(figure: Figure) -> dict[str, bytes]:
    """The figure as svg and png, without date or software in them."""
    made = {}
    for suffix, metadata in METADATA.items():
        buffer = io.BytesIO()
        with style():
            figure.savefig(buffer, format=suffix, metadata=metadata)
        made[suffix] = buffer.getvalue()
    return made


def empty(width: float, height: float, notice: str) -> Figure:
    """A figure without panels, in inches, the notice at its upper edge."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(notice, x=0.995, ha="right", fontsize=6.5, color="#555555", style="italic")
    return figure


def grid(rows: int, columns: int, height: float, notice: str) -> tuple[Figure, np.ndarray]:
    """A figure with ``rows`` x ``columns`` panels, each ``height`` inches high, and the notice above them."""
    figure = empty(COLUMN_WIDTH if columns == 1 else PAGE_WIDTH, height * rows + 0.55, notice)
    return figure, figure.subplots(rows, columns, squeeze=False)


def line(label: str, **look: Any) -> Line2D:
    """A line or mark for the legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **look)


def patch(label: str, colour: str) -> Patch:
    """A coloured area for the legend."""
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label)


def legend(figure: Figure, handles: list[Any], most: int) -> None:
    """A legend under the panels, of at most ``most`` columns, its rows as even as they can be."""
    rows = -(-len(handles) // most)
    figure.legend(handles=handles, loc="outside lower center", ncols=-(-len(handles) // rows))


def over_training(axes: np.ndarray, window: int) -> None:
    """The label below the panels, and no frame where a row has fewer of them than another."""
    for ax in axes[-1]:
        ax.set_xlabel(f"iteration (means of {window})")
    for ax in axes.flat:
        if not ax.get_lines():
            ax.set_axis_off()


def iterations(ax: Axes) -> None:
    """Few round numbers on the axis of the iterations."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(thousands))


def few_ticks(ax: Axes) -> None:
    """At most six numbers on the vertical axis."""
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(5))


def thousands(value: float, _position: int | None = None) -> str:
    """12000 as 12k, for an axis."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
