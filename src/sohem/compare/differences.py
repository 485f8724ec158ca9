"""Intervals of the differences between the runs of one method in two revisions, where these can be paired."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sohem.compare.comparison import Values, at, contradiction
from sohem.compare.revision import Revision, Run
from sohem.datasets import stored
from sohem.errors import DataError
from sohem.evaluation.average_precision import DETECTION_COLUMNS
from sohem.evaluation.bootstrap import difference_table

Sides = tuple[Revision, Revision]


def intervals(
    sides: Sides,
    settings: tuple[dict[str, Any], dict[str, Any]],
    runs: Sequence[Sequence[Run]],
    headline: Sequence[Values],
    classes: Sequence[str],
    bootstrap: dict[str, Any],
) -> pd.DataFrame:
    """The table of ``bootstrap.difference_table``: second revision less first, paired by image and seed.

    Args:
        sides, settings: both revisions, and their parameters.
        runs: of both, the same seeds in the same order.
        headline: the means of both as they are shown, which the detections have to give again.
        classes: of the data set, in their order.
        bootstrap: how to resample, ``evaluation.bootstrap`` of the parameters.

    Raises:
        DataError: there can be no interval; the message says why.
    """
    scale, dataset, *_ = runs[0][0]
    for key in ("evaluation.metric", f"datasets.{dataset}.classes", f"datasets.{dataset}.rigid"):
        if at(settings[0], key) != at(settings[1], key):
            raise DataError(f"{key} was changed, so the two sides do not measure the same")
    truth, images = _shared_truth(sides, f"results/{scale}/data/{dataset}")
    first, second = (
        [_detections(side, f"{run.folder}/detections.parquet") for run in of_side]
        for side, of_side in zip(sides, runs, strict=True)
    )
    if all(old.equals(new) for old, new in zip(first, second, strict=True)):
        raise DataError("both have the same detections")
    rigid = at(settings[1], f"datasets.{dataset}.rigid") or []
    ious = [float(iou) for measure, iou in headline[1] if measure == "mAP" and (measure, iou) in headline[0]]
    evaluation = {**settings[1]["evaluation"], "ious": ious, "bootstrap": bootstrap}
    table = difference_table(truth, first, second, images, classes, rigid, evaluation)
    if wrong := contradiction(headline[0], headline[1], table):
        raise DataError(
            f"the detections that DVC has are not those that were measured ({wrong}); "
            "was make record run before each commit?"
        )
    return table


def _detections(side: Revision, path: str) -> pd.DataFrame:
    return stored.checked(side.table(path), path, DETECTION_COLUMNS, f"make the results of {side.name} again")


def _shared_truth(sides: Sides, folder: str) -> tuple[pd.DataFrame, list[str]]:
    """The ground truth of the test images, and their ids, which have to be the same in both revisions."""
    found = []
    for side in sides:
        paths = f"{folder}/images.parquet", f"{folder}/ground_truth.parquet"
        images, truth = (
            stored.checked(side.table(path), path, columns, f"make the tables of {side.name} again")
            for path, columns in zip(paths, (["image_id", "subset"], stored.LABELLED), strict=True)
        )
        test = stored.of_test(stored.unique(images, paths[0]), paths[0])
        found.append((truth[truth["image_id"].isin(test)].reset_index(drop=True), sorted(test)))
    (old_truth, old_images), (truth, test_images) = found
    if old_images != test_images:
        both = len(set(old_images) & set(test_images))
        raise DataError(f"not the same test images ({len(old_images)} and {len(test_images)}, {both} of them in both)")
    if not old_truth.equals(truth):
        raise DataError("the test images have another ground truth")
    return truth, test_images
