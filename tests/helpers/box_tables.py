"""Small tables of images and boxes, written by hand."""

import pandas as pd

from sohem.datasets.annotation import BOX


def table(*rows, **more) -> pd.DataFrame:
    frame = pd.DataFrame([(i, *box) for i, box in rows], columns=["image_id", *BOX]).astype({"image_id": "str"})
    return frame.assign(**more)


IMAGES = pd.DataFrame({"image_id": ["a", "b", "c"], "subset": ["train", "train", "test"]}).astype("str")
