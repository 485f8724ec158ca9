"""What every method would have taken at the recorded iterations of a training, on the losses of that training.

The choices are made as in the training itself: on all RoIs of the iteration's images, with its random streams and with
the log as history. So the run's own method takes again what was recorded; that is checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sohem.datasets.annotation import BOX
from sohem.errors import DataError
from sohem.evaluation.overlap import COLUMNS, Mask, exchange
from sohem.mining.choice import choose_of
from sohem.mining.miner import Miner, Moment
from sohem.mining.rois import Rois

# Of a training on a GPU, choices are made again on the CPU. NMS may then round an IoU at its threshold to the other
# side, and random draws are others.
GPU_TOLERANCE = 0.01


def overlap_rows(
    choices: pd.DataFrame, log: pd.DataFrame, own: str, miners: Mapping[str, Miner], seed: int, same_device: bool
) -> pd.DataFrame:
    """One row for each recorded iteration and each of ``miners`` but the run's own, without the column seed.

    Args:
        choices: rois.parquet of the run; log: log.parquet.
        own: the run's method; miners: by method, this among them.
        seed: of the run.
        same_device: whether the training chose on the kind of device that this is worked out on, the CPU.

    Raises:
        DataError: the run's own method does not take what was recorded.
    """
    history = {str(name): log[name].to_numpy(float) for name in log}
    rows: list[dict[str, Any]] = []
    for iteration, slots, images, table in recorded(choices):
        l_cls, l_loc, labels, selected = (table[name].to_numpy() for name in ("l_cls", "l_loc", "label", "selected"))
        moment = Moment(iteration, history)
        again = taken(miners[own], moment, images, seed, slots)
        check(own, iteration, selected, again, draws=not miners[own].losses, same_device=same_device)
        left = taken(unlimited(miners[own], images), moment, images, seed, slots)
        known = {
            "method": own,
            "iteration": iteration,
            "beta": miners[own].alpha_beta(moment)[1],
            "left": int(left.sum()),
            "foreground_left": int((left & (labels > 0)).sum()),
        }
        for name, miner in miners.items():
            if name != own:
                pair = exchange(selected, taken(miner, moment, images, seed, slots), l_cls, l_loc)
                rows.append({**known, "other": name, "beta_other": miner.alpha_beta(moment)[1], **pair._asdict()})
    return pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "seed"])


def recorded(choices: pd.DataFrame) -> Iterator[tuple[int, list[int], list[Rois], pd.DataFrame]]:
    """For each iteration: its number, the slots of its images, their RoIs, and the rows of all these in this order."""
    for _, rows in choices.groupby("iteration"):
        slots, images = [], []
        for _, part in rows.groupby("slot"):
            losses = {name: torch.tensor(part[f"l_{name}"].to_numpy(np.float32)) for name in ("cls", "loc")}
            boxes, labels = part[BOX].to_numpy(np.float32), part["label"].to_numpy(np.int64)
            slots.append(int(part["slot"].iloc[0]))
            overlaps = torch.tensor(part["overlap"].to_numpy(np.float32))
            images.append(Rois(losses, torch.tensor(boxes), torch.tensor(labels), overlaps))
        yield int(rows["iteration"].iloc[0]), slots, images, rows


@torch.no_grad()
def taken(miner: Miner, moment: Moment, images: Sequence[Rois], seed: int, slots: Sequence[int]) -> Mask:
    """[all R], True for the RoIs of the images, one after the other, that ``miner`` takes."""
    chosen = choose_of(miner, moment, images, seed, slots)
    marks: list[Tensor] = [
        torch.zeros(len(image.labels), dtype=torch.bool).index_fill_(0, indices, True)
        for image, indices in zip(images, chosen, strict=True)
    ]
    return torch.cat(marks).numpy()


def unlimited(miner: Miner, images: Sequence[Rois]) -> Miner:
    """The same miner with a batch so large that it takes all that its NMS leaves."""
    return replace(miner, batch_size=max(1, *(len(image.labels) for image in images)))


def check(own: str, iteration: int, selected: Mask, again: Mask, draws: bool, same_device: bool) -> None:
    """Refuse a record that does not agree with the method's choice.

    Args:
        draws: whether the method chooses at random.

    Raises:
        DataError: it does not; see `GPU_TOLERANCE` for trainings on another device.
    """
    if draws and not same_device:
        return
    others = int((selected & ~again).sum())
    if others > (0 if same_device else GPU_TOLERANCE * selected.sum()):
        raise DataError(
            f"iteration {iteration}: {others} of {int(selected.sum())} recorded RoIs are not those that {own} takes "
            "on the recorded losses. Were its settings changed, or the file? Train again"
        )
