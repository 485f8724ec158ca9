"""Published VGG16 weights, checked layer by layer: Caffe's (as .caffemodel or converted for PyTorch) or torchvision's.

Convolutions and fully connected layers are taken from one file, with the preprocessing that they were trained with.
Caffe and PyTorch both flatten fc6's input as channel, row, column, so nothing has to be reordered.
"""

import zipfile
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import vgg16

from sohem.detectors import caffemodel
from sohem.errors import CheckpointError

# First digits of the SHA-256 of well-known files -> what they are. PyTorch's files carry them in their names.
KNOWN = {
    "397923af": "torchvision",  # vgg16-397923af.pth, IMAGENET1K_V1
    "88682ab5": "features",  # vgg16_features-amdegroot-88682ab5.pth, IMAGENET1K_FEATURES
    "a6196bc4": "caffe",  # VGG_ILSVRC_16_layers.caffemodel, the authors' own
    "00b39a1b": "caffe",  # vgg16-00b39a1b.pth, a conversion of it
    "736b4bd0": "caffe",  # vgg16_caffe.pth, the same with torchvision's names
}
_FEATURES = (
    "holds the convolutions alone (as torchvision's IMAGENET1K_FEATURES does), and fc6 and fc7 of another file do not "
    "go with them; use a complete one (torchvision's IMAGENET1K_V1 or Caffe's VGG16)"
)
_ZIP, _PICKLE = b"PK", b"\x80"  # what files of torch.save begin with, now and before 2020


def _names() -> dict[str, tuple[str, str, str]]:
    """Our name of each layer -> torchvision's, that of the first PyTorch conversions, and Caffe's."""
    names, index = {}, 0
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        for k in range(1, count + 1):
            names[f"backbone.{index}"] = (f"features.{index}", f"features.{index}", f"conv{block}_{k}")
            index += 2  # a ReLU follows each convolution,
        index += 1  # and pooling each block
    names["hidden.fc6"] = ("classifier.0", "classifier.1", "fc6")
    names["hidden.fc7"] = ("classifier.3", "classifier.4", "fc7")
    return names


_CLASSIFIER = ("classifier.6.", "fc8.")  # ImageNet's 1000 classes: not used


def read(path: Path, kind: str, sha256: str) -> dict[str, dict[str, Tensor]]:
    """What a detector takes over, as ``weights.start_from`` wants it: ``backbone`` and ``hidden``, float32.

    Args:
        kind: ``scales.*.weights``, caffe or torchvision; it decides the preprocessing.
        sha256: of the file, to tell known files by.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, of another model, or incomplete.
    """
    known = KNOWN.get(sha256[:8], kind)
    if known == "features":
        raise CheckpointError(f"{path}: {_FEATURES}")
    if known != kind:
        raise CheckpointError(
            f"{path}: these are the weights of {known}, but scales.<scale>.weights is {kind}; images are prepared "
            f"differently for the two, so set it to {known} or give another file"
        )
    found = _state(path, kind)
    names = _names()
    with torch.device("meta"):
        expected = {name: tuple(p.shape) for name, p in vgg16(weights=None).named_parameters()}
    # The scheme of names that fits best; what it lacks is then named.
    scheme = max(range(3), key=lambda k: sum(f"{n[k]}.weight" in found for n in names.values()))
    used = [f"{n[scheme]}.{part}" for n in names.values() for part in ("weight", "bias")]
    if other := [name for name in found if name not in used and not name.startswith(_CLASSIFIER)]:
        raise CheckpointError(
            f"{path}: holds {other[0]}, which VGG16 does not have; another model, give VGG16's weights"
        )
    result: dict[str, dict[str, Tensor]] = {"backbone": {}, "hidden": {}}
    for ours, theirs in names.items():
        for part in ("weight", "bias"):
            name, (place, layer) = f"{theirs[scheme]}.{part}", ours.split(".", 1)
            if name not in found:
                raise CheckpointError(
                    f"{path}: holds no {name}; {'it ' + _FEATURES if place == 'hidden' else 'give VGG16 weights'}"
                )
            value, shape = found[name], expected[f"{theirs[0]}.{part}"]
            if tuple(value.shape) != shape:
                raise CheckpointError(
                    f"{path}: {name} has the shape {list(value.shape)}, VGG16's has {list(shape)}; give VGG16's weights"
                )
            if not value.isfinite().all():
                reason = _FEATURES if place == "hidden" else "is damaged; get it again"
                raise CheckpointError(f"{path}: {name} holds values that are not finite: the file {reason}")
            result[place][f"{layer}.{part}"] = value.float().contiguous()
    return result


def _state(path: Path, kind: str) -> dict[str, Tensor]:
    """The tensors of a file by name; Caffe's blobs get PyTorch's endings, weight and bias."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error.strerror}); scales.<scale>.pretrain.file names it"
        ) from None
    if start != _ZIP and start[:1] != _PICKLE:
        blobs = caffemodel.read(path)
        if kind != "caffe":
            raise CheckpointError(f"{path}: a Caffe model, but scales.<scale>.weights is {kind}; set it to caffe")
        return {f"{n}.{p}": t for n, two in blobs.items() for p, t in zip(("weight", "bias"), two, strict=False)}
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises many unrelated types
        cause = "cut short or damaged" if isinstance(error, zipfile.BadZipFile | EOFError) else "damaged or no weights"
        raise CheckpointError(
            f"{path}: {cause} (nothing in it was executed); expected the state dict of a VGG16, get the file again"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        keys = ", ".join(map(str, list(state)[:4])) if isinstance(state, dict) else type(state).__name__
        raise CheckpointError(f"{path}: not a state dict (it holds {keys}); save the state dict of a VGG16 by itself")
    return state
