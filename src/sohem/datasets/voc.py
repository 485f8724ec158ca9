"""PASCAL VOC devkit on disk: ``Annotations/*.xml``, ``ImageSets/Main/{trainval,test}.txt``, ``JPEGImages``.

VOC counts pixels from 1, and a box's last column and row belong to it: (xmin, ymin, xmax, ymax) becomes the
half-open (xmin - 1, ymin - 1, xmax, ymax). Checked on all 9,963 annotations of VOC07: every box lies inside its
image and has xmin < xmax and ymin < ymax, so no tolerance is granted for boxes outside. A box of exactly one
pixel (both pairs equal) is valid in this format and kept: labelling tools leave one behind after a stray click,
as in BCCD's BloodImage_00338. A box without extent in one direction only is a mistake.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sohem.datasets import images
from sohem.datasets.annotation import (
    Annotation,
    Box,
    Format,
    Listed,
    Size,
    Subsets,
    check_size,
    class_of,
    counted_as,
    is_there,
    number,
    size_of,
)  # fmt: skip
from sohem.errors import DataError

IMAGES, ANNOTATIONS, IMAGE_SETS = "JPEGImages", "Annotations", "ImageSets/Main"
ANNOTATION_SUFFIX = ".xml"
SUBSETS = {"train": "trainval", "test": "test"}  # our name -> the image set's
LAYOUT = (
    "Annotations/<image>.xml, JPEGImages/<image>.jpg (or .png), "
    "ImageSets/Main/trainval.txt and ImageSets/Main/test.txt with one image name a line"
)


def read_image_sets(root: Path) -> dict[str, list[str]]:
    """Image names of the training ("train") and test subset, as ``trainval.txt`` and ``test.txt`` list them.

    Raises:
        DataError: a list is missing, empty or not text.
    """
    return {subset: _read_list(root / IMAGE_SETS / f"{name}.txt", subset) for subset, name in SUBSETS.items()}


def _read_list(path: Path, subset: str) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); it lists the {subset} subset, one image name a line"
            f"{_own(path)}"
        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file; it lists one image name a line") from None
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise DataError(f"{path}: lists no image, so the {subset} subset is empty; list one image name a line")
    return names


def _own(path: Path) -> str:
    """What to do without a list in a devkit from 2008 on, of whose test images no annotations were published."""
    train, val = (path.with_name(f"{name}.txt") for name in ("train", "val"))
    if not (train.is_file() and val.is_file()):
        return ""
    both = " and ".join(f"{name}.txt" for name in SUBSETS.values())
    return (
        f". From VOC2008 on the annotations of the test images are not public: write {both} yourself, for example as "
        f"copies of {train.name} and {val.name} beside it"
    )


def listing(root: Path, settings: Mapping[str, Any], key: str, with_images: bool) -> Subsets:
    """The images of both image sets, with their annotation files; see ``Format.listing``."""
    files = images.find(root / IMAGES) if with_images else None
    return {
        subset: [_listed(root, name, subset, files) for name in names]
        for subset, names in read_image_sets(root).items()
    }


def _listed(root: Path, name: str, subset: str, files: dict[str, str] | None) -> Listed:
    annotation = root / ANNOTATIONS / (name + ANNOTATION_SUFFIX)
    if files is not None and name not in files:
        raise DataError(
            f"{root / IMAGES / name}: no such image (.jpg or .png), but the {subset} subset lists it "
            f"({IMAGE_SETS}/{SUBSETS[subset]}.txt); put it there or take it off the list"
        )
    if not is_there(annotation):
        raise DataError(f"{annotation}: no such annotation, but image {name} is in the {subset} subset")
    return Listed(name, f"{IMAGES}/{name if files is None else files[name]}", annotation)


def read_annotation(path: Path, labels: dict[str, str], size: Size | None = None, key: str = "classes") -> Annotation:
    """Read one ``Annotations/*.xml``.

    Unknown elements are passed over; ``difficult`` and ``truncated`` count as 0 where they are missing.

    Args:
        path: the XML file.
        labels: name in the file -> class, as `annotation.label_of` gives it.
        size: of the image if known; otherwise the file's own ``<size>`` says what lies outside.
        key: the parameter that lists the classes, for messages.

    Raises:
        DataError: the XML is cut off, damaged or declares entities; an object's name is not in ``labels``;
            its box is missing, no number, outside the image or without extent; ``<size>`` is not the image's. Names
            the file and the object.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    return parse_annotation(content, str(path), labels, size, key)


def parse_annotation(
    content: bytes, source: str, labels: dict[str, str], size: Size | None = None, key: str = "classes"
) -> Annotation:
    """``read_annotation`` of what an XML file holds; ``source`` names it in messages."""
    root = _parse(content, source)
    own_size = _read_size(root.find("size"), source)
    objects, names = [], []
    for index, element in enumerate(root.findall("object"), 1):
        name = (element.findtext("name") or "").strip()
        where = f"{source}: object {index} ({name or 'without a name'})"
        label = class_of(name, labels, where, key)
        box = _read_box(element.find("bndbox"), where, size or own_size)
        flags = {flag: _read_flag(element.findtext(flag), where, flag) for flag in ("difficult", "truncated")}
        objects.append(counted_as(label, box, **flags))
        names.append(name)
    check_size(own_size, size, f"{source}: <size>")
    return Annotation(own_size, objects, names)


def _parse(content: bytes, source: str) -> Element:
    try:
        root = fromstring(content)
    except DefusedXmlException:
        raise DataError(f"{source}: declares XML entities, which is refused; VOC annotations need none") from None
    except (ParseError, ValueError, LookupError) as error:  # the last two: an encoding that does not fit
        raise DataError(f"{source}: XML cut off or damaged ({error}); get the file again") from None
    if root.tag != "annotation":
        raise DataError(f"{source}: the root element is <{root.tag}>, expected <annotation>; not a VOC annotation")
    return root


def _read_size(element: Element | None, where: str) -> Size | None:
    """Width and height, or None where the element is missing or filled with zeros, as some tools write it."""
    if element is None:
        return None
    width, height = (number(element.findtext(name), where, f"<size> <{name}>") for name in ("width", "height"))
    return size_of(width, height, f"{where}: <size>")


def _read_box(element: Element | None, where: str, size: Size | None) -> Box:
    if element is None:
        raise DataError(f"{where}: <bndbox> is missing; correct the annotation")
    xmin, ymin, xmax, ymax = (number(element.findtext(n), where, n) for n in ("xmin", "ymin", "xmax", "ymax"))
    shown = f"box xmin={xmin:g} ymin={ymin:g} xmax={xmax:g} ymax={ymax:g}"
    one_pixel = xmin == xmax and ymin == ymax
    for low, high, axis in ((xmin, xmax, "x"), (ymin, ymax, "y")):
        if high < low or (high == low and not one_pixel):
            raise DataError(f"{where}: {shown} has {axis}max <= {axis}min; correct the annotation")
    if min(xmin, ymin) < 1 or (size is not None and (xmax > size[0] or ymax > size[1])):
        image = f"{size[0]}x{size[1]} pixels, " if size is not None else ""
        raise DataError(f"{where}: {shown} lies outside the image ({image}counted from 1); correct the annotation")
    return xmin - 1, ymin - 1, xmax, ymax


def _read_flag(text: str | None, where: str, name: str) -> bool:
    value = (text or "0").strip().lower()
    if value in ("0", "", "false"):
        return False
    if value in ("1", "true"):
        return True
    raise DataError(f"{where}: {name} is {value!r}, expected 0 or 1; correct the annotation")


FORMAT = Format(
    layout=LAYOUT,
    parts={
        ANNOTATIONS: (ANNOTATION_SUFFIX,),
        IMAGE_SETS: tuple(f"{name}.txt" for name in SUBSETS.values()),
        IMAGES: images.SUFFIXES,
    },
    annotations=ANNOTATIONS,
    images=IMAGES,
    listing=listing,
    read=read_annotation,
)
