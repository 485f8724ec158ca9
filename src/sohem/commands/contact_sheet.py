"""Draw images of a data set with their ground-truth boxes on one sheet (a PNG under 1 MiB),
with a provenance file beside it.

The images are spread over the training subset and chosen so that every class appears. Difficult objects are dashed,
regions to be ignored are hatched. One look tells whether the data were read right.
"""

import argparse
from pathlib import Path

from sohem import files, params, provenance

COUNT = {"voc": 24, "kitti": 20}
COLUMNS = {"voc": 6, "kitti": 4}
CELL = {"voc": 384, "kitti": 640}  # pixels, the longest side of an image on the sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem contact-sheet``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--images", required=True, type=Path, help="images.parquet, made by sohem split")
    parser.add_argument("--ground-truth", required=True, type=Path, help="ground_truth.parquet, by sohem split")
    parser.add_argument("--out", required=True, type=Path, help="PNG to write")


def run(args: argparse.Namespace) -> None:
    """Read the tables and the chosen images, write the sheet."""
    from sohem.datasets.images import load
    from sohem.paper import contact_sheet

    settings = params.load(args.params, dataset=args.dataset)
    dataset = settings["datasets"][args.dataset]
    kind = dataset["format"]
    root = Path(params.dataset_at_scale(settings, args.dataset)["root"])
    classes = params.class_names(settings, args.dataset)
    images = files.read_table(args.images)
    truth = files.read_table(args.ground_truth)
    train = images[images["subset"] == "train"]
    chosen = contact_sheet.choose(train, truth, classes, COUNT[kind])
    colours = contact_sheet.class_colours(classes)
    cells = []
    for image_id, file, width, height in contact_sheet.rows(train, chosen):
        scale = contact_sheet.cell_scale(width, height, CELL[kind])
        rows = truth[truth["image_id"] == image_id]
        cells.append(contact_sheet.truth_cell(load(root / file), rows, colours, scale))
    sheet = contact_sheet.page(
        cells,
        COLUMNS[kind],
        f"{dataset['title']}: {len(cells)} of {len(train)} training images with their ground truth",
        params.notice(settings, [args.dataset]),
        "dashed: difficult" + ("; hatched: to be ignored (DontCare)" if kind == "kitti" else ""),
    )
    files.write_bytes(args.out, contact_sheet.to_png(sheet))
    part = params.select(settings, "contact_sheet", dataset=args.dataset)
    record = provenance.record(part, [args.images, args.ground_truth])
    files.write_json(args.out.with_suffix(".provenance.json"), {"artifact": args.out.stem, **record})
