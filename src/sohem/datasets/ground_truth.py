"""A data set read into two tables, images and ground truth, whatever the format of its files.

The order is the same everywhere: training images, then test images, each by name; objects as in their file.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sohem import params as parameters
from sohem.datasets import images as image_files
from sohem.datasets import kitti, tree, voc
from sohem.datasets.annotation import Annotation, Size
from sohem.errors import DataError
from sohem.progress import track

Tables = tuple[pd.DataFrame, pd.DataFrame]

COLUMNS = {
    "image_id": "str", "class": "str", "x1": "float32", "y1": "float32", "x2": "float32", "y2": "float32",
    "difficult": "bool", "truncated": "bool", "ignore": "bool",
}  # fmt: skip
IMAGE_COLUMNS = {"image_id": "str", "file": "str", "width": "int32", "height": "int32", "subset": "str"}


def read(params: parameters.Params, dataset: str, with_images: bool = True) -> Tables:
    """Read and check the data set ``dataset`` of the parameters.

    Args:
        params: the parameters; format, classes and the entry for the active scale are used.
        dataset: its name there.
        with_images: False reads annotations only: no image needs to exist, and sizes are those of the
            annotations, 0 where they do not say any.

    Returns:
        images: image_id, file (relative to the root), width, height, subset.
        ground_truth: image_id, class, x1, y1, x2, y2, difficult, truncated, ignore.

    Raises:
        DataError: the root is missing; an image or annotation is missing, broken or contradicts the other; a
            subset is empty, or an image is listed twice.
    """
    settings = parameters.dataset_at_scale(params, dataset)
    root, kind = Path(settings["root"]), params["datasets"][dataset]["format"]
    tree.check(root, kind, dataset, params["scale"], with_images)
    reader = tree.READERS[kind]
    files = image_files.find(root / reader.IMAGES) if with_images else None
    if kind == "kitti":
        subsets = kitti.split(
            _kitti_names(root, files), settings["first"], f"datasets.{dataset}.{params['scale']}.first"
        )
    else:
        subsets = voc.read_image_sets(root)
    listed = ordered(subsets, str(root))
    sizes: Sequence[Size | None] = [None] * len(listed)
    if files is not None:
        sizes = image_files.check_all([_image_path(root / reader.IMAGES, files, *item) for item in listed])
    labels, key = parameters.label_of(params, dataset), f"datasets.{dataset}.classes"
    image_rows, object_rows = [], []
    for (name, subset), size in track(zip(listed, sizes, strict=True), len(listed), "reading annotations"):
        path = root / reader.ANNOTATIONS / (name + reader.ANNOTATION_SUFFIX)
        if not path.is_file():
            raise DataError(f"{path}: no such annotation, but image {name} is in the {subset} subset")
        annotation = reader.read_annotation(path, labels, size, key)
        _compare_sizes(path, annotation, size)
        file = f"{reader.IMAGES}/{files[name] if files is not None else name}"
        image_rows.append((name, file, *(size or annotation.size or (0, 0)), subset))
        object_rows += [(name, o.label, *o.box, o.difficult, o.truncated, o.ignore) for o in annotation.objects]
    return _table(image_rows, IMAGE_COLUMNS), _table(object_rows, COLUMNS)


def _table(rows: list[tuple], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _image_path(folder: Path, files: dict[str, str], name: str, subset: str) -> Path:
    if name not in files:
        raise DataError(
            f"{folder / name}: no such image (.jpg or .png), but the {subset} subset lists it; "
            "put it there or take it off the list"
        )
    return folder / files[name]


def _kitti_names(root: Path, files: dict[str, str] | None) -> list[str]:
    """Names of the labelled images; an image without a label file, or the reverse, is an error."""
    labels = {path.stem for path in (root / kitti.ANNOTATIONS).glob("*" + kitti.ANNOTATION_SUFFIX)}
    for name in image_files.in_order(labels ^ set(labels if files is None else files)):
        image, label = root / kitti.IMAGES / f"{name}.png", root / kitti.ANNOTATIONS / f"{name}.txt"
        there, absent = (label, image) if name in labels else (image, label)
        raise DataError(f"{absent}: no such file, but there is a {there}; add the one or remove the other")
    return list(labels)


def ordered(subsets: dict[str, list[str]], where: str) -> list[tuple[str, str]]:
    """(image name, subset) of all images: training before test, by name within each.

    Raises:
        DataError: a subset is empty, or an image is listed twice, in one subset or in both.
    """
    seen: dict[str, str] = {}
    for subset, names in subsets.items():
        if not names:
            raise DataError(f"{where}: the {subset} subset is empty; list at least one image")
        for name in names:
            if name in seen:
                place = f"twice in {subset}" if seen[name] == subset else f"both in {seen[name]} and in {subset}"
                raise DataError(f"{where}: image {name} is listed {place}; take it off one list")
            seen[name] = subset
    return [(name, subset) for subset, names in subsets.items() for name in image_files.in_order(names)]


def _compare_sizes(path: Path, annotation: Annotation, size: Size | None) -> None:
    if size is not None and annotation.size is not None and annotation.size != size:
        raise DataError(
            f"{path}: <size> says {annotation.size[0]}x{annotation.size[1]} pixels, but the image has "
            f"{size[0]}x{size[1]}; the boxes may belong to another version of the image"
        )


def summary(images: pd.DataFrame, ground_truth: pd.DataFrame, dataset: str, classes: list[str]) -> dict[str, Any]:
    """The split as it is stored.

    For each subset the number of images, of objects by class (difficult ones too, ignore regions not), of
    difficult objects, of ignore regions, and the image names.
    """
    subsets = {}
    for subset in ("train", "test"):
        ids = images.loc[images["subset"] == subset, "image_id"].tolist()
        here = ground_truth[ground_truth["image_id"].isin(set(ids))]
        counts = here.loc[~here["ignore"], "class"].value_counts()
        subsets[subset] = {
            "images": len(ids),
            "objects": {name: int(counts.get(name, 0)) for name in classes},
            "difficult": int(here["difficult"].sum()),
            "ignored": int(here["ignore"].sum()),
            "ids": ids,
        }
    return {"dataset": dataset, "subsets": subsets}
