"""The choice of an iteration's RoIs as the pipeline makes it, with its random streams; made again, it is the same."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from sohem.mining.miner import Miner, Moment
from sohem.mining.rois import Rois
from sohem.randomness import stream


def choose_of(miner: Miner, moment: Moment, images: Sequence[Rois], seed: int, slots: Sequence[int]) -> list[Tensor]:
    """For each image the indices [B] of the RoIs that ``miner`` takes; an image's slot chooses its random stream."""
    moments = [
        replace(moment, generator=stream(seed, "random sampling", moment.step, slot, device=image.boxes.device))
        for image, slot in zip(images, slots, strict=True)
    ]
    return miner.choose_each(images, moments)
