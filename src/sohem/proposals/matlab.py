"""Selective search boxes as published for VOC with R-CNN and Fast R-CNN: MATLAB files with ``images`` and ``boxes``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.io

from sohem.errors import DataError
from sohem.proposals import chunks


def read_all(paths: list[Path], image_ids: list[str]) -> pd.DataFrame:
    """The proposals of the given images, in their order, from the files that hold them between them.

    Images that are not asked for are left out (the files hold VOC's subsets whole).

    Raises:
        DataError: as ``read``; an image is in none of the files, or in two of them.
    """
    found: dict[str, np.ndarray] = {}
    source: dict[str, Path] = {}
    wanted = set(image_ids)
    for path in paths:
        for name, boxes in read(path, wanted).items():
            if name in found:
                raise DataError(f"{path}: image {name} is in {source[name]} too; name each file once")
            found[name], source[name] = boxes, path
    if missing := [name for name in image_ids if name not in found]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(
            f"{', '.join(map(str, paths))}: no boxes for image {missing[0]}{more}; name the files of both subsets"
        )
    return chunks.rows(image_ids, [found[name] for name in image_ids])


def read(path: Path, wanted: Iterable[str]) -> dict[str, np.ndarray]:
    """Image -> boxes [R, 4] float32, as `convert` gives them, of the images ``wanted``.

    Raises:
        DataError: the file cannot be read, lacks a variable, or a box array has another shape or no finite numbers.
    """
    try:
        with path.open("rb") as file:
            content = scipy.io.loadmat(file, variable_names=["images", "boxes"])
    except NotImplementedError:
        raise DataError(f"{path}: saved in MATLAB's 7.3 format; save it again with -v7") from None
    except Exception as error:  # a damaged file raises many unrelated types
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None
        raise DataError(f"{path}: cut short or not a MATLAB file ({error}); get it again") from None
    for name in ("images", "boxes"):
        if name not in content or content[name].dtype != object:
            raise DataError(f"{path}: no cell array {name}; expected the published boxes of selective search")
    images, boxes = content["images"].ravel(), content["boxes"].ravel()
    if len(images) != len(boxes):
        raise DataError(f"{path}: {len(images)} images, but boxes for {len(boxes)}; get it again")
    chosen = set(wanted)
    named = [(_text(image, path), raw) for image, raw in zip(images, boxes, strict=True)]
    return {name: convert(raw, f"{path}: image {name}") for name, raw in named if name in chosen}


def convert(raw: np.ndarray, where: str) -> np.ndarray:
    """Boxes [R, 4] float32, xyxy, half-open from 0, of published rows (y1, x1, y2, x2), inclusive from 1.

    As in the release, each box once, in the given order, and only those with x2 - x1 >= 2 and y2 - y1 > 2 in the file's
    own coordinates (so they are at least 3 pixels wide and 4 high).

    Raises:
        DataError: another shape, numbers that are not finite, or corners in the wrong order.
    """
    if raw.size == 0:
        return np.zeros((0, 4), np.float32)
    if raw.ndim != 2 or raw.shape[1] != 4 or raw.dtype.kind not in "fiu":
        raise DataError(f"{where}: boxes of shape {list(raw.shape)} and type {raw.dtype}, expected numbers [R, 4]")
    y1, x1, y2, x2 = raw.astype(np.float64).T
    # Zeros would mean boxes that count from 0; a swapped order of x and y shows in boxes outside the image only.
    if not np.isfinite(raw).all() or (y1 < 1).any() or (x1 < 1).any() or (y2 < y1).any() or (x2 < x1).any():
        raise DataError(f"{where}: a box is not (y1, x1, y2, x2) with 1 <= y1 <= y2 and 1 <= x1 <= x2")
    boxes = np.stack([x1 - 1, y1 - 1, x2, y2], axis=1)[(x2 - x1 >= 2) & (y2 - y1 > 2)]
    _, first = np.unique(boxes, axis=0, return_index=True)
    return boxes[np.sort(first)].astype(np.float32)


def _text(cell: Any, path: Path) -> str:
    """The string in a cell of ``images``."""
    while isinstance(cell, np.ndarray) and cell.size == 1:
        cell = cell.ravel()[0]
    if not isinstance(cell, str):
        raise DataError(f"{path}: a cell of images holds no name; expected the published boxes of selective search")
    return str(cell)
