"""What a backbone is to the rest of the program: its layers, and the weights that fit it.

No torch at the top of this package: the check of the parameters reads it too, and has to be quick.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sohem.download.catalogue import File

if TYPE_CHECKING:
    from torch import nn


class Preprocessing(NamedTuple):
    """What weights expect of an image: (pixel - mean) / std in this order of the channels, pixels from 0 to 255."""

    order: str  # rgb | bgr
    mean: tuple[float, float, float]  # in that order
    std: tuple[float, float, float]


# Freshly drawn layers have seen no image; they are drawn for inputs around 0 with a spread near 1.
CENTRED = Preprocessing("rgb", (127.5, 127.5, 127.5), (64.0, 64.0, 64.0))
# py-faster-rcnn's config.py: one mean for all of its networks, a little off the one that VGG16 was trained with.
CAFFE = Preprocessing("bgr", (102.9801, 115.9465, 122.7717), (1.0, 1.0, 1.0))
# torchvision's (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225) for pixels from 0 to 1.
TORCHVISION = Preprocessing("rgb", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))

NONE = "none"  # the value of scales.*.weights that fits every backbone: all layers stay as they are drawn


@dataclass(frozen=True)
class Weights:
    """One kind of weights that fit a backbone, as ``scales.*.weights`` names it.

    Attributes:
        preprocessing: of images; it belongs to the weights, whose first layer was trained on images like this.
        file: what is downloaded; None for weights that ``sohem pretrain`` trains itself.
        known: first 8 digits of the SHA-256 of other well-known files with these weights.
        head: what their hidden layers ask of ``scales.*.head`` (pool, hidden); empty where they have none.
    """

    preprocessing: Preprocessing
    file: File | None = None
    known: tuple[str, ...] = ()
    head: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """How the published files of a backbone's weights are laid out; ``imagenet`` reads them.

    Attributes:
        title: what messages call the model.
        model: makes the published model, for the names and shapes of its layers.
        names: our layers -> the file's, for each naming that is in use, the model's own first. Ours are
            ``backbone.<name in Architecture.layers>`` and, if a detector takes them over, ``hidden.fc6`` and
            ``hidden.fc7``; without these the head's hidden layers are drawn.
        folded: our convolution -> the model's batch normalisation that becomes part of it, named as in ``names[0]``.
        unused: beginnings of the names of layers that a detector has no use for.
        refused: first 8 digits of the SHA-256 of well-known files that cannot be used -> why, in words after the path.
        alone: what to say, after "it", of a file that lacks the hidden layers or fills them with nonsense.
    """

    title: str
    model: "Callable[[], nn.Module]"
    names: tuple[Mapping[str, str], ...]
    folded: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    alone: str = "lacks hidden layers"


@dataclass(frozen=True)
class Architecture:
    """All that the program knows of a backbone; ``ARCHITECTURES`` lists them.

    Attributes:
        layers: makes them, from an image to one feature map.
        stride: pixels of the image per cell of the feature map.
        channels: channels C of the feature map.
        weights: by kind, those that fit. A kind that fits several backbones has a file for each of them, or for none.
        published: the layout of the files that some of these weights come in.
    """

    layers: "Callable[[], nn.Sequential]"
    stride: int
    channels: int
    weights: Mapping[str, Weights]
    published: Published | None = None

    def preprocessing(self, kind: str) -> Preprocessing:
        """Of images for weights of this kind, or for freshly drawn ones."""
        return CENTRED if kind == NONE else self.weights[kind].preprocessing
