"""Draw the test images on which two methods differ most, their detections beside each other (a PNG), and write a
provenance file beside the sheet.

They differ by the number of right detections with a score of at least 0.5, at the strictest threshold of
evaluation.ious. Half of the images are those on which the first METHOD=FILE finds more, half those on which the second
does. Green boxes are right, red ones wrong, grey and dashed ones do not count.
"""

import argparse
from pathlib import Path

from sohem import files, params, provenance
from sohem.commands.detections_sheet import CELL, SCORE, read_methods
from sohem.commands.evaluate import read_detections, read_test
from sohem.errors import SohemError

COUNT = 3  # images in each direction
LIMIT = 400_000  # bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem differences-sheet``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--images", required=True, type=Path, help="images.parquet, made by sohem split")
    parser.add_argument("--ground-truth", required=True, type=Path, help="ground_truth.parquet, by sohem split")
    parser.add_argument("--out", required=True, type=Path, help="PNG to write")
    parser.add_argument("detections", nargs=2, metavar="METHOD=FILE", help="a method and its detections.parquet")


def run(args: argparse.Namespace) -> None:
    """Read the tables, find the images, write the sheet."""
    from sohem.datasets.images import load
    from sohem.paper import contact_sheet
    from sohem.paper.differing import most_different, right_and_wrong

    settings = params.load(args.params, dataset=args.dataset)
    dataset, classes = settings["datasets"][args.dataset], params.class_names(settings, args.dataset)
    root = Path(params.dataset_at_scale(settings, args.dataset)["root"])
    iou = max(settings["evaluation"]["ious"])
    paths = read_methods(args.detections, Path)
    if len(paths) != 2:
        raise SohemError(f"{' '.join(args.detections)}: expected two different methods")
    test, truth = read_test(args.images, args.ground_truth)
    tables = {method: read_detections(path, test, classes) for method, path in paths.items()}
    found = {method: table[table["score"] >= SCORE] for method, table in tables.items()}
    judged = {method: right_and_wrong(truth, table, list(test), classes, iou) for method, table in found.items()}
    before, after = judged.values()
    titles = {method: settings.get("methods", {}).get(method, {}).get("title", method) for method in found}
    images = files.read_table(args.images)
    colours, cells = contact_sheet.class_colours(classes), []
    for ahead, chosen in zip(found, most_different(before, after, COUNT), strict=True):
        for image_id in chosen:
            ((_, file, width, height),) = contact_sheet.rows(images, [image_id])
            image, rows = load(root / file), truth[truth["image_id"] == image_id]
            scale = contact_sheet.cell_scale(width, height, CELL[dataset["format"]])
            cell = contact_sheet.truth_cell(image, rows, colours, scale)
            cells.append(contact_sheet.captioned(cell, f"{titles[ahead]} finds more"))
            for method, table in found.items():
                here, counts = table[table["image_id"] == image_id], judged[method].loc[image_id]
                cell = contact_sheet.detections_cell(image, here, rows, iou, scale)
                cells.append(contact_sheet.captioned(cell, f"{counts['right']} right, {counts['wrong']} wrong"))
    sheet = contact_sheet.page(
        cells,
        3,
        f"{dataset['title']}: where {' and '.join(titles.values())} differ most",
        params.notice(settings, [args.dataset]),
        f"score >= {SCORE}; green: right at IoU {iou:g}, red: wrong, grey: does not count"
        if cells
        else f"no test image on which one finds more than the other (score >= {SCORE}, IoU {iou:g})",
        ["Ground truth", *titles.values()],
    )
    files.write_bytes(args.out, contact_sheet.to_png(sheet, LIMIT))
    part = params.select(settings, "differences_sheet", dataset=args.dataset)
    record = provenance.record(part, [args.images, args.ground_truth, *paths.values()])
    files.write_json(args.out.with_suffix(".provenance.json"), {"artifact": args.out.stem, **record})
