"""The backbone of a detector: a normalised image in, one feature map out. Which there are: ``architectures``."""

import torch
from torch import Tensor, nn

from sohem.detectors.architectures import ARCHITECTURES
from sohem.detectors.architectures.architecture import Architecture, Preprocessing
from sohem.errors import ParamsError


class Backbone(nn.Module):
    """Convolutions on a normalised image.

    Attributes:
        preprocessing: how the image is normalised.
        stride: pixels of the image per cell of the feature map.
        channels: channels C of the feature map.
        frozen: how many leading layers (of ``layers``) are not trained.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        layers: nn.Sequential,
        stride: int,
        channels: int,
        frozen: int,
        preprocessing: Preprocessing,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.stride, self.channels, self.frozen = stride, channels, frozen
        self.preprocessing = preprocessing
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(3, 1, 1), persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Convolutions from N(0, 2 / fan-in), which keeps the size of activations through ReLUs; biases 0."""
        for layer in self.layers.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]

    def freeze(self) -> None:
        """Stop training the first ``frozen`` layers."""
        self.layers[: self.frozen].requires_grad_(False)

    def still(self, images: Tensor) -> Tensor:
        """What the frozen layers make of images [N, 3, H, W] (float, 0 to 255, RGB): the same all through training."""
        if self.preprocessing.order == "bgr":
            images = images.flip(1)
        x = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return self.layers[: self.frozen](x)

    def forward(self, images: Tensor, still: bool = False) -> Tensor:
        """Features [N, C, H / stride, W / stride] of images [N, 3, H, W], or of what `still` made of them."""
        return self.layers[self.frozen :](images if still else self.still(images))


def make(architecture: Architecture, weights: str, layers: nn.Sequential | None = None, frozen: int = 0) -> Backbone:
    """A backbone for images as ``weights`` wants them; ``layers`` may stand in for the architecture's own.

    Args:
        frozen: how many leading layers with weights (convolutions, or blocks of them) are not trained; those without
            weights that follow them (ReLU, pooling) belong to them.
    """
    layers = architecture.layers() if layers is None else layers
    count = leading(layers, frozen)
    return Backbone(layers, architecture.stride, architecture.channels, count, architecture.preprocessing(weights))


def leading(layers: nn.Sequential, weighted: int) -> int:
    """How many leading layers hold the first ``weighted`` ones with weights, up to where the next one begins.

    Raises:
        ParamsError: there are fewer.
    """
    places = [place for place, layer in enumerate(layers) if any(True for _ in layer.parameters())]
    if weighted > len(places):
        raise ParamsError(
            f"scales.<scale>.frozen: {weighted} layers, but this backbone has {len(places)} with weights; give 0 to "
            f"{len(places)}"
        )
    return [*places, len(layers)][weighted] if weighted else 0


def build(name: str, weights: str, frozen: int) -> Backbone:
    """The backbone that ``scales.*.backbone`` names, for images as ``scales.*.weights`` wants them.

    Args:
        frozen: as for `make`.
    """
    backbone = make(ARCHITECTURES[name], weights, frozen=frozen)
    backbone.freeze()
    return backbone.to(memory_format=torch.channels_last)
