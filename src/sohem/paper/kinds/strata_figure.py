"""What the mini-batches were made of: strata and foreground among the selected RoIs, over training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sohem.paper import plotting
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.logs import Logs, of_runs, smoothed
from sohem.paper.palette import STRATA
from sohem.paper.plotting import BLACK
from sohem.paper.run_files import LOG

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = [look.name for look in STRATA.values()]


def caption(artifact: Artifact) -> str:
    return (
        "What the B selected RoIs of an iteration are made of: the four strata of section 3.2 of the paper (stacked; a "
        "loss is high if it lies above the median over the image's RoIs) and foreground (line), in means of "
        f"{artifact.window} iterations. Dashed lines repeat the borders of the first method. {artifact.scale}"
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    return plotting.to_files(figure(of_runs(artifact, inputs), artifact.window, artifact.notice))


def figure(logs: Logs, window: int, notice: str) -> Figure:
    """The shares of the four strata among the B selected RoIs, stacked, and the share of foreground as a line.

    In the panels of the other methods dashed lines repeat where the first method's strata end.
    """
    with plotting.style():
        figure, axes = plotting.grid(len(logs), max(map(len, logs.values())), height=1.9, notice=notice)
        for (dataset, methods), row in zip(logs.items(), axes, strict=True):
            ends = []
            for (method, runs), ax in zip(methods.items(), row, strict=False):
                shares = 100 * smoothed(runs, [*NAMES, "foreground_selected"], window)
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
                plotting.iterations(ax)
            row[0].set_ylabel("share of the selected RoIs (%)")
        plotting.over_training(axes, window)
        handles: list[Any] = [plotting.patch(f"{look.name}: {look.holds}", look.colour) for look in STRATA.values()]
        handles.append(plotting.line("foreground", color=BLACK, linewidth=1.4))
        first = next(iter(next(iter(logs.values()))))
        if axes.shape[1] > 1:
            handles.append(plotting.line(f"as in {first}", color=BLACK, linewidth=0.7, linestyle=(0, (4, 3))))
        plotting.legend(figure, handles, most=3)
        return figure


KIND = Kind(
    title="what the mini-batches are made of",
    caption=caption,
    draw=draw,
    sources={"log": LOG},
    reads=("scales.{scale}.window",),
    rank=3,
)
