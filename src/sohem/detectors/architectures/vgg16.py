"""VGG16 up to conv5_3: stride 16, 512 channels, conv1_x and conv2_x frozen, pooling in ceil mode as in Caffe.

Published weights are Caffe's (as .caffemodel or converted for PyTorch) and torchvision's; both bring fc6 and fc7.
"""

from typing import TYPE_CHECKING

from sohem.detectors.architectures.architecture import CAFFE, TORCHVISION, Architecture, Published, Weights
from sohem.download import catalogue

if TYPE_CHECKING:
    from torch import nn


def model() -> "nn.Module":
    """The whole classifier, as torchvision has it."""
    from torchvision.models import vgg16

    return vgg16(weights=None)


def layers() -> "nn.Sequential":
    """Its convolutions."""
    from torch import nn

    made: nn.Sequential = model().features[:-1]  # type: ignore[index, assignment]
    for layer in made:
        if isinstance(layer, nn.MaxPool2d):
            layer.ceil_mode = True
    return made


def _names() -> tuple[dict[str, str], ...]:
    """torchvision's names, those of the first PyTorch conversions, and Caffe's."""
    torchvision, converted, caffe, index = {}, {}, {}, 0
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        for k in range(1, count + 1):
            ours = f"backbone.{index}"
            torchvision[ours] = converted[ours] = f"features.{index}"
            caffe[ours] = f"conv{block}_{k}"
            index += 2  # a ReLU follows each convolution,
        index += 1  # and pooling each block
    torchvision |= {"hidden.fc6": "classifier.0", "hidden.fc7": "classifier.3"}
    converted |= {"hidden.fc6": "classifier.1", "hidden.fc7": "classifier.4"}
    caffe |= {"hidden.fc6": "fc6", "hidden.fc7": "fc7"}
    return torchvision, converted, caffe


_ALONE = (
    "holds the convolutions alone (as torchvision's IMAGENET1K_FEATURES does), and fc6 and fc7 of another file do not "
    "go with them; use a complete one (torchvision's IMAGENET1K_V1 or Caffe's VGG16)"
)
_HEAD = {"pool": 7, "hidden": 4096}  # of fc6 and fc7

ARCHITECTURE = Architecture(
    layers,
    stride=16,
    channels=512,
    weights={
        # Also known: vgg16-00b39a1b.pth, a conversion, and vgg16_caffe.pth, the same with torchvision's names.
        "caffe": Weights(CAFFE, catalogue.VGG16_CAFFE, ("00b39a1b", "736b4bd0"), _HEAD),
        "torchvision": Weights(TORCHVISION, catalogue.VGG16_TORCHVISION, head=_HEAD),
    },
    published=Published(
        "VGG16",
        model,
        _names(),
        unused=("classifier.6.", "fc8."),  # ImageNet's 1000 classes
        refused={"88682ab5": _ALONE},  # vgg16_features-amdegroot-88682ab5.pth, IMAGENET1K_FEATURES
        alone=_ALONE,
    ),
)
