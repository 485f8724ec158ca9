"""Which RoIs each miner selects on the same training images, early, half-way and at the end of training.

A column for each moment, a row for each image and method. Colours are the strata, thick solid boxes foreground, thin
dashed ones background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sohem.datasets.annotation import BOX
from sohem.errors import DataError
from sohem.mining.miners import registry
from sohem.paper import sheets
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.palette import STRATA
from sohem.paper.run_files import IMAGES, MINED
from sohem.paper.sheet_cells import cell_scale, layout, rows
from sohem.params import Params

if TYPE_CHECKING:
    from PIL import Image

LIMIT = 400_000  # bytes
FADED = 0.5  # how far the image is moved towards white, so that the boxes stand out
SEEN = 0.7  # how opaque the boxes of background are


def applies(given: Params, dataset: str) -> bool:
    """RoIs of some images were recorded in training."""
    return bool(given.get("scales", {}).get(given["scale"], {}).get("probe", {}).get("images"))


def caption(artifact: Artifact) -> str:
    return (
        f"Which RoIs each miner selects on the same training images of {artifact.datasets[artifact.dataset]} at three "
        f"moments of training (a column each, seed {artifact.seeds[0]}), by the detector of that moment and with its "
        "beta. Thick solid boxes are foreground, thin dashed ones background; colours are the strata of section 3.2 of "
        "the paper (a loss is high if it lies above the median over the image's RoIs), and the numbers above an image "
        "count them. Background has no localisation loss, so s1 and s3 hold foreground only."
    )


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    dataset = artifact.dataset
    images = inputs.one("images", dataset)
    mined = {method: inputs.one("mined", dataset, method) for method in artifact.methods}
    first, table = next(iter(mined.items()))
    moments, side = sorted(table["iteration"].unique()), layout(images).side
    cells = []
    for image_id, file, width, height in rows(images, table["image_id"].unique().tolist()):
        image, scale = inputs.image(dataset, file), cell_scale(width, height, side)
        for method, table in mined.items():
            for moment in moments:
                rois = table[(table["image_id"] == image_id) & (table["iteration"] == moment)]
                if rois.empty:
                    raise DataError(
                        f"{dataset}, {method}: no RoIs of image {image_id} at iteration {moment}, which {first} "
                        "has; train all methods with the same parameters"
                    )
                words = artifact.methods[method]
                if registry()[artifact.miner(method)].scheduled:
                    words += f", beta {rois['beta'].iloc[0]:.3g}"
                cells.append(mined_cell(image, rois, scale, words))
    sheet = sheets.page(
        cells,
        len(moments),
        f"{artifact.datasets[dataset]}: selected RoIs",
        artifact.notice,
        "thick, solid: foreground; thin, dashed: background; the numbers count the RoIs of each stratum",
        [f"iteration {moment}" for moment in moments],
        [(f"{look.name} {look.holds}", look.rgb) for look in STRATA.values()],
    )
    return {"png": sheets.to_png(sheet, LIMIT)}


def faded(image: np.ndarray) -> np.ndarray:
    """A pale grey copy [height, width, 3] of an image, uint8: colours are left to the boxes."""
    grey = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return (grey + (255 - grey) * FADED).round().astype(np.uint8)


def counts(selected: pd.DataFrame) -> sheets.Words:
    """How many of the selected RoIs lie in each stratum, with its colour."""
    return [(str(int((selected["stratum"] == k).sum())), look.rgb) for k, look in STRATA.items()]


def mined_cell(image: np.ndarray, rois: pd.DataFrame, scale: float, words: str) -> Image.Image:
    """An image with the selected RoIs of one moment, and a line above it that counts them.

    Foreground is drawn with thick lines; background, of which there is more, with thin, broken, paler ones.

    Args:
        rois: rows of mined.parquet of one image and iteration. words: what the line begins with.
    """
    from PIL import Image

    selected = rois[rois["selected"]]
    picture = sheets.draw_boxes(faded(image), np.zeros((0, 4)), [], [], scale=scale)
    for foreground in (False, True):
        part = selected[selected["foreground"] == foreground]
        boxes, paint = part[BOX].to_numpy(float) * scale, [STRATA[k].rgb for k in part["stratum"]]
        dashed, width = [not foreground] * len(part), 2 if foreground else 1
        drawn = sheets.draw_boxes(np.asarray(picture), boxes, [""] * len(part), paint, dashed, width=width)
        picture = Image.blend(picture, drawn, 1.0 if foreground else SEEN)
    words = f"{words}: {int(selected['foreground'].sum())} of {len(selected)} foreground"
    return sheets.captioned(picture, words, counts(selected))


KIND = Kind(
    title="what was mined",
    caption=caption,
    draw=draw,
    sources={"images": IMAGES, "mined": MINED},
    reads=("methods.{methods}.miner", "scales.{scale}.probe"),
    applies=applies,
    one=True,
    rank=1,
)
