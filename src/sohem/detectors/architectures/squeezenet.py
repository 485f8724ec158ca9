"""torchvision's SqueezeNet 1.0 up to fire9: stride 16, 512 channels, nine layers with weights (conv1, fire2 ... fire9).

It has no batch normalisation, and no hidden layers: those of the head are drawn. Two things differ from the published
network, neither of them a weight: the padding of two layers, and how large the features are.
"""

from typing import TYPE_CHECKING

from sohem.detectors.architectures.architecture import TORCHVISION, Architecture, Published, Weights
from sohem.download import catalogue

if TYPE_CHECKING:
    from torch import nn

CONV1, LAST_POOLING, FIRE9 = 0, 11, 12  # places in torchvision's ``features``, which are ours too
FIRES = (3, 4, 5, 7, 8, 9, 10, FIRE9)
# Published without padding, cell k of the feature map looks at the pixels around 16 k + 17.5, while RoI pooling and
# anchors take it to be at 16 k + 8. With this much padding of conv1 and of the last pooling: 16 k + 7.5.
PADDING = {CONV1: 2, LAST_POOLING: 1}
# On photographs the features have a root mean square of 25 to 52. Drawn hidden layers learn from 512 x pool x pool of
# them at once, and at a rate that suits their scores they do so best from inputs around 0.2 (docs/scales.md).
SPREAD = 200.0


def model() -> "nn.Module":
    """The whole classifier, as torchvision has it."""
    from torchvision.models import squeezenet1_0

    return squeezenet1_0(weights=None)


def layers() -> "nn.Sequential":
    """Its features."""
    from torch import nn

    from sohem.detectors.divided import Divided

    made: nn.Sequential = model().features  # type: ignore[assignment]
    for place, padding in PADDING.items():
        made[place].padding = (padding, padding)  # type: ignore[assignment]
    return made.append(Divided(SPREAD))


def _names() -> dict[str, str]:
    """torchvision's."""
    parts = ["squeeze", "expand1x1", "expand3x3"]
    places = [f"{CONV1}", *(f"{fire}.{part}" for fire in FIRES for part in parts)]
    return {f"backbone.{place}": f"features.{place}" for place in places}


ARCHITECTURE = Architecture(
    layers,
    stride=16,
    channels=512,
    weights={"torchvision": Weights(TORCHVISION, catalogue.SQUEEZENET_TORCHVISION)},
    published=Published("SqueezeNet 1.0", model, names=(_names(),), unused=("classifier.",)),
)
