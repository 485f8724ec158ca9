"""The training log: one row an iteration, what its columns are, and which rows are sound."""

import math

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sohem.errors import TrainingError
from sohem.training.scaling import OTHERS
from sohem.training.step import SUMS

FACTS = ["iteration", "lr", "alpha", "beta"]  # known before an iteration; the others are measured
LOG_COLUMNS = [*FACTS, "n_all", "n_selected", "foreground_all", "foreground_selected",
               "s1", "s2", "s3", "s4", "cls_selected", "loc_selected", "cls_all", "loc_all",
               "rpn_objectness", "rpn_box"]  # fmt: skip


def log_table(log: np.ndarray) -> pd.DataFrame:
    """The log as a table, one row an iteration."""
    return pd.DataFrame(log, columns=LOG_COLUMNS).astype({"iteration": "int64"})


def log_row(sums: Tensor, images: int) -> Tensor:
    """What a row of the log says beyond FACTS, from the batch's sums [len(SUMS)]."""
    value = dict(zip(SUMS, sums, strict=True))
    every, chosen = value["n_all"].clamp(min=1), value["n_selected"].clamp(min=1)
    return torch.stack(
        [
            value["n_all"],
            value["n_selected"],
            value["fg_all"] / every,
            *(value[name] / chosen for name in ("fg_selected", "s1", "s2", "s3", "s4", "cls_selected", "loc_selected")),
            value["cls_all"] / every,
            value["loc_all"] / every,
            value["rpn_objectness"] / images,
            value["rpn_box"] / images,
        ]
    )


def check_finite(row: np.ndarray, rpn: bool, half: bool) -> None:
    """Raise if a loss of a log row is not finite.

    Args:
        rpn: whether there is an RPN; only then its columns count. half: whether layers compute in float16.

    Raises:
        TrainingError: names the loss and the iteration.
    """
    values = dict(zip(LOG_COLUMNS, row, strict=True))
    for name in ["cls_selected", "loc_selected", "cls_all", "loc_all"] + ["rpn_objectness", "rpn_box"] * rpn:
        if not math.isfinite(values[name]):
            other = f", or {OTHERS}" if half else ""
            raise TrainingError(
                f"iteration {int(values['iteration'])}: the loss {name} is {values[name]}. The last saved state is "
                f"kept. Lower scales.<scale>.train.lr or raise warmup in params.yaml{other}, then run the same command "
                "again."
            )
