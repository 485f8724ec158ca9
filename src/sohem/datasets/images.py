"""Image files of a data set: which there are, whether they are whole, and their pixels as RGB arrays."""

import contextlib
import io
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from sohem.datasets.annotation import Size
from sohem.errors import DataError
from sohem.progress import track

SUFFIXES = (".jpg", ".jpeg", ".png")
FORMATS = ("JPEG", "PNG")  # Pillow goes by the contents, knows forty more, and starts Ghostscript for one (EPS)


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

    def key(name: str) -> tuple[int, int, str, str]:
        if not (name.isascii() and name.isdecimal()):
            return 1, 0, name, name
        digits = name.lstrip("0")  # of two numbers the longer is the larger: int() refuses thousands of digits
        return 0, len(digits), digits, name

    return sorted(names, key=key)


def load(path: Path) -> np.ndarray:
    """The pixels of an image, [height, width, 3] uint8 in RGB, as stored: an EXIF rotation is not applied.

    Of 16 bits a channel the upper 8 are taken.

    Raises:
        DataError: the file is missing, truncated, or neither JPEG nor PNG.
    """
    with opened(path) as image:
        if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip to white; of colours it takes 8
            grey = (np.asarray(image) >> 8).astype(np.uint8)
            return np.stack([grey] * 3, axis=2)
        return np.array(image.convert("RGB"))


def check(path: Path) -> Size:
    """Decode an image completely and return its width and height.

    A JPEG is decoded at an eighth of its size, which still reads every byte and takes half the time.

    Raises:
        DataError: the file is missing, truncated, or neither JPEG nor PNG.
    """
    with opened(path) as image:
        size = image.size
        image.draft(None, (1, 1))
        image.load()
        return size


def check_all(paths: list[Path]) -> list[Size]:
    """``check`` for many images on up to eight cores, with progress."""
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        return list(track(pool.map(check, paths), len(paths), "checking images"))


@contextlib.contextmanager
def opened(path: Path, content: bytes | None = None, advice: str = "get the file again") -> Iterator[Image.Image]:
    """A JPEG or PNG file, to be decoded within the block; ``content`` is what it holds, if that is not to be read.

    Raises:
        DataError: the file is missing, truncated, or neither JPEG nor PNG; ``advice`` says what to do.
    """
    try:
        with Image.open(path if content is None else io.BytesIO(content), formats=FORMATS) as image:
            yield image
    except FileNotFoundError:
        raise DataError(f"{path}: no such image; put it there or take it off the list") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{path}: truncated or no image (by its contents neither JPEG nor PNG; convert it if it is one); {advice}"
        ) from None
    except Exception as error:  # Pillow raises several unrelated types for a damaged file
        raise DataError(f"{path}: truncated or no image ({error}); {advice}") from None
