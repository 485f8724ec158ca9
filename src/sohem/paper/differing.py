"""On which images do two methods differ most?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sohem.evaluation.average_precision import judge, match


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
