"""Measure how small a difference a test set can show, from stored detections of two detectors, one run of each.

Prints half the width of the interval of their difference by the test images alone: in mAP, in a single class, and in
the class that the paper says improves most, beside what the paper prints. Nothing is trained and nothing written.

Detections: a folder with the VOC devkit's results files (comp4_det_test_<class>.txt), or detections.parquet of this
project. Ground truth: a VOC tree or a tar archive of it (annotations and ImageSets/Main/test.txt, no images), or
ground_truth.parquet with --images. Either may be a CSV table (.csv, .csv.gz) of image_id, class, x1, y1, x2, y2 with
VOC's corners, and score or difficult. With one set of detections, the second detector is a shaken copy of it: a tenth
of its detections is lost, scores and boxes are shaken.
"""

import argparse
from pathlib import Path

import pandas as pd

from sohem import params
from sohem.commands.evaluate import check_detections, read_test, stored_detections
from sohem.datasets import voc_results
from sohem.errors import DataError
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS
from sohem.evaluation.bootstrap import difference_table
from sohem.evaluation.resolution import half_widths, shaken
from sohem.paper import tables, testset

TABLE, CSV = ".parquet", (".csv", ".csv.gz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem testset``."""
    parser.add_argument("--dataset", default="voc", help="data set, as named in the parameters (default: voc)")
    parser.add_argument("--ground-truth", required=True, type=Path, help="VOC tree or archive of it, Parquet or CSV")
    parser.add_argument("--images", type=Path, help="images.parquet, where the ground truth is ground_truth.parquet")
    parser.add_argument("--class", action="append", default=[], dest="classes", help="another class to show")
    parser.add_argument("detections", nargs="+", type=Path, metavar="DETECTIONS", help="of one or two detectors")


def run(args: argparse.Namespace) -> None:
    """Read, compare, print."""
    parameters = params.load(args.params, dataset=args.dataset)
    settings, entry = parameters["evaluation"], parameters["datasets"][args.dataset]
    classes = params.class_names(parameters, args.dataset)
    if unknown := [name for name in args.classes if name not in classes]:
        raise DataError(f"--class {unknown[0]}: not a class of {args.dataset}; known: {', '.join(classes)}")
    if len(args.detections) > 2:
        raise DataError(f"{args.detections[2]}: two detectors are compared; name one or two sets of detections")
    found = [stored(path, classes) for path in args.detections]
    test, truth = ground_truth(args.ground_truth, args.images, entry, found)
    for path, table in zip(args.detections, found, strict=True):
        check_detections(table, path, test, classes, "Name the ground truth of the same test images")
    first, second = found if len(found) == 2 else (found[0], shaken(found[0]))
    table = difference_table(truth, [first], [second], list(test), classes, [], settings)
    chosen, sizes = settings["bootstrap"], " and ".join(str(len(one)) for one in (first, second))
    copy = "" if len(found) == 2 else ", the second a shaken copy of the first"
    print(f"{entry.get('title', args.dataset)}: {len(test)} test images, {sizes} detections{copy}.")
    print(f"{tables.METRICS[settings['metric']]}, points. Half width: of the {100 * chosen['level']:g} % interval "
          f"of the difference by the test images alone, {chosen['resamples']} resamples.\n")  # fmt: skip
    print(tables.of_text(*testset.grid(half_widths(table), args.dataset, classes, args.classes)))


def stored(path: Path, classes: list[str]) -> pd.DataFrame:
    """Detections in any of the forms named above.

    Raises:
        DataError: there is nothing of the kind.
    """
    if path.is_dir():
        return voc_results.read_results(path, classes)
    if path.name.endswith(CSV):
        return voc_results.read_csv(path, DETECTION_COLUMNS)
    return stored_detections(path)


def ground_truth(
    path: Path, images: Path | None, entry: params.Params, found: list[pd.DataFrame]
) -> tuple[pd.Series, pd.DataFrame]:
    """The test images and their ground truth in any of the forms named above.

    A CSV table lists no image without objects: those that only ``found`` knows count as such.

    Args:
        entry: of the data set in the parameters; its classes and what it ignores are used.

    Raises:
        DataError: there is nothing of the kind, or no list of images where one is needed.
    """
    if path.suffix == TABLE:
        if images is None:
            raise DataError(f"{path}: which are the test images? Name the images.parquet beside it with --images")
        return read_test(images, path)
    if path.name.endswith(CSV):
        truth = voc_results.read_csv(path, GROUND_TRUTH_COLUMNS)
        ids = sorted(set(truth["image_id"]).union(*(table["image_id"] for table in found)))
        if not ids:
            raise DataError(f"{path}: no box, and nothing was detected, so there is no test image")
        return pd.Series(ids, dtype="str"), truth
    return voc_results.read_truth(path, entry["classes"], entry.get("ignore", []))
