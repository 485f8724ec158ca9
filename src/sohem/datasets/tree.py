"""The files of a data set on disk: is the tree there, and what is in it."""

import hashlib
from pathlib import Path
from types import ModuleType
from typing import Any

from sohem.datasets import images, kitti, voc
from sohem.errors import DataError

READERS: dict[str, ModuleType] = {"voc": voc, "kitti": kitti}

# Where the paper's data sets come from and what to unpack into the root. Other data sets are the user's own.
SOURCES = {
    "voc": (
        "VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar from "
        "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/ ; unpack both into one place, so that their "
        "VOCdevkit/VOC2007 is the root"
    ),
    "kitti": (
        "data_object_image_2.zip and data_object_label_2.zip from https://www.cvlibs.net/datasets/kitti/ "
        "(object, 2D; free registration); unpack both into one place, so that their training folder is the root"
    ),
}


def folders(kind: str, with_images: bool = True) -> list[str]:
    """The folders that a data set of format ``kind`` has under its root."""
    reader = READERS[kind]
    return [
        reader.ANNOTATIONS,
        *([voc.IMAGE_SETS] if kind == "voc" else []),
        *([reader.IMAGES] if with_images else []),
    ]


def check(root: Path, kind: str, dataset: str, scale: str, with_images: bool = True) -> None:
    """Check that the root of a data set and the folders of its format exist.

    Raises:
        DataError: says what is missing, which layout is expected, which parameter names the root, and where
            the paper's data sets are to be had.
    """
    missing = next((p for p in (root, *(root / f for f in folders(kind, with_images))) if not p.is_dir()), None)
    if missing is None:
        return
    what = "data root missing" if missing == root else "not a complete data set"
    message = (
        f"{missing}: no such folder ({what}). Expected under {root}: {READERS[kind].LAYOUT}. "
        f"Put the data there, or name another root in datasets.{dataset}.{scale}.root of params.yaml"
    )
    if scale == "paper" and dataset in SOURCES:
        message += f". Get {SOURCES[dataset]}"
    raise DataError(message)


def manifest(root: Path, kind: str, generated: dict[str, int] | None = None) -> dict[str, Any]:
    """What a data set's tree holds: its counts and a checksum that changes with it.

    Annotations and image lists enter the checksum with their contents; images with name and size, since
    reading gigabytes of them would take minutes, and with their contents only if they were ``generated`` (then
    these are the settings they were generated with).
    """
    reader = READERS[kind]
    suffixes = {reader.ANNOTATIONS: (reader.ANNOTATION_SUFFIX,), reader.IMAGES: images.SUFFIXES}
    digest, total = hashlib.sha256(), 0
    counts = dict.fromkeys(suffixes, 0)
    for folder in folders(kind):
        for path in sorted((root / folder).iterdir()):
            if folder in suffixes and path.suffix.lower() not in suffixes[folder]:
                continue
            if folder == voc.IMAGE_SETS and path.name not in [f"{name}.txt" for name in voc.SUBSETS.values()]:
                continue
            size = path.stat().st_size
            total += size
            if folder in counts:
                counts[folder] += 1
            digest.update(f"{folder}/{path.name}\0{size}\0".encode())
            if generated is not None or folder != reader.IMAGES:
                digest.update(path.read_bytes())
    result = {
        "root": root.as_posix(),
        "format": kind,
        "images": counts[reader.IMAGES],
        "annotations": counts[reader.ANNOTATIONS],
        "bytes": total,
        "sha256": digest.hexdigest(),
    }
    return result if generated is None else {**result, "generated": generated}
