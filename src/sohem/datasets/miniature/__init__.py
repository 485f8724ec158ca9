"""Generated data: miniature VOC and KITTI trees in the genuine formats, and crops for pretraining.

Everything is drawn from figures (see ``shapes``), seeded, the same bytes on every run. Image k of a tree depends on the
seed and k alone, not on how many are made. The crops have random streams of their own.
"""

from pathlib import Path

import numpy as np

from sohem.datasets.miniature.scene import crop_scene
from sohem.datasets.miniature.shapes import KITTI_CLASSES, VOC_CLASSES
from sohem.datasets.miniature.tree import crop_generator, write_kitti, write_voc
from sohem.errors import DataError

__all__ = ["ALIKE", "CROP_CLASSES", "crop", "crop_generator", "write"]

CROP_CLASSES: list[str] = VOC_CLASSES + KITTI_CLASSES

# Figures of both data sets that look the same are one class to a classifier of crops.
ALIKE = {"Car": "car", "Pedestrian": "person", "Person_sitting": "person"}


def write(format: str, root: Path, seed: int, train: int, test: int) -> None:
    """Write a miniature tree into the folder ``root``, which exists and is empty.

    Args:
        format: "voc" (a devkit's year folder) or "kitti" (the folder ``training``).
        train, test: how many images; KITTI's first ``train`` by index are for training.

    Raises:
        DataError: another format.
    """
    writers = {"voc": write_voc, "kitti": write_kitti}
    if format not in writers:
        raise DataError(
            f"{root}: nothing is drawn in the format {format}; expected voc or kitti, or a data set without miniature"
        )
    writers[format](Path(root), seed, train, test)


def crop(rng: np.random.Generator, class_index: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """One object of ``CROP_CLASSES[class_index]`` that fills 40 to 100 % of a square picture.

    Args:
        rng: use ``crop_generator``; the detection sets' streams are never handed out.

    Returns:
        uint8 [size, size, 3], RGB, and the object's visible box, float32 [4], xyxy.
    """
    return crop_scene(rng, CROP_CLASSES[class_index], size)
