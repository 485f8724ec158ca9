"""Train a detector on one data set with one mining method and one seed.

A run that was stopped or killed goes on where its state was last saved when the same command is run again, and ends
with the same bytes. Ctrl-C and SIGTERM save the state and stop at the next iteration (exit status 130). A state belongs
to its settings, seed, inputs, code and packages; states of others are left alone, and named.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from sohem import checkpoint, params, provenance, settings
from sohem.datasets import stored
from sohem.detectors.detector import Detector, build
from sohem.detectors.weights import start_from
from sohem.errors import TrainingError
from sohem.files import write_json, write_table
from sohem.mining import miners
from sohem.mining.miner import Miner
from sohem.progress import track
from sohem.training import cost, device, states
from sohem.training.choices import choices_table
from sohem.training.interrupt import stop_on_signal
from sohem.training.log import log_table
from sohem.training.loop import Run, normalise_targets, start, train
from sohem.training.probe import mined_table, probe_images
from sohem.training.samples import SampleReader

REMOVE = "--remove-old-states"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``sohem train``."""
    parser.add_argument("--dataset", required=True, help="a name under datasets in the parameters")
    parser.add_argument("--method", required=True, help="a name under methods in the parameters")
    parser.add_argument("--seed", type=int, default=0, help="of every random draw of the run (default: 0)")
    parser.add_argument("--images", type=Path, required=True, help="images.parquet of the data set")
    parser.add_argument("--ground-truth", type=Path, required=True, help="ground_truth.parquet of the data set")
    parser.add_argument("--proposals", type=Path, help="proposals.parquet (detector fast_rcnn)")
    parser.add_argument("--weights", type=Path, help="weights to start from (scales.<scale>.weights)")
    parser.add_argument("--state", type=Path, required=True, help="folder for the state to resume from")
    parser.add_argument(
        REMOVE, action="store_true", help="remove states of other settings, inputs, code or packages from that folder"
    )
    parser.add_argument(
        "--cache", type=Path, help="folder for what is kept of each image (scales.<scale>.cache); runs may share it"
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="trained detector to write (.pt)")
    parser.add_argument("--log", type=Path, required=True, help="table with one row an iteration to write (.parquet)")
    parser.add_argument("--mined", type=Path, required=True, help="table of RoIs of a few images to write (.parquet)")
    parser.add_argument("--rois", type=Path, required=True, help="table of what was chosen from to write (.parquet)")
    parser.add_argument("--provenance", type=Path, required=True, help="what the run was made from (.json)")


def run(args: argparse.Namespace) -> None:
    """Train or resume, then write checkpoint, log, what was mined and chosen from, and provenance."""
    given = params.load(args.params, dataset=args.dataset, method=args.method)
    part = params.select(given, "train", dataset=args.dataset, method=args.method)
    scale, classes = scale_of(part, args.dataset), params.class_names(part, args.dataset)
    method, beta_target = params.method(part, args.method, args.dataset), params.beta_target(part, args.dataset)
    miner = miners.build(args.method, method, scale.train.rois, scale.train.iterations, beta_target)
    with ExitStack() as holding, device.claimed(scale.device, scale.threads) as chosen:
        scale = replace(scale, precision=device.precision(scale.precision, chosen))
        reader = read(args, part)
        detector = initial(args, part, scale, reader).to(chosen)
        reader.check_sizes(detector)
        if scale.cache == "features" and args.cache is not None:
            reader.keep_still(detector, args.cache, mirrored=scale.train.flip != "none")
        current = start(detector, scale.train)
        stored = {"settings": params.dumps(part), "seed": args.seed}
        inputs = [p for p in (args.images, args.ground_truth, args.proposals, args.weights) if p is not None]
        # With the precision that `auto` stands for: a run that comes back on another card may have to begin anew.
        own = args.state / states.name({**stored, "precision": scale.precision}, inputs)
        state_file = own / states.FILE
        holding.enter_context(states.held(own))
        if old := states.others(args.state, own.name):
            print(states.remove(old) if args.remove_old_states else states.offer(old, REMOVE), file=sys.stderr)
        meter = cost.Meter(cost.counter_of(chosen), states.resume(state_file, stored, current))

        def save() -> None:
            states.save(state_file, stored, current, meter.total())

        if not go_on(args, scale, miner, current, reader, save):
            print(f"stopped at iteration {current.done}; the same command goes on from there")
            raise KeyboardInterrupt
        log = log_table(current.log)
        write_table(args.log, log)
        names = [reader.names[index] for index in probe_images(reader, scale.probe.images)]
        write_table(args.mined, mined_table(current.mined, log, names, classes))
        write_table(args.rois, choices_table(current.rois))
        origin = provenance.record(part, inputs, device=device.describe(chosen))
        machine = cost.machine(chosen, scale.threads)
        measured: dict[str, Any] = {"precision": scale.precision, "machine": machine, "cost": meter.total()}
        if current.scaling is not None:
            measured["skipped_steps"] = current.scaling.skipped
        if current.averaged is not None:
            detector.load_state_dict(current.averaged.module.state_dict())
        detector.head.fold_targets()
        preprocessing = detector.backbone.preprocessing._asdict()
        trained = {"iteration": current.done, "preprocessing": preprocessing, "model": detector.state_dict()}
        checkpoint.save(args.checkpoint, {**stored, **trained})
        write_json(args.provenance, {**origin, "sha256": provenance.sha256(args.checkpoint), **measured})
        state_file.unlink(missing_ok=True)


def scale_of(part: params.Params, dataset: str) -> settings.Scale:
    """The settings of a training; a data set may have its own number of iterations."""
    scale = settings.of(settings.Scale, params.at_scale(part))
    own = params.dataset_at_scale(part, dataset).get("iterations", scale.train.iterations)
    return replace(scale, train=replace(scale.train, iterations=own))


def read(args: argparse.Namespace, part: params.Params) -> SampleReader:
    """The training images with their boxes."""
    if part["datasets"][args.dataset]["detector"] == "fast_rcnn" and args.proposals is None:
        raise TrainingError(f"{args.dataset}: detector fast_rcnn needs --proposals (sohem merge-proposals makes them)")
    proposals = None if args.proposals is None else stored.proposals(args.proposals)
    at = settings.of(settings.Images, params.dataset_at_scale(part, args.dataset))
    classes = params.class_names(part, args.dataset)
    truth = stored.known_classes(stored.objects(args.ground_truth), args.ground_truth, classes)
    pixels = args.cache if params.at_scale(part)["cache"] == "pixels" else None
    return SampleReader(at, stored.images(args.images), "train", classes, truth, proposals, pixels)


def initial(args: argparse.Namespace, part: params.Params, scale: settings.Scale, reader: SampleReader) -> Detector:
    """The detector before training."""
    classes = params.class_names(part, args.dataset)
    detector = build(part["datasets"][args.dataset]["detector"], len(classes), scale, args.seed)
    if scale.weights != "none":
        if args.weights is None:
            raise TrainingError(f"scales.{part['scale']}.weights is {scale.weights}: give the file as --weights")
        start_from(detector.backbone, detector.head, args.weights, scale.weights)
    normalise_targets(detector, reader, scale.train)
    return detector


def go_on(
    args: argparse.Namespace,
    scale: settings.Scale,
    miner: Miner,
    current: Run,
    reader: SampleReader,
    save: Callable[[], None],
) -> bool:
    """Train what is left to do, with progress; False if a signal asked to stop."""
    total, every, done = len(current.log), scale.train.log_every, current.done
    label = f"{args.dataset}/{args.method}/seed{args.seed}"
    with stop_on_signal() as stop:
        return train(
            current,
            reader,
            miner,
            scale,
            args.seed,
            save,
            lambda steps, note: track(steps, total, label, note, every, done),
            lambda: bool(stop),
        )
