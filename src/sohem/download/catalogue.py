"""The files that the paper's set-up is made from: where they are, how long, and their checksums.

A number stands here if the publisher gives it, or two independent sources agree on it; what neither gives is None,
and is recorded when the file first arrives (``verify``). Sources, read in torchvision 0.26 (``datasets/voc.py``,
``datasets/kitti.py``; ``vgg.py``, ``squeezenet.py`` and ``resnet.py`` in ``models``), TensorFlow Datasets
(``url_checksums/voc.txt``, ``kitti.txt``), py-faster-rcnn (``data/scripts/fetch_imagenet_models.sh``), Open Model Zoo
(``models/public/vgg16/model.yml``) and MXNet (``tools/caffe_converter``, whose mirror of Caffe's models has the same
sha1 as the original).
"""

from typing import NamedTuple


class File(NamedTuple):
    """One file to download.

    Attributes:
        name: under which it is kept.
        addresses: where it is to be had, the first one first.
        size: in bytes.
        md5: 32 hexadecimal digits.
        sha256: 64 hexadecimal digits, or only the first of them, as in the names of PyTorch's weight files.
    """

    name: str
    addresses: tuple[str, ...]
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None


class DataSet(NamedTuple):
    """The archives of a data set.

    Attributes:
        archives: all of them are needed.
        inside: the folder in the archives that becomes the root; what lies elsewhere in them is not unpacked.
        page: where the publisher describes it.
        terms: what the publisher asks of its users, shown before a download.
    """

    archives: tuple[File, ...]
    inside: str
    page: str
    terms: str


def _voc07(name: str, size: int, md5: str, sha256: str) -> File:
    """The Oxford server moved from ``host`` to ``thor``; the third is the mirror that TensorFlow Datasets uses."""
    folders = (
        "https://thor.robots.ox.ac.uk/pascal/VOC/voc2007/",
        "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/",
        "https://pjreddie.com/media/files/",
    )
    return File(name, tuple(folder + name for folder in folders), size, md5, sha256)


def _kitti(name: str, size: int, sha256: str) -> File:
    """The storage that KITTI's download page links to, then the server that it linked to before."""
    folders = ("https://s3.eu-central-1.amazonaws.com/avg-kitti/", "http://kitti.is.tue.mpg.de/kitti/")
    return File(name, tuple(folder + name for folder in folders), size, None, sha256)


DATASETS = {
    "voc": DataSet(
        archives=(
            _voc07(
                "VOCtrainval_06-Nov-2007.tar",
                460032000,
                "c52e279531787c972589f7e41ab4ae64",
                "7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508",
            ),
            _voc07(
                "VOCtest_06-Nov-2007.tar",
                451020800,
                "b6e924de25625d8de591ea690078ad9f",
                "6836888e2e01dca84577a849d339fa4f73e1e4f135d312430c4856b5609b4892",
            ),
        ),
        inside="VOCdevkit/VOC2007",
        page="http://host.robots.ox.ac.uk/pascal/VOC/voc2007/",
        terms="its photographs come from flickr and are subject to flickr's terms of use",
    ),
    "kitti": DataSet(
        archives=(
            _kitti(
                "data_object_label_2.zip",
                5601213,
                "4efc76220d867e1c31bb980bbf8cbc02599f02a9cb4350effa98dbb04aaed880",
            ),
            _kitti(
                "data_object_image_2.zip",
                12569945557,
                "351c5a2aa0cd9238b50174a3a62b846bc5855da256b82a196431d60ff8d43617",
            ),
        ),
        inside="training",
        page="https://www.cvlibs.net/datasets/kitti/",
        terms="it is licensed CC BY-NC-SA 3.0, for non-commercial use, and its authors ask users to register there",
    ),
}

# Caffe's VGG16 of ILSVRC-2014 as its authors published it (BGR, means 103.939, 116.779, 123.68).
VGG16_CAFFE = File(
    "VGG_ILSVRC_16_layers.caffemodel",
    (
        "https://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/VGG_ILSVRC_16_layers.caffemodel",
        "http://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/VGG_ILSVRC_16_layers.caffemodel",
        "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/caffe/models/vgg/VGG_ILSVRC_16_layers.caffemodel",
    ),
    553432081,
    None,
    "a6196bc498e45ea4cb2637114ae8db9410cf1556fd60a55ae93272371beba197",
)

# The archive that Fast and Faster R-CNN start from: imagenet_models/VGG16.v2.caffemodel, with two smaller networks.
# About 1 GB; py-faster-rcnn gives its md5 but not its size. Its first home in Berkeley has been shut.
IMAGENET_MODELS = File(
    "imagenet_models.tgz",
    (
        "https://dl.dropboxusercontent.com/s/gstw7122padlf0l/imagenet_models.tgz?dl=0",
        "https://dl.dropbox.com/s/gstw7122padlf0l/imagenet_models.tgz?dl=0",
        "https://people.eecs.berkeley.edu/~rbg/faster-rcnn-data/imagenet_models.tgz",
    ),
    None,
    "ed34ca912d6782edfb673a8c3a0bda6d",
    None,
)

# Caffe's VGG16 converted for PyTorch by Justin Johnson (jcjohnson/pytorch-vgg), with an older torchvision's names:
# classifier.1 and classifier.4 are today's classifier.0 and classifier.3. Only the digits in its name are known.
VGG16_CAFFE_CONVERTED = File(
    "vgg16-00b39a1b.pth",
    (
        "https://web.eecs.umich.edu/~justincj/models/vgg16-00b39a1b.pth",
        "https://s3-us-west-2.amazonaws.com/jcjohns-models/vgg16-00b39a1b.pth",
    ),
    None,
    None,
    "00b39a1b",
)

# torchvision's VGG16_Weights.IMAGENET1K_V1 (RGB, its own normalisation).
VGG16_TORCHVISION = File(
    "vgg16-397923af.pth",
    ("https://download.pytorch.org/models/vgg16-397923af.pth",),
    553433881,
    None,
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
)

# torchvision's SqueezeNet1_0_Weights.IMAGENET1K_V1, 4.8 MB (RGB, as above). Only the digits in its name are known.
SQUEEZENET_TORCHVISION = File(
    "squeezenet1_0-b66bff10.pth",
    ("https://download.pytorch.org/models/squeezenet1_0-b66bff10.pth",),
    None,
    None,
    "b66bff10",
)

# torchvision's ResNet18_Weights.IMAGENET1K_V1 (RGB, as above). Several projects that use it give these numbers.
RESNET18_TORCHVISION = File(
    "resnet18-f37072fd.pth",
    ("https://download.pytorch.org/models/resnet18-f37072fd.pth",),
    46830571,
    None,
    "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
)
