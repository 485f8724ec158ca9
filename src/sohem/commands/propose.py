"""Find proposals by selective search on one chunk of a data set's images, of both subsets.

The chunks are independent of each other and may run side by side; `sohem merge-proposals` joins them. The boxes of an
image are the same whatever the number of chunks.
"""

import argparse
from pathlib import Path

from sohem import files, params
from sohem.datasets import stored
from sohem.datasets.images import load
from sohem.errors import DataError
from sohem.progress import track
from sohem.proposals import chunks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the data set in the parameters")
    parser.add_argument("--images", required=True, metavar="PARQUET", help="the table of images of sohem split")
    parser.add_argument("--chunk", required=True, type=int, metavar="K", help="which chunk, from 1 on")
    parser.add_argument("--out", required=True, metavar="PARQUET", help="the chunk's proposals to write")


def run(args: argparse.Namespace) -> None:
    import cv2

    from sohem.proposals import selective_search

    cv2.setNumThreads(1)  # the chunks are what runs in parallel
    settings = params.load(args.params, dataset=args.dataset)
    search = params.at_scale(settings)["selective_search"]
    root = Path(params.dataset_at_scale(settings, args.dataset)["root"])
    images = chunks.part(stored.images(args.images, ["image_id", "file"]), args.chunk, search["chunks"])
    ids = images["image_id"].tolist()
    label = f"{args.dataset} proposals, chunk {args.chunk}/{search['chunks']}"
    boxes = []
    for name, file in track(zip(ids, images["file"], strict=True), len(ids), label):
        image = load(root / file)
        found = selective_search.find(
            image, name, search["mode"], search["base_k"], search["resize"], search["min_size"]
        )
        if len(found) == 0:  # of an image that is not tiny it gives at least the whole
            raise DataError(
                f"{root / file}: selective search finds no box in its {image.shape[1]}x{image.shape[0]} pixels. Take "
                f"it off the list of images, or lower scales.{settings['scale']}.selective_search.min_size"
            )
        boxes.append(found)
    files.write_table(args.out, chunks.rows(ids, boxes))
