"""Measure the average precision of stored detections on the test images, at all IoU thresholds in one pass.

Writes three files: the headline numbers in percent (mAP; rigid and non-rigid means where the data set has rigid
classes), the AP of each class in percent, and a CSV with the AP of each class at every threshold as fractions.
Other thresholds need only this step again, never the network.
"""

import argparse
from pathlib import Path

import pandas as pd

from sohem import files, params
from sohem.datasets import stored
from sohem.errors import DataError
from sohem.evaluation import metrics
from sohem.evaluation.average_precision import DETECTION_COLUMNS, evaluate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem evaluate``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--images", required=True, type=Path, help="images.parquet, made by sohem split")
    parser.add_argument("--ground-truth", required=True, type=Path, help="ground_truth.parquet, by sohem split")
    parser.add_argument("--detections", required=True, type=Path, help="detections.parquet, by sohem detect")
    parser.add_argument("--metrics", required=True, type=Path, help="JSON to write: headline numbers")
    parser.add_argument("--per-class", required=True, type=Path, help="JSON to write: AP of each class")
    parser.add_argument("--curve", required=True, type=Path, help="CSV to write: AP at every threshold")


def run(args: argparse.Namespace) -> None:
    """Read the tables, evaluate the test subset, write metrics, per-class AP and curve."""
    parameters = params.load(args.params, dataset=args.dataset)
    settings = parameters["evaluation"]
    classes = params.class_names(parameters, args.dataset)
    test, truth = read_test(args.images, args.ground_truth)
    detections = read_detections(args.detections, test, classes)
    ap = metrics.defined(evaluate(truth, detections, classes, metrics.thresholds(settings)))
    rigid = parameters["datasets"][args.dataset].get("rigid", [])
    headline = metrics.headline(ap, settings["ious"], settings["metric"], classes, rigid)
    files.write_csv(args.curve, ap.to_csv(index=False))
    files.write_json(args.per_class, metrics.per_class(ap, settings["ious"], settings["metric"]))
    files.write_json(args.metrics, headline)
    print(f"{args.dataset}: " + ", ".join(f"{name} {value}" for name, value in headline.items()))


def read_test(images: Path, ground_truth: Path) -> tuple[pd.Series, pd.DataFrame]:
    """The ids of the test images, and their ground truth.

    Raises:
        DataError: a table is missing or not such a table, or there is no test image.
    """
    test = stored.of_test(stored.images(images, ["image_id", "subset"]), images)
    truth = stored.objects(ground_truth)
    return test, truth[truth["image_id"].isin(test)]


def read_detections(source: Path, test: pd.Series, classes: list[str]) -> pd.DataFrame:
    """The detections of a run; those that cannot belong to this data set's test images are refused.

    Raises:
        DataError: the file is missing or no such table, or an image or class is not one of the test subset's.
    """
    detections = stored_detections(source)
    check_detections(detections, source, test, classes, "Run sohem detect again")
    return detections


def stored_detections(source: Path) -> pd.DataFrame:
    """A table of detections, of whichever images.

    Raises:
        DataError: the file is missing, or no such table.
    """
    return stored.checked(files.read_table(source), source, DETECTION_COLUMNS, "run sohem detect again")


def check_detections(detections: pd.DataFrame, source: Path, test: pd.Series, classes: list[str], advice: str) -> None:
    """Refuse detections that cannot belong to these test images.

    Raises:
        DataError: an image or class is not one of the test subset's; ``advice`` says what to do.
    """
    for column, known, kind in (("image_id", test, "an image of the test subset"), ("class", classes, "a class")):
        unknown = detections.loc[~detections[column].isin(list(known)), column].unique()
        if len(unknown):
            raise DataError(
                f"{source}: {column} {stored.shown(unknown[0])} ({len(unknown)} in all) is not {kind}; "
                f"were they made for another data set or split? {advice}"
            )
