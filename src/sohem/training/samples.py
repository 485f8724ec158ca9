"""Images with their boxes and proposals, read from disk, resized and mirrored, ready for a detector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from sohem.boxes import flip
from sohem.datasets.annotation import BOX
from sohem.datasets.images import load
from sohem.errors import DataError
from sohem.randomness import stream


@dataclass
class Sample:
    """One image; boxes are in its resized pixels. ``scale`` is resized / original."""

    image: Tensor  # [3, H, W] float, 0 to 255, RGB
    boxes: Tensor  # [G, 4] the objects to learn (difficult ones are left out)
    labels: Tensor  # [G] their classes, from 1
    ignored: Tensor  # [I, 4] regions that are neither object nor background
    proposals: Tensor | None  # [P, 4], None where the detector makes its own
    scale: float

    def to(self, device: torch.device) -> "Sample":
        """The sample with its tensors on ``device``."""
        moved = {k: v.to(device, non_blocking=True) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return Sample(**{**vars(self), **moved})


def scale_factor(height: int, width: int, short_side: int, long_side: int) -> float:
    """How much to enlarge an image so that its short side is ``short_side``, but its long one at most ``long_side``."""
    return min(short_side / min(height, width), long_side / max(height, width))


def resize(image: Tensor, scale: float) -> Tensor:
    """An image [3, H, W], uint8, as float, resized bilinearly."""
    image = image.float()
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[2] * scale)))
    if size == tuple(image.shape[1:]):
        return image
    return F.interpolate(image[None], size, mode="bilinear", align_corners=False)[0]


class SampleReader:
    """Reads the images of one subset by index.

    Args:
        at: ``datasets.<name>.<scale>`` of the parameters: root, short_side, long_side.
        images: table of the data set's images; ground_truth and proposals likewise. Without ``ground_truth`` samples
            have no boxes.
        classes: the K class names in order.
    """

    def __init__(
        self,
        at: dict[str, Any],
        images: pd.DataFrame,
        subset: str,
        classes: list[str],
        ground_truth: pd.DataFrame | None,
        proposals: pd.DataFrame | None,
    ) -> None:
        self.at = at
        self.images = images[images["subset"] == subset].reset_index(drop=True)
        self._proposals = None if proposals is None else _grouped(proposals, self.images["image_id"])
        if self._proposals is not None:
            missing = [i for i in self.images["image_id"] if i not in self._proposals]
            if missing:
                raise DataError(
                    f"no proposals for image {missing[0]} ({len(missing)} images in all); make the proposals again "
                    "(sohem propose, sohem merge-proposals)"
                )
        self._objects: dict[str, np.ndarray] = {}
        self._labels: dict[str, np.ndarray] = {}
        self._ignored: dict[str, np.ndarray] = {}
        if ground_truth is not None:
            index = {name: k for k, name in enumerate(classes, start=1)}
            objects = ground_truth[~ground_truth["difficult"] & ~ground_truth["ignore"]]
            self._objects = _grouped(objects, self.images["image_id"])
            self._labels = {
                str(i): np.array([index[name] for name in names], dtype=np.int64)
                for i, names in objects.groupby("image_id")["class"]
            }
            self._ignored = _grouped(ground_truth[ground_truth["ignore"]], self.images["image_id"])

    def __len__(self) -> int:
        return len(self.images)

    def boxes(self, index: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Objects [G, 4], labels [G], proposals [P, 4] or None, ignored [I, 4] in original pixels."""
        name = str(self.images.at[index, "image_id"])
        empty = np.zeros((0, 4), np.float32)
        proposals = None if self._proposals is None else torch.from_numpy(self._proposals[name])
        return (
            torch.from_numpy(self._objects.get(name, empty)),
            torch.from_numpy(self._labels.get(name, np.zeros(0, np.int64))),
            proposals,
            torch.from_numpy(self._ignored.get(name, empty)),
        )

    def __call__(self, index: int, mirror: bool = False, max_proposals: int | None = None, seed: int = 0) -> Sample:
        """Read one image; ``max_proposals`` of its proposals are drawn at random with ``seed``."""
        row = self.images.iloc[index]
        image = torch.from_numpy(load(Path(self.at["root"]) / row["file"])).permute(2, 0, 1)
        height, width = image.shape[1:]
        if (height, width) != (row["height"], row["width"]):
            raise DataError(
                f"{row['file']}: {width}x{height} pixels, but it was {row['width']}x{row['height']} when the split was "
                "made; run sohem split again"
            )
        scale = scale_factor(height, width, self.at["short_side"], self.at["long_side"])
        image = resize(image, scale)
        boxes, labels, proposals, ignored = self.boxes(index)
        if proposals is not None and max_proposals is not None and len(proposals) > max_proposals:
            drawn = torch.randperm(len(proposals), generator=stream(seed, "proposals"))[:max_proposals]
            proposals = proposals[drawn]
        boxes, ignored = boxes * scale, ignored * scale
        proposals = None if proposals is None else proposals * scale
        if mirror:
            width = image.shape[2]
            image = image.flip(2)
            boxes, ignored = flip(boxes, width), flip(ignored, width)
            proposals = None if proposals is None else flip(proposals, width)
        return Sample(image, boxes, labels, ignored, proposals, scale)


def _grouped(table: pd.DataFrame, wanted: pd.Series) -> dict[str, np.ndarray]:
    """Boxes [?, 4] float32 by image, for the images wanted."""
    table = table[table["image_id"].isin(set(wanted))]
    values = table[BOX].to_numpy(np.float32)
    return {str(name): values[rows] for name, rows in table.groupby("image_id").indices.items()}
