"""Draw which RoIs each miner selects on the same training images, early, half-way and at the end of training (a PNG),
and write a provenance file beside the sheet.

A column for each moment, a row for each image and METHOD=FILE (mined.parquet, by sohem train). Colours are the strata,
thick solid boxes foreground, thin dashed ones background.
"""

import argparse
from pathlib import Path

from sohem import files, params, provenance
from sohem.commands.detections_sheet import read_methods
from sohem.errors import DataError

CELL = {"voc": 384, "kitti": 640}  # pixels, the longest side of an image on the sheet
LIMIT = 400_000  # bytes
COLUMNS = {"iteration", "beta", "image_id", "foreground", "stratum", "selected", "x1", "y1", "x2", "y2"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem mined-sheet``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--images", required=True, type=Path, help="images.parquet, made by sohem split")
    parser.add_argument("--out", required=True, type=Path, help="PNG to write")
    parser.add_argument("mined", nargs="+", metavar="METHOD=FILE", help="a method and its mined.parquet")


def run(args: argparse.Namespace) -> None:
    """Read the tables and the images, write the sheet."""
    from sohem.datasets.images import load
    from sohem.paper import contact_sheet
    from sohem.paper.mined_sheet import mined_cell
    from sohem.paper.palette import STRATA

    settings = params.load(args.params, dataset=args.dataset)
    dataset = settings["datasets"][args.dataset]
    root = Path(params.dataset_at_scale(settings, args.dataset)["root"])
    images = files.read_table(args.images)
    mined = read_methods(args.mined)
    for word, table in zip(args.mined, mined.values(), strict=True):
        if missing := COLUMNS - set(table.columns):
            raise DataError(f"{word.split('=', 1)[1]}: no column {min(missing)}; run sohem train again")
    first, table = next(iter(mined.items()))
    moments = sorted(table["iteration"].unique())
    methods = settings.get("methods", {})
    cells = []
    for image_id, file, width, height in contact_sheet.rows(images, table["image_id"].unique().tolist()):
        image, scale = load(root / file), contact_sheet.cell_scale(width, height, CELL[dataset["format"]])
        for method, table in mined.items():
            for moment in moments:
                rois = table[(table["image_id"] == image_id) & (table["iteration"] == moment)]
                if rois.empty:
                    raise DataError(
                        f"{args.dataset}, {method}: no RoIs of image {image_id} at iteration {moment}, which {first} "
                        "has; train all methods with the same parameters"
                    )
                words = methods.get(method, {}).get("title", method)
                if methods.get(method, {}).get("miner") == "sohem":
                    words += f", beta {rois['beta'].iloc[0]:.3g}"
                cells.append(mined_cell(image, rois, scale, words))
    sheet = contact_sheet.page(
        cells,
        len(moments),
        f"{dataset['title']}: selected RoIs",
        params.notice(settings, [args.dataset]),
        "thick, solid: foreground; thin, dashed: background; the numbers count the RoIs of each stratum",
        [f"iteration {moment}" for moment in moments],
        [(f"{look.name} {look.holds}", look.rgb) for look in STRATA.values()],
    )
    files.write_bytes(args.out, contact_sheet.to_png(sheet, LIMIT))
    part = params.select(settings, "mined_sheet", dataset=args.dataset)
    inputs = [args.images, *(Path(word.split("=", 1)[1]) for word in args.mined)]
    record = provenance.record(part, inputs)
    files.write_json(args.out.with_suffix(".provenance.json"), {"artifact": args.out.stem, **record})
