"""What a training iteration at demo scale spends on mining: all that comes after the forward passes over all RoIs.

Draws a few miniature VOC images and boxes around their objects, trains each method on them for some iterations on one
thread, and times the losses of the RoIs, NMS, choice and the log's composition within the real training step. The
losses of the selected RoIs, which any training needs, are counted, too.

    python benchmarks/iteration.py [--iterations 60]
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from sohem import params
from sohem.datasets import ground_truth, miniature
from sohem.datasets.annotation import BOX
from sohem.detectors.detector import build
from sohem.training import loop, step
from sohem.training.samples import SampleReader

ROOT = Path(__file__).parents[1]


class Timed:
    """A function that adds up the CPU time of its calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *args: Any) -> Any:
        started = time.process_time()
        result = self.function(*args)
        self.seconds += time.process_time() - started
        return result


def boxes_around(objects: pd.DataFrame, images: pd.DataFrame, count: int) -> pd.DataFrame:
    """``count`` boxes an image, half of them near its objects, half anywhere."""
    rng = np.random.default_rng(0)
    parts = []
    for name, width, height in zip(images["image_id"], images["width"], images["height"], strict=True):
        size = np.array([width, height])
        own = objects.loc[objects["image_id"] == name, BOX].to_numpy()
        near = own[rng.integers(0, len(own), count // 2)] + rng.normal(0, 6, (count // 2, 4))
        corner = rng.uniform(0, 0.7, (count - count // 2, 2)) * size
        anywhere = np.concatenate([corner, corner + rng.uniform(0.1, 0.3, corner.shape) * size], axis=1)
        found = np.concatenate([near, anywhere])
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 4)
        parts.append(pd.DataFrame(found.astype(np.float32), columns=BOX).assign(image_id=name))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Print one row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=60, help="timed iterations of each method (default: 60)")
    iterations = parser.parse_args().iterations
    torch.set_num_threads(1)
    given = params.load(ROOT / "params.yaml")
    scale = given["scales"]["demo"]
    with tempfile.TemporaryDirectory() as folder:
        given["datasets"]["voc"]["demo"]["root"] = folder
        miniature.write("voc", Path(folder), seed=1, train=40, test=2)
        images, objects = ground_truth.read(given, "voc")
        proposals = boxes_around(objects, images, scale["train"]["max_proposals"])
        classes = params.class_names(given, "voc")
        reader = SampleReader(given["datasets"]["voc"]["demo"], images, "train", classes, objects, proposals)
        print(f"{platform.processor() or platform.machine()}, one thread, torch {torch.__version__}")
        print("| method | iteration (ms) | mining (ms) | share |\n| --- | --: | --: | --: |")
        for name, method in given["methods"].items():
            detector = build("fast_rcnn", len(classes), scale, seed=0)
            loop.normalise_targets(detector, reader, scale)
            parts = {part: Timed(getattr(step, part)) for part in ("roi_losses", "choose", "composition")}
            for part, timed in parts.items():
                setattr(step, part, timed)
            run = loop.start(detector, scale["train"], iterations + 5)
            run.log = run.log[:5]
            for rows in (5, iterations + 5):  # the first iterations warm up
                run.log = np.concatenate([run.log, np.full((rows - len(run.log), run.log.shape[1]), np.nan)])
                for timed in parts.values():
                    timed.seconds = 0.0
                started = time.process_time()
                loop.train(run, reader, method, 1.9, scale, 0, lambda: None, lambda steps, _: steps, lambda: False)
            whole = (time.process_time() - started) / iterations * 1e3
            mining = sum(timed.seconds for timed in parts.values()) / iterations * 1e3
            print(f"| {name} | {whole:.1f} | {mining:.2f} | {100 * mining / whole:.1f} % |")
            for part, timed in parts.items():
                setattr(step, part, timed.function)


if __name__ == "__main__":
    main()
