"""The files of a data set on disk: is the tree there, and what is in it."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sohem import params
from sohem.datasets import record
from sohem.datasets.formats import FORMATS
from sohem.download import catalogue
from sohem.errors import DataError


def check(settings: params.Params, dataset: str, with_images: bool = True) -> None:
    """Check that the root of a data set and the folders of its format exist.

    Raises:
        DataError: says what is missing, which layout is expected, where such a tree lies instead (another year's
            devkit), which parameter names the root, and where the paper's data sets are to be had.
    """
    root, key = Path(params.dataset_at_scale(settings, dataset)["root"]), f"datasets.{dataset}.{settings['scale']}"
    form = FORMATS[settings["datasets"][dataset]["format"]]
    folders = [folder for folder in form.parts if with_images or folder != form.images]
    missing = next((path for path in (root, *(root / folder for folder in folders)) if not path.is_dir()), None)
    if missing is None:
        return
    what = "data root missing" if missing == root else "not a complete data set"
    message = (
        f"{missing}: no such folder ({what}). Expected under {root}: {form.layout}. {_elsewhere(root, folders)}"
        f"Put the data there, or name another root in {key}.root of params.yaml"
    )
    if dataset in catalogue.DATASETS and not params.generated(settings, [dataset]):
        source = catalogue.DATASETS[dataset]
        names = " and ".join(file.name for file in source.archives)
        message += (
            f". To have it downloaded, name a folder in {key}.archives; or get {names} "
            f"({source.page}) and unpack both into one place, so that their {source.inside} is the root"
        )
    raise DataError(message)


def _elsewhere(root: Path, folders: list[str]) -> str:
    """A sentence that names the trees with these folders above, beside, and up to two levels below the root; or ""."""
    near = [root.parent, *root.parent.glob("*"), *root.glob("*"), *root.glob("*/*")]
    trees = sorted(str(path) for path in set(near) - {root} if os.access(path, os.X_OK) and _holds(path, folders))
    return f"Such a tree was found in {', '.join(trees[:5])}{', ...' if len(trees) > 5 else ''}. " if trees else ""


def _holds(path: Path, folders: list[str]) -> bool:
    return all((path / folder).is_dir() for folder in folders)


def names(root: Path, kind: str) -> list[str]:
    """The files that make up a data set, relative to its root: annotations, the image lists that are used, images."""
    form = FORMATS[kind]
    found = []
    for folder, wanted in form.parts.items():
        nested = form.nested and folder == form.images
        below = _all_below(root / folder) if nested else (root / folder).iterdir()
        chosen = [path for path in below if path.suffix.lower() in wanted or path.name in wanted]
        found += [path.relative_to(root).as_posix() for path in sorted(chosen)]
    return found


def _all_below(folder: Path) -> Iterator[Path]:
    """The files in a folder and its sub-folders, which may be links: large sets of images often lie elsewhere."""
    return (Path(where, name) for where, _, files in os.walk(folder, followlinks=True) for name in files)


def manifest(root: Path, kind: str, entries: record.Entries) -> dict[str, Any]:
    """What a data set's tree holds: its counts, and a checksum that changes with the contents of any file."""
    digest = hashlib.sha256()
    for name, entry in entries.items():
        digest.update(f"{name}\0{entry.size}\0{entry.sha256}\0".encode())
    return _summary(root, kind, list(entries), sum(entry.size for entry in entries.values()), digest.hexdigest())


def manifest_of_generated(root: Path, kind: str, settings: dict[str, int]) -> dict[str, Any]:
    """``manifest`` of a tree that was generated with ``settings``: small, and compared between machines."""
    digest, total, found = hashlib.sha256(), 0, names(root, kind)
    for name in found:
        content = (root / name).read_bytes()
        total += len(content)
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return {**_summary(root, kind, found, total, digest.hexdigest()), "generated": settings}


def _summary(root: Path, kind: str, found: list[str], total: int, checksum: str) -> dict[str, Any]:
    form = FORMATS[kind]
    counts = Counter(name.split("/")[0] for name in found)
    return {
        "root": root.as_posix(),
        "format": kind,
        "images": counts[form.images],
        "annotations": counts[form.annotations],
        "bytes": total,
        "sha256": checksum,
    }
