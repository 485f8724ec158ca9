"""Measure how sure the AP of one method is: its mean over seeds at every threshold, with intervals.

Give the detections of every seed. The interval is over test images and seeds (evaluation.bootstrap); the CSV has a row
for each class, mAP, rigid and non-rigid mean at each threshold, in percent.
"""

import argparse
from pathlib import Path

from sohem import files, params
from sohem.commands.difference import DECIMALS
from sohem.commands.evaluate import read_detections, read_test
from sohem.evaluation.bootstrap import interval_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem interval``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--images", required=True, type=Path, help="images.parquet, made by sohem split")
    parser.add_argument("--ground-truth", required=True, type=Path, help="ground_truth.parquet, by sohem split")
    parser.add_argument("--out", required=True, type=Path, help="CSV to write")
    parser.add_argument("runs", nargs="+", type=Path, metavar="FILE", help="detections.parquet of one seed")


def run(args: argparse.Namespace) -> None:
    """Read the tables, measure, write the CSV."""
    parameters = params.load(args.params, dataset=args.dataset)
    classes = params.class_names(parameters, args.dataset)
    test, truth = read_test(args.images, args.ground_truth)
    runs = [read_detections(path, test, classes) for path in args.runs]
    rigid = parameters["datasets"][args.dataset].get("rigid", [])
    table = interval_table(truth, runs, list(test), classes, rigid, parameters["evaluation"])
    files.write_csv(args.out, table.round(DECIMALS).to_csv(index=False))
