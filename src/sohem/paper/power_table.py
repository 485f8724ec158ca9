"""How small a difference the runs at hand can show, and what it would take to see those that the paper prints.

From the table of ``sohem difference``; the statistics stand in ``evaluation.power``. With one seed nothing is known of
the luck of training: then the smallest difference, the images needed and the chance of a wrong sign are by the images
alone, thus lower bounds, and the seeds needed are not known.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sohem.evaluation import power
from sohem.evaluation.components import Components
from sohem.paper import published

MEASURED = ["scope", "kind", "iou", "difference", "low", "high", "seeds"]
# What is read of difference_*.csv.
READ = [*MEASURED, "se_images", "se_run", "se_seeds"]


class Outlook(NamedTuple):
    """What seeing a difference of a given size takes.

    smallest_seen: the smallest difference that these runs see with 80 % power, in points. seeds_needed: to see the
    given one as surely on these test images. images_needed: test images, with these seeds. wrong_sign: the chance that
    one pair of runs, on as many images, shows the other sign. inf: no number is enough; NaN: not known.
    """

    smallest_seen: float
    seeds_needed: float
    images_needed: float
    wrong_sign: float


def outlook(row: Mapping[Any, Any], size: float, images: int | None, level: float) -> Outlook:
    """What it takes to see a difference of ``size`` points (of either sign; at 0 there is nothing to see).

    Args:
        row: of ``bootstrap.difference_table``: seeds, se_images, se_run, se_seeds. images: how many the test set has,
            None if that is not known. level: of the intervals.
    """
    luck = row["seeds"] > 1
    variances = np.square([row[f"se_{name}"] for name in Components._fields])
    found = Components(*(variances if luck else np.array([variances[0], 0, 0])))  # with one seed by the images alone
    if np.isnan(found).any() or not any(found):  # no resample moved the number: its scatter was not measured
        return Outlook(math.nan, math.nan, math.nan, math.nan)
    seeds = int(max(row["seeds"], 2))  # without luck and noise of the runs any number of seeds comes to the same
    by_seeds = by_images = math.nan
    if size and luck:
        by_seeds = _or_inf(power.seeds_needed(abs(size), found, level))
    if size and images is not None:
        by_images = _or_inf(power.images_needed(abs(size), found, images, seeds, level))
    smallest = power.smallest_difference(found, seeds, level)
    return Outlook(smallest, by_seeds, by_images, power.wrong_sign(size, found))


def power_table(differences: pd.DataFrame, dataset: str, images: int, level: float) -> pd.DataFrame:
    """A row for each difference that the paper prints and the runs have, means first.

    Args:
        differences: of ``bootstrap.difference_table``, or as its CSV was read.
        dataset: key of the data set of the paper whose numbers count.
        images: how many the test set has. level: of the intervals.

    Returns:
        scope, kind, iou, difference, low, high, seeds, images (test images), printed (``published.size``), and the
        fields of ``Outlook``.
    """
    rows = []
    for row in differences[READ].to_dict("records"):
        size = published.size(dataset, str(row["scope"]), float(row["iou"]))
        if size is not None:
            rows.append([*(row[name] for name in MEASURED), images, size, *outlook(row, size, images, level)])
    table = pd.DataFrame(rows, columns=[*MEASURED, "images", "printed", *Outlook._fields])
    return table.sort_values("kind", key=lambda kind: kind != "mean", kind="stable", ignore_index=True)


def _or_inf(number: int | None) -> float:
    return math.inf if number is None else float(number)
