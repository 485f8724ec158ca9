"""Run a trained detector over the test images and store its detections."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sohem import checkpoint, params, provenance, settings
from sohem.datasets import stored
from sohem.datasets.annotation import BOX
from sohem.detectors.detector import Detector, build
from sohem.detectors.weights import check_fit, check_preprocessing
from sohem.files import write_json, write_table
from sohem.progress import track
from sohem.training import cost, device
from sohem.training.loader import ahead
from sohem.training.samples import Sample, SampleReader

AGAIN = "delete it and run sohem train again, or restore it (dvc checkout)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``sohem detect``."""
    parser.add_argument("--dataset", required=True, help="a name under datasets in the parameters")
    parser.add_argument("--method", required=True, help="the method that the checkpoint was trained with")
    parser.add_argument(
        "--seed", type=int, default=0, help="the seed that the checkpoint was trained with (default: 0)"
    )
    parser.add_argument("--images", type=Path, required=True, help="images.parquet of the data set")
    parser.add_argument("--proposals", type=Path, help="proposals.parquet (detector fast_rcnn)")
    parser.add_argument("--checkpoint", type=Path, required=True, help="trained detector (.pt)")
    parser.add_argument("--cache", type=Path, help="folder for what is kept of each image (scales.<scale>.cache)")
    parser.add_argument("--out", type=Path, required=True, help="detections to write (.parquet)")
    parser.add_argument("--provenance", type=Path, help="what they were made from, and their SHA-256 (.json)")


def run(args: argparse.Namespace) -> None:
    """Detect on every test image; boxes are written in original pixels."""
    given = params.load(args.params, dataset=args.dataset, method=args.method)
    trained = params.select(given, "train", dataset=args.dataset, method=args.method)
    content = checkpoint.load(args.checkpoint, ("settings", "seed", "preprocessing", "model"), AGAIN)
    wanted = params.dumps(trained)
    checkpoint.check_settings(args.checkpoint, content["settings"], wanted, content["seed"], args.seed)
    at, classes = params.at_scale(given), params.class_names(given, args.dataset)
    scale, test = settings.of(settings.Scale, at), settings.of(settings.Test, at["test"])
    proposals = None if args.proposals is None else stored.proposals(args.proposals)
    images = settings.of(settings.Images, params.dataset_at_scale(given, args.dataset))
    reader = SampleReader(images, stored.images(args.images), "test", classes, None, proposals)
    label = f"{args.dataset}/{args.method}: detecting"
    with device.claimed(scale.device, scale.threads) as chosen:
        scale = replace(scale, precision=device.precision(scale.precision, chosen))
        detector = restored(args, content, given, scale).to(chosen).eval()
        del content  # the same weights again
        reader.check_sizes(detector)
        if scale.cache == "features" and args.cache is not None:
            reader.keep_still(detector, args.cache, mirrored=False)
        most, count = test.max_proposals, len(reader)
        samples = ahead(
            lambda index: reader(index, max_proposals=most, seed=args.seed), range(count), scale.workers, chosen
        )
        parts = [
            detections(detector, sample.to(chosen), name, scale.rpn.test, test, classes)
            for name, sample in zip(reader.names, track(samples, count, label), strict=True)
        ]
        machine = cost.machine(chosen, scale.threads)
    write_table(args.out, pd.concat(parts, ignore_index=True))
    if args.provenance is not None:
        inputs = [path for path in (args.images, args.proposals, args.checkpoint) if path is not None]
        origin = provenance.record(params.select(given, "detect", dataset=args.dataset, method=args.method), inputs,
                                   device=device.describe(chosen))  # fmt: skip
        measured = {"precision": scale.precision, "machine": machine}
        write_json(args.provenance, {**origin, "sha256": provenance.sha256(args.out), **measured})


def restored(
    args: argparse.Namespace, content: dict[str, Any], given: params.Params, scale: settings.Scale
) -> Detector:
    """The detector that a checkpoint with this content holds."""
    kind, classes = given["datasets"][args.dataset]["detector"], params.class_names(given, args.dataset)
    detector = build(kind, len(classes), scale, args.seed)
    check_preprocessing(args.checkpoint, content["preprocessing"], detector.backbone.preprocessing)
    check_fit(args.checkpoint, content["model"], detector.state_dict(), "detector")
    detector.load_state_dict(content["model"])
    return detector


def detections(
    detector: Detector, sample: Sample, name: str, kept: settings.Kept, test: settings.Test, classes: list[str]
) -> pd.DataFrame:
    """The rows of one image, highest score first, in its original pixels."""
    features = sample.features(detector)
    boxes, scores, labels = detector.detect(features, sample.size, sample.proposals, sample.scale, kept, test)
    table = pd.DataFrame((boxes / sample.scale).cpu().numpy().astype(np.float32), columns=BOX)
    table.insert(0, "image_id", name)
    table.insert(1, "class", np.array(["", *classes], dtype=object)[labels.cpu().numpy()])
    table.insert(2, "score", scores.cpu().numpy().astype(np.float32))
    return table
