"""Backbones: an image in, one feature map out. Both are plain convolutions with ReLU and max pooling, as VGG is."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import vgg16


class Preprocessing(NamedTuple):
    """What weights expect of an image: (pixel - mean) / std in this order of the channels, pixels from 0 to 255."""

    order: str  # rgb | bgr
    mean: tuple[float, float, float]  # in that order
    std: tuple[float, float, float]


# By kind of weights (scales.*.weights), since it belongs to them: their first layer was trained on images like this.
PREPROCESSING = {
    "crops": Preprocessing("rgb", (127.5, 127.5, 127.5), (64.0, 64.0, 64.0)),
    # py-faster-rcnn's config.py: one mean for all of its networks, a little off the one that VGG16 was trained with.
    "caffe": Preprocessing("bgr", (102.9801, 115.9465, 122.7717), (1.0, 1.0, 1.0)),
    # torchvision's (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225) for pixels from 0 to 1.
    "torchvision": Preprocessing("rgb", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    # Freshly drawn layers have seen no image; they are drawn for inputs around 0 with a spread near 1.
    "none": Preprocessing("rgb", (127.5, 127.5, 127.5), (64.0, 64.0, 64.0)),
}


class Backbone(nn.Module):
    """Convolutions on a normalised image.

    Attributes:
        preprocessing: how the image is normalised.
        stride: pixels of the image per cell of the feature map.
        channels: channels C of the feature map.
        frozen: how many leading layers are not trained (conv1_x and conv2_x of VGG16).
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
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]

    def freeze(self) -> None:
        """Stop training the first ``frozen`` layers."""
        self.layers[: self.frozen].requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Features [N, C, H / stride, W / stride] of images [N, 3, H, W] (float, 0 to 255, RGB)."""
        if self.preprocessing.order == "bgr":
            images = images.flip(1)
        x = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return self.layers(x)


SMALL_PLAN: list[int | str] = [16, "M", 32, "M", 64, 64, "M", 128, 128, 128]


def small(preprocessing: Preprocessing = PREPROCESSING["crops"], batch_norm: bool = False) -> Backbone:
    """The demo's backbone: seven 3x3 convolutions, stride 8, 128 channels, the first two frozen.

    Pretraining uses batch normalisation between convolution and ReLU; ``fold`` then merges it into the convolutions,
    so that a detector has no batch statistics that a read-only pass could disturb.
    """
    layers: list[nn.Module] = []
    channels = 3
    for step in SMALL_PLAN:
        if isinstance(step, str):
            layers.append(nn.MaxPool2d(2))
            continue
        layers.append(nn.Conv2d(channels, step, 3, padding=1))
        layers += [nn.BatchNorm2d(step)] if batch_norm else []
        layers.append(nn.ReLU(inplace=True))
        channels = step
    return Backbone(nn.Sequential(*layers), 8, channels, frozen=6, preprocessing=preprocessing)


def fold(pretrained: Backbone) -> Backbone:
    """The detector's ``small()`` backbone that computes what ``small(batch_norm=True)`` does in evaluation mode."""
    pretrained = pretrained.eval()
    layers: list[nn.Module] = []
    for layer in pretrained.layers:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers.pop()
            assert isinstance(convolution, nn.Conv2d)
            layers.append(fuse_conv_bn_eval(convolution, layer))
        else:
            layers.append(layer)
    folded = small()
    folded.layers.load_state_dict(nn.Sequential(*layers).state_dict())
    return folded


def vgg(preprocessing: Preprocessing = PREPROCESSING["caffe"]) -> Backbone:
    """VGG16 up to conv5_3: stride 16, 512 channels, conv1_x and conv2_x frozen, pooling in ceil mode as in Caffe."""
    layers = vgg16(weights=None).features[:-1]
    for layer in layers:
        if isinstance(layer, nn.MaxPool2d):
            layer.ceil_mode = True
    return Backbone(layers, 16, 512, frozen=10, preprocessing=preprocessing)


def build(name: str, weights: str) -> Backbone:
    """The backbone that ``scales.*.backbone`` names (small or vgg16), for images as ``scales.*.weights`` wants them."""
    backbone = {"small": small, "vgg16": vgg}[name](PREPROCESSING[weights])
    backbone.freeze()
    return backbone.to(memory_format=torch.channels_last)
