"""What each miner selects, drawn on the image: pure, tables and arrays in, pictures out."""

import numpy as np
import pandas as pd
from PIL import Image

from sohem.datasets.annotation import BOX
from sohem.paper.contact_sheet import Words, captioned, draw_boxes
from sohem.paper.palette import STRATA

FADED = 0.5  # how far the image is moved towards white, so that the boxes stand out
SEEN = 0.7  # how opaque the boxes of background are


def faded(image: np.ndarray) -> np.ndarray:
    """A pale grey copy [height, width, 3] of an image, uint8: colours are left to the boxes."""
    grey = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return (grey + (255 - grey) * FADED).round().astype(np.uint8)


def counts(selected: pd.DataFrame) -> Words:
    """How many of the selected RoIs lie in each stratum, with its colour."""
    return [(str(int((selected["stratum"] == k).sum())), look.rgb) for k, look in STRATA.items()]


def mined_cell(image: np.ndarray, rois: pd.DataFrame, scale: float, words: str) -> Image.Image:
    """An image with the selected RoIs of one moment, and a line above it that counts them.

    Foreground is drawn with thick lines; background, of which there is more, with thin, broken, paler ones.

    Args:
        rois: rows of mined.parquet of one image and iteration. words: what the line begins with.
    """
    selected = rois[rois["selected"]]
    picture = draw_boxes(faded(image), np.zeros((0, 4)), [], [], scale=scale)
    for foreground in (False, True):
        part = selected[selected["foreground"] == foreground]
        boxes, paint = part[BOX].to_numpy(float) * scale, [STRATA[k].rgb for k in part["stratum"]]
        dashed, width = [not foreground] * len(part), 2 if foreground else 1
        drawn = draw_boxes(np.asarray(picture), boxes, [""] * len(part), paint, dashed, width=width)
        picture = Image.blend(picture, drawn, 1.0 if foreground else SEEN)
    words = f"{words}: {int(selected['foreground'].sum())} of {len(selected)} foreground"
    return captioned(picture, words, counts(selected))
