"""Average precision by the protocol of PASCAL VOC, at any number of IoU thresholds in one pass.

Glossary: D detections, G ground-truth boxes, P pairs of a detection with a box of its own image and class,
K classes, T thresholds. Boxes are xyxy in pixels, half-open, so that width = x2 - x1. The VOC devkit counts
areas of inclusive corners with +1; the half-open box (xmin - 1, ymin - 1, xmax, ymax) has that same area, so
converted boxes give the devkit's overlaps.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sohem.datasets.annotation import BOX
from sohem.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

GROUND_TRUTH_COLUMNS = ["image_id", "class", *BOX, "difficult", "ignore"]
DETECTION_COLUMNS = ["image_id", "class", "score", *BOX]

# The devkit's eleven recalls, made as the devkit makes them: some lie one bit above the decimal
# (0.30000000000000004), and whether a recall of exactly 3/10 reaches it depends on that bit.
RECALLS = np.arange(0.0, 1.1, 0.1)

# A detection of which more than this share lies in a region marked "ignore" is not judged, unless it matches.
IGNORE_SHARE = 0.5


class Matches(NamedTuple):
    """Detections by class, then by falling score, each with the box that it overlaps most.

    starts: (K + 1,) where the detections of each class begin.
    images: the image ids that the codes below stand for.
    image, score: (D,) code of each detection's image, and its score.
    overlap, best: (D,) IoU with the best box of the same image and class, and that box's index or -1.
    excused: (D,) detections that are not judged unless they match.
    difficult: (G,) boxes that need not be found.
    truth_image, truth_label: (boxes to be found,) code of the image, and index of the class.
    counts: (K,) boxes to be found.
    """

    starts: Ints
    images: pd.Index
    image: Ints
    score: Floats
    overlap: Floats
    best: Ints
    excused: Mask
    difficult: Mask
    truth_image: Ints
    truth_label: Ints
    counts: Ints


def evaluate(
    ground_truth: pd.DataFrame, detections: pd.DataFrame, classes: Sequence[str], ious: Sequence[float]
) -> pd.DataFrame:
    """Average precision of every class at every IoU threshold.

    A detection is compared with the one ground-truth box of its image and class that it overlaps most (the
    first of equals), also if that box is taken already. Its overlap must be greater than the threshold. It is
    then right if it is the highest-scored such detection of that box, wrong if it comes later, and left out
    of the count if the box is difficult. Equal scores keep the order of the rows. A detection that matches
    nothing is wrong, unless more than half of its area lies in one region marked ``ignore`` (KITTI's
    DontCare): then it is left out.

    Args:
        ground_truth: image_id, class, x1, y1, x2, y2, difficult, ignore. Rows with ``ignore`` are regions of
            no class.
        detections: image_id, class, score, x1, y1, x2, y2.
        classes: the K classes to report. Rows of other classes are not looked at.
        ious: the T thresholds.

    Returns:
        K x T rows: class, iou, ap_11point (mean of the best precision at recall >= 0, 0.1 ... 1: VOC07),
        ap_area (area under that curve at every recall: VOC from 2010), ground_truth (without difficult ones)
        and detections (counts).

        - A class without ground truth has no AP. As the devkit divides 0 by 0 there, its area is NaN and its 11 points
          are 0; `metrics.defined` makes both NaN. A class with ground truth and without detections has 0.
        - An image id that the ground truth does not know is an image without objects.
        - A box without area overlaps nothing: as a detection it is wrong, as ground truth it is missed.

    Raises:
        DataError: a column is missing, or a score or coordinate is not finite.
    """
    thresholds = [float(iou) for iou in ious]
    matches = match(ground_truth, detections, classes)
    by_class: list[list[tuple[float, float]]] = [[] for _ in classes]
    for iou in thresholds:
        right, counted = judge(matches.overlap, matches.best, matches.difficult, matches.excused, iou)
        for k, count in enumerate(matches.counts):
            part = slice(matches.starts[k], matches.starts[k + 1])
            by_class[k].append(average_precision(right[part], counted[part], int(count)))
    return pd.DataFrame(
        {
            "class": np.repeat(np.asarray(classes, dtype=object), len(thresholds)),
            "iou": np.tile(thresholds, len(classes)),
            "ap_11point": [ap for row in by_class for ap, _ in row],
            "ap_area": [ap for row in by_class for _, ap in row],
            "ground_truth": np.repeat(matches.counts, len(thresholds)),
            "detections": np.repeat(np.diff(matches.starts), len(thresholds)),
        }
    ).astype({"class": "str"})


def match(ground_truth: pd.DataFrame, detections: pd.DataFrame, classes: Sequence[str]) -> Matches:
    """Each detection of ``classes`` with its best box: all that is needed to judge it at any threshold.

    Args:
        ground_truth, detections, classes: as for ``evaluate``.

    Raises:
        DataError: as for ``evaluate``.
    """
    _check(ground_truth, "ground truth", GROUND_TRUTH_COLUMNS, BOX)
    _check(detections, "detections", DETECTION_COLUMNS, ["score", *BOX])
    ignore = ground_truth["ignore"].to_numpy(bool)
    regions, ground_truth = ground_truth[ignore], ground_truth[~ignore]
    label = _codes(detections["class"], classes)
    detections, label = detections[label >= 0], label[label >= 0]

    # Detections by class, then by falling score; both sorts are stable, so ties keep the order of the rows.
    by_score = np.argsort(-detections["score"].to_numpy(np.float64), kind="stable")
    order = by_score[np.argsort(label[by_score].astype(np.int16), kind="stable")]
    label = label[order]
    boxes = detections[BOX].to_numpy(np.float64)[order]
    names, (image, truth_image, region_image) = _shared_codes(
        detections["image_id"].iloc[order], ground_truth["image_id"], regions["image_id"]
    )
    truth_label = _codes(ground_truth["class"], classes)
    overlap, best = best_overlap(
        boxes, image * len(classes) + label,
        ground_truth[BOX].to_numpy(np.float64),
        np.where(truth_label >= 0, truth_image * len(classes) + truth_label, -1),
    )  # fmt: skip
    difficult = ground_truth["difficult"].to_numpy(bool)
    wanted = (truth_label >= 0) & ~difficult
    return Matches(
        starts=np.searchsorted(label, np.arange(len(classes) + 1)),
        images=names,
        image=image,
        score=detections["score"].to_numpy(np.float64)[order],
        overlap=overlap,
        best=best,
        excused=share_inside(boxes, image, regions[BOX].to_numpy(np.float64), region_image) > IGNORE_SHARE,
        difficult=difficult,
        truth_image=truth_image[wanted],
        truth_label=truth_label[wanted],
        counts=np.bincount(truth_label[wanted], minlength=len(classes)),
    )


def average_precision(right: Mask, counted: Mask, ground_truth: int) -> tuple[float, float]:
    """The 11-point AP and the area under the curve of one class at one threshold.

    Args:
        right, counted: (D,) by falling score: whether a detection is right, and whether it counts at all.
        ground_truth: number of boxes to be found.
    """
    if ground_truth == 0:
        return 0.0, float("nan")
    # Precision falls between one right detection and the next, so the curve's maxima all lie at right ones.
    found = np.flatnonzero(right)
    hits = np.arange(1, len(found) + 1)
    precision = hits / np.cumsum(counted)[found]
    recall = hits / ground_truth
    # The best precision at this recall or a higher one; 0 beyond the last.
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(best[np.searchsorted(recall, RECALLS)].mean()), float(best.sum() / ground_truth)


def judge(overlap: Floats, best: Ints, difficult: Mask, excused: Mask, iou: float) -> tuple[Mask, Mask]:
    """Which detections are right at one threshold, and which count (right or wrong).

    Args:
        overlap, best: (D,) by falling score: IoU with the best ground-truth box, and that box's index or -1.
        difficult: (G,) boxes that need not be found.
        excused: (D,) detections that are not judged unless they match.
        iou: the threshold; a match overlaps by more.
    """
    right = np.zeros(len(overlap), bool)
    counted = ~excused
    match = np.flatnonzero(overlap > iou)
    counted[match] = ~difficult[best[match]]
    match = match[counted[match]]
    # np.unique gives the first place of each box, which is its highest-scored match.
    right[match[np.unique(best[match], return_index=True)[1]]] = True
    return right, counted


def best_overlap(boxes: Floats, group: Ints, truth: Floats, truth_group: Ints) -> tuple[Floats, Ints]:
    """Largest IoU of each box with the ground truth of its group, and which box has it (first of equals).

    Args:
        boxes: (D, 4). group: (D,) at least 0. truth: (G, 4). truth_group: (G,), -1 for boxes of no group.

    Returns:
        (D,) IoU and (D,) index; 0 and -1 where the group has no ground truth.
    """
    overlap, best = np.zeros(len(boxes)), np.full(len(boxes), -1)
    row, column = _pairs(group, truth_group)
    if len(row) == 0:
        return overlap, best
    shared = _intersection(boxes[row], truth[column])
    union = _area(boxes)[row] + _area(truth)[column] - shared
    values = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    first = np.flatnonzero(np.diff(row, prepend=-1))  # the pairs of one detection lie next to each other
    overlap[row[first]] = np.maximum.reduceat(values, first)
    winners = np.flatnonzero(values == overlap[row])
    winners = winners[np.flatnonzero(np.diff(row[winners], prepend=-1))]  # the first of equals
    best[row[winners]] = column[winners]
    return overlap, best


def share_inside(boxes: Floats, image: Ints, regions: Floats, region_image: Ints) -> Floats:
    """(D,) largest share of each box that lies in one region of its image; 0 for a box without area."""
    share = np.zeros(len(boxes))
    row, column = _pairs(image, region_image)
    area = _area(boxes)[row]
    inside = _intersection(boxes[row], regions[column])
    np.maximum.at(share, row, np.divide(inside, area, out=np.zeros_like(inside), where=area > 0))
    return share


def _pairs(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """All (i, j) with left[i] == right[j], by i and then by j: two arrays (P,)."""
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    start = np.searchsorted(ordered, left, "left")
    count = np.searchsorted(ordered, left, "right") - start
    row = np.repeat(np.arange(len(left)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, order[np.repeat(start, count) + within]


def _area(boxes: Floats) -> Floats:
    """(D,) areas; 0 for boxes with x2 <= x1 or y2 <= y1."""
    return np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)


def _intersection(a: Floats, b: Floats) -> Floats:
    """(P,) areas shared by the paired boxes of ``a`` and ``b``, each (P, 4)."""
    width = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    return np.clip(width, 0, None) * np.clip(height, 0, None)


def _codes(names: pd.Series, known: Sequence[str]) -> Ints:
    """The index in ``known`` of each name, -1 for others."""
    return pd.Index(list(known), dtype="str").get_indexer(pd.Index(names)).astype(np.int64)


def _shared_codes(*columns: pd.Series) -> tuple[pd.Index, list[Ints]]:
    """The different values of several columns, and for each column the index of its values among them."""
    codes, values = pd.factorize(pd.concat(columns, ignore_index=True))
    return pd.Index(values), np.split(codes.astype(np.int64), np.cumsum([len(column) for column in columns])[:-1])


def _check(table: pd.DataFrame, name: str, columns: list[str], numbers: list[str]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{name}: no column {', '.join(missing)}; expected {', '.join(columns)}")
    for column in numbers:
        bad = np.flatnonzero(~np.isfinite(table[column].to_numpy(np.float64)))
        if len(bad):
            row = table.iloc[int(bad[0])]
            raise DataError(
                f"{name}: {column} is not a finite number in {len(bad)} of {len(table)} rows, first in row {bad[0]} "
                f"(image {row['image_id']}, class {row['class']}); make the table again"
            )
