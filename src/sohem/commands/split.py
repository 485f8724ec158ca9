"""Read a data set's annotations, check every image and write its split and its tables.

The data set's format says which images train and which test: VOC's image sets trainval and test; of KITTI the first
images by index and the others; COCO's files for train and for test. Writes the split as JSON (counts and image names),
the images and the ground truth as Parquet.
"""

import argparse
from pathlib import Path

from sohem import files, params
from sohem.datasets import ground_truth
from sohem.errors import DataError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the data set in the parameters")
    parser.add_argument("--manifest", required=True, metavar="JSON", help="what `sohem fetch` wrote for it")
    parser.add_argument("--split", required=True, metavar="JSON", help="the split to write")
    parser.add_argument("--images", required=True, metavar="PARQUET", help="the table of images to write")
    parser.add_argument("--ground-truth", required=True, metavar="PARQUET", help="the table of objects to write")


def run(args: argparse.Namespace) -> None:
    settings = params.load(args.params, dataset=args.dataset)
    root = Path(params.dataset_at_scale(settings, args.dataset)["root"]).as_posix()
    again = f"run sohem fetch --dataset {args.dataset} --out {args.manifest} again"
    manifest = files.read_json(args.manifest, f"delete it and {again}")
    if not isinstance(manifest, dict) or manifest.get("root") != root:
        raise DataError(
            f"{args.manifest}: is not about {root} (datasets.{args.dataset}.{settings['scale']}.root); {again}"
        )
    images, objects = ground_truth.read(settings, args.dataset)
    split = ground_truth.summary(images, objects, args.dataset, params.class_names(settings, args.dataset))
    files.write_table(args.images, images)
    files.write_table(args.ground_truth, objects)
    # The checksum of the tree: what depends on the images depends on the split, and so sees that they changed.
    files.write_json(args.split, {**split, "tree": manifest.get("sha256")})
    for subset, counts in split["subsets"].items():
        print(
            f"{args.dataset} {subset}: {counts['images']} images, {sum(counts['objects'].values())} objects "
            f"({counts['difficult']} difficult), {counts['ignored']} ignore regions"
        )
