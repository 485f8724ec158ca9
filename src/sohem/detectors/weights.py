"""Weights to start from: the demo's own crop classifier, or a torchvision VGG16 file."""

from pathlib import Path

import torch
from torch import Tensor, nn

from sohem.detectors.detector import Detector
from sohem.errors import CheckpointError
from sohem.training import checkpoint

# Where torchvision's VGG16 keeps the layers that a detector takes over.
_VGG_HIDDEN = {"classifier.0.": "fc6.", "classifier.3.": "fc7."}


def start_from(detector: Detector, path: Path, kind: str) -> None:
    """Load backbone and hidden layers of the head from a file.

    Args:
        kind: ``scales.*.weights``: crops (made by ``sohem pretrain``) or imagenet (torchvision's VGG16 state dict).

    Raises:
        CheckpointError: the file is missing, damaged, or does not fit this network.
    """
    if kind == "crops":
        content = checkpoint.load(path, needs=("backbone", "hidden"))
        backbone, hidden = content["backbone"], content["hidden"]
    else:
        backbone, hidden = _from_vgg(path)
    _load(detector.backbone.layers, backbone, path, "backbone")
    own = {k: v for k, v in detector.head.state_dict().items() if not k.startswith(("fc6", "fc7"))}
    _load(detector.head, {**own, **hidden}, path, "head")


def _from_vgg(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: no such file; save torchvision's VGG16 weights (IMAGENET1K_V1) under this name"
        ) from None
    except Exception as error:  # a damaged file raises many unrelated types
        raise CheckpointError(f"{path}: not a torchvision state dict ({error})") from None
    backbone = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
    hidden = {
        new + k.removeprefix(old): v for k, v in state.items() for old, new in _VGG_HIDDEN.items() if k.startswith(old)
    }
    return backbone, hidden


def _load(module: nn.Module, state: dict[str, Tensor], path: Path, what: str) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        problem = " ".join(str(error).split())
        raise CheckpointError(
            f"{path}: does not fit this {what} ({problem}); make it again with the parameters of this run"
        ) from None
