"""Simulated detectors whose difference is known: each class is an experiment of its own, so one call makes hundreds."""

import numpy as np
import pandas as pd

from sohem.datasets.annotation import BOX

HARDEST = -0.5  # a box is found if its quality is above this


class World:
    """Images with boxes of many classes; how hard a box is holds for every detector."""

    def __init__(self, rng: np.random.Generator, classes: int, images: int, boxes: float):
        """boxes: of each class on average."""
        self.rng, self.count = rng, classes
        self.images = [f"{k:06d}" for k in range(images)]
        self.classes = [f"c{k:04d}" for k in range(classes)]
        self.label = np.repeat(np.arange(classes), rng.poisson(boxes, classes))
        self.image = rng.integers(0, images, len(self.label))
        self.ease = rng.normal(size=len(self.label))
        # Boxes stand side by side, each at a place of its own.
        left = 20.0 * np.arange(len(self.label))
        self.box = np.stack([left, 0 * left, left + 10, 0 * left + 10], axis=1)
        self.truth = self._table(self.image, self.label, self.box).assign(difficult=False, ignore=False)

    def detect(
        self, skill: float | np.ndarray = 0.0, wrong: float = 300.0, liking: float | np.ndarray = 0.0
    ) -> pd.DataFrame:
        """Detections of one run.

        skill: of the detector, or (classes,). wrong: false ones of each class on average. liking: (boxes,) how much
        easier each box is for the method of this run.
        """
        rng = self.rng
        skill = np.broadcast_to(skill, self.count)[self.label]
        quality = self.ease + liking + rng.normal(size=len(self.label)) + skill
        found = quality > HARDEST
        label = np.repeat(np.arange(self.count), rng.poisson(wrong, self.count))
        image = rng.integers(0, len(self.images), len(label))
        right = self._table(self.image[found], self.label[found], self.box[found])
        false = self._table(image, label, np.tile([0.0, 1000, 10, 1010], (len(label), 1)))
        scores = quality[found] + 0.5 * rng.normal(size=found.sum()), rng.normal(-0.8, 1, len(label))
        return pd.concat([right.assign(score=scores[0]), false.assign(score=scores[1])], ignore_index=True)

    def _table(self, image: np.ndarray, label: np.ndarray, box: np.ndarray) -> pd.DataFrame:
        names, images = np.array(self.classes), np.array(self.images)
        return pd.DataFrame({"image_id": images[image], "class": names[label], **dict(zip(BOX, box.T, strict=True))})
