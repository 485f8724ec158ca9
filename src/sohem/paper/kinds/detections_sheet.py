"""Test images with the detections of each method beside their ground truth.

A row for each image, a column for the ground truth and for each method. Detections are green if they are right, red if
they are wrong, grey and dashed where they do not count.
"""

from sohem.paper import sheets
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.run_files import DETECTIONS, GROUND_TRUTH, IMAGES
from sohem.paper.sheet_cells import (
    SHOWN,
    best_scored,
    cell_scale,
    choose,
    class_colours,
    detections_cell,
    layout,
    rows,
    truth_cell,
)

COUNT = 6  # images
IOU = 0.5


def caption(artifact: Artifact) -> str:
    return (
        f"Test images of {artifact.datasets[artifact.dataset]} with the detections of {', '.join(artifact.methods)} "
        f"(seed {artifact.seeds[0]}): {SHOWN}."
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    dataset, classes = artifact.dataset, artifact.classes(artifact.dataset)
    images, truth = inputs.one("images", dataset), inputs.one("ground_truth", dataset)
    test, side = images[images["subset"] == "test"], layout(images).side
    every = truth[truth["image_id"].isin(test["image_id"])]
    tables = {method: inputs.one("detections", dataset, method) for method in artifact.methods}
    found, headings = best_scored(tables, artifact.methods, every)
    colours, cells = class_colours(classes), []
    for image_id, file, width, height in rows(test, choose(test, truth, classes, COUNT)):
        image, here = inputs.image(dataset, file), truth[truth["image_id"] == image_id]
        scale = cell_scale(width, height, side)
        cells.append(truth_cell(image, here, colours, scale))
        for table in found.values():
            cells.append(detections_cell(image, table[table["image_id"] == image_id], here, IOU, scale))
    sheet = sheets.page(
        cells,
        1 + len(found),
        f"{artifact.datasets[dataset]}: detections",
        artifact.notice,
        f"{SHOWN}; green: right at IoU {IOU}, red: wrong, grey: does not count",
        headings,
    )
    return {"png": sheets.to_png(sheet)}


KIND = Kind(
    title="detections",
    caption=caption,
    draw=draw,
    sources={"images": IMAGES, "ground_truth": GROUND_TRUTH, "detections": DETECTIONS},
    reads=("datasets.{datasets}.classes",),
    one=True,
    rank=3,
)
