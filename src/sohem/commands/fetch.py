"""Bring a data set's files into place and write what is there (a manifest, JSON).

Where the parameters give the data set a `miniature`, its tree is generated under the root. Where they name a folder for
`archives` and the root is absent or empty, the archives are taken from that folder or downloaded into it, verified and
unpacked. Otherwise the files are the user's, and only checked. A root that this step did not make is never changed.

Beside the manifest lies a record of every file (.files.tsv): size, time of change, sha256. Run again, the step reads
only files whose size or time is not as recorded, and names those whose contents changed.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from sohem import files, params
from sohem.datasets import generated, record, tree
from sohem.download import catalogue, extract, transfer
from sohem.errors import DataError, ParamsError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the data set in the parameters")
    parser.add_argument("--out", required=True, metavar="JSON", help="the manifest to write")


def run(args: argparse.Namespace) -> None:
    settings = params.load(args.params, dataset=args.dataset)
    here = params.dataset_at_scale(settings, args.dataset)
    root, kind = Path(here["root"]), settings["datasets"][args.dataset]["format"]
    key = f"datasets.{args.dataset}.{settings['scale']}"
    miniature, archives = here.get("miniature"), here.get("archives")
    if miniature is not None:
        generated.replace(root, {"format": kind, **miniature}, generated.write_miniature, f"{key}.root")
    elif archives is not None and files.is_absent_or_empty(root):
        _bring(args.dataset, Path(archives), root, f"{key}.archives")
    manifest = look(settings, args.dataset, Path(args.out))
    made = "generated" if miniature else "found"
    counts = f"{manifest['images']} images and {manifest['annotations']} annotation files"
    print(f"{args.dataset}: {made} {counts} in {root}")


def look(settings: params.Params, dataset: str, out: Path) -> dict[str, Any]:
    """Write the manifest of the tree that is there to ``out`` and, for real data, the record of its files.

    The workflow calls this too, when a file is not as recorded: a manifest that says something else makes everything
    run again that depends on the images.
    """
    here = params.dataset_at_scale(settings, dataset)
    root, kind = Path(here["root"]), settings["datasets"][dataset]["format"]
    tree.check(settings, dataset)
    entries = None
    if "miniature" in here:
        manifest = tree.manifest_of_generated(root, kind, here["miniature"])
    else:
        entries = _look_over(dataset, root, kind, record.path_of(out))
        manifest = tree.manifest(root, kind, entries)
    if not out.exists() or files.read_json(out) != manifest:
        files.write_json(out, manifest)
    if entries is not None:  # last: a change that is in the record but not in the manifest would never be seen again
        record.write(record.path_of(out), root, entries)
    return manifest


def _bring(dataset: str, folder: Path, root: Path, key: str) -> None:
    """Download what is missing in ``folder``, verify all archives, and unpack them to ``root``."""
    if dataset not in catalogue.DATASETS:
        raise ParamsError(
            f"{key}: nothing is known to download for {dataset}, only for {', '.join(catalogue.DATASETS)}; "
            f"take the key away and unpack the data to {root} yourself"
        )
    source = catalogue.DATASETS[dataset]
    if missing := [file for file in source.archives if not (folder / file.name).exists()]:
        size = sum(file.size or 0 for file in missing) / 1e9
        print(f"{dataset}: downloading {size:.2f} GB to {folder}; {source.terms} ({source.page})", file=sys.stderr)
    extract.unpack([transfer.obtain(file, folder) for file in source.archives], source.inside, root)


def _look_over(dataset: str, root: Path, kind: str, path: Path) -> record.Entries:
    """The state of every file; what differs from the last time is named."""
    before = record.read(path, root)
    now = record.take(root, tree.names(root, kind), before)
    changes = record.compare(before, now) if before else record.Changes([], [], [])
    if any(changes):
        found = "; ".join(
            f"{len(names)} {how}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
            for how, names in changes._asdict().items()
            if names
        )
        if (root / extract.MARKER).is_file():
            raise DataError(
                f"{root}: not as it was unpacked ({found}). Delete this folder, and the next run unpacks it again; "
                f"or keep the change: delete {path} and run again"
            )
        print(f"{dataset}: since the last look {found}; what depends on these files is out of date", file=sys.stderr)
    return now
