"""A data set read into two tables, images and ground truth, whatever the format of its files.

The order is the same everywhere: training images, then test images, each by name; objects as in their file.
"""

import difflib
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sohem.datasets import images as image_files
from sohem.datasets import stored, tree
from sohem.datasets.annotation import Listed, Size, Subsets, label_of
from sohem.datasets.formats import FORMATS
from sohem.errors import DataError
from sohem.progress import track

Tables = tuple[pd.DataFrame, pd.DataFrame]


def read(params: dict[str, Any], dataset: str, with_images: bool = True) -> Tables:
    """Read and check the data set ``dataset`` of the parameters.

    Args:
        params: the parameters; format, classes, ignore and the entry for the active scale are used.
        dataset: its name there.
        with_images: False reads annotations only: no image needs to exist, and sizes are those of the
            annotations, 0 where they do not say any.

    Returns:
        images: image_id, file (relative to the root), width, height, subset.
        ground_truth: image_id, class, x1, y1, x2, y2, difficult, truncated, ignore.

    Raises:
        DataError: the root is missing; an image or annotation is missing, broken or contradicts the other; a
            subset is empty, or an image is listed twice. Or a label to be ignored is mistyped.
    """
    entry, scale = params["datasets"][dataset], params["scale"]
    settings, form = entry[scale], FORMATS[entry["format"]]
    root = Path(settings["root"])
    tree.check(params, dataset, with_images)
    listed = ordered(form.listing(root, settings, f"datasets.{dataset}.{scale}", with_images), str(root))
    sizes: Sequence[Size | None] = [None] * len(listed)
    if with_images:
        sizes = image_files.check_all([root / image.file for image, _ in listed])
    labels, key = label_of(entry["classes"], entry.get("ignore", [])), f"datasets.{dataset}.classes"
    image_rows, object_rows, met = [], [], set[str]()
    for (image, subset), size in track(zip(listed, sizes, strict=True), len(listed), "reading annotations"):
        annotation = form.read(image.source, labels, size, key)
        image_rows.append((image.name, image.file, *(size or annotation.size or (0, 0)), subset))
        object_rows += [(image.name, o.label, *o.box, o.difficult, o.truncated, o.ignore) for o in annotation.objects]
        met.update(annotation.labels)
    for line in unmet(entry.get("ignore", []), met, labels, f"datasets.{dataset}.ignore"):
        print(line, file=sys.stderr)
    return _table(image_rows, stored.IMAGES), _table(object_rows, stored.OBJECTS)


def unmet(ignore: Iterable[str], met: Collection[str], known: Collection[str], key: str) -> list[str]:
    """A line about each label to be ignored that no annotation has: like a class without objects, it does nothing.

    Args:
        met: the labels in the annotation files. known: those that are listed in a class or to be ignored.
        key: the parameter that lists ``ignore``.

    Raises:
        DataError: such a label looks like one in the files that is listed nowhere: DontCare, which then is background.
    """
    unlisted = {label.casefold(): label for label in met if label not in known}
    lines = []
    for label in ignore:
        if label in met:
            continue
        close = difflib.get_close_matches(label.casefold(), unlisted, 1, cutoff=0.7)
        if close:
            raise DataError(
                f"{key}: no annotation has the label {label!r}, but there is {unlisted[close[0]]!r}, which is listed "
                "nowhere; correct the label or take it off the list"
            )
        lines.append(f"{key}: no annotation has the label {label!r}, which so does nothing; see that it is spelt right")
    return lines


def _table(rows: list[tuple], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def ordered(subsets: Subsets, where: str) -> list[tuple[Listed, str]]:
    """(image, subset) of all images: training before test, by name within each.

    Raises:
        DataError: a subset is empty, or an image is listed twice, in one subset or in both.
    """
    seen: dict[str, str] = {}
    found = []
    for subset, listed in subsets.items():
        if not listed:
            raise DataError(f"{where}: the {subset} subset is empty; list at least one image")
        for name in (image.name for image in listed):
            if name in seen:
                place = f"twice in {subset}" if seen[name] == subset else f"both in {seen[name]} and in {subset}"
                raise DataError(f"{where}: image {name} is listed {place}; take it off one list")
            seen[name] = subset
        by_name = {image.name: image for image in listed}
        found += [(by_name[name], subset) for name in image_files.in_order(by_name)]
    return found


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
