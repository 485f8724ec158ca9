"""Average precision of many resamples of the test images at once.

Drawing test images with replacement changes neither boxes nor scores, only how often each image counts. So a detection
is matched and judged once, and a resample is a column of weights: how often each image was drawn. The curve of a class
is then a cumulative sum of weights over its detections by falling score, the same sum for all columns. With whole
weights the result is exactly that of ``average_precision.evaluate`` on a data set in which each image stands so often.

Shape letters: N images, D detections, K classes, T thresholds, B resamples (columns of weights).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sohem.errors import DataError
from sohem.evaluation.average_precision import RECALLS, Floats, Ints, Mask, Matches, judge

Weights = NDArray[np.int32]

# Columns that are summed together: few, so that the weights stay in the processor's cache, but more where there are few
# detections, so that numpy has something to do.
BLOCK, CELLS = 64, 2**17


class Judged(NamedTuple):
    """The detections of one class by falling score, judged at every threshold.

    score, image: (D,) score, and the row of the weights that counts. right, counted: (T, D) as from ``judge``.
    """

    score: Floats
    image: Ints
    right: Mask
    counted: Mask


def judged(matches: Matches, images: Sequence[str], ious: Sequence[float]) -> list[Judged]:
    """The detections of each class, judged; row n of the weights belongs to ``images[n]``.

    Raises:
        DataError: a detection or a box lies in an image that is not among ``images``.
    """
    row = _rows(matches, images)[matches.image]
    at = [judge(matches.overlap, matches.best, matches.difficult, matches.excused, iou) for iou in ious]
    right, counted = (np.array([pair[part] for pair in at]) for part in (0, 1))
    parts = [slice(*ends) for ends in zip(matches.starts[:-1], matches.starts[1:], strict=True)]
    return [Judged(matches.score[part], row[part], right[:, part], counted[:, part]) for part in parts]


def boxes_by_image(matches: Matches, images: Sequence[str]) -> Ints:
    """(K, N) boxes to be found, of each class in each image."""
    row = _rows(matches, images)[matches.truth_image]
    counts = np.zeros((len(matches.counts), len(images)), np.int64)
    np.add.at(counts, (matches.truth_label, row), 1)
    return counts


def pooled(first: Judged, second: Judged, images: int) -> Judged:
    """The detections of two methods in one ranking; those of the second count by row ``images`` + n of the weights.

    An image's detections are judged within their own method, so weights must let only one method count in an image.
    """
    order = np.argsort(-np.concatenate([first.score, second.score]), kind="stable")
    return Judged(
        np.concatenate([first.score, second.score])[order],
        np.concatenate([first.image, second.image + images])[order],
        np.concatenate([first.right, second.right], axis=1)[:, order],
        np.concatenate([first.counted, second.counted], axis=1)[:, order],
    )


def weighted_ap(found: Judged, weights: Weights, boxes: Ints, metric: str) -> Floats:
    """(T, B) AP of one class at each threshold, for each column of weights; NaN where there is no box to be found.

    Args:
        found: the detections. weights: (rows, B) how often the images count. boxes: (B,) boxes to be found.
        metric: 11point or area.
    """
    result = np.full((len(found.right), weights.shape[1]), np.nan)
    some = np.flatnonzero(boxes)
    curve = _curve(found)
    width = max(BLOCK, CELLS // max(len(curve.image), 1))
    for start in range(0, len(some), width):
        block = some[start : start + width]
        result[:, block] = _block(curve, np.ascontiguousarray(weights[:, block]), boxes[block], metric)
    return result


class _Curve(NamedTuple):
    """What is summed for one class.

    image: (D,) up to the last detection that is right at any threshold. starts: where the stretches begin that end at
    each detection that is right at some threshold. thresholds: for each, the images of the right detections, the
    stretch that ends there, the images of those that do not count, and how many of these stand before each right one.
    """

    image: Ints
    starts: Ints
    thresholds: list[tuple[Ints, Ints, Ints, Ints]]


def _curve(found: Judged) -> _Curve:
    ends = np.flatnonzero(found.right.any(axis=0))
    last = ends[-1] + 1 if len(ends) else 0
    thresholds = []
    for right, counted in zip(found.right, found.counted, strict=True):
        at, out = np.flatnonzero(right), np.flatnonzero(~counted[:last])
        thresholds.append((found.image[at], np.searchsorted(ends, at), found.image[out], np.searchsorted(out, at)))
    return _Curve(found.image[:last], np.append(0, ends[:-1] + 1), thresholds)


def _block(curve: _Curve, weights: Weights, boxes: Ints, metric: str) -> Floats:
    result = np.zeros((len(curve.thresholds), len(boxes)))
    if len(curve.image) == 0:
        return result
    stretches = np.add.reduceat(weights[curve.image], curve.starts, axis=0, dtype=np.int32)
    before = np.cumsum(stretches, axis=0, dtype=np.int32)
    for t, (right, stretch, out, outs_before) in enumerate(curve.thresholds):
        if len(right) == 0:
            continue
        drawn = weights[right]
        hits = np.cumsum(drawn, axis=0, dtype=np.int32)
        left_out = np.zeros((len(out) + 1, len(boxes)), np.int32)
        np.cumsum(weights[out], axis=0, out=left_out[1:])
        # No hit yet: the images of the right detections so far were not drawn.
        precision = np.divide(hits, before[stretch] - left_out[outs_before], out=np.zeros(hits.shape), where=hits > 0)
        # The best precision at this recall or a higher one; 0 beyond the last.
        best = np.zeros((len(right) + 1, len(boxes)))
        np.maximum.accumulate(precision[::-1], axis=0, out=best[-2::-1])
        if metric == "area":
            result[t] = (best[:-1] * drawn).sum(axis=0) / boxes
        else:
            result[t] = np.take_along_axis(best, _first_reaching(hits, boxes), axis=0).mean(axis=0)
    return result


def _first_reaching(hits: Weights, boxes: Ints) -> Ints:
    """(11, B) the first row of each column at which hits / boxes reaches each of the eleven recalls."""
    need = np.ceil(RECALLS[:, None] * boxes).astype(np.int64)
    # The product may be rounded past a whole number; the evaluator compares the quotient, which decides here too.
    need -= (need - 1) / boxes >= RECALLS[:, None]
    need += need / boxes < RECALLS[:, None]
    # One search for all columns: shifted by more than its own hits, each column lies above the one before.
    rows, columns = hits.shape
    shift = np.arange(columns) * (int(boxes.max()) + 2)
    found = np.searchsorted((hits + shift).T.ravel(), (np.maximum(need, 0) + shift).ravel()).reshape(need.shape)
    return np.clip(found - np.arange(columns) * rows, 0, rows)


def _rows(matches: Matches, images: Sequence[str]) -> Ints:
    """The index in ``images`` of each image that the matches know."""
    rows = pd.Index(list(images), dtype="str").get_indexer(matches.images)
    if (rows < 0).any():
        raise DataError(f"image {matches.images[rows < 0][0]!r} is not one of the {len(images)} images to resample")
    return rows.astype(np.int64)
