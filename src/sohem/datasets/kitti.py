"""KITTI object benchmark on disk: ``image_2/*.png`` and ``label_2/*.txt`` under the ``training`` folder.

A label line has 15 fields: type, truncated, occluded, alpha, left, top, right, bottom, and seven of the 3D box.
Box corners are taken as they are. Lines with a 16th field, the score of a result file, are refused: results are
no ground truth. ``DontCare`` marks no object but a region in which objects were not labelled. It may reach outside the
image: it is cut to it, and left out if nothing remains, or if ``datasets.<name>.ignore`` does not list it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sohem.datasets import images
from sohem.datasets.annotation import (
    Annotation,
    Format,
    Key,
    Listed,
    Object,
    Size,
    Subsets,
    class_of,
    clipped,
    counted_as,
    number,
)  # fmt: skip
from sohem.errors import DataError

IMAGES, ANNOTATIONS = "image_2", "label_2"
ANNOTATION_SUFFIX = ".txt"
LAYOUT = "image_2/<index>.png and label_2/<index>.txt"
FIELDS = 15
DONT_CARE = "DontCare"


def split(names: list[str], first: int, key: str = "first") -> dict[str, list[str]]:
    """The first images by index for training, the others for testing.

    Raises:
        DataError: nothing is left for testing; ``key`` is the parameter that holds ``first``.
    """
    if first >= len(names):
        raise DataError(
            f"{key}: {first} images are to train, but there are {len(names)} in all, so none is left for "
            "testing; choose a smaller number"
        )
    ordered = images.in_order(names)
    return {"train": ordered[:first], "test": ordered[first:]}


def listing(root: Path, settings: Mapping[str, Any], key: str, with_images: bool) -> Subsets:
    """The labelled images, split by ``settings["first"]``; see ``Format.listing``."""
    files = images.find(root / IMAGES) if with_images else None
    return {
        subset: [_listed(root, name, files) for name in names]
        for subset, names in split(_names(root, files), settings["first"], f"{key}.first").items()
    }


def _names(root: Path, files: dict[str, str] | None) -> list[str]:
    """Names of the labelled images; an image without a label file, or the reverse, is an error."""
    labels = {path.stem for path in (root / ANNOTATIONS).glob("*" + ANNOTATION_SUFFIX)}
    for name in images.in_order(labels ^ set(labels if files is None else files)):
        image, label = root / IMAGES / f"{name}.png", root / ANNOTATIONS / f"{name}.txt"
        there, absent = (label, image) if name in labels else (image, label)
        raise DataError(f"{absent}: no such file, but there is a {there}; add the one or remove the other")
    return list(labels)


def _listed(root: Path, name: str, files: dict[str, str] | None) -> Listed:
    file = f"{IMAGES}/{name if files is None else files[name]}"
    return Listed(name, file, root / ANNOTATIONS / (name + ANNOTATION_SUFFIX))


def read_annotation(path: Path, labels: dict[str, str], size: Size | None = None, key: str = "classes") -> Annotation:
    """Read one ``label_2/*.txt``.

    Args:
        path: the label file.
        labels: type in the file -> class, as `annotation.label_of` gives it.
        size: of the image if known; without it boxes are not checked against the image.
        key: the parameter that lists the classes, for messages.

    Raises:
        DataError: a line has the wrong number of fields, a type that is not in ``labels``, or a box that is
            no number, outside the image or without extent. Names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file; get it again") from None
    found = (_read_line(line.split(), f"{path}, line {i}", labels, size, key) for i, line in enumerate(lines, 1))
    objects = [item for item in found if item is not None]
    return Annotation(None, objects, [fields[0] for fields in map(str.split, lines) if fields])


def _read_line(fields: list[str], where: str, labels: dict[str, str], size: Size | None, key: str) -> Object | None:
    if not fields:
        return None
    if len(fields) != FIELDS:
        hint = "a 16th is the score of a result file" if len(fields) == FIELDS + 1 else "the file may be cut off"
        raise DataError(f"{where}: {len(fields)} fields, expected {FIELDS} ({hint}); get the label file again")
    kind = fields[0]
    where = f"{where} ({kind})"
    left, top, right, bottom = (
        number(text, where, name) for text, name in zip(fields[4:8], ("left", "top", "right", "bottom"), strict=True)
    )
    if kind == DONT_CARE:
        region = clipped((left, top, right, bottom), size)
        return None if region is None or kind not in labels else counted_as(labels[kind], region)
    label = class_of(kind, labels, where, key)
    shown = f"box left={left:g} top={top:g} right={right:g} bottom={bottom:g}"
    if right <= left or bottom <= top:
        raise DataError(f"{where}: {shown} has right <= left or bottom <= top; correct the label")
    if min(left, top) < 0 or (size is not None and (right > size[0] or bottom > size[1])):
        image = f" ({size[0]}x{size[1]} pixels)" if size is not None else ""
        raise DataError(f"{where}: {shown} lies outside the image{image}; correct the label")
    truncated = number(fields[1], where, "truncated") > 0  # a share from 0 to 1; -1 is unknown
    return counted_as(label, (left, top, right, bottom), truncated=truncated)


FORMAT = Format(
    layout=LAYOUT,
    parts={ANNOTATIONS: (ANNOTATION_SUFFIX,), IMAGES: images.SUFFIXES},
    annotations=ANNOTATIONS,
    images=IMAGES,
    listing=listing,
    read=read_annotation,
    keys={"first": Key({"type": "integer", "minimum": 1}, "KITTI's split is the first images for training")},
)
