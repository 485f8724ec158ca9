"""The files of a miniature: the PASCAL VOC devkit's layout and KITTI object's, as the real ones are written."""

import math
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from sohem.datasets.miniature.figure import Array
from sohem.datasets.miniature.scene import Item, voc_scene
from sohem.datasets.miniature.street import HEIGHTS, LENGTHS, WIDTHS, kitti_scene

# First word of the random streams, so that no two kinds of images ever share one.
_VOC, _KITTI, _CROPS = 1, 2, 3


def crop_generator(seed: int, index: int) -> np.random.Generator:
    """The random stream of the ``index``-th pretraining crop, apart from those of all detection images."""
    return np.random.default_rng([_CROPS, seed, index])


def voc_image(seed: int, index: int) -> tuple[Array, list[Item], Array]:
    """Image ``index`` (from 1) of the miniature VOC: picture, objects, owners of the pixels."""
    return voc_scene(np.random.default_rng([_VOC, seed, index]), index)


def kitti_image(seed: int, index: int) -> tuple[Array, list[Item], Array]:
    """Image ``index`` (from 0) of the miniature KITTI: picture, objects and regions, owners of the pixels."""
    return kitti_scene(np.random.default_rng([_KITTI, seed, index]), index)


def write_voc(root: Path, seed: int, train: int, test: int) -> None:
    """Write ``Annotations``, ``ImageSets/Main`` and ``JPEGImages`` into ``root``; ids run from 000001."""
    for folder in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index in range(1, train + test + 1):
        picture, items, _ = voc_image(seed, index)
        name = f"{index:06d}"
        parameters = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_OPTIMIZE, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, 0]
        (root / "JPEGImages" / f"{name}.jpg").write_bytes(_encode(".jpg", picture, parameters))
        (root / "Annotations" / f"{name}.xml").write_text(voc_xml(f"{name}.jpg", picture, items), encoding="utf-8")
    ids = [f"{index:06d}" for index in range(1, train + test + 1)]
    sets = {"train": ids[: train // 2], "val": ids[train // 2 : train], "trainval": ids[:train], "test": ids[train:]}
    for name, members in sets.items():
        (root / "ImageSets" / "Main" / f"{name}.txt").write_text("".join(f"{i}\n" for i in members), encoding="utf-8")


def write_kitti(root: Path, seed: int, train: int, test: int) -> None:
    """Write ``image_2`` and ``label_2`` into ``root``; ids run from 000000, the first ``train`` are for training."""
    for folder in ("image_2", "label_2"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index in range(train + test):
        picture, items, _ = kitti_image(seed, index)
        parameters = [cv2.IMWRITE_PNG_COMPRESSION, 3, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
        (root / "image_2" / f"{index:06d}.png").write_bytes(_encode(".png", picture, parameters))
        (root / "label_2" / f"{index:06d}.txt").write_text(kitti_labels(items), encoding="utf-8")


def _encode(suffix: str, picture: Array, parameters: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, picture[:, :, ::-1], parameters)
    if not done:
        raise RuntimeError(f"OpenCV cannot encode {suffix}")
    return data.tobytes()


def voc_xml(filename: str, picture: Array, items: Iterable[Item]) -> str:
    """A VOC annotation; its boxes are 1-based and inclusive."""
    height, width, depth = picture.shape
    lines = [
        "<annotation>",
        "\t<folder>VOC2007</folder>",
        f"\t<filename>{filename}</filename>",
        "\t<source>",
        "\t\t<database>Miniature VOC, generated</database>",
        "\t</source>",
        "\t<size>",
        f"\t\t<width>{width}</width>",
        f"\t\t<height>{height}</height>",
        f"\t\t<depth>{depth}</depth>",
        "\t</size>",
        "\t<segmented>0</segmented>",
    ]
    for item in items:
        x0, y0, x1, y1 = item.box
        lines += [
            "\t<object>",
            f"\t\t<name>{item.name}</name>",
            "\t\t<pose>Unspecified</pose>",
            f"\t\t<truncated>{int(item.truncated)}</truncated>",
            f"\t\t<difficult>{int(item.difficult)}</difficult>",
            "\t\t<bndbox>",
            f"\t\t\t<xmin>{x0 + 1}</xmin>",
            f"\t\t\t<ymin>{y0 + 1}</ymin>",
            f"\t\t\t<xmax>{x1}</xmax>",
            f"\t\t\t<ymax>{y1}</ymax>",
            "\t\t</bndbox>",
            "\t</object>",
        ]
    return "\n".join([*lines, "</annotation>", ""])


def kitti_labels(items: Iterable[Item]) -> str:
    """A KITTI label file: type, truncated, occluded, alpha, box, dimensions (h w l), location, rotation_y."""
    lines = []
    for item in items:
        box = " ".join(f"{v:.2f}" for v in item.box)
        if item.name == "DontCare":
            lines.append(f"DontCare -1 -1 -10 {box} -1 -1 -1 -1000 -1000 -1000 -10")
            continue
        x, z = float(item.extra["x"]), float(item.extra["z"])
        rotation = _wrap(-math.radians(float(item.extra["heading"])))
        alpha = _wrap(rotation - math.atan2(x, z))
        hidden = 1 - item.visible / max(item.inside, 1e-6)
        occluded = 0 if hidden < 0.1 else 1 if hidden < 0.5 else 2
        size = f"{HEIGHTS[item.name]:.2f} {WIDTHS[item.name]:.2f} {LENGTHS[item.name]:.2f}"
        lines.append(
            f"{item.name} {1 - item.inside:.2f} {occluded} {alpha:.2f} {box} {size} {x:.2f} 1.65 {z:.2f} {rotation:.2f}"
        )
    return "".join(f"{line}\n" for line in lines)


def _wrap(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi
