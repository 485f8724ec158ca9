"""The demo's backbone: seven 3x3 convolutions, stride 8, 128 channels, the first two frozen."""

from typing import TYPE_CHECKING

from sohem.detectors.architectures.architecture import CENTRED, Architecture, Weights

if TYPE_CHECKING:
    from torch import nn

PLAN: list[int | str] = [16, "M", 32, "M", 64, 64, "M", 128, 128, 128]


def layers(batch_norm: bool = False) -> "nn.Sequential":
    """Convolutions with ReLU and max pooling, as VGG's; pretraining has batch normalisation before each ReLU."""
    from torch import nn

    made: list[nn.Module] = []
    channels = 3
    for step in PLAN:
        if isinstance(step, str):
            made.append(nn.MaxPool2d(2))
            continue
        made.append(nn.Conv2d(channels, step, 3, padding=1))
        made += [nn.BatchNorm2d(step)] if batch_norm else []
        made.append(nn.ReLU(inplace=True))
        channels = step
    return nn.Sequential(*made)


ARCHITECTURE = Architecture(layers, stride=8, channels=128, frozen=6, weights={"crops": Weights(CENTRED)})
