"""Bring a data set's files into place and write what is there (a manifest, JSON).

Where the parameters give the data set a `miniature`, its tree is generated under the root. Otherwise the files
are the user's, and only checked for being there. A root that this step did not generate is never touched.
"""

import argparse
from pathlib import Path

from sohem import files, params
from sohem.datasets import generated, tree


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the data set in the parameters")
    parser.add_argument("--out", required=True, metavar="JSON", help="the manifest to write")


def run(args: argparse.Namespace) -> None:
    settings = params.load(args.params, dataset=args.dataset)
    here = params.dataset_at_scale(settings, args.dataset)
    root, kind = Path(here["root"]), settings["datasets"][args.dataset]["format"]
    miniature = here.get("miniature")
    if miniature is not None:
        key = f"datasets.{args.dataset}.{settings['scale']}.root"
        generated.replace(root, {"format": kind, **miniature}, generated.write_miniature, key)
    tree.check(root, kind, args.dataset, settings["scale"])
    manifest = tree.manifest(root, kind, miniature)
    files.write_json(args.out, manifest)
    made = "generated" if miniature else "found"
    counts = f"{manifest['images']} images and {manifest['annotations']} annotations"
    print(f"{args.dataset}: {made} {counts} in {root}")
