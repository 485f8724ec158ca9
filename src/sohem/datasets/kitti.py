"""KITTI object benchmark on disk: ``image_2/*.png`` and ``label_2/*.txt`` under the ``training`` folder.

A label line has 15 fields: type, truncated, occluded, alpha, left, top, right, bottom, and seven of the 3D box.
Box corners are taken as they are. Lines with a 16th field, the score of a result file, are refused: results are
no ground truth. ``DontCare`` regions become ignore regions; they are cut to the image, and left out if nothing
remains.
"""

from pathlib import Path

from sohem.datasets.annotation import Annotation, Box, Object, Size, class_of, number
from sohem.datasets.images import in_order
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
    ordered = in_order(names)
    return {"train": ordered[:first], "test": ordered[first:]}


def read_annotation(path: Path, labels: dict[str, str], size: Size | None = None, key: str = "classes") -> Annotation:
    """Read one ``label_2/*.txt``.

    Args:
        path: the label file.
        labels: type in the file -> class.
        size: of the image if known; without it boxes are not checked against the image.
        key: the parameter that lists the classes, for messages.

    Raises:
        DataError: a line has the wrong number of fields, a type that is in no class, or a box that is no
            number, outside the image or without extent. Names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file; get it again") from None
    found = (_read_line(line.split(), f"{path}, line {i}", labels, size, key) for i, line in enumerate(lines, 1))
    return Annotation(None, [item for item in found if item is not None])


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
        return _ignore((left, top, right, bottom), size)
    label = class_of(kind, labels, where, key)
    shown = f"box left={left:g} top={top:g} right={right:g} bottom={bottom:g}"
    if right <= left or bottom <= top:
        raise DataError(f"{where}: {shown} has right <= left or bottom <= top; correct the label")
    if min(left, top) < 0 or (size is not None and (right > size[0] or bottom > size[1])):
        image = f" ({size[0]}x{size[1]} pixels)" if size is not None else ""
        raise DataError(f"{where}: {shown} lies outside the image{image}; correct the label")
    truncated = number(fields[1], where, "truncated") > 0  # a share from 0 to 1; -1 is unknown
    return Object(label, (left, top, right, bottom), truncated=truncated)


def _ignore(box: Box, size: Size | None) -> Object | None:
    left, top, right, bottom = max(box[0], 0.0), max(box[1], 0.0), box[2], box[3]
    if size is not None:
        right, bottom = min(right, float(size[0])), min(bottom, float(size[1]))
    return Object("", (left, top, right, bottom), ignore=True) if right > left and bottom > top else None
