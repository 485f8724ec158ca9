"""Which RoIs the miner would choose on the same few training images, early, half-way and at the end of a run.

The choice is that of the iteration which is about to be done: its detector, its alpha and beta, another image. Nothing
of the run changes, since every random stream is a function of its purpose and the pass has no gradient.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sohem.datasets.annotation import BOX
from sohem.detectors.detector import Detector
from sohem.mining.miner import Miner, Moment
from sohem.settings import Train
from sohem.training.samples import SampleReader
from sohem.training.step import candidates, choose

FIELDS = ["image", *BOX, "label", "l_cls", "l_loc", "stratum", "selected"]  # of a record; image counts the probe's
COLUMNS = ["iteration", "alpha", "beta", "image_id", *BOX, "class", "foreground", "l_cls", "l_loc", "stratum",
           "selected"]  # fmt: skip


def moments(shares: Sequence[float], total: int) -> list[int]:
    """The iterations, from 1, that stand at these shares of a run of ``total`` iterations."""
    return sorted({max(1, round(share * total)) for share in shares})


def probe_images(reader: SampleReader, count: int) -> list[int]:
    """Indices of ``count`` training images with objects (or all), spread evenly; the same for all runs."""
    full = [index for index in range(len(reader)) if len(reader.boxes(index)[0])]
    if not full or not count:
        return []
    return [full[k] for k in np.unique(np.linspace(0, len(full) - 1, count).round().astype(int))]


@torch.no_grad()
def record(
    detector: Detector,
    reader: SampleReader,
    indices: Sequence[int],
    miner: Miner,
    moment: Moment,
    settings: Train,
    seed: int,
) -> Tensor:
    """[rows, len(FIELDS)] float64 on the host: every RoI of the images that is not ignored; boxes in original pixels.

    Args:
        indices: of the images, from `probe_images`.
        miner: chooses as if these images were those of the iteration.
        moment: the iteration that is about to be done.
        settings, seed: as for `batch_loss`.

    Raises:
        DataError: an image cannot be read.
    """
    device = detector.head.box_mean.device
    # The same proposals for every run: drawn with a seed of their own. Slots after those of the N training images.
    slots = [settings.images + k for k in range(len(indices))]
    samples = [reader(index, max_proposals=settings.max_proposals).to(device) for index in indices]
    images = [
        candidates(detector, x, settings, seed, moment.step, slot) for x, slot in zip(samples, slots, strict=True)
    ]
    parts = [torch.zeros(0, len(FIELDS), dtype=torch.float64)]
    chosen = choose(miner, moment, images, seed, slots)
    for k, (sample, image, selected) in enumerate(zip(samples, images, chosen, strict=True)):
        labels, l_cls, l_loc = image.labels, image.losses["cls"], image.losses["loc"]
        of = miner.strata(image.losses, labels, moment)
        marks = torch.zeros_like(labels).index_fill_(0, selected, 1)
        columns = [torch.full_like(labels, k), *(image.rois / sample.scale).T, labels, l_cls, l_loc]
        table = torch.stack([column.double() for column in [*columns, of, marks]], dim=1)
        parts.append(table[labels >= 0].cpu())
    return torch.cat(parts)


def mined_table(
    records: Mapping[int, Tensor], log: pd.DataFrame, names: Sequence[str], classes: Sequence[str]
) -> pd.DataFrame:
    """One row for each RoI of the probe images at each moment, with COLUMNS.

    ``class`` is empty for background. alpha and beta are those of the iteration, as logged; 1 for miners that do not
    go by Formula (1).

    Args:
        records: iteration -> what `record` gave; log: the training log; names: ids of the probe images.
    """
    parts = []
    weights = log.set_index("iteration")
    for iteration, rows in sorted(records.items()):
        part = pd.DataFrame(rows.numpy(), columns=FIELDS)
        alpha, beta = (float(weights[name][iteration]) for name in ("alpha", "beta"))
        parts.append(part.assign(iteration=iteration, alpha=alpha, beta=beta))
    table = pd.concat(parts) if parts else pd.DataFrame(columns=["iteration", "alpha", "beta", *FIELDS], dtype=float)
    label = table["label"].to_numpy(int)
    table["image_id"] = np.array(names, dtype=object)[table["image"].to_numpy(int)] if parts else []
    table["class"] = np.array(["", *classes], dtype=object)[label]
    table["foreground"] = label > 0
    kinds = dict.fromkeys([*BOX, "l_cls", "l_loc"], "float32")
    types = {**kinds, "iteration": "int64", "stratum": "int8", "selected": "bool", "image_id": "str", "class": "str"}
    return table[COLUMNS].astype(types).reset_index(drop=True)
