"""Weights to start from, as ``sohem pretrain`` writes them: backbone, hidden layers and the preprocessing they need."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sohem import checkpoint
from sohem.detectors.architectures.architecture import Preprocessing
from sohem.detectors.backbones import Backbone
from sohem.detectors.heads import RoIHead
from sohem.errors import CheckpointError


def content(kind: str, preprocessing: Preprocessing, weights: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Any]:
    """What a file of weights holds.

    Args:
        kind: ``scales.*.weights``.
        preprocessing: of the images that they were made with.
        weights: ``backbone`` (names as in its layers) and ``hidden`` (fc6 and fc7; empty where there are none).
    """
    return {"kind": kind, "preprocessing": preprocessing._asdict(), **weights}


def start_from(backbone: Backbone, head: RoIHead, path: Path, kind: str) -> None:
    """Load a detector's backbone and the hidden layers of its head from a file of ``sohem pretrain``.

    Weights without hidden layers leave those of the head as they were drawn.

    Args:
        kind: ``scales.*.weights``, which the detector was built for.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or does not fit this network.
    """
    again = "delete it and run sohem pretrain again, or restore it (dvc checkout)"
    found = checkpoint.load(path, ("kind", "preprocessing", "backbone", "hidden"), again)
    if found["kind"] != kind:
        raise CheckpointError(
            f"{path}: weights of the kind {found['kind']}, but scales.<scale>.weights is {kind}; "
            "run sohem pretrain again"
        )
    check_preprocessing(path, found["preprocessing"], backbone.preprocessing)
    own = head.state_dict()
    hidden = {name: value for name, value in own.items() if name.startswith(("fc6", "fc7"))}
    check_fit(path, found["backbone"], backbone.layers.state_dict(), "backbone")
    if found["hidden"]:
        check_fit(path, found["hidden"], hidden, "head")
    backbone.layers.load_state_dict(found["backbone"])
    head.load_state_dict({**own, **found["hidden"]})


def check_preprocessing(path: Path, found: Mapping[str, Any], wanted: Preprocessing) -> None:
    """Refuse weights that were made for images prepared in another way.

    Raises:
        CheckpointError: says both ways.
    """
    if dict(found) != wanted._asdict():
        raise CheckpointError(
            f"{path}: made for images prepared as {Preprocessing(**found)}, this detector prepares them as {wanted}; "
            "make the file again with the parameters of this run"
        )


def check_fit(path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], what: str) -> None:
    """Refuse weights of other layers or shapes than a network's.

    Raises:
        CheckpointError: names the first layer that differs, with both shapes.
    """
    for name in [*wanted, *found]:
        shapes = [list(state[name].shape) if name in state else "no such layer" for state in (found, wanted)]
        if shapes[0] != shapes[1]:
            raise CheckpointError(
                f"{path}: does not fit this {what}: {name}: found {shapes[0]}, expected {shapes[1]}; make it again "
                "with the parameters of this run (scales.<scale>: backbone, head, rpn; the classes)"
            )
