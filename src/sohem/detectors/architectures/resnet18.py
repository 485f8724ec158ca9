"""torchvision's ResNet-18 up to layer3: stride 16, 256 channels, seven layers with weights (conv1 and six blocks).

The batch statistics are frozen, as detectors have them, and folded into the convolutions. layer4 and the classifier
are not used, so the hidden layers of the head are drawn.
"""

from typing import TYPE_CHECKING

from sohem.detectors.architectures.architecture import TORCHVISION, Architecture, Published, Weights
from sohem.download import catalogue

if TYPE_CHECKING:
    from torch import nn

STAGES = (1, 2, 3)  # each of two blocks


def model() -> "nn.Module":
    """The whole classifier, as torchvision has it."""
    from torchvision.models import resnet18

    return resnet18(weights=None)


def layers() -> "nn.Sequential":
    """Its convolutions and blocks; each convolution has a bias in place of the normalisation that followed it."""
    import torch
    from torch import nn
    from torchvision.models import resnet18

    network = resnet18(weights=None, norm_layer=nn.Identity)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
    blocks = [block for stage in STAGES for block in network.get_submodule(f"layer{stage}").children()]
    return nn.Sequential(network.conv1, network.relu, network.maxpool, *blocks)


def _convolutions() -> dict[str, tuple[str, str]]:
    """Our convolution -> torchvision's, and its batch normalisation."""
    found, place = {"backbone.0": ("conv1", "bn1")}, 3  # after conv1, its ReLU and the pooling
    for stage in STAGES:
        for block in (0, 1):
            ours, theirs = f"backbone.{place}", f"layer{stage}.{block}"
            for k in (1, 2):
                found[f"{ours}.conv{k}"] = (f"{theirs}.conv{k}", f"{theirs}.bn{k}")
            if stage > 1 and block == 0:  # where size and channels change, the shortcut has a convolution too
                found[f"{ours}.downsample.0"] = (f"{theirs}.downsample.0", f"{theirs}.downsample.1")
            place += 1
    return found


ARCHITECTURE = Architecture(
    layers,
    stride=16,
    channels=256,
    weights={"torchvision": Weights(TORCHVISION, catalogue.RESNET18_TORCHVISION)},
    published=Published(
        "ResNet-18",
        model,
        names=({ours: convolution for ours, (convolution, _) in _convolutions().items()},),
        folded={ours: norm for ours, (_, norm) in _convolutions().items()},
        unused=("layer4.", "fc."),
    ),
)
