"""The test images on which two methods differ most, their detections beside each other.

They differ by the number of right detections at the strictest threshold of evaluation.ious. Half of the images are
those on which the first method finds more, half those on which the second does.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sohem.evaluation.average_precision import judge, match
from sohem.paper import sheets
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.run_files import DETECTIONS, GROUND_TRUTH, IMAGES
from sohem.paper.sheet_cells import (
    SHOWN,
    best_scored,
    cell_scale,
    class_colours,
    detections_cell,
    layout,
    rows,
    truth_cell,
)

COUNT = 3  # images in each direction
LIMIT = 400_000  # bytes


def caption(artifact: Artifact) -> str:
    return (
        f"The test images of {artifact.datasets[artifact.dataset]} on which {' and '.join(artifact.methods)} differ "
        f"most (seed {artifact.seeds[0]}): by the number of right detections at IoU "
        f"{max(artifact.evaluation['ious'])} ({SHOWN}), then by the number of wrong ones, then in the order of the "
        "images. The line above an image says which of the two finds more; the images were chosen for their "
        "difference, so they say nothing about how often either is better."
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    dataset, classes = artifact.dataset, artifact.classes(artifact.dataset)
    titles, iou = artifact.methods, max(artifact.evaluation["ious"])
    images, truth = inputs.one("images", dataset), inputs.one("ground_truth", dataset)
    test, side = images.loc[images["subset"] == "test", "image_id"], layout(images).side
    truth = truth[truth["image_id"].isin(test)]
    tables = {method: inputs.one("detections", dataset, method) for method in titles}
    found, headings = best_scored(tables, titles, truth)
    judged = {method: right_and_wrong(truth, table, list(test), classes, iou) for method, table in found.items()}
    colours, cells = class_colours(classes), []
    before, after = judged.values()
    for ahead, chosen in zip(found, most_different(before, after, COUNT), strict=True):
        for image_id in chosen:
            ((_, file, width, height),) = rows(images, [image_id])
            image, here = inputs.image(dataset, file), truth[truth["image_id"] == image_id]
            scale = cell_scale(width, height, side)
            cell = truth_cell(image, here, colours, scale)
            cells.append(sheets.captioned(cell, f"{titles[ahead]} finds more"))
            for method, table in found.items():
                shown, counts = table[table["image_id"] == image_id], judged[method].loc[image_id]
                cell = detections_cell(image, shown, here, iou, scale)
                cells.append(sheets.captioned(cell, f"{counts['right']} right, {counts['wrong']} wrong"))
    sheet = sheets.page(
        cells,
        3,
        f"{artifact.datasets[dataset]}: where {' and '.join(titles.values())} differ most",
        artifact.notice,
        f"{SHOWN}; green: right at IoU {iou:g}, red: wrong, grey: does not count"
        if cells
        else f"no test image on which one finds more than the other (IoU {iou:g})",
        headings,
    )
    return {"png": sheets.to_png(sheet, LIMIT)}


def right_and_wrong(
    ground_truth: pd.DataFrame, detections: pd.DataFrame, images: Sequence[str], classes: Sequence[str], iou: float
) -> pd.DataFrame:
    """How many detections of each image are right and wrong by the evaluation's rules, by image id."""
    found = match(ground_truth, detections, classes)
    right, counted = judge(found.overlap, found.best, found.difficult, found.excused, iou)
    names = np.asarray(found.images)[found.image] if len(found.image) else np.array([], dtype=object)
    table = pd.DataFrame({"image_id": names, "right": right, "wrong": counted & ~right})
    return table.groupby("image_id")[["right", "wrong"]].sum().reindex(list(images), fill_value=0).astype(int)


def most_different(first: pd.DataFrame, second: pd.DataFrame, count: int) -> tuple[list[str], list[str]]:
    """The images on which the first method is ahead most, and those on which the second is; at most ``count`` each.

    Ahead is who has more right detections. Among equals the one who has fewer wrong ones in comparison comes first,
    then the order of the rows. Images where both have equally many right ones are in neither list.

    Args:
        first, second: from `right_and_wrong`, of the same images.
    """
    gain, excess = second["right"] - first["right"], second["wrong"] - first["wrong"]
    table = pd.DataFrame({"gain": gain, "excess": excess, "place": np.arange(len(gain))})
    behind = table[table["gain"] < 0].sort_values(["gain", "excess", "place"], ascending=[True, False, True])
    ahead = table[table["gain"] > 0].sort_values(["gain", "excess", "place"], ascending=[False, True, True])
    return behind.index[:count].tolist(), ahead.index[:count].tolist()


KIND = Kind(
    title="where the methods differ most",
    caption=caption,
    draw=draw,
    sources={"images": IMAGES, "ground_truth": GROUND_TRUTH, "detections": DETECTIONS},
    reads=("datasets.{datasets}.classes", "evaluation.ious"),
    least=2,
    most=2,
    one=True,
    rank=2,
)
