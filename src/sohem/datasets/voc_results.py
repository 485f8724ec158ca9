"""What others store of a test set in VOC's manner: results files of the devkit, annotations in a tree or an archive.

VOC counts pixels from 1 and a box's last column and row belong to it, in annotations and results alike: a box (xmin,
ymin, xmax, ymax) becomes the half-open (xmin - 1, ymin - 1, xmax, ymax). A detection may reach over the image's edge,
and one without extent overlaps nothing.
"""

import math
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

import pandas as pd

from sohem import files
from sohem.datasets import voc
from sohem.datasets.annotation import BOX, label_of
from sohem.datasets.stored import checked
from sohem.download.extract import refusing_damage
from sohem.errors import DataError
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS

TEST_SET = f"{voc.IMAGE_SETS}/{voc.SUBSETS['test']}.txt"
LINE = "<image> <score> <xmin> <ymin> <xmax> <ymax>"
P = TypeVar("P", bound=PurePath)
CSV_ADVICE = "expected a CSV table with VOC's corners, which count from 1 and belong to the box"


def read_results(folder: Path, classes: Sequence[str]) -> pd.DataFrame:
    """The detections in results files of the devkit: ``comp4_det_test_<class>.txt``, a line for each detection.

    A class in which nothing was found has an empty file, so one for each class must be there.

    Returns:
        image_id, class, score, x1, y1, x2, y2: by class in the order given, then as in its file.

    Raises:
        DataError: a class has no file or several; a line is not image, score and four numbers. Names file and line.
    """
    rows: list[tuple[str | float, ...]] = []
    for name in classes:
        ending = f"_det_{voc.SUBSETS['test']}_{name}.txt"
        found = sorted(path for path in folder.iterdir() if path.name.endswith(ending))
        if len(found) != 1:
            shown = f"both {found[0].name} and {found[1].name}" if found else "no file"
            raise DataError(f"{folder}: {shown} for class {name}; expected comp4{ending} of the VOC devkit, once")
        rows += ((image, name, *numbers) for image, *numbers in _lines(found[0]))
    table = pd.DataFrame(rows, columns=DETECTION_COLUMNS)
    return _half_open(table.astype({"image_id": "str", "class": "str"} | dict.fromkeys(["score", *BOX], "float64")))


def _lines(path: Path) -> Iterator[tuple[str | float, ...]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{path}: cannot be read as text; it holds lines of {LINE}") from None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        try:
            image, *values = words[0], *map(float, words[1:])
        except ValueError:
            values = []
        if len(values) != 5 or not all(map(math.isfinite, values)):
            raise DataError(f"{path}, line {number}: {line.strip()!r} is not {LINE}; get the file again")
        yield image, *values


def read_truth(
    source: Path, classes: Sequence[str] | Mapping[str, list[str]], ignore: Sequence[str] = ()
) -> tuple[pd.Series, pd.DataFrame]:
    """The test images and their boxes, from a VOC tree or a tar archive of one; no image needs to be there.

    Args:
        source: a folder or archive with ``Annotations`` and ``ImageSets/Main/test.txt``, itself or up to two folders
            further down (VOCdevkit/VOC2007). classes, ignore: as for `label_of`; an annotation names nothing else.

    Returns:
        image ids in the order of the list; ground truth as ``average_precision.evaluate`` takes it.

    Raises:
        DataError: there is no such list, or more than one; an annotation is missing or broken. Names file and object.
    """
    names, contents = _of_folder(source) if source.is_dir() else _of_archive(source)
    labels, rows = label_of(classes, ignore), []
    for name in names:
        where = f"{source}: {voc.ANNOTATIONS}/{name}{voc.ANNOTATION_SUFFIX}"
        if name not in contents:
            raise DataError(f"{where}: no such annotation, but image {name} is in {TEST_SET}")
        content = contents[name]
        data = content.read_bytes() if isinstance(content, Path) else content
        objects = voc.parse_annotation(data, where, labels).objects
        rows += [(name, o.label, *o.box, o.difficult, o.ignore) for o in objects]
    types = {"image_id": "str", "class": "str", "difficult": "bool", "ignore": "bool"}
    return pd.Series(names, dtype="str"), pd.DataFrame(rows, columns=GROUND_TRUTH_COLUMNS).astype(types)


def _of_folder(source: Path) -> tuple[list[str], dict[str, Path]]:
    """Test images, and where the annotation of each lies."""
    lists = [path for below in ("", "*/", "*/*/") for path in sorted(source.glob(below + TEST_SET))]
    chosen = _the_one(source, lists)
    root = chosen.parents[2]
    found = {path.stem: path for path in (root / voc.ANNOTATIONS).glob(f"*{voc.ANNOTATION_SUFFIX}")}
    return _names(chosen.read_bytes(), chosen), found


def _of_archive(source: Path) -> tuple[list[str], dict[str, bytes]]:
    """Test images, and the annotations of all images: nothing is unpacked, and images are passed over."""
    lists: dict[PurePosixPath, bytes] = {}
    annotations: dict[PurePosixPath, bytes] = {}
    try:
        with refusing_damage(source, "expected a tar archive of a VOC tree"), tarfile.open(source) as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                wanted = path.suffix == voc.ANNOTATION_SUFFIX and path.parent.name == voc.ANNOTATIONS
                if not wanted and not path.as_posix().endswith(TEST_SET):
                    continue
                if (file := archive.extractfile(member)) is not None:
                    (annotations if wanted else lists)[path] = file.read()
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror})") from None
    chosen = _the_one(source, sorted(lists))
    folder = chosen.parents[2] / voc.ANNOTATIONS
    found = {path.stem: data for path, data in annotations.items() if path.parent == folder}
    return _names(lists[chosen], source), found


def _the_one(source: Path, lists: list[P]) -> P:
    if len(lists) != 1:
        shown = f"both {lists[0]} and {lists[1]}" if lists else f"no {TEST_SET}"
        raise DataError(f"{source}: {shown}; expected one tree with {TEST_SET} and {voc.ANNOTATIONS}/<image>.xml")
    return lists[0]


def _names(content: bytes, where: Path) -> list[str]:
    try:
        names = content.decode("utf-8-sig").split()
    except UnicodeDecodeError:
        raise DataError(f"{where}: {TEST_SET} is not a text file; it lists one image name a line") from None
    if not names or len(set(names)) < len(names):
        raise DataError(f"{where}: {TEST_SET} lists {'an image twice' if names else 'no image'}; get it again")
    return names


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV table (also .csv.gz) of boxes with VOC's corners: image_id, class, x1, y1, x2, y2 and more columns.

    Args:
        columns: ``DETECTION_COLUMNS``, or ``GROUND_TRUTH_COLUMNS``, of which ``ignore`` may be missing: then False.

    Raises:
        DataError: the file is missing, or is no such table.
    """
    text = files.read_csv(path, advice=CSV_ADVICE, text=True)
    if "ignore" in columns and "ignore" not in text:
        text["ignore"] = "0"
    if missing := [name for name in columns if name not in text]:
        raise DataError(f"{path}: no column {', '.join(missing)}; {CSV_ADVICE}")
    table = text.copy()
    for name in columns[2:]:
        try:
            values = text[name].replace({"True": "1", "False": "0"}).astype("float64")
        except ValueError as error:
            raise DataError(f"{path}: column {name}: {error}; {CSV_ADVICE}") from None
        table[name] = values
    return _half_open(checked(table[list(columns)], path, columns, "correct the table"))


def _half_open(table: pd.DataFrame) -> pd.DataFrame:
    table[["x1", "y1"]] -= 1
    return table
