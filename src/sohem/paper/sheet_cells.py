"""The images of a sheet: which ones, how large, and with the boxes of ground truth or detections on them."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from sohem.datasets.annotation import BOX
from sohem.evaluation.average_precision import IGNORE_SHARE, best_overlap, judge, share_inside
from sohem.paper.sheets import Colour, draw_boxes

if TYPE_CHECKING:
    from PIL import Image

RIGHT: Colour = (0, 158, 115)  # two colours of Okabe and Ito that the colour-blind can tell apart
WRONG: Colour = (213, 94, 0)
NEUTRAL: Colour = (150, 150, 150)
SHOWN = "of each method as many detections as there are objects, those with the highest scores"
WIDE = 2.0  # images whose width is at least so many times their height


class Layout(NamedTuple):
    """How images of one shape fill a sheet: how many in all and in a row, and the longest side of one in pixels."""

    images: int
    columns: int
    side: int


def layout(images: pd.DataFrame) -> Layout:
    """For wide images (KITTI's) or others (VOC's), by the median shape of the rows of images.parquet."""
    wide = (images["width"] / images["height"]).median() >= WIDE
    return Layout(20, 4, 640) if wide else Layout(24, 6, 384)


def class_colours(classes: Sequence[str]) -> dict[str, Colour]:
    """One bright colour for each class: evenly spaced hues, far apart for classes that stand next to each other."""
    count = max(len(classes), 1)
    stride = next(k for k in range(round(0.382 * count) or 1, count + 2) if math.gcd(k, count) == 1)
    colours = {}
    for k, name in enumerate(classes):
        r, g, b = colorsys.hsv_to_rgb(k * stride % count / count, 0.9 if k % 2 else 0.6, 1.0)
        colours[name] = (round(r * 255), round(g * 255), round(b * 255))
    return colours


def least_score(detections: pd.DataFrame, ground_truth: pd.DataFrame) -> float:
    """The score from which on a method's detections are about as many as the objects; 0 if it has fewer.

    A fixed score would not do for all: trained on hard examples alone, a network is less sure of everything.

    Args:
        detections: of all test images; ground_truth: of these images.
    """
    objects = int((~ground_truth["ignore"].to_numpy(bool) & ~ground_truth["difficult"].to_numpy(bool)).sum())
    if not 0 < objects <= len(detections):
        return 0.0
    return float(detections["score"].nlargest(objects).iloc[-1])


def best_scored(
    tables: Mapping[str, pd.DataFrame], titles: Mapping[str, str], ground_truth: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """What is shown of each method's detections (`least_score`), and the headings of a sheet that shows it.

    Args:
        tables: detections on all test images, by method; titles: method -> title. ground_truth: of these images.
    """
    least = {method: least_score(table, ground_truth) for method, table in tables.items()}
    shown = {method: table[table["score"] >= least[method]] for method, table in tables.items()}
    return shown, ["Ground truth", *(f"{titles[method]}, score >= {score:.2f}" for method, score in least.items())]


def cell_scale(width: int, height: int, cell: int) -> float:
    """By how much an image is enlarged (a whole number) or reduced so that its long side fits into ``cell``."""
    factor = cell / max(width, height)
    return float(math.floor(factor)) if factor >= 1 else factor


def choose(images: pd.DataFrame, ground_truth: pd.DataFrame, classes: Sequence[str], count: int) -> list[str]:
    """Image ids spread evenly over ``images``, changed as little as needed for every class to appear.

    Args:
        images: rows of images.parquet to choose from, in order.
        ground_truth: ground_truth.parquet; images without rows in it count as empty.
    """
    ids = images["image_id"].tolist()
    if len(ids) <= count:
        return ids
    known = ground_truth[~ground_truth["ignore"].to_numpy(bool) & ground_truth["image_id"].isin(ids)]
    held = {image: set(rows) for image, rows in known.groupby("image_id")["class"]}
    chosen = np.unique(np.linspace(0, len(ids) - 1, count).round().astype(int)).tolist()

    def names(position: int) -> set[str]:
        return held.get(ids[position], set())

    for label in classes:
        if any(label in names(position) for position in chosen):
            continue
        owners = [p for p in range(len(ids)) if label in names(p) and p not in chosen]
        # The slot to give up is one whose classes all appear elsewhere too; of these, the one nearest to an owner.
        free = [
            slot
            for slot, position in enumerate(chosen)
            if names(position) & set(classes) <= set().union(*(names(other) for other in chosen if other != position))
        ]
        swaps = [(abs(owner - chosen[slot]), slot, owner) for slot in free for owner in owners]
        if swaps:
            _, slot, owner = min(swaps)
            chosen[slot] = owner
    return [ids[position] for position in sorted(chosen)]


def rows(images: pd.DataFrame, chosen: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """Id, file, width and height of the chosen images, in the order of ``images``."""
    part = images[images["image_id"].isin(list(chosen))]
    return list(zip(*(part[column].tolist() for column in ("image_id", "file", "width", "height")), strict=True))


def truth_cell(image: np.ndarray, rows: pd.DataFrame, colours: dict[str, Colour], scale: float) -> Image.Image:
    """An image with its ground truth: a colour for each class, difficult boxes dashed, ignored regions hatched."""
    # Regions first, so that no object's label is painted over.
    rows = rows.sort_values("ignore", ascending=False, kind="stable")
    ignore = rows["ignore"].tolist()
    labels = ["" if region else name for name, region in zip(rows["class"], ignore, strict=True)]
    paint = [
        NEUTRAL if region else colours.get(name, NEUTRAL) for name, region in zip(rows["class"], ignore, strict=True)
    ]
    return draw_boxes(image, rows[BOX].to_numpy(float), labels, paint, rows["difficult"].tolist(), ignore, scale)


def verdicts(detections: pd.DataFrame, ground_truth: pd.DataFrame, iou: float) -> list[bool | None]:
    """Whether each detection of one image is right; None where it does not count (difficult, ignored region).

    The rules are those of the evaluation. Args: detections by falling score; ground_truth of the same image.
    """
    regions = ground_truth[ground_truth["ignore"].to_numpy(bool)]
    truth = ground_truth[~ground_truth["ignore"].to_numpy(bool)]
    number = {name: k for k, name in enumerate(sorted({*detections["class"], *truth["class"]}))}
    boxes = detections[BOX].to_numpy(np.float64)
    overlap, best = best_overlap(
        boxes,
        np.array([number[name] for name in detections["class"]], np.int64),
        truth[BOX].to_numpy(np.float64),
        np.array([number[name] for name in truth["class"]], np.int64),
    )
    zeros = np.zeros(len(boxes), np.int64)
    inside = share_inside(boxes, zeros, regions[BOX].to_numpy(np.float64), np.zeros(len(regions), np.int64))
    right, counted = judge(overlap, best, truth["difficult"].to_numpy(bool), inside > IGNORE_SHARE, iou)
    return [bool(r) if c else None for r, c in zip(right, counted, strict=True)]


def detections_cell(
    image: np.ndarray, detections: pd.DataFrame, ground_truth: pd.DataFrame, iou: float, scale: float
) -> Image.Image:
    """An image with detections: right ones green, wrong ones red, those that do not count grey and dashed."""
    detections = detections.sort_values("score", ascending=False, kind="stable")
    judged = verdicts(detections, ground_truth, iou)
    paint = [NEUTRAL if v is None else RIGHT if v else WRONG for v in judged]
    labels = [f"{name} {score:.2f}" for name, score in zip(detections["class"], detections["score"], strict=True)]
    return draw_boxes(image, detections[BOX].to_numpy(float), labels, paint, [v is None for v in judged], scale=scale)
