"""Compare two methods on the same test images: the difference of their AP, with intervals and p-values.

Give the detections of every seed as METHOD=FILE, those of the method to compare with first, both methods in the same
order of seeds. For each class, mAP, rigid and non-rigid mean at the thresholds of evaluation.ious: both AP in percent,
the difference, its standard deviation over seeds, its intervals (evaluation.bootstrap), and p-values, also corrected
for the number of classes (Holm). Detections are compared as they are stored; no network runs.
"""

import argparse
from pathlib import Path

from sohem import files, params
from sohem.commands.evaluate import read_detections, read_test
from sohem.errors import DataError
from sohem.evaluation.bootstrap import difference_table

DECIMALS = 4  # enough for points and p-values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem difference``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--images", required=True, type=Path, help="images.parquet, made by sohem split")
    parser.add_argument("--ground-truth", required=True, type=Path, help="ground_truth.parquet, by sohem split")
    parser.add_argument("--out", required=True, type=Path, help="CSV to write")
    parser.add_argument("runs", nargs="+", metavar="METHOD=FILE", help="detections.parquet of one run, by sohem detect")


def run(args: argparse.Namespace) -> None:
    """Read the tables, compare, write the CSV."""
    parameters = params.load(args.params, dataset=args.dataset)
    classes = params.class_names(parameters, args.dataset)
    runs = by_method(args.runs)
    test, truth = read_test(args.images, args.ground_truth)
    (first, before), (second, after) = (
        (method, [read_detections(path, test, classes) for path in paths]) for method, paths in runs.items()
    )
    rigid = parameters["datasets"][args.dataset].get("rigid", [])
    table = difference_table(truth, before, after, list(test), classes, rigid, parameters["evaluation"])
    files.write_csv(args.out, table.round(DECIMALS).to_csv(index=False))
    for row in table[table["scope"] == "mAP"].itertuples():
        print(
            f"{args.dataset}, {second} - {first}: mAP@{row.iou:g} {row.difference:+.2f} [{row.low:.2f}, {row.high:.2f}]"
        )


def by_method(words: list[str]) -> dict[str, list[Path]]:
    """Method -> its files, from words METHOD=FILE.

    Raises:
        DataError: a word has no "=", or it is not two methods with equally many files.
    """
    runs: dict[str, list[Path]] = {}
    for word in words:
        method, sign, path = word.partition("=")
        if not sign:
            raise DataError(
                f"{word}: expected METHOD=FILE, e.g. ohem=results/demo/runs/voc/ohem/seed0/detections.parquet"
            )
        runs.setdefault(method, []).append(Path(path))
    if len(runs) != 2 or len({len(paths) for paths in runs.values()}) != 1:
        found = ", ".join(f"{len(paths)} of {method}" for method, paths in runs.items())
        raise DataError(f"expected as many files of one method as of another; given: {found}")
    return runs
