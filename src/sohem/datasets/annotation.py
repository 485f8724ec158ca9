"""What a reader returns for one image, whatever the format of the files."""

import math
from typing import NamedTuple

from sohem.errors import DataError

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels, half-open
Size = tuple[int, int]  # width, height in pixels

BOX = ["x1", "y1", "x2", "y2"]  # the columns of a box, in every table


class Object(NamedTuple):
    """One annotated object, or (``ignore``) a region that may hold objects that nobody labelled."""

    label: str  # class, "" for an ignore region
    box: Box
    difficult: bool = False
    truncated: bool = False
    ignore: bool = False


class Annotation(NamedTuple):
    """One image's annotation; ``size`` is None where the file does not say it."""

    size: Size | None
    objects: list[Object]


def number(text: str | None, where: str, name: str) -> float:
    """A finite number from an annotation file.

    Raises:
        DataError: ``text`` is missing or is no finite number; ``where`` and ``name`` say which.
    """
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        shown = "missing" if text is None else f"{text.strip()!r}, not a number"
        raise DataError(f"{where}: {name} is {shown}; correct the annotation")
    return value


def class_of(label: str, labels: dict[str, str], where: str, key: str) -> str:
    """The class that ``label`` counts as.

    Raises:
        DataError: the label is in no class; names ``key``, the parameter that lists the classes.
    """
    if label not in labels:
        raise DataError(
            f"{where}: class {label!r} is not in the list; add it to {key} in params.yaml or correct the "
            f"annotation (listed: {', '.join(labels)})"
        )
    return labels[label]
