"""Published weights, checked layer by layer: Caffe's (as .caffemodel or converted for PyTorch) or torchvision's.

All layers are taken from one file, with the preprocessing that they were trained with. Caffe and PyTorch both flatten
fc6's input as channel, row, column, so nothing has to be reordered.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_weights

from sohem.checksums import check_zip
from sohem.detectors import caffemodel
from sohem.detectors.architectures.architecture import Architecture, Published
from sohem.errors import CheckpointError

_ZIP, _PICKLE = b"PK", b"\x80"  # what files of torch.save begin with, now and before 2020
_PLAIN, _STATISTICS = ("weight", "bias"), ("weight", "bias", "running_mean", "running_var")
_EPSILON = 1e-5  # of batch normalisation, in torchvision's models


def read(path: Path, architecture: Architecture, kind: str, sha256: str) -> dict[str, dict[str, Tensor]]:
    """What a detector takes over, as ``weights.start_from`` wants it: ``backbone`` and ``hidden``, float32.

    Args:
        architecture: the backbone, one with published weights.
        kind: ``scales.*.weights``, one that fits it; it decides the preprocessing.
        sha256: of the file, to tell known files by.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, of another model, or incomplete.
    """
    published = architecture.published
    assert published is not None
    _check_known(path, architecture, published, kind, sha256[:8])
    title = published.title
    found = _state(path, kind, title, caffe="caffe" in architecture.weights)
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in published.model().state_dict().items()}
    # The naming that fits best; what it lacks is then named.
    naming = max(published.names, key=lambda names: sum(f"{name}.weight" in found for name in names.values()))
    wanted = {ours: _tensors(published, naming, ours) for ours in naming}
    used = {name for tensors in wanted.values() for name in tensors}
    used |= {f"{norm}.num_batches_tracked" for norm in published.folded.values()}
    if other := [name for name in found if name not in used and not name.startswith(published.unused)]:
        raise CheckpointError(
            f"{path}: holds {other[0]}, which {title} does not have; another model, give {title}'s weights"
        )
    result: dict[str, dict[str, Tensor]] = {"backbone": {}, "hidden": {}}
    for ours, tensors in wanted.items():
        place, layer = ours.split(".", 1)
        for name, own in tensors.items():
            if name not in found:
                advice = f"it {published.alone}" if place == "hidden" else f"give {title} weights"
                raise CheckpointError(f"{path}: holds no {name}; {advice}")
            value, shape = found[name], expected[own]
            if tuple(value.shape) != shape:
                raise CheckpointError(
                    f"{path}: {name} has the shape {list(value.shape)}, {title}'s has {list(shape)}; "
                    f"give {title}'s weights"
                )
            if not value.isfinite().all():
                reason = published.alone if place == "hidden" else "is damaged; get it again"
                raise CheckpointError(f"{path}: {name} holds values that are not finite: the file {reason}")
        values = [found[name].float() for name in tensors]
        if ours in published.folded:
            values = _folded(*values)
        for part, value in zip(_PLAIN, values, strict=True):
            result[place][f"{layer}.{part}"] = value.contiguous()
    return result


def _check_known(path: Path, architecture: Architecture, published: Published, kind: str, digits: str) -> None:
    """Refuse a well-known file of another kind, or one that cannot be used."""
    if digits in published.refused:
        raise CheckpointError(f"{path}: {published.refused[digits]}")
    for name, weights in architecture.weights.items():
        own = [] if weights.file is None or weights.file.sha256 is None else [weights.file.sha256[:8]]
        if name != kind and digits in (*own, *weights.known):
            raise CheckpointError(
                f"{path}: these are the weights of {name}, but scales.<scale>.weights is {kind}; images are prepared "
                f"differently for the two, so set it to {name} or give another file"
            )


def _tensors(published: Published, naming: Mapping[str, str], ours: str) -> dict[str, str]:
    """The tensors in the file that make up a layer of ours -> the published model's own names for them."""
    theirs, own = naming[ours], published.names[0][ours]
    if ours not in published.folded:
        return {f"{theirs}.{part}": f"{own}.{part}" for part in _PLAIN}
    norm = published.folded[ours]
    return {name: name for name in (f"{theirs}.weight", *(f"{norm}.{part}" for part in _STATISTICS))}


def _folded(kernel: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor) -> list[Tensor]:
    """Weight and bias of a convolution that computes what one without bias and its batch normalisation do."""
    weight, bias = fuse_conv_bn_weights(kernel, None, mean, variance, _EPSILON, scale, shift)
    return [weight.detach(), bias.detach()]


def _state(path: Path, kind: str, title: str, caffe: bool) -> dict[str, Tensor]:
    """The tensors of a file by name; Caffe's blobs get PyTorch's endings, weight and bias.

    Args:
        caffe: whether the backbone has weights of Caffe's, so that a file that is not PyTorch's may be one of them.
    """
    try:
        with path.open("rb") as file:
            start = file.read(2)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error.strerror}); scales.<scale>.pretrain.file names it"
        ) from None
    if caffe and start != _ZIP and start[:1] != _PICKLE:
        blobs = caffemodel.read(path)
        if kind != "caffe":
            raise CheckpointError(f"{path}: a Caffe model, but scales.<scale>.weights is {kind}; set it to caffe")
        return {f"{n}.{p}": t for n, two in blobs.items() for p, t in zip(("weight", "bias"), two, strict=False)}
    try:
        if start == _ZIP:
            check_zip(path)  # torch.load looks at none of the checksums
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises many unrelated types
        cause = "cut short or damaged" if isinstance(error, zipfile.BadZipFile | EOFError) else "damaged or no weights"
        raise CheckpointError(
            f"{path}: {cause} (nothing in it was executed); expected the state dict of {title}, get the file again"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        keys = ", ".join(map(str, list(state)[:4])) if isinstance(state, dict) else type(state).__name__
        raise CheckpointError(f"{path}: not a state dict (it holds {keys}); save the state dict of {title} by itself")
    return state
