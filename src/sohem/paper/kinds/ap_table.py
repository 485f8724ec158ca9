"""AP of every class and their mean (Tables 2 and 3 of the paper)."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sohem.paper import table_files, tables
from sohem.paper.kind import Artifact, Files, Inputs, Kind


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    bold = [tables.short(name) for name in artifact.rigid(artifact.dataset)]
    return table_files.to_files(artifact, inputs, table, "Average precision (%)", bold)


def table(
    ap: pd.DataFrame,
    methods: Mapping[str, str],
    ious: Sequence[float],
    classes: Sequence[str],
    metric: str,
    decimals: int = 1,
    differences: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Method, IoU, mAP, then one column a class; rows and arguments as those of ``tables.in_paper_order``.

    Args:
        ap: AP of all runs. metric: 11point or area.

    Raises:
        DataError: ``ap`` lacks a method, class or threshold, or ``differences`` a cell.
    """
    cells = tables.cells(ap, methods, ious, classes, metric)
    whole = pd.concat([cells.mean(axis=1).rename("mAP"), cells], axis=1)
    return tables.in_paper_order(whole, methods, ious, decimals, differences).rename(columns=tables.short)


KIND = Kind(
    title="AP of each class",
    caption=table_files.caption,
    draw=draw,
    sources=table_files.SOURCES,
    reads=table_files.READS,
    one=True,
    rank=1,
)
