"""Proposals are made in chunks, so that several processes share the images, and joined afterwards."""

import numpy as np
import pandas as pd

from sohem.datasets.annotation import BOX
from sohem.errors import DataError, ParamsError

COLUMNS = ["image_id", *BOX]


def part(images: pd.DataFrame, chunk: int, chunks: int) -> pd.DataFrame:
    """The images of one chunk (from 1): every ``chunks``-th, so that all chunks take about as long.

    Raises:
        ParamsError: there is no such chunk.
    """
    if not 1 <= chunk <= chunks:
        raise ParamsError(f"--chunk {chunk}: expected 1 to {chunks} (scales.<scale>.selective_search.chunks)")
    return images.iloc[chunk - 1 :: chunks]


def rows(image_ids: list[str], boxes: list[np.ndarray]) -> pd.DataFrame:
    """The table of proposals of some images from their boxes, [R, 4] each."""
    coordinates = np.concatenate([np.zeros((0, 4), np.float32), *boxes]).astype(np.float32)
    result = pd.DataFrame(coordinates, columns=COLUMNS[1:])
    result.insert(0, "image_id", np.repeat(np.array(image_ids, dtype=object), [len(b) for b in boxes]))
    return result.astype({"image_id": "str"})


def join(images: pd.DataFrame, parts: dict[str, pd.DataFrame], dataset: str) -> pd.DataFrame:
    """Join the chunks (name -> table) in the order of ``images``; the order within an image is kept.

    Raises:
        DataError: an image has no proposals, or is in two chunks; a chunk holds an image that is not in ``images``.
            Names the image and what to run again.
    """
    again = f"run sohem propose --dataset {dataset} again for every chunk"
    known = pd.Index(images["image_id"])
    source: dict[str, str] = {}
    for name, chunk in parts.items():
        if list(chunk.columns) != COLUMNS:
            raise DataError(f"{name}: columns {', '.join(chunk.columns)}, expected {', '.join(COLUMNS)}; {again}")
        for image_id in chunk["image_id"].unique():
            if image_id not in known:
                raise DataError(f"{name}: proposals for image {image_id}, which is not in the split; {again}")
            if image_id in source:
                raise DataError(f"{name}: image {image_id} is in {source[image_id]} too; {again}")
            source[image_id] = name
    missing = [image_id for image_id in known if image_id not in source]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{dataset}: no proposals for image {missing[0]}{more}; {again}")
    table = pd.concat(parts.values(), ignore_index=True)
    position = known.get_indexer(pd.Index(table["image_id"]))
    return table.iloc[np.argsort(position, kind="stable")].reset_index(drop=True)
