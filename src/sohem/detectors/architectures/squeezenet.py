"""torchvision's SqueezeNet 1.0 up to fire9: stride 8, 512 channels, nine layers with weights (conv1, fire2 ... fire9).

It has no batch normalisation, and no hidden layers: those of the head are drawn. Three things differ from the
published network, none of them a weight: the last pooling, the padding of conv1, and how large the features are.
"""

from typing import TYPE_CHECKING

from sohem.detectors.architectures.architecture import TORCHVISION, Architecture, Published, Weights
from sohem.download import catalogue

if TYPE_CHECKING:
    from torch import nn

CONV1, LAST_POOLING, FIRE9 = 0, 11, 12  # places in torchvision's ``features``, which are ours too
FIRES = (3, 4, 5, 7, 8, 9, 10, FIRE9)
# conv1 is published without padding; then cell k of the feature map looks at the pixels around 8 k + 9.5, while RoI
# pooling and anchors take it to be at 8 k + 4, and 300 pixels make 36 cells. With this much: 8 k + 4.5, and 38 cells.
PADDING = 5
# Drawn layers expect inputs around 1. On photographs the features have a root mean square of 13 to 24, what RoI pooling
# (a maximum) takes of them 24 to 50; with the last pooling kept they have 25 to 52.
SPREAD = 40.0


def model() -> "nn.Module":
    """The whole classifier, as torchvision has it."""
    from torchvision.models import squeezenet1_0

    return squeezenet1_0(weights=None)


def layers() -> "nn.Sequential":
    """Its features without the last pooling; fire9's 3x3 convolution is dilated to look as far as with it."""
    from torch import nn

    from sohem.detectors.divided import Divided

    # To keep the pooling: leave places 11 and 12 as they are, and a stride of 16 below.
    made: nn.Sequential = model().features  # type: ignore[assignment]
    made[CONV1].padding = (PADDING, PADDING)  # type: ignore[assignment]
    made[LAST_POOLING] = nn.Identity()
    wide = made[FIRE9].expand3x3
    wide.dilation = wide.padding = (2, 2)  # type: ignore[union-attr]
    return made.append(Divided(SPREAD))


def _names() -> dict[str, str]:
    """torchvision's."""
    parts = ["squeeze", "expand1x1", "expand3x3"]
    places = [f"{CONV1}", *(f"{fire}.{part}" for fire in FIRES for part in parts)]
    return {f"backbone.{place}": f"features.{place}" for place in places}


ARCHITECTURE = Architecture(
    layers,
    stride=8,
    channels=512,
    weights={"torchvision": Weights(TORCHVISION, catalogue.SQUEEZENET_TORCHVISION)},
    published=Published("SqueezeNet 1.0", model, names=(_names(),), unused=("classifier.",)),
)
