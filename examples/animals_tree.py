"""Make the tree of animal photographs from the official VOC2012 archive.

    python examples/animals_tree.py VOCtrainval_11-May-2012.tar --out data/animals

3,426 photographs of VOC2012's detection task: every one with a cat, dog, cow, horse or sheep. animals.csv beside this
file lists them: those of the official train list are to train on (trainval.txt), those of its val list to test on
(test.txt). Each is scaled to a short side of 300 pixels, never enlarged, and its boxes with it. The archive may be the
tar or a folder that it was unpacked to; it is read, never changed. The tree appears as VOCdevkit/VOC2012 below --out.

Images, sizes and boxes come out as in voc12_animals.tar. The pixels do so but for the filter that scaled them (here
Lanczos) and what JPEG loses; the bytes of the files do not. "difficult" and "truncated" are written as 0, as there,
where they were not known; --flags keeps the official ones, which makes another data set.
"""

import argparse
import contextlib
import csv
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image

from sohem import files, params
from sohem.datasets import images, voc
from sohem.datasets.annotation import Annotation, Box, Size, label_of
from sohem.download import extract
from sohem.errors import DataError, SohemError
from sohem.progress import track

HERE = Path(__file__).parent
LIST = HERE / "animals.csv"
ARCHIVE, INSIDE = "VOCtrainval_11-May-2012.tar", "VOCdevkit/VOC2012"
SHORT, QUALITY = 300, 88  # pixels; of the JPEG files
Read = Callable[[str], bytes]  # "JPEGImages/<image>.jpg" -> what the file holds


def main(argv: list[str] | None = None) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="animals_tree.py", description=__doc__, formatter_class=form)
    parser.add_argument("archive", type=Path, help=f"{ARCHIVE}, or the folder with its {INSIDE}")
    parser.add_argument("--out", type=Path, required=True, help=f"the folder in which {INSIDE} is made")
    parser.add_argument("--flags", action="store_true", help="keep the official difficult and truncated")
    args = parser.parse_args(argv)
    try:
        make(args.archive, args.out / INSIDE, listed(LIST), args.flags)
    except (SohemError, OSError) as error:
        print(f"animals_tree.py: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("animals_tree.py: stopped; nothing was left behind", file=sys.stderr)
        return 130
    return 0


def listed(path: Path) -> dict[str, str]:
    """Image -> the image set that it goes into, trainval or test."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["image"]: row["subset"] for row in csv.DictReader(file)}


def make(archive: Path, root: Path, subsets: dict[str, str], flags: bool = False) -> None:
    """Write the tree ``root``, whole or not at all.

    Raises:
        DataError: the root has files in it; the archive is broken or not the one that is wanted; an image or annotation
            in it cannot be read.
    """
    if not files.is_absent_or_empty(root):
        raise DataError(f"{root}: is there already, and is left as it is; move it away, or name another --out")
    classes = params.load(HERE.parent / "params.yaml")["datasets"]["voc"]["classes"]
    labels = label_of(classes)
    partial = root.parent / f".{root.name}.partial"
    with reading(archive, subsets) as read:
        try:
            shutil.rmtree(partial, ignore_errors=True)  # what a killed run left
            for folder in (voc.ANNOTATIONS, voc.IMAGES, voc.IMAGE_SETS):
                (partial / folder).mkdir(parents=True)
            for name in track(subsets, len(subsets), "scaling photographs"):
                photograph(name, read, labels, flags, partial)
            for subset in voc.SUBSETS.values():
                names = "".join(f"{name}\n" for name, its in subsets.items() if its == subset)
                (partial / voc.IMAGE_SETS / f"{subset}.txt").write_text(names, encoding="utf-8")
            if root.exists():
                root.rmdir()
            partial.rename(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    counts = [list(subsets.values()).count(subset) for subset in voc.SUBSETS.values()]
    print(f"{root}: {counts[0]} photographs to train on, {counts[1]} to test on"
          + ("" if flags else "; difficult and truncated written as 0"))  # fmt: skip


@contextlib.contextmanager
def reading(archive: Path, subsets: dict[str, str]) -> Iterator[Read]:
    """What reads the archive's files, once it is known that all are there."""
    if archive.is_dir():
        roots = (archive / INSIDE, archive / Path(INSIDE).name, archive)
        root = next((folder for folder in roots if (folder / voc.IMAGES).is_dir()), archive / INSIDE)
        check({name for name in wanted(subsets) if (root / name).is_file()}, subsets, root)
        yield lambda name: (root / name).read_bytes()
    elif archive.is_file():
        with extract.reading(archive) as members:
            known = {member.name.removeprefix(f"{INSIDE}/"): member for member in members if member.kind == "file"}
            check(known.keys() & wanted(subsets), subsets, archive)
            yield lambda name: known[name].open().read()
    else:
        raise DataError(f"{archive}: no such file or folder; it is to be {ARCHIVE} or the folder that this unpacks to")


def wanted(subsets: dict[str, str]) -> set[str]:
    """The files that the tree is made from."""
    return {file for name in subsets for file in (image_of(name), annotation_of(name))}


def check(found: set[str], subsets: dict[str, str], where: Path) -> None:
    """Refuse an archive that lacks some of the files."""
    if missing := sorted(wanted(subsets) - found):
        raise DataError(
            f"{where}: lacks {len(missing)} of the {2 * len(subsets)} files that the tree is made from (the first is "
            f"{missing[0]}), so it is another year's devkit or not whole; it is to be {ARCHIVE} with {INSIDE} in it"
        )


def image_of(name: str) -> str:
    return f"{voc.IMAGES}/{name}.jpg"


def annotation_of(name: str) -> str:
    return f"{voc.ANNOTATIONS}/{name}{voc.ANNOTATION_SUFFIX}"


def photograph(name: str, read: Read, labels: dict[str, str], flags: bool, root: Path) -> None:
    """Write one photograph and its annotation."""
    with images.opened(Path(image_of(name)), read(image_of(name)), "get the archive again") as stored:
        image = stored.convert("RGB")
    annotation = voc.parse_annotation(read(annotation_of(name)), annotation_of(name), labels, image.size)
    size = scaled_size(image.size)
    text = xml(name, annotation, image.size, size, flags)
    (root / annotation_of(name)).write_text(text, encoding="utf-8")
    image.resize(size, Image.Resampling.LANCZOS).save(root / image_of(name), quality=QUALITY)


def scaled_size(size: Size) -> Size:
    """Width and height with a short side of 300; a smaller photograph stays as it is.

    >>> scaled_size((500, 333)), scaled_size((375, 500)), scaled_size((500, 281))
    ((450, 300), (300, 400), (500, 281))
    """
    factor = min(SHORT / min(size), 1.0)
    return round(size[0] * factor), round(size[1] * factor)


def scaled_box(box: Box, old: Size, new: Size) -> Box:
    """A half-open box as VOC writes it (from 1, last column and row included), scaled, with one decimal.

    Each axis has its own factor, since sizes are whole pixels:

    >>> scaled_box((2, 0, 500, 333), (500, 333), (450, 300))
    (2.8, 1.0, 450.0, 300.0)
    """
    (x1, y1, x2, y2), fx, fy = box, new[0] / old[0], new[1] / old[1]
    return round(x1 * fx + 1, 1), round(y1 * fy + 1, 1), round(x2 * fx, 1), round(y2 * fy, 1)


def xml(name: str, annotation: Annotation, old: Size, new: Size, flags: bool) -> str:
    """The text of an annotation file."""
    lines = [
        f"<annotation><folder>VOC2012</folder><filename>{name}.jpg</filename>"
        f"<size><width>{new[0]}</width><height>{new[1]}</height><depth>3</depth></size>"
    ]
    for thing in annotation.objects:
        corners = zip(("xmin", "ymin", "xmax", "ymax"), scaled_box(thing.box, old, new), strict=True)
        box = "".join(f"<{corner}>{value}</{corner}>" for corner, value in corners)
        lines.append(
            f"<object><name>{escape(thing.label)}</name><truncated>{int(flags and thing.truncated)}</truncated>"
            f"<difficult>{int(flags and thing.difficult)}</difficult><bndbox>{box}</bndbox></object>"
        )
    return "\n".join([*lines, "</annotation>\n"])


if __name__ == "__main__":
    sys.exit(main())
