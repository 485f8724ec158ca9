"""Small VOC, KITTI and COCO trees for tests, and the parameters that go with them."""

import copy
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from sohem import params

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
PARAMS = params.load(ROOT / "params.yaml")


def voc_object(name="dog", box=(3, 4, 10, 12), extra="") -> str:
    corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{name}</name>{extra}<bndbox>{corners}</bndbox></object>"


def voc_xml(*objects: str, size="<size><width>20</width><height>16</height><depth>3</depth></size>") -> str:
    return f"<annotation>{size}{''.join(objects)}</annotation>"


def voc_tree(root: Path, trainval=("000002", "000001"), test=("000003",)) -> Path:
    """A VOC tree of 20x16 images with one dog each."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for name in {*trainval, *test}:
        (root / f"Annotations/{name}.xml").write_text(voc_xml(voc_object()))
        Image.new("RGB", (20, 16), (200, 90, 10)).save(root / f"JPEGImages/{name}.jpg")
    for name, ids in {"trainval": trainval, "test": test}.items():
        (root / f"ImageSets/Main/{name}.txt").write_text("".join(f"{i}\n" for i in ids))
    return root


def kitti_line(kind="Car", box=(1.5, 2, 10.25, 12), truncated="0.00") -> str:
    return f"{kind} {truncated} 0 -10 {' '.join(map(str, box))} -1 -1 -1 -1000 -1000 -1000 -10"


def kitti_tree(root: Path, count=4) -> Path:
    """A KITTI tree of 20x16 images, each with a car."""
    for folder in ("image_2", "label_2"):
        (root / folder).mkdir(parents=True)
    for index in range(count):
        (root / f"label_2/{index:06}.txt").write_text(kitti_line() + "\n")
        Image.new("RGB", (20, 16)).save(root / f"image_2/{index:06}.png")
    return root


COCO_CATEGORIES = {3: "dog", 7: "cat"}


def coco_content(files, boxes=None) -> dict:
    """A COCO file about 20x16 images; ``boxes`` are (file, category, bbox, more keys), by default a dog in each."""
    numbers = {file: 10 + place for place, file in enumerate(files)}
    boxes = [(file, 3, [2, 3, 8, 9], {}) for file in files] if boxes is None else boxes
    return {
        "info": {"year": 2017},
        "images": [{"id": i, "file_name": file, "width": 20, "height": 16} for file, i in numbers.items()],
        "annotations": [
            {"id": 100 + place, "image_id": numbers[file], "category_id": category, "bbox": box, "iscrowd": 0, **more}
            for place, (file, category, box, more) in enumerate(boxes)
        ],
        "categories": [{"id": i, "name": name, "supercategory": "animal"} for i, name in COCO_CATEGORIES.items()],
    }


def coco_tree(root: Path, train=("000002.jpg", "000001.jpg"), test=("000003.jpg",), train_boxes=None) -> Path:
    """A COCO tree of 20x16 images with one dog each; ``train_boxes`` as in ``coco_content``."""
    (root / "annotations").mkdir(parents=True)
    for subset, files, boxes in (("train", train, train_boxes), ("test", test, None)):
        (root / f"annotations/instances_{subset}.json").write_text(json.dumps(coco_content(files, boxes)))
        for file in files:
            path = root / "images" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 16), (200, 90, 10)).save(path)
    return root


def settings(dataset: str, root: Path, scale="demo", **more) -> dict:
    """params.yaml with ``dataset`` at another root, without its miniature and archives."""
    result = copy.deepcopy(PARAMS)
    result["scale"] = scale
    here = result["datasets"][dataset][scale]
    here.pop("miniature", None)
    here.pop("archives", None)
    here.update(root=str(root), **more)
    return result


@contextmanager
def unpacked(archive: str) -> Iterator[Path]:
    """A folder with one of the shared archives of real data; the test is skipped where it is absent.

    In memory if possible: making and removing ten thousand files takes a disk up to a minute.
    """
    path = SHARED / archive
    if not path.exists():
        pytest.skip(f"{path} is not there: real data is for trying only")
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 500e6
    with tempfile.TemporaryDirectory(dir=memory if roomy else None) as folder:
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)
