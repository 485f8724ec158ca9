"""How many of the objects a set of proposals covers: the upper bound of what a detector on them can find."""

import numpy as np
import pandas as pd

from sohem.datasets.annotation import BOX

IOUS = (0.5, 0.7)
ALL = "all"  # stands for every class in the recall table


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union [G, R] of boxes [G, 4] and [R, 4], half-open; 0 for boxes without area."""
    corner = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(corner - np.maximum(boxes[:, None, :2], others[None, :, :2]), 0, None).prod(axis=2)
    area, other_area = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, others))
    union = area[:, None] + other_area[None, :] - shared
    return np.divide(shared, union, out=np.zeros(union.shape), where=union > 0)


def best_overlaps(ground_truth: pd.DataFrame, proposals: pd.DataFrame) -> np.ndarray:
    """For each row of ``ground_truth`` [G] the largest IoU with a proposal of its image, 0 without any."""
    rows = proposals.groupby("image_id", sort=False).indices
    boxes = proposals[BOX].to_numpy(np.float64)
    objects = ground_truth[BOX].to_numpy(np.float64)
    best = np.zeros(len(ground_truth))
    for image_id, here in ground_truth.groupby("image_id", sort=False).indices.items():
        if image_id in rows:
            best[here] = iou(objects[here], boxes[rows[image_id]]).max(axis=1)
    return best


def table(images: pd.DataFrame, ground_truth: pd.DataFrame, proposals: pd.DataFrame) -> pd.DataFrame:
    """Recall of the objects that are neither difficult nor ignored; an object is covered from IoU >= the threshold on.

    Returns:
        A row for each subset, class (``all`` first) and IoU: subset, class, iou, recall (a share, missing without
        objects), objects (their number), proposals_per_image (the subset's mean).
    """
    counted = ground_truth[~ground_truth["difficult"] & ~ground_truth["ignore"]]
    best = best_overlaps(counted, proposals)
    classes = counted["class"].to_numpy()
    rows = []
    for subset in ("train", "test"):
        ids = set(images.loc[images["subset"] == subset, "image_id"])
        here = counted["image_id"].isin(ids).to_numpy()
        mean = proposals["image_id"].isin(ids).sum() / max(len(ids), 1)
        for name in (ALL, *sorted(set(classes))):
            overlaps = best[here & ((classes == name) | (name == ALL))]
            for threshold in IOUS:
                recall = (overlaps >= threshold).mean() if len(overlaps) else np.nan
                rows.append((subset, name, threshold, round(recall, 4), len(overlaps), round(mean, 1)))
    return pd.DataFrame(rows, columns=["subset", "class", "iou", "recall", "objects", "proposals_per_image"])
