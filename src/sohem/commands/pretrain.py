"""Train the small backbone and the head's hidden layers as a classifier on generated crops.

The demo's counterpart of ImageNet weights: its images are drawn for this purpose alone, none comes from a detection
data set. Every run of a scale with `weights: crops` starts from the result.
"""

import argparse
import sys
from pathlib import Path

import torch

from sohem import params
from sohem.detectors import pretraining
from sohem.errors import ParamsError
from sohem.files import write_json
from sohem.progress import track
from sohem.training import checkpoint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``sohem pretrain``."""
    parser.add_argument("--out", type=Path, required=True, help="weights to write (.pt)")
    parser.add_argument("--report", type=Path, required=True, help="JSON with the loss and accuracy of each epoch")


def run(args: argparse.Namespace) -> None:
    """Draw the crops, train, write weights and report."""
    from sohem.datasets.miniature import ALIKE, CROP_CLASSES, crop, crop_generator

    settings = params.select(params.load(args.params), "pretrain")
    at = params.at_scale(settings)
    if at["weights"] != "crops" or "pretrain" not in at:
        raise ParamsError(
            f"scales.{settings['scale']}.weights: {at['weights']}; pretraining on crops needs weights: crops and the "
            "key pretrain"
        )
    torch.set_num_threads(at["threads"])
    chosen, count = at["pretrain"], at["pretrain"]["images"]
    crops = torch.empty(count, 3, chosen["size"], chosen["size"], dtype=torch.uint8)
    boxes, figures = torch.empty(count, 4), torch.arange(count) % len(CROP_CLASSES)
    classes = [name for name in CROP_CLASSES if name not in ALIKE]
    labels = torch.tensor([classes.index(ALIKE.get(name, name)) + 1 for name in CROP_CLASSES])[figures]
    for i in track(range(count), count, "drawing crops"):
        image, box = crop(crop_generator(chosen["seed"], i), int(figures[i]), chosen["size"])
        crops[i] = torch.from_numpy(image).permute(2, 0, 1)
        boxes[i] = torch.from_numpy(box)

    epochs: list[dict[str, float]] = []

    def report(epoch: int, loss: float, accuracy: float) -> None:
        print(f"pretraining: epoch {epoch} of {chosen['epochs']}, loss {loss:.3f}, accuracy {accuracy:.3f}",
              file=sys.stderr, flush=True)  # fmt: skip
        epochs.append({"epoch": epoch, "loss": round(loss, 4), "accuracy": round(accuracy, 4)})

    model = pretraining.train(crops, boxes, labels, len(classes), at["head"], chosen, report)
    checkpoint.save(args.out, {"settings": params.dumps(settings), **pretraining.weights(model)})
    write_json(args.report, {"classes": classes, "crops": count, "epochs": epochs})
