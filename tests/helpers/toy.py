"""A toy data set for tests: a bright and a dark rectangle per image, and what it takes to train on it in seconds."""

import copy
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from sohem import files, schema, settings
from sohem.training import loop
from sohem.training.samples import SampleReader

ROOT = Path(__file__).parents[2]


def parameters(root: Path, detector: str = "fast_rcnn", **train) -> dict:
    """params.yaml with one data set ``toy`` and a network that trains in moments; ``train`` changes its settings."""
    given = copy.deepcopy(yaml.safe_load((ROOT / "params.yaml").read_text()))
    given["datasets"]["toy"] = {
        "title": "Toy", "format": "voc", "detector": detector, "beta_target": 2.0, "classes": ["bright", "dark"],
        "demo": {"root": str(root), "short_side": 48, "long_side": 64},
    }  # fmt: skip
    given["run"]["datasets"] = ["toy"]
    demo = given["scales"]["demo"]
    # Not pinned: in the tests' own process torch is loaded already.
    demo.update(weights="none", instructions="native", frozen={"fast_rcnn": 2, "faster_rcnn": 2}, cache="pixels")
    demo.update({key: train.pop(key) for key in ("workers", "precision", "compile", "cache") if key in train})
    demo["probe"]["images"] = train.pop("probed", 2)
    demo["head"].update(pool=3, hidden=16)
    demo["train"].update({"iterations": 12, "rois": 8, "checkpoint_every": 4, "log_every": 4, "lr": 0.01,
                          "max_proposals": 30, "warmup": 2, "step": 8, "average": 0, **train})  # fmt: skip
    demo["rpn"].update({"sizes": [8, 16], "batch": 16, "train": {"before": 60, "after": 20}})
    schema.validate(given)
    return given


def scale(given: dict) -> settings.Scale:
    """The typed settings of what `parameters` gave."""
    return settings.of(settings.Scale, given["scales"]["demo"])


def make(root: Path, count: int = 8, seed: int = 0) -> dict[str, Path]:
    """Write images and tables under ``root``; returns the paths of the tables."""
    rng = np.random.default_rng(seed)
    images, objects, proposals = [], [], []
    for k in range(count):
        name, (height, width) = f"{k:06d}", [(48, 64), (64, 48)][k % 2]
        picture = rng.integers(100, 156, (height, width, 3), dtype=np.uint8)
        for label, value in (("bright", 250), ("dark", 5)):
            x, y = rng.integers(0, width - 20), rng.integers(0, height - 20)
            w, h = rng.integers(10, 20, 2)
            picture[y : y + h, x : x + w] = value
            objects.append([name, label, x, y, x + w, y + h, False, False, False])
            for _ in range(8):
                dx, dy = rng.integers(-6, 7, 2)
                proposals.append([name, x + dx, y + dy, x + w + dx, y + h + dy])
        for _ in range(20):
            x, y = rng.integers(0, width - 12), rng.integers(0, height - 12)
            proposals.append([name, x, y, x + 12, y + 12])
        (root / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(root / "images" / f"{name}.png")
        images.append([name, f"images/{name}.png", width, height, "train" if k < count * 3 // 4 else "test"])
    box = ["x1", "y1", "x2", "y2"]
    tables = {
        "images": pd.DataFrame(images, columns=["image_id", "file", "width", "height", "subset"]),
        "ground_truth": pd.DataFrame(objects, columns=["image_id", "class", *box, "difficult", "truncated", "ignore"]),
        "proposals": pd.DataFrame(proposals, columns=["image_id", *box]),
    }
    paths = {}
    for name, table in tables.items():
        paths[name] = root / f"{name}.parquet"
        files.write_table(paths[name], table.astype(dict.fromkeys(set(box) & set(table.columns), "float32")))
    return paths


def reader(data: tuple[Path, dict[str, Path]], subset: str = "train") -> SampleReader:
    """Of one subset; ``data`` is the root and what `make` gave."""
    root, paths = data
    images, truth, proposals = (files.read_table(paths[name]) for name in ("images", "ground_truth", "proposals"))
    at = settings.Images(str(root), 48, 64)
    return SampleReader(at, images, subset, ["bright", "dark"], truth, proposals)


def stop_in(monkeypatch, iteration: int) -> list[int]:
    """Let the next training be stopped by SIGTERM in this iteration; returns a list with an entry for each one done."""
    real, calls = loop.batch_loss, []

    def stopping(*args):
        calls.append(1)
        if len(calls) == iteration:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*args)

    monkeypatch.setattr(loop, "batch_loss", stopping)
    return calls


def write_params(path: Path, given: dict) -> Path:
    path.write_text(yaml.safe_dump(given, sort_keys=False))
    return path


def train_arguments(paths: dict[str, Path], given: Path, out: Path, method: str = "sohem", seed: int = 0) -> list[str]:
    """The command line of ``sohem train`` for the toy data set."""
    detector = yaml.safe_load(given.read_text())["datasets"]["toy"]["detector"]
    external = ["--proposals", str(paths["proposals"])] if detector == "fast_rcnn" else []
    return [
        "train", "--params", str(given), "--dataset", "toy", "--method", method, "--seed", str(seed),
        "--images", str(paths["images"]), "--ground-truth", str(paths["ground_truth"]), *external,
        "--state", str(out / "state"), "--checkpoint", str(out / "checkpoint.pt"), "--log", str(out / "log.parquet"),
        "--mined", str(out / "mined.parquet"), "--rois", str(out / "rois.parquet"),
        "--provenance", str(out / "provenance.json"),
    ]  # fmt: skip
