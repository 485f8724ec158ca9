"""The demo's backbone: a 5x5 convolution of stride 2 and five 3x3 convolutions, stride 8, 128 channels."""

from typing import TYPE_CHECKING

from sohem.detectors.architectures.architecture import CENTRED, Architecture, Weights

if TYPE_CHECKING:
    from torch import nn

STEM = 24  # channels; at full resolution the first layers would cost as much as all others together
PLAN: list[int | str] = ["M", 48, 64, "M", 128, 128, 128]


def layers(batch_norm: bool = False) -> "nn.Sequential":
    """Convolutions with ReLU and max pooling; pretraining has batch normalisation before each ReLU."""
    from torch import nn

    def rectified(convolution: nn.Conv2d) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(convolution.out_channels)] if batch_norm else []
        return [convolution, *norm, nn.ReLU(inplace=True)]

    made, channels = rectified(nn.Conv2d(3, STEM, 5, stride=2, padding=2)), STEM
    for step in PLAN:
        if isinstance(step, str):
            made.append(nn.MaxPool2d(2))
            continue
        made += rectified(nn.Conv2d(channels, step, 3, padding=1))
        channels = step
    return nn.Sequential(*made)


ARCHITECTURE = Architecture(layers, stride=8, channels=128, weights={"crops": Weights(CENTRED)})
