"""Time the paired bootstrap on VOC07 test, beside scipy.stats.bootstrap around the plain evaluator.

    python benchmarks/bootstrap.py [--case FOLDER] [--resamples N] [--scipy-resamples N]

The first method is a public detector on all of VOC07 test (../shared/data/eval/voc07_darknet, or the folder given),
or simulated boxes of the same number where that folder is absent. The second is the first with scores and boxes
shaken and a tenth of its detections lost. Three thresholds, 20 classes. scipy draws image indices and calls the
evaluator on the rows of the drawn images, for both methods; it does a few resamples, and its time for all of them is
extrapolated. The process is held to one core.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy starts its threads

import numpy as np
import pandas as pd
import scipy.stats

from evaluation import CASE, load, simulate
from sohem.evaluation.average_precision import evaluate
from sohem.evaluation.bootstrap import difference_table, interval_table
from sohem.evaluation.resolution import shaken

IOUS = [0.5, 0.6, 0.7]


def repeated(table: pd.DataFrame, image: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    """The rows of each image as often as it was drawn, each copy an image of its own."""
    count = times[image]
    row = np.repeat(np.arange(len(table)), count)
    copy = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return table.iloc[row].assign(image_id=image[row] * (times.max() + 1) + copy)


def by_scipy(
    truth: pd.DataFrame, runs: list[pd.DataFrame], images: list[str], classes: list[str], resamples: int
) -> Any:
    """scipy's percentile interval of the difference in mAP at each threshold."""
    tables = [(table, pd.Index(images).get_indexer(pd.Index(table["image_id"]))) for table in (truth, *runs)]

    def one(drawn: np.ndarray) -> np.ndarray:
        times = np.bincount(drawn, minlength=len(images))
        parts = [repeated(table, image, times) for table, image in tables]
        ap = [evaluate(parts[0], part, classes, IOUS).groupby("iou")["ap_11point"].mean() for part in parts[1:]]
        return (ap[1] - ap[0]).to_numpy()

    def difference(drawn: np.ndarray, axis: int) -> np.ndarray:
        return np.moveaxis(np.apply_along_axis(one, axis, drawn), axis, 0)

    sample, rng = (np.arange(len(images)),), np.random.default_rng(0)
    return scipy.stats.bootstrap(sample, difference, n_resamples=resamples, batch=1, method="percentile", rng=rng)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=Path, default=CASE, help="folder with gt.csv.gz and det.csv.gz")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--scipy-resamples", type=int, default=20)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    real = args.case.is_dir()
    truth, found = load(args.case) if real else simulate()
    runs = [found, shaken(found)]
    images = sorted(set(truth["image_id"]) | set(found["image_id"]))
    classes = sorted(truth["class"].unique())
    chosen = {"resamples": args.resamples, "seed": 0, "level": 0.95, "interval": "percentile"}
    settings = {
        "ious": IOUS,
        "curve": [round(0.05 * k, 2) for k in range(2, 20)],
        "metric": "11point",
        "bootstrap": chosen,
    }
    print(f"{'real' if real else 'simulated'} detections: {len(images)} images, {len(classes)} classes, "
          f"{len(runs[0])} and {len(runs[1])} detections, {len(IOUS)} thresholds, one core\n")  # fmt: skip

    rows = []
    for name, work in {
        "sohem difference: both intervals, p-values": lambda: difference_table(
            truth, [runs[0]], [runs[1]], images, classes, [], settings
        ),
        "sohem interval: one method, 18 thresholds": lambda: interval_table(
            truth, [runs[0]], images, classes, [], settings
        ),
    }.items():
        begin, cpu = time.perf_counter(), time.process_time()
        work()
        rows.append((name, args.resamples, time.perf_counter() - begin, time.process_time() - cpu, None))
    begin, cpu = time.perf_counter(), time.process_time()
    by_scipy(truth, runs, images, classes, args.scipy_resamples)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    rows.append(("scipy.stats.bootstrap, plain evaluator", args.scipy_resamples, wall, cpu, args.resamples))
    print("| | resamples | seconds | CPU seconds |\n| --- | --: | --: | --: |")
    for name, resamples, wall, cpu, target in rows:
        print(f"| {name} | {resamples} | {wall:.1f} | {cpu:.1f} |")
        if target is not None:
            factor = target / resamples
            print(f"| the same, extrapolated | {target} | {wall * factor:.0f} | {cpu * factor:.0f} |")


if __name__ == "__main__":
    main()
