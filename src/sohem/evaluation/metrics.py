"""The numbers of a run that are kept under version control: mAP, rigid and non-rigid means, AP per class."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

# The column of the AP table that `evaluation.metric` chooses.
COLUMN = {"11point": "ap_11point", "area": "ap_area"}

Percent = dict[str, float | None]


def thresholds(evaluation: dict) -> list[float]:
    """Every IoU threshold that the parameters under ``evaluation`` name, once and in rising order."""
    return sorted({float(iou) for iou in [*evaluation["curve"], *evaluation["ious"]]})


def defined(ap: pd.DataFrame) -> pd.DataFrame:
    """The AP table with NaN for every class without ground truth, whichever the metric: such a class has no AP.

    The devkit's 11 points are 0 there, and would lower the mean for a class that could not be found.
    """
    return ap.assign(**{column: ap[column].where(ap["ground_truth"] > 0) for column in COLUMN.values()})


def mean_ap(ap: pd.DataFrame, metric: str, classes: Sequence[str]) -> dict[float, float]:
    """IoU -> mean AP (a fraction) over ``classes``, without those that have no ground truth; NaN if none has.

    Args:
        ap: the table that ``average_precision.evaluate`` returns, through ``defined``.
        metric: 11point or area.
    """
    chosen = ap[ap["class"].isin(list(classes))]
    means = chosen.groupby("iou")[COLUMN[metric]].mean()
    return {float(iou): float(mean) for iou, mean in means.items()}  # type: ignore[arg-type]


def headline(
    ap: pd.DataFrame, ious: Sequence[float], metric: str, classes: Sequence[str], rigid: Sequence[str] = ()
) -> Percent:
    """The content of metrics.json: ``{"mAP@0.5": 56.12, ..., "rigid@0.5": ..., "nonrigid@0.5": ...}``.

    Percent with two decimals, null where no class has ground truth. Rigid keys only if ``rigid`` is given (the
    paper's Table 4), non-rigid ones only if a class is left over.
    """
    means = {name: mean_ap(ap, metric, members) for name, members in groups(classes, rigid).items()}
    return {f"{name}@{iou:g}": percent(by_iou[iou]) for name, by_iou in means.items() for iou in ious}


def groups(classes: Sequence[str], rigid: Sequence[str] = ()) -> dict[str, list[str]]:
    """The classes that each mean is taken over: mAP, and rigid and nonrigid if ``rigid`` is given; none is empty."""
    result = {"mAP": list(classes)}
    if rigid:
        result["rigid"] = [name for name in classes if name in rigid]
        result["nonrigid"] = [name for name in classes if name not in rigid]
    return {name: members for name, members in result.items() if members}


def per_class(ap: pd.DataFrame, ious: Sequence[float], metric: str) -> dict[str, Percent]:
    """The content of per_class.json: ``{class: {"0.5": 61.2, ...}}``, percent, null without ground truth."""
    result: dict[str, Percent] = {}
    for name, iou, value in zip(ap["class"], ap["iou"], ap[COLUMN[metric]], strict=True):
        if np.isin(iou, ious):
            result.setdefault(name, {})[f"{iou:g}"] = percent(value)
    return result


def percent(fraction: float) -> float | None:
    """A fraction as percent with two decimals; None (JSON's null) for NaN."""
    return None if math.isnan(fraction) else round(100 * fraction, 2)
