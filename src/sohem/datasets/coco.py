"""COCO's object detection format on disk: one JSON file with ``images``, ``annotations``, ``categories`` a subset.

A box is x, y, width, height from 0, half-open: (x, y, w, h) becomes (x, y, x + w, y + h). Exports have fractions of
pixels, rounded in their own way, so a box that reaches outside the image by up to half a pixel is cut to the image; one
that reaches further is a mistake. ``iscrowd: 1`` becomes an ignore region, whatever its category; it is cut to the
image wherever it reaches, and left out if nothing remains. Masks and areas are passed over.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from sohem.datasets import images
from sohem.datasets.annotation import (
    IGNORED,
    Annotation,
    Box,
    Format,
    Listed,
    Object,
    Size,
    Subsets,
    check_size,
    class_of,
    clipped,
    counted_as,
    is_there,
    size_of,
)  # fmt: skip
from sohem.errors import DataError

IMAGES, ANNOTATIONS = "images", "annotations"
FILES = {"train": "instances_train.json", "test": "instances_test.json"}
LAYOUT = (
    "annotations/instances_train.json and annotations/instances_test.json in COCO's format, and "
    "images/<file_name>, in sub-folders if the file names have them"
)
TOLERANCE = 0.5  # pixels that a box may reach outside the image

Id = int | str


class Source(NamedTuple):
    """What one file says of one image."""

    path: Path
    image: dict[str, Any]
    annotations: list[dict[str, Any]]
    categories: dict[Id, str]  # name of each


def listing(root: Path, settings: Mapping[str, Any], key: str, with_images: bool) -> Subsets:
    """The images that each file lists, with their annotations; see ``Format.listing``.

    An image is called by its ``file_name`` without the ending.
    """
    return {subset: list(_subset(root, root / ANNOTATIONS / file, with_images)) for subset, file in FILES.items()}


def _subset(root: Path, path: Path, with_images: bool) -> Iterator[Listed]:
    content = _parse(path)
    categories = {i: _text(c, "name", f"{path}: category {i}") for i, c in _by_id(path, content, "categories").items()}
    listed = _by_id(path, content, "images")
    of_image: dict[Id, list[dict[str, Any]]] = {i: [] for i in listed}
    for i, annotation in _by_id(path, content, "annotations").items():
        image = _id(annotation, "image_id", f"{path}: annotation {i}")
        if image not in of_image:
            raise DataError(f"{path}: annotation {i}: image_id {image} is the id of no image; correct the file")
        of_image[image].append(annotation)
    for i, record in listed.items():
        name = _file_name(record, f"{path}: image {i}")
        file = f"{IMAGES}/{name}"
        if with_images and not is_there(root / file):
            raise DataError(
                f"{root / file}: no such image, but {path} lists it (image {i}); put it there or take it off the list"
            )
        yield Listed(str(name.with_suffix("")), file, Source(path, record, of_image[i], categories))


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); expected {LAYOUT}") from None
    except (ValueError, RecursionError) as error:  # the first also: not UTF-8
        raise DataError(f"{path}: not JSON, or cut off ({error}); get the file again") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: not a COCO annotation file (an object with images, annotations, categories)")
    for name in ("images", "annotations", "categories"):
        if not isinstance(content.get(name), list):
            raise DataError(f"{path}: not a COCO annotation file: it has no list {name!r}")
        for place, record in enumerate(content[name], 1):
            if not isinstance(record, dict):
                raise DataError(f"{path}: {name}, entry {place}: not an object with keys; correct the file")
    return content


def _by_id(path: Path, content: dict[str, Any], name: str) -> dict[Id, dict[str, Any]]:
    found: dict[Id, dict[str, Any]] = {}
    for place, record in enumerate(content[name], 1):
        own = _id(record, "id", f"{path}: {name}, entry {place}")
        if own in found:
            raise DataError(f"{path}: {name}, entry {place}: id {own} was there before; give each an id of its own")
        found[own] = record
    return found


def _id(record: dict[str, Any], key: str, where: str) -> Id:
    value = _value(record, key, where)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise DataError(f"{where}: {key} is {value!r}, expected a whole number; correct the file")
    return value


def _text(record: dict[str, Any], key: str, where: str) -> str:
    value = _value(record, key, where)
    if not isinstance(value, str) or not value:
        raise DataError(f"{where}: {key} is {value!r}, expected some text; correct the file")
    return value


def _value(record: dict[str, Any], key: str, where: str) -> Any:
    if key not in record:
        raise DataError(f"{where}: {key} is missing; correct the file")
    return record[key]


def _file_name(image: dict[str, Any], where: str) -> PurePosixPath:
    text = _text(image, "file_name", where)
    name = PurePosixPath(text)
    if name.is_absolute() or ".." in name.parts or "\\" in text or "\0" in text:
        raise DataError(f"{where}: file_name {text!r} is no path below {IMAGES}/ with / between its folders")
    if name.suffix.lower() not in images.SUFFIXES:
        raise DataError(f"{where}: file_name {text!r} ends on none of {', '.join(images.SUFFIXES)}")
    return name


def read_annotation(
    source: Source, labels: dict[str, str], size: Size | None = None, key: str = "classes"
) -> Annotation:
    """The annotation of one image of ``listing``; see ``Format.read``."""
    path, image, annotations, categories = source
    where = f"{path}: image {image['id']} ({image['file_name']})"
    own_size = _read_size(image, where)
    check_size(own_size, size, f"{where}: width, height")
    found = (
        _read_object(a, f"{path}: annotation {a['id']}", labels, categories, size or own_size, key) for a in annotations
    )
    objects = [item for item in found if item is not None]
    return Annotation(own_size, objects, [categories[a["category_id"]] for a in annotations])


def _read_size(image: dict[str, Any], where: str) -> Size | None:
    """Width and height, or None where they are missing or filled with zeros, as some tools write them."""
    width, height = (_number(image.get(name) or 0, where, name) for name in ("width", "height"))
    return size_of(width, height, f"{where}: width, height")


def _read_object(
    annotation: dict[str, Any],
    where: str,
    labels: dict[str, str],
    categories: dict[Id, str],
    size: Size | None,
    key: str,
) -> Object | None:
    category = _id(annotation, "category_id", where)
    if category not in categories:
        raise DataError(f"{where}: category_id {category} is the id of no category; correct the file")
    box = _read_box(annotation, where)
    crowd = annotation.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise DataError(f"{where}: iscrowd is {crowd!r}, expected 0 or 1; correct the file")
    if crowd:
        region = clipped(box, size)
        return None if region is None else counted_as(IGNORED, region)
    label = class_of(categories[category], labels, where, key)
    beyond = [-box[0], -box[1]] if size is None else [-box[0], -box[1], box[2] - size[0], box[3] - size[1]]
    inside = clipped(box, size) if max(beyond) <= TOLERANCE else None
    if inside is None:
        image = f" ({size[0]}x{size[1]} pixels)" if size is not None else ""
        raise DataError(f"{where}: bbox {annotation['bbox']} lies outside the image{image}; correct the annotation")
    return counted_as(label, inside)


def _read_box(annotation: dict[str, Any], where: str) -> Box:
    values = _value(annotation, "bbox", where)
    if not isinstance(values, list) or len(values) != 4:
        raise DataError(f"{where}: bbox is {values!r}, expected [x, y, width, height]; correct the annotation")
    x, y, width, height = (_number(value, where, "bbox") for value in values)
    if width <= 0 or height <= 0:
        raise DataError(f"{where}: bbox {values} has no extent; correct the annotation")
    return x, y, x + width, y + height


def _number(value: Any, where: str, name: str) -> float:
    try:
        found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:  # a whole number of hundreds of digits
        found = math.nan
    if not math.isfinite(found):
        raise DataError(f"{where}: {name} holds {value!r}, not a number; correct the file")
    return found


FORMAT = Format(
    layout=LAYOUT,
    parts={ANNOTATIONS: tuple(FILES.values()), IMAGES: images.SUFFIXES},
    annotations=ANNOTATIONS,
    images=IMAGES,
    listing=listing,
    read=read_annotation,
    nested=True,
)
