"""Training logs as figures show them: in means of windows, over seeds, and where beta of Formula (1) grows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sohem.paper.kind import Artifact, Inputs

Logs = Mapping[str, Mapping[str, Sequence[pd.DataFrame]]]
"""Title of a data set -> title of a method -> the training log of each seed."""


def of_runs(artifact: Artifact, inputs: Inputs) -> Logs:
    """The logs of every data set and method that a figure shows."""
    return {
        title: {called: inputs.of("log", dataset, method) for method, called in artifact.methods.items()}
        for dataset, title in artifact.datasets.items()
    }


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


def smoothed(runs: Sequence[pd.DataFrame], columns: list[str], window: int) -> pd.DataFrame:
    """The columns by iteration, averaged over windows and then over seeds."""
    parts = [window_means(log[["iteration", *columns]], window).set_index("iteration") for log in runs]
    return pd.concat(parts).groupby(level=0).mean()
