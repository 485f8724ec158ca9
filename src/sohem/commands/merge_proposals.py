"""Join the chunks of proposals, or read published ones, and measure their recall.

A data set whose detector makes its own proposals gets empty tables: then every data set has the same files. With
`datasets.*.<scale>.proposals` the boxes are those of the files named there (selective search as published for
VOC07), and there are no chunks to join. Every image of the split must have proposals. The recall table says, for each
subset and class, which share of the objects (difficult and ignored ones aside) some proposal covers at IoU 0.5 and 0.7.
"""

import argparse
from pathlib import Path

from sohem import files, params
from sohem.datasets import stored
from sohem.errors import ParamsError
from sohem.proposals import chunks, recall

CHUNK_AGAIN = "delete it and run sohem propose again for this chunk"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the data set in the parameters")
    parser.add_argument("--images", required=True, metavar="PARQUET", help="the table of images of sohem split")
    parser.add_argument("--ground-truth", required=True, metavar="PARQUET", help="the table of objects of sohem split")
    parser.add_argument("--out", required=True, metavar="PARQUET", help="all proposals, to write")
    parser.add_argument("--recall", required=True, metavar="CSV", help="the table of recall to write")
    parser.add_argument("chunks", nargs="*", metavar="CHUNK", help="what sohem propose wrote, in any order")


def run(args: argparse.Namespace) -> None:
    images, ground_truth = stored.images(args.images, ["image_id", "subset"]), stored.objects(args.ground_truth)
    settings = params.load(args.params, dataset=args.dataset)
    published = params.dataset_at_scale(settings, args.dataset).get("proposals")
    if settings["datasets"][args.dataset]["detector"] != "fast_rcnn":
        proposals = chunks.rows([], [])
        files.write_table(args.out, proposals)
        empty = recall.table(images, ground_truth, proposals).iloc[:0]
        files.write_csv(args.recall, empty.to_csv(index=False, lineterminator="\n"))
        return
    if bool(published) == bool(args.chunks):
        raise ParamsError(
            f"datasets.{args.dataset}.{settings['scale']}.proposals: {published}, and {len(args.chunks)} chunks on the "
            "command line; give either chunks of sohem propose or published files"
        )
    if published:
        from sohem.proposals import matlab

        proposals = matlab.read_all([Path(file) for file in published], images["image_id"].tolist())
    else:
        parts = {path: stored.proposals(path, CHUNK_AGAIN) for path in args.chunks}
        proposals = chunks.join(images, parts, args.dataset)
    table = recall.table(images, ground_truth, proposals)
    files.write_table(args.out, proposals)
    files.write_csv(args.recall, table.to_csv(index=False, lineterminator="\n"))
    for subset, here in table[table["class"] == recall.ALL].groupby("subset", sort=False):
        shares = ", ".join(f"{r:.3f} at IoU {t}" for r, t in zip(here["recall"], here["iou"], strict=True))
        print(f"{args.dataset} {subset}: recall {shares}; {here['proposals_per_image'].iloc[0]:.0f} boxes an image")
