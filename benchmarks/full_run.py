"""A full-length training on generated data of VOC07's size, through the command line, resumed from call to call.

Draws 5,011 miniature VOC images, resizes them to 600 x 1000 and gives each 2000 boxes, half of them near its objects;
then runs `sohem train` at paper scale, from drawn weights. With --minutes it stops like any stopped run, and the same
command goes on. Prints speed, peak memory and the mean losses along the way.

    python benchmarks/full_run.py --folder DIR [--minutes 9] [--iterations 80000] [--method sohem]
"""

import argparse
import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from iteration import half_near
from sohem import checkpoint, cli, files, params
from sohem.datasets import ground_truth, miniature
from sohem.datasets.annotation import BOX
from sohem.training.log import LOG_COLUMNS, log_table

ROOT = Path(__file__).parents[1]


def settings(folder: Path, iterations: int, images: int) -> params.Params:
    """Scale paper with the generated images in the place of VOC07's, and drawn weights."""
    given = params.load(ROOT / "params.yaml")
    given["scale"] = "paper"
    given["datasets"]["voc"]["paper"].update(root=str(folder / "voc"))
    given["datasets"]["voc"]["paper"]["miniature"] = {"seed": 1, "train": images, "test": 2}
    paper = given["scales"]["paper"]
    paper["weights"] = "none"
    paper["train"]["iterations"] = iterations
    if not torch.cuda.is_available():
        paper.update(device="cpu", precision="fp32")
    return given


def boxes_around(objects: pd.DataFrame, images: pd.DataFrame, count: int) -> pd.DataFrame:
    """``count`` boxes an image, half of them near its objects, half anywhere."""
    rng, boxes = np.random.default_rng(0), []
    own_of = {name: rows[BOX].to_numpy() for name, rows in objects.groupby("image_id")}
    for name, width, height in zip(images["image_id"], images["width"], images["height"], strict=True):
        found = half_near(rng, own_of[name], np.array([width, height]), count, 6, 0.1)
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 4)
        boxes.append(found.astype(np.float32))
    table = pd.DataFrame(np.concatenate(boxes), columns=BOX)
    table.insert(0, "image_id", np.repeat(images["image_id"].to_numpy(), count))
    return table


def prepare(folder: Path, given: params.Params) -> None:
    """Draw the images and write the tables that training reads; done once."""
    if (folder / "proposals.parquet").exists():
        return
    made = given["datasets"]["voc"]["paper"]["miniature"]
    miniature.write("voc", folder / "voc", **made)
    images, objects = ground_truth.read(given, "voc")
    files.write_table(folder / "images.parquet", images)
    files.write_table(folder / "ground_truth.parquet", objects)
    files.write_table(folder / "proposals.parquet", boxes_around(objects, images, 2000))


def main() -> None:
    """Prepare, train for a while, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for images, tables, state and results")
    parser.add_argument("--minutes", type=float, help="stop the training after this time (default: never)")
    parser.add_argument("--iterations", type=int, default=80000, help="of the whole run (default: 80000)")
    parser.add_argument("--images", type=int, default=5011, help="training images to draw (default: 5011)")
    parser.add_argument("--method", default="sohem", help="a method of params.yaml (default: sohem)")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    given = settings(args.folder, args.iterations, args.images)
    prepare(args.folder, given)
    started, before = time.monotonic(), state(args.folder)
    if len(before) == args.iterations:
        parser.exit(message=f"{args.folder}: this run is finished; name another folder for a new one\n")
    if args.minutes is not None:
        stop = threading.Timer(60 * args.minutes, os.kill, (os.getpid(), signal.SIGTERM))
        stop.daemon = True
        stop.start()
    # fmt: off
    status = cli.main([
        "train", "--params", json.dumps(given), "--dataset", "voc", "--method", args.method,
        *(word for table in ("images", "ground-truth", "proposals")
          for word in (f"--{table}", str(args.folder / f"{table.replace('-', '_')}.parquet"))),
        "--state", str(args.folder / "state"), "--cache", str(args.folder / "cache"),
        "--checkpoint", str(args.folder / "checkpoint.pt"), "--log", str(args.folder / "log.parquet"),
        "--mined", str(args.folder / "mined.parquet"), "--rois", str(args.folder / "rois.parquet"),
        "--provenance", str(args.folder / "provenance.json"),
    ])
    # fmt: on
    seconds, log = time.monotonic() - started, state(args.folder)
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{name}, torch {torch.__version__}: exit status {status}, {len(log)} of {args.iterations} iterations done")
    print(f"this call: {len(log) - len(before)} iterations in {seconds:.0f} s, start and images included")
    if torch.cuda.is_available():
        print(f"peak GPU memory: {torch.cuda.max_memory_allocated() / 1e9:.1f} GB")
    if len(log):
        tenth = np.arange(len(log)) * 10 // len(log)
        print(log[["iteration", "beta", "cls_all", "loc_all"]].groupby(tenth).mean().round(4).to_string(index=False))


def state(folder: Path) -> pd.DataFrame:
    """The log as far as the run has come."""
    if (folder / "log.parquet").exists():
        return files.read_table(folder / "log.parquet")
    for file in folder.glob("state/*/state.pt"):
        return log_table(checkpoint.load(file, ["run"])["run"]["log"].numpy())
    return log_table(np.empty((0, len(LOG_COLUMNS))))


if __name__ == "__main__":
    main()
