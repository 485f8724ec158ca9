"""Make the weights that every run of a scale starts from, of the kind that `scales.*.weights` names.

crops: train the small backbone and the head's hidden layers as a detector on generated crops, the demo's counterpart
of ImageNet weights. The crops are drawn for this purpose alone, none comes from a detection data set. Published kinds
(caffe, torchvision): take the backbone's weights from the file that `scales.*.pretrain.file` names, or download them.
none: no weights, but a file that says so. What is written says how images have to be prepared for these weights.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from sohem import checkpoint, instructions, params, provenance, settings
from sohem.detectors import pretraining, weights
from sohem.detectors.architectures import ARCHITECTURES
from sohem.detectors.architectures.architecture import NONE, Architecture
from sohem.files import write_json
from sohem.progress import track


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``sohem pretrain``."""
    parser.add_argument("--out", type=Path, required=True, help="weights to write (.pt)")
    parser.add_argument("--report", type=Path, required=True, help="JSON that says where the weights come from")


def run(args: argparse.Namespace) -> None:
    """Write weights and report."""
    given = params.select(params.load(args.params), "pretrain")
    at = params.at_scale(given)
    architecture, kind = ARCHITECTURES[at["backbone"]], at["weights"]
    if kind == NONE:  # a file all the same, so that the workflow needs no exception; training does not look into it
        content, report = {"kind": kind}, {"kind": kind}
    else:
        drawn = architecture.weights[kind].file is None
        made, report = trained(at) if drawn else published(architecture, kind, at["pretrain"])
        content = weights.content(kind, architecture.preprocessing(kind), made)
    checkpoint.save(args.out, {"settings": params.dumps(given), **content})
    instructions.say([f"pretraining: instructions {instructions.used()}"])
    write_json(args.report, {**report, "weights_sha256": provenance.sha256(args.out)})


def published(architecture: Architecture, kind: str, chosen: params.Params) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights from the user's file, or downloaded; and their origin."""
    from sohem.detectors import imagenet

    if chosen["file"] is None:
        from sohem.download import transfer

        file = architecture.weights[kind].file
        assert file is not None
        path = transfer.obtain(file, Path(chosen["folder"]))
    else:
        path = Path(chosen["file"])
    digest = provenance.sha256(path)
    print(f"pretraining: {kind} weights from {path}, SHA-256 {digest}", file=sys.stderr, flush=True)
    made = imagenet.read(path, architecture, kind, digest)
    prepared = architecture.preprocessing(kind)._asdict()
    return made, {"kind": kind, "file": path.name, "sha256": digest, "preprocessing": prepared}


def trained(at: params.Params) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights of a detector of drawn crops; and the losses of each epoch."""
    from sohem.datasets.miniature import ALIKE, CROP_CLASSES, crop, crop_generator

    chosen, head = settings.of(settings.Crops, at["pretrain"]), settings.of(settings.Head, at["head"])
    torch.set_num_threads(chosen.threads)
    count, size = chosen.images, chosen.size
    crops = torch.empty(count, 3, size, size, dtype=torch.uint8)
    boxes, figures = torch.empty(count, 4), torch.arange(count) % len(CROP_CLASSES)
    classes = [name for name in CROP_CLASSES if name not in ALIKE]
    labels = torch.tensor([classes.index(ALIKE.get(name, name)) + 1 for name in CROP_CLASSES])[figures]
    for i in track(range(count), count, "drawing crops"):
        image, box = crop(crop_generator(chosen.seed, i), int(figures[i]), size)
        crops[i] = torch.from_numpy(image).permute(2, 0, 1)
        boxes[i] = torch.from_numpy(box)

    epochs: list[dict[str, float]] = []

    def report(epoch: int, l_cls: float, l_loc: float) -> None:
        print(f"pretraining: epoch {epoch} of {chosen.epochs}, L_cls {l_cls:.3f}, L_loc {l_loc:.3f}",
              file=sys.stderr, flush=True)  # fmt: skip
        epochs.append({"epoch": epoch, "l_cls": round(l_cls, 4), "l_loc": round(l_loc, 4)})

    model = pretraining.train(crops, boxes, labels, len(classes), head, chosen, report)
    return pretraining.weights(model), {"classes": classes, "crops": count, "epochs": epochs}
