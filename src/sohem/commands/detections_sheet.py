"""Draw test images with the detections of each method beside their ground truth (a PNG under 1 MiB), and
write a provenance file beside the sheet.

One row for each image, one column for the ground truth and one for each METHOD=FILE. Detections with a score of at
least 0.5 are shown: green if they are right at IoU 0.5, red if they are wrong, grey and dashed where they do not count.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sohem import files, params, provenance
from sohem.errors import SohemError

COUNT = 6  # images
CELL = {"voc": 384, "kitti": 640}  # pixels, the longest side of an image on the sheet
SCORE, IOU = 0.5, 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem detections-sheet``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--images", required=True, type=Path, help="images.parquet, made by sohem split")
    parser.add_argument("--ground-truth", required=True, type=Path, help="ground_truth.parquet, by sohem split")
    parser.add_argument("--out", required=True, type=Path, help="PNG to write")
    parser.add_argument("detections", nargs="+", metavar="METHOD=FILE", help="a method and its detections.parquet")


def run(args: argparse.Namespace) -> None:
    """Read the tables and the chosen images, write the sheet."""
    from sohem.datasets.images import load
    from sohem.paper import contact_sheet

    settings = params.load(args.params, dataset=args.dataset)
    dataset = settings["datasets"][args.dataset]
    root = Path(params.dataset_at_scale(settings, args.dataset)["root"])
    classes = params.class_names(settings, args.dataset)
    images = files.read_table(args.images)
    truth = files.read_table(args.ground_truth)
    found = read_methods(args.detections)
    test = images[images["subset"] == "test"]
    chosen = contact_sheet.choose(test, truth, classes, COUNT)
    colours = contact_sheet.class_colours(classes)
    cells = []
    for image_id, file, width, height in contact_sheet.rows(test, chosen):
        image, rows = load(root / file), truth[truth["image_id"] == image_id]
        scale = contact_sheet.cell_scale(width, height, CELL[dataset["format"]])
        cells.append(contact_sheet.truth_cell(image, rows, colours, scale))
        for table in found.values():
            shown = table[(table["image_id"] == image_id) & (table["score"] >= SCORE)]
            cells.append(contact_sheet.detections_cell(image, shown, rows, IOU, scale))
    titles = [settings.get("methods", {}).get(method, {}).get("title", method) for method in found]
    sheet = contact_sheet.page(
        cells,
        1 + len(found),
        f"{dataset['title']}: detections",
        params.notice(settings, [args.dataset]),
        f"score >= {SCORE}; green: right at IoU {IOU}, red: wrong, grey: does not count",
        ["Ground truth", *titles],
    )
    files.write_bytes(args.out, contact_sheet.to_png(sheet))
    part = params.select(settings, "detections_sheet", dataset=args.dataset)
    inputs = [args.images, args.ground_truth, *(Path(word.split("=", 1)[1]) for word in args.detections)]
    record = provenance.record(part, inputs)
    files.write_json(args.out.with_suffix(".provenance.json"), {"artifact": args.out.stem, **record})


def read_methods(pairs: list[str], read: Callable[[str], Any] = files.read_table) -> dict[str, Any]:
    """Method -> its table, from ``METHOD=FILE`` words in their order.

    Args:
        read: from FILE to what is wanted of it.

    Raises:
        SohemError: a word has no ``=``.
        DataError: a file is missing or is no table.
    """
    tables = {}
    for pair in pairs:
        method, equals, path = pair.partition("=")
        if not (method and equals and path):
            raise SohemError(
                f"{pair}: expected METHOD=FILE, for example ohem=results/demo/runs/voc/ohem/seed0/detections.parquet"
            )
        tables[method] = read(path)
    return tables
