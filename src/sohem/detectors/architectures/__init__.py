"""The backbones by the name that ``scales.*.backbone`` gives them; each is one module with its ``ARCHITECTURE``."""

from sohem.detectors.architectures import resnet18, small, squeezenet, vgg16
from sohem.detectors.architectures.architecture import Architecture

ARCHITECTURES: dict[str, Architecture] = {
    "small": small.ARCHITECTURE,
    "vgg16": vgg16.ARCHITECTURE,
    "squeezenet": squeezenet.ARCHITECTURE,
    "resnet18": resnet18.ARCHITECTURE,
}
