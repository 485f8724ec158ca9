"""What a data format is to the rest of the program: where files lie, which images there are, what each holds."""

import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sohem.errors import DataError

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels, half-open
Size = tuple[int, int]  # width, height in pixels

BOX = ["x1", "y1", "x2", "y2"]  # the columns of a box, in every table
LONGEST = 2**31 - 1  # pixels of a side: what a PNG may have, and what the table of images holds
IGNORED = ""  # what stands in place of a class for labels of ``datasets.<name>.ignore``, and in ignore regions


class Object(NamedTuple):
    """One annotated object, or (``ignore``) a region that is neither object nor background."""

    label: str  # class, `IGNORED` for an ignore region
    box: Box
    difficult: bool = False
    truncated: bool = False
    ignore: bool = False


class Annotation(NamedTuple):
    """One image's annotation; ``size`` is None where the file does not say it.

    ``labels`` are those of the file as they stand there, that of a region which was left out as well.
    """

    size: Size | None
    objects: list[Object]
    labels: Collection[str]


class Listed(NamedTuple):
    """One image of a subset."""

    name: str  # the image_id of the tables, once in a data set
    file: str  # relative to the root; where no image needs to exist, maybe without its ending
    source: Any  # where its annotation stands, as the format's ``read`` takes it


Subsets = dict[str, list[Listed]]  # "train" and "test", in this order


class Key(NamedTuple):
    """A key that a format needs in ``datasets.<name>.<scale>`` of the parameters."""

    rule: dict[str, Any]  # JSON schema of its value
    reason: str  # for the message where it is missing


@dataclass(frozen=True)
class Format:
    """All that the program knows of a data format; ``formats`` lists them.

    Attributes:
        layout: what lies where under the root, in words for a user.
        parts: folder under the root -> endings (lower-case) or names of the files in it that are the data set's.
        annotations, images: which of these folders hold them.
        listing: ``(root, settings, key, with_images)`` -> the images of each subset. ``settings`` is the parameters'
            entry ``key`` (``datasets.<name>.<scale>``); without images none needs to exist. Raises DataError: an image
            or annotation that should be there is not, or a list cannot be read.
        read: ``(source, labels, size, key)`` -> one image's annotation. ``labels`` is from `label_of`, ``size`` is the
            image's if known, ``key`` names the parameter that lists the classes. Raises DataError: something is
            broken, neither in a class nor ignored, or contradicts the image; names the file and the place in it.
        keys: what it needs in ``settings``.
        nested: whether images may lie in sub-folders.
    """

    layout: str
    parts: Mapping[str, tuple[str, ...]]
    annotations: str
    images: str
    listing: Callable[[Path, Mapping[str, Any], str, bool], Subsets]
    read: Callable[[Any, dict[str, str], Size | None, str], Annotation]
    keys: Mapping[str, Key] = field(default_factory=dict)
    nested: bool = False


def is_there(path: Path) -> bool:
    """Whether there is such a file; not so for a name that no disk takes, on which `Path.is_file` fails."""
    return os.path.isfile(path)  # noqa: PTH113


def number(text: str | None, where: str, name: str) -> float:
    """A finite number from an annotation file.

    Raises:
        DataError: ``text`` is missing or is no finite number; ``where`` and ``name`` say which.
    """
    try:
        value = float("" if text is None or "_" in text else text)  # 1_0 is a number to Python alone
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        shown = "missing" if text is None else f"{text.strip()!r}, not a number"
        raise DataError(f"{where}: {name} is {shown}; correct the annotation")
    return value


def class_of(label: str, labels: dict[str, str], where: str, key: str) -> str:
    """The class that ``label`` counts as, `IGNORED` for labels to be ignored.

    Raises:
        DataError: the label is neither in a class nor ignored; names ``key``, the parameter that lists the classes.
    """
    if label not in labels:
        raise DataError(
            f"{where}: class {label!r} is not in the list; add it to {key} in params.yaml, or to ignore beside it, or "
            f"correct the annotation (listed: {', '.join(labels)})"
        )
    return labels[label]


def label_of(classes: Sequence[str] | Mapping[str, list[str]], ignore: Sequence[str] = ()) -> dict[str, str]:
    """From a label in the annotation files to the class that it counts as.

    Args:
        classes, ignore: ``datasets.<name>.classes`` and ``.ignore``. Labels of ``ignore`` count as `IGNORED`.
    """
    ignored = dict.fromkeys(ignore, IGNORED)
    if isinstance(classes, Mapping):
        return {label: name for name, labels in classes.items() for label in labels} | ignored
    return {name: name for name in classes} | ignored


def counted_as(label: str, box: Box, difficult: bool = False, truncated: bool = False) -> Object:
    """An object of the class ``label``, or an ignore region if that is `IGNORED`: such a region has no flags."""
    return Object(IGNORED, box, ignore=True) if label == IGNORED else Object(label, box, difficult, truncated)


def size_of(width: float, height: float, where: str) -> Size | None:
    """An image's size as an annotation gives it; None where both are 0, as some tools write it.

    Raises:
        DataError: one is no whole number from 1 on; ``where`` says which file and field.
    """
    if width == height == 0:
        return None
    if not all(1 <= side <= LONGEST and side == int(side) for side in (width, height)):
        raise DataError(
            f"{where} is {width:g} x {height:g}, expected whole numbers of pixels from 1 to {LONGEST} (both 0: not "
            "known); correct the annotation"
        )
    return int(width), int(height)


def check_size(own: Size | None, size: Size | None, where: str) -> None:
    """Refuse an annotation that gives its image another size than the image has; either may be unknown.

    Raises:
        DataError: ``where`` says which file and field.
    """
    if size is not None and own is not None and own != size:
        raise DataError(
            f"{where} says {own[0]}x{own[1]} pixels, but the image has {size[0]}x{size[1]}; the boxes may belong to "
            "another version of the image"
        )


def clipped(box: Box, size: Size | None) -> Box | None:
    """The part of a box inside the image (of which only the upper left corner may be known); None if there is none."""
    left, top, right, bottom = max(box[0], 0.0), max(box[1], 0.0), box[2], box[3]
    if size is not None:
        right, bottom = min(right, float(size[0])), min(bottom, float(size[1]))
    return (left, top, right, bottom) if right > left and bottom > top else None
