"""What the miner chose from and what it took: recorded now and then, for `sohem overlap`.

All RoIs of an iteration with their losses are kept, and not what other methods would have taken of them: so a training
depends on the settings of its own method alone, and a changed S-OHEM trains no OHEM again. Ignored RoIs are kept too,
since a random draw goes by a RoI's place among all.

Size: 40 bytes a RoI in memory and in the state to resume from, 14 in the file. At paper scale (800 records, two images
of 2000 RoIs each) that is 130 MB beside the 1.1 GB of VGG16 with its momentum, and a file of 45 MB. Time: 0.1 ms a
record, so 0.001 % of the demo's training.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from sohem.datasets.annotation import BOX
from sohem.training.step import Candidates

FIELDS = ["slot", *BOX, "label", "overlap", "l_cls", "l_loc", "selected"]  # of a record
COLUMNS = ["iteration", *FIELDS]
TYPES = {"iteration": "int32", "slot": "int16", **dict.fromkeys(BOX, "float32"), "label": "int16",
         "overlap": "float32", "l_cls": "float32", "l_loc": "float32", "selected": "bool"}  # fmt: skip


def due(iteration: int, total: int, every: int) -> bool:
    """Whether an iteration (from 1) is recorded: each of ``every``, and the last."""
    return iteration % every == 0 or iteration == total


@torch.no_grad()
def record(images: Sequence[Candidates], chosen: Sequence[Tensor]) -> Tensor:
    """[rows, len(FIELDS)] float32 on the images' device: every RoI of the N images, in their order.

    Labels are those of `Rois`; boxes are in the pixels of the resized image, as the miner saw them.

    Args:
        chosen: for each image the indices of the RoIs that were taken.
    """
    parts = []
    for slot, (image, selected) in enumerate(zip(images, chosen, strict=True)):
        labels = image.labels
        marks = torch.zeros_like(labels).index_fill_(0, selected, 1)
        facts = [torch.full_like(labels, slot), *image.rois.T, labels, image.overlaps]
        columns = [*facts, image.losses["cls"], image.losses["loc"], marks]
        parts.append(torch.stack([column.float() for column in columns], dim=1))
    return torch.cat(parts)


def choices_table(records: Mapping[int, Tensor]) -> pd.DataFrame:
    """One row for each RoI, with COLUMNS, from iteration -> what `record` gave."""
    parts = [
        pd.DataFrame(rows.numpy(), columns=FIELDS).assign(iteration=iteration)
        for iteration, rows in sorted(records.items())
    ]
    table = pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS)
    return table[COLUMNS].astype(TYPES).reset_index(drop=True)
