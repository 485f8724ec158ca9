"""Image files of a data set: which there are, whether they are whole, and their pixels as RGB arrays."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from sohem.datasets.annotation import Size
from sohem.errors import DataError
from sohem.progress import track

SUFFIXES = (".jpg", ".jpeg", ".png")


def find(folder: Path) -> dict[str, str]:
    """Image name -> file name of the images in ``folder``.

    Raises:
        DataError: no such folder, or two files share a name (``1.jpg`` and ``1.png``).
    """
    try:
        files = sorted(entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(SUFFIXES))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); it should hold the images") from None
    found: dict[str, str] = {}
    for file in files:
        name = file.rsplit(".", 1)[0]
        if name in found:
            raise DataError(f"{folder}: {found[name]} and {file} have the same name; remove one of them")
        found[name] = file
    return found


def in_order(names: Iterable[str]) -> list[str]:
    """Image names by their number; names that are no numbers come last, in alphabetical order."""
    return sorted(names, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))


def load(path: Path) -> np.ndarray:
    """The pixels of an image, [height, width, 3] uint8 in RGB, as stored: an EXIF rotation is not applied.

    Raises:
        DataError: the file is missing, truncated or no image.
    """
    with _reading(path), Image.open(path) as image:
        return np.array(image.convert("RGB"))


def check(path: Path) -> Size:
    """Decode an image completely and return its width and height.

    A JPEG is decoded at an eighth of its size, which still reads every byte and takes half the time.

    Raises:
        DataError: the file is missing, truncated or no image.
    """
    with _reading(path), Image.open(path) as image:
        size = image.size
        image.draft(None, (1, 1))
        image.load()
        return size


def check_all(paths: list[Path]) -> list[Size]:
    """``check`` for many images on up to eight cores, with progress."""
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        return list(track(pool.map(check, paths), len(paths), "checking images"))


class _reading:
    """Turns whatever Pillow raises for a damaged file (several unrelated types) into a DataError naming it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise DataError(f"{self.path}: no such image; put it there or take it off the list") from None
        if isinstance(error, Exception):
            raise DataError(f"{self.path}: truncated or no image ({error}); get the file again") from None
