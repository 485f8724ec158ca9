"""How small a difference a test set can show by its images alone, whatever happened in training.

The measure is half the width of the interval of a difference of AP (``bootstrap``): a smaller one cannot be told from
nothing. Two detectors that answer the images alike have narrow intervals, since what the images do to both cancels out.
"""

import numpy as np
import pandas as pd

from sohem.datasets.annotation import BOX

MEDIAN = "median"  # the scope of the median over classes

# Of a shaken copy: the share of detections that is lost; standard deviations of the score and of each corner (pixels).
LOST, SCORE, CORNER = 0.1, 0.05, 2.0


def half_widths(difference: pd.DataFrame) -> pd.DataFrame:
    """Half the width of each interval, in points.

    Args:
        difference: of ``bootstrap.difference_table``.

    Returns:
        scope, iou, difference, half_width: the rows of ``difference``, then for each threshold the median over those
        classes that have one (scope ``MEDIAN``, its difference NaN).
    """
    rows = difference[["scope", "kind", "iou", "difference"]].copy()
    rows["half_width"] = (difference["high"] - difference["low"]) / 2
    classes = rows[rows["kind"] == "class"].groupby("iou", as_index=False)["half_width"].median()
    columns = ["scope", "iou", "difference", "half_width"]
    return pd.concat([rows, classes.assign(scope=MEDIAN, difference=np.nan)], ignore_index=True)[columns]


def shaken(detections: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Detections of an invented detector much like the one given: a tenth is lost, scores and corners are shaken.

    Args:
        detections: as ``average_precision.evaluate`` takes them, scores from 0 to 1.
    """
    rng = np.random.default_rng(seed)
    kept = detections[rng.random(len(detections)) > LOST].copy()
    kept["score"] = np.clip(kept["score"] + rng.normal(0, SCORE, len(kept)), 0, 1)
    kept[BOX] += rng.normal(0, CORNER, (len(kept), 4))
    return kept
