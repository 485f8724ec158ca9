"""Mean AP of rigid and of other classes (Table 4 of the paper), for data sets that tell them apart."""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from sohem.errors import ParamsError
from sohem.evaluation import metrics
from sohem.paper import table_files, tables
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.params import Params


def applies(given: Params, dataset: str) -> bool:
    """A data set tells some classes apart as rigid."""
    return bool(given["datasets"][dataset].get("rigid"))


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    rigid = artifact.rigid(artifact.dataset)
    if not 0 < len(rigid) < len(artifact.classes(artifact.dataset)):
        raise ParamsError(
            f"datasets.{artifact.dataset}.rigid: expected some of the classes, for the table {artifact.name}"
        )
    make = partial(table, rigid=rigid)
    return table_files.to_files(artifact, inputs, make, "Mean AP (%) of rigid and non-rigid classes")


def table(
    ap: pd.DataFrame,
    methods: Mapping[str, str],
    ious: Sequence[float],
    classes: Sequence[str],
    rigid: Sequence[str],
    metric: str,
    decimals: int = 1,
    differences: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Method, IoU, rigid, non-rigid; rows and arguments as those of ``tables.in_paper_order``.

    Args:
        ap: AP of all runs. metric: 11point or area.

    Raises:
        DataError: ``ap`` lacks a method, class or threshold, or ``differences`` a cell.
    """
    cells = tables.cells(ap, methods, ious, classes, metric)
    groups = {name: members for name, members in metrics.groups(classes, rigid).items() if name != "mAP"}
    means = pd.DataFrame({name: cells[members].mean(axis=1) for name, members in groups.items()})
    return tables.in_paper_order(means, methods, ious, decimals, differences).rename(columns={"nonrigid": "non-rigid"})


KIND = Kind(
    title="rigid and non-rigid classes",
    caption=table_files.caption,
    draw=draw,
    sources=table_files.SOURCES,
    reads=table_files.READS,
    applies=applies,
    one=True,
    rank=2,
)
