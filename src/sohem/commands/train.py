"""Train a detector on one data set with one mining method and one seed.

A run that was stopped or killed goes on where its state was last saved when the same command is run again, and ends
with the same bytes. Ctrl-C and SIGTERM save the state and stop at the next iteration (exit status 130).
"""

import argparse
import hashlib
from pathlib import Path

import torch

from sohem import detectors, mining, params, provenance, training
from sohem.detectors import detector as networks
from sohem.detectors.weights import start_from
from sohem.errors import TrainingError
from sohem.files import read_table, write_json, write_table
from sohem.progress import track
from sohem.training import checkpoint
from sohem.training.interrupt import stop_on_signal
from sohem.training.loop import Run, log_table, normalise_targets, start, train
from sohem.training.samples import SampleReader


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
    parser.add_argument("--checkpoint", type=Path, required=True, help="trained detector to write (.pt)")
    parser.add_argument("--log", type=Path, required=True, help="table with one row an iteration to write (.parquet)")
    parser.add_argument("--provenance", type=Path, required=True, help="what the run was made from (.json)")


def run(args: argparse.Namespace) -> None:
    """Train or resume, then write checkpoint, log and provenance."""
    settings = params.select(params.load(args.params), "train", dataset=args.dataset, method=args.method)
    scale, at = params.at_scale(settings), params.dataset_at_scale(settings, args.dataset)
    dataset, method = settings["datasets"][args.dataset], settings["methods"][args.method]
    device = pick_device(scale["device"], scale["threads"])
    inputs = [p for p in (args.images, args.ground_truth, args.proposals, args.weights) if p is not None]
    classes = params.class_names(settings, args.dataset)
    tables = [None if p is None else read_table(p) for p in (args.images, args.ground_truth, args.proposals)]
    images, ground_truth, proposals = tables
    assert images is not None
    if dataset["detector"] == "fast_rcnn" and proposals is None:
        raise TrainingError(
            f"{args.dataset}: the detector fast_rcnn needs --proposals (sohem merge-proposals makes them)"
        )
    reader = SampleReader(at, images, "train", classes, ground_truth, proposals)

    detector = networks.build(dataset["detector"], len(classes), scale, args.seed)
    if scale["weights"] != "none":
        if args.weights is None:
            raise TrainingError(f"scales.{settings['scale']}.weights is {scale['weights']}: give the file as --weights")
        start_from(detector, args.weights, scale["weights"])
    normalise_targets(detector, reader, scale)
    iterations = at.get("iterations", scale["train"]["iterations"])
    current = start(detector.to(device), scale["train"], iterations)

    stored = {"settings": params.dumps(settings), "seed": args.seed}
    state_file = args.state / state_name(stored, inputs) / "state.pt"
    if state_file.exists():
        current.restore(checkpoint.load(state_file, device)["run"])
    label = f"{args.dataset}/{args.method}/seed{args.seed}"
    every, done = scale["train"]["log_every"], current.done

    def save(run: Run) -> None:
        checkpoint.save(state_file, {**stored, "run": run.state()})

    with stop_on_signal() as stop:
        finished = train(
            current,
            reader,
            method,
            dataset.get("beta_target", "ratio"),
            scale,
            args.seed,
            save,
            lambda steps, note: track(steps, iterations, label, note, every, done),
            lambda: bool(stop),
        )
    if not finished:
        print(f"stopped at iteration {current.done}; the same command goes on from there")
        raise KeyboardInterrupt
    write_table(args.log, log_table(current.log))
    write_json(args.provenance, provenance.record(settings, inputs, device=device_name(device)))
    checkpoint.save(args.checkpoint, {**stored, "iteration": iterations, "model": detector.state_dict()})
    state_file.unlink(missing_ok=True)


def pick_device(name: str, threads: int) -> torch.device:
    """The device to train on.

    Raises:
        TrainingError: a GPU is asked for and there is none.
    """
    torch.set_num_threads(threads)
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "device: cuda, but no usable GPU was found; install a driver, or set scales.<scale>.device: cpu"
        )
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """What a reader of the provenance wants to know: cpu, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def state_name(stored: dict[str, object], inputs: list[Path]) -> str:
    """A name that changes with the settings, the seed, the inputs' content or the code that trains."""
    digest = hashlib.sha256(repr(sorted(stored.items())).encode())
    code = [p for package in (detectors, mining, training) for p in sorted(Path(package.__path__[0]).glob("*.py"))]
    for path in [*inputs, *code]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
