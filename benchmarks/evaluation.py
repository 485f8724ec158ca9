"""Time this project's evaluator, torchmetrics and faster-coco-eval on the same boxes, one after the other.

    python benchmarks/evaluation.py [--case FOLDER] [--repeats N]

The boxes are real detections on all of VOC07 test (gt.csv.gz and det.csv.gz in
../shared/data/eval/voc07_darknet, or in the folder given), or simulated ones of the same number where that
folder is absent. Ten IoU thresholds, 0.5 to 0.95. torchmetrics and faster-coco-eval follow COCO's protocol
(101 recalls, crowds, size ranges): their APs differ from VOC's by definition, so only the times compare.

Each time starts at what its tool takes in: a loaded table for ours, a list of tensors for torchmetrics, a
list of dictionaries for faster-coco-eval. The process is held to one core.
"""

import argparse
import contextlib
import io
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch start their threads

import numpy as np
import pandas as pd
import torch
from faster_coco_eval import COCO, COCOeval_faster
from torchmetrics.detection import MeanAveragePrecision

from sohem.datasets import voc_results
from sohem.datasets.annotation import BOX
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS, evaluate

IOUS = [round(0.5 + 0.05 * k, 2) for k in range(10)]
CASE = Path(__file__).parents[2] / "shared" / "data" / "eval" / "voc07_darknet"


def load(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ground truth and detections with half-open boxes, from CSV with inclusive 1-based corners."""
    truth = voc_results.read_csv(folder / "gt.csv.gz", GROUND_TRUTH_COLUMNS)
    return truth, voc_results.read_csv(folder / "det.csv.gz", DETECTION_COLUMNS)


def simulate(images: int = 4952, boxes: int = 14976, detections: int = 111247) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of VOC07 test's size: detections are jittered ground truth, or anywhere."""
    rng = np.random.default_rng(0)
    names = np.array([f"class{k:02d}" for k in range(20)])

    def table(image: np.ndarray, label: np.ndarray, box: np.ndarray) -> pd.DataFrame:
        ids = pd.Series(image).map("{:06d}".format)
        return pd.DataFrame({"image_id": ids, "class": names[label], **dict(zip(BOX, box.T, strict=True))})

    corner, side = rng.uniform(0, 350, (boxes, 2)), rng.uniform(20, 150, (boxes, 2))
    image, label = rng.integers(0, images, boxes), rng.integers(0, 20, boxes)
    box = np.hstack([corner, corner + side])
    truth = table(image, label, box).assign(difficult=rng.random(boxes) < 0.2, ignore=False)
    source = rng.integers(0, boxes, detections)
    moved = box[source] + rng.normal(0, 1, (detections, 4)) * rng.choice([3, 60], (detections, 1))
    found = table(image[source], label[source], moved).assign(score=rng.random(detections).round(6))
    found[["x2", "y2"]] = np.maximum(found[["x2", "y2"]], found[["x1", "y1"]].to_numpy() + 1)
    return truth, found


def of_ours(truth: pd.DataFrame, found: pd.DataFrame) -> Callable[[], object]:
    """The evaluator of this project."""
    classes = sorted(truth["class"].unique())
    return lambda: evaluate(truth, found, classes, IOUS)


def of_torchmetrics(truth: pd.DataFrame, found: pd.DataFrame) -> Callable[[], object]:
    """torchmetrics' MeanAveragePrecision, on one dictionary of tensors an image."""
    labels = {name: k for k, name in enumerate(sorted(truth["class"].unique()))}

    def tensors(table: pd.DataFrame, images: pd.Index) -> list[dict[str, torch.Tensor]]:
        parts = dict(tuple(table.assign(label=table["class"].map(labels)).groupby("image_id")))
        result = []
        for image in images:
            part = parts.get(image, table.iloc[:0].assign(label=0))
            boxes = part[BOX].to_numpy(np.float32)
            one = {"boxes": torch.tensor(boxes), "labels": torch.tensor(part["label"].to_numpy())}
            if "score" in table:
                one["scores"] = torch.tensor(part["score"].to_numpy(np.float32))
            else:
                one["iscrowd"] = torch.tensor(part["difficult"].to_numpy(np.int64))
            result.append(one)
        return result

    images = pd.Index(truth["image_id"].unique()).union(pd.Index(found["image_id"].unique()))
    target, predictions = tensors(truth, images), tensors(found, images)

    def run() -> object:
        metric = MeanAveragePrecision(
            iou_thresholds=IOUS, class_metrics=True, backend="faster_coco_eval", max_detection_thresholds=[1, 10, 1000]
        )
        metric.warn_on_many_detections = False
        metric.update(predictions, target)
        return metric.compute()

    return run


def of_faster_coco_eval(truth: pd.DataFrame, found: pd.DataFrame) -> Callable[[], object]:
    """faster-coco-eval, on annotations and results in COCO's form."""
    images = {name: k for k, name in enumerate(truth["image_id"].unique(), start=1)}
    found = found[found["image_id"].isin(images)]
    labels = {name: k for k, name in enumerate(sorted(truth["class"].unique()), start=1)}

    def entries(table: pd.DataFrame) -> list[dict]:
        boxes = table[BOX].to_numpy(float)
        boxes[:, 2:] -= boxes[:, :2]
        plain = table.assign(image=table["image_id"].map(images), label=table["class"].map(labels))
        rows = zip(plain["image"].tolist(), plain["label"].tolist(), boxes.tolist(), strict=True)
        return [{"image_id": image, "category_id": label, "bbox": box} for image, label, box in rows]

    annotations = [
        {"id": k, "area": entry["bbox"][2] * entry["bbox"][3], "iscrowd": int(difficult), **entry}
        for k, (entry, difficult) in enumerate(zip(entries(truth), truth["difficult"], strict=True), start=1)
    ]
    results = [{"score": s, **entry} for s, entry in zip(found["score"].tolist(), entries(found), strict=True)]
    dataset = {
        "images": [{"id": k} for k in images.values()],
        "categories": [{"id": k, "name": name} for name, k in labels.items()],
        "annotations": annotations,
    }

    def run() -> object:
        # Copies, since the tool writes into what it is given.
        reference = COCO({**dataset, "annotations": [dict(entry) for entry in annotations]})
        evaluation = COCOeval_faster(reference, reference.loadRes([dict(entry) for entry in results]), "bbox")
        evaluation.params.iouThrs = np.array(IOUS)
        evaluation.params.maxDets = [1, 10, 1000]
        evaluation.evaluate()
        evaluation.accumulate()
        return evaluation

    return run


def seconds(run: Callable[[], object], repeats: int) -> list[float]:
    """Wall-clock seconds of each repetition, after one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            run()
        times.append(time.perf_counter() - begin)
    return times[1:]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=Path, default=CASE, help="folder with gt.csv.gz and det.csv.gz")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    real = args.case.is_dir()
    truth, found = load(args.case) if real else simulate()
    sizes = f"{truth['image_id'].nunique()} images, {len(truth)} ground-truth boxes, {len(found)} detections"
    kind = "real detections on VOC07 test" if real else "simulated boxes"
    print(f"{kind}: {sizes}, {len(IOUS)} IoU thresholds, one core\n")
    print("| evaluator | protocol | median (s) | fastest (s) |\n| --- | --- | --: | --: |")
    tools = {"sohem": ("VOC", of_ours), "torchmetrics": ("COCO", of_torchmetrics),
             "faster-coco-eval": ("COCO", of_faster_coco_eval)}  # fmt: skip
    for name, (protocol, prepare) in tools.items():
        times = seconds(prepare(truth, found), args.repeats)
        print(f"| {name} | {protocol} | {np.median(times):.3f} | {min(times):.3f} |", flush=True)
    print("\nOnly times compare: COCO's protocol defines another AP.")


if __name__ == "__main__":
    main()
