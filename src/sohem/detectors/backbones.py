"""Backbones: an image in, one feature map out. Both are plain convolutions with ReLU and max pooling, as VGG is."""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import vgg16


class Backbone(nn.Module):
    """Convolutions on a normalised image.

    Attributes:
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
        mean: list[float],
        std: list[float],
    ) -> None:
        super().__init__()
        self.layers = layers
        self.stride, self.channels, self.frozen = stride, channels, frozen
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

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
        x = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return self.layers(x)


SMALL_PLAN: list[int | str] = [16, "M", 32, "M", 64, 64, "M", 128, 128, 128]


def small(batch_norm: bool = False) -> Backbone:
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
    return Backbone(nn.Sequential(*layers), 8, channels, frozen=6, mean=[127.5] * 3, std=[64.0] * 3)


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


def vgg() -> Backbone:
    """VGG16 up to conv5_3: stride 16, 512 channels, conv1_x and conv2_x frozen, pooling in ceil mode as in Caffe."""
    layers = vgg16(weights=None).features[:-1]
    for layer in layers:
        if isinstance(layer, nn.MaxPool2d):
            layer.ceil_mode = True
    mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    return Backbone(layers, 16, 512, frozen=10, mean=mean, std=std)


def build(name: str) -> Backbone:
    """The backbone that ``scales.*.backbone`` names: small or vgg16."""
    backbone = {"small": small, "vgg16": vgg}[name]()
    backbone.freeze()
    return backbone.to(memory_format=torch.channels_last)
