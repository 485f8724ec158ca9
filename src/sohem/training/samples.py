"""Images with their boxes and proposals, read from disk, resized and mirrored, ready for a detector."""

from dataclasses import dataclass, fields
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
from sohem.detectors.detector import Detector
from sohem.errors import DataError
from sohem.randomness import stream
from sohem.settings import Images
from sohem.training.cache import ImageCache

SMALL = 32  # pixels; no backbone wants more of a side


@dataclass
class Sample:
    """One image; boxes are in its resized pixels. ``scale`` is resized / original."""

    image: Tensor  # [3, H, W] uint8, RGB, as stored: ``pixels`` mirrors it; or what the frozen layers make of it
    size: tuple[int, int]  # height and width
    boxes: Tensor  # [G, 4] the objects to learn (difficult ones are left out)
    labels: Tensor  # [G] their classes, from 1
    ignored: Tensor  # [I, 4] regions that are neither object nor background
    proposals: Tensor | None  # [P, 4], None where the detector makes its own
    scale: float
    mirrored: bool = False  # the boxes are those of the mirrored image
    still: bool = False  # ``image`` is what the frozen layers make of the (mirrored) image, not its pixels

    def pixels(self) -> Tensor:
        """[3, H, W] float, 0 to 255, mirrored if the sample is; made on the device, so that a GPU is sent bytes."""
        image = self.image.float()
        return image.flip(2) if self.mirrored else image

    def features(self, detector: Detector) -> Tensor:
        """[1, C, H', W'] with their graph; from what the frozen layers made of the image, if the sample holds that."""
        return detector.features(self.image, still=True) if self.still else detector.features(self.pixels())

    def to(self, device: torch.device) -> "Sample":
        """The sample with its tensors on ``device``."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "Sample":
        """The sample in page-locked memory, from where a GPU copies while the host goes on; called by DataLoader."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Any) -> "Sample":
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Sample(**{name: change(v) if isinstance(v, Tensor) else v for name, v in values.items()})


def scale_factor(height: int, width: int, short_side: int, long_side: int) -> float:
    """How much to enlarge an image so that its short side is ``short_side``, but its long one at most ``long_side``."""
    return min(short_side / min(height, width), long_side / max(height, width))


def resized(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width of an image after resizing by ``scale``."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(image: Tensor, scale: float) -> Tensor:
    """An image [3, H, W], uint8, resized bilinearly, uint8 again."""
    size = resized(image.shape[1], image.shape[2], scale)
    if size == tuple(image.shape[1:]):
        return image
    return F.interpolate(image[None], size, mode="bilinear", align_corners=False)[0]


class SampleReader:
    """Reads the images of one subset by index.

    Args:
        at: where the images lie, and to which size they are brought.
        images: table of the data set's images; ground_truth and proposals likewise. Without ``ground_truth`` samples
            have no boxes.
        classes: the K class names in order.
        cache: folder to keep the resized pixels in; without one every image is decoded each time it is read.
    """

    def __init__(
        self,
        at: Images,
        images: pd.DataFrame,
        subset: str,
        classes: list[str],
        ground_truth: pd.DataFrame | None,
        proposals: pd.DataFrame | None,
        cache: Path | None = None,
    ) -> None:
        self.at = at
        table = images[images["subset"] == subset]
        self.names: list[str] = table["image_id"].tolist()
        self._files: list[str] = table["file"].tolist()
        self._sizes = list(zip(table["height"].tolist(), table["width"].tolist(), strict=True))
        self._scales = [scale_factor(h, w, at.short_side, at.long_side) for h, w in self._sizes]
        self._proposals = None if proposals is None else _grouped(proposals, self.names)
        if self._proposals is not None:
            missing = [name for name in self.names if name not in self._proposals]
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
            self._objects = _grouped(objects, self.names)
            self._labels = {
                str(i): np.array([index[name] for name in names], dtype=np.int64)
                for i, names in objects.groupby("image_id")["class"]
            }
            self._ignored = _grouped(ground_truth[ground_truth["ignore"]], self.names)
        self._cache: ImageCache | None = None
        self._still: ImageCache | None = None
        if cache is not None:
            self._cache = ImageCache(cache, self._paths(), [(3, *size) for size in self._resized()])
            self._cache.fill(self.decode)

    def _paths(self) -> list[Path]:
        return [Path(self.at.root) / file for file in self._files]

    def _resized(self) -> list[tuple[int, int]]:
        return [resized(*size, scale) for size, scale in zip(self._sizes, self._scales, strict=True)]

    @torch.no_grad()
    def check_sizes(self, detector: Detector) -> None:
        """Try whether small images are large enough for the detector's backbone.

        Raises:
            DataError: one is not, after resizing; names it and the keys that set its size.
        """
        sizes = self._resized()
        for size in sorted({size for size in sizes if min(size) < SMALL}):
            try:
                detector.features(torch.zeros(3, *size, device=detector.head.box_mean.device))
            except RuntimeError as error:
                raise DataError(
                    f"{self._paths()[sizes.index(size)]}: {size[1]}x{size[0]} pixels once resized, too small for the "
                    f"backbone ({str(error).splitlines()[0]}). Take it off the list of images, or raise short_side and "
                    "long_side of the data set (datasets.<name>.<scale>)"
                ) from None

    def keep_still(self, detector: Detector, folder: Path, mirrored: bool) -> None:
        """From now on hand out what the detector's frozen layers make of the images, kept in a file in ``folder``.

        All runs that start from the same weights share it: computed once, and read instead of the image.

        Args:
            mirrored: whether mirrored images will be asked for.
        """

        def make(index: int) -> Tensor:
            image = self.decode(index % len(self)).to(device).float()
            return detector.still(image.flip(2) if index >= len(self) else image).cpu()

        device, sizes = detector.head.box_mean.device, self._resized()
        shapes = detector.still_shapes(set(sizes))
        paths, turns = self._paths(), 1 + mirrored
        of = detector.still_fingerprint()
        cache = ImageCache(folder, paths * turns, [shapes[size] for size in sizes] * turns, np.float32, of)
        cache.fill(make)
        self._still = cache

    def __len__(self) -> int:
        return len(self.names)

    def boxes(self, index: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Objects [G, 4], labels [G], proposals [P, 4] or None, ignored [I, 4] in original pixels."""
        name = self.names[index]
        empty = np.zeros((0, 4), np.float32)
        proposals = None if self._proposals is None else torch.from_numpy(self._proposals[name])
        return (
            torch.from_numpy(self._objects.get(name, empty)),
            torch.from_numpy(self._labels.get(name, np.zeros(0, np.int64))),
            proposals,
            torch.from_numpy(self._ignored.get(name, empty)),
        )

    def decode(self, index: int) -> Tensor:
        """The resized pixels [3, H, W] uint8 of an image, from its file.

        Raises:
            DataError: the file is missing, unreadable or no longer of the size that the split recorded.
        """
        path = Path(self.at.root) / self._files[index]
        image = torch.from_numpy(load(path)).permute(2, 0, 1)
        height, width = self._sizes[index]
        if tuple(image.shape[1:]) != (height, width):
            raise DataError(
                f"{path}: {image.shape[2]}x{image.shape[1]} pixels, but it was {width}x{height} when the split was "
                "made; run sohem split again"
            )
        return resize(image, self._scales[index])

    def __call__(self, index: int, mirror: bool = False, max_proposals: int | None = None, seed: int = 0) -> Sample:
        """Read one image; ``max_proposals`` of its proposals are drawn at random with ``seed``."""
        scale, size = self._scales[index], resized(*self._sizes[index], self._scales[index])
        if self._still is not None:
            image = self._still[index + mirror * len(self)]
        else:
            image = self.decode(index) if self._cache is None else self._cache[index]
        boxes, labels, proposals, ignored = self.boxes(index)
        if proposals is not None and max_proposals is not None and len(proposals) > max_proposals:
            drawn = torch.randperm(len(proposals), generator=stream(seed, "proposals"))[:max_proposals]
            proposals = proposals[drawn]
        boxes, ignored = boxes * scale, ignored * scale
        proposals = None if proposals is None else proposals * scale
        if mirror:
            boxes, ignored = flip(boxes, size[1]), flip(ignored, size[1])
            proposals = None if proposals is None else flip(proposals, size[1])
        return Sample(image, size, boxes, labels, ignored, proposals, scale, mirror, self._still is not None)


def _grouped(table: pd.DataFrame, wanted: list[str]) -> dict[str, np.ndarray]:
    """Boxes [?, 4] float32 by image, for the images wanted."""
    table = table[table["image_id"].isin(set(wanted))]
    values = table[BOX].to_numpy(np.float32)
    return {str(name): values[rows] for name, rows in table.groupby("image_id").indices.items()}
