"""Work out how far the methods agree: what each would have taken on the very losses of every run.

For every run of a data set (run.methods, run.seeds) and every recorded iteration (rois.parquet), the methods named in
evaluation.overlap choose again. The CSV has a row for each run, other method and iteration: beta of the run and of the
other; how many RoIs the run's own NMS leaves, and how many of these are foreground; how many RoIs the run took, the
other would have taken, and both; and the mean losses of those that the run took and the other would not (cls_own,
loc_own) and of those that the other would have taken instead (cls_other, loc_other).
"""

import argparse
from pathlib import Path

import pandas as pd

from sohem import files, params
from sohem.errors import DataError
from sohem.evaluation.overlap import COLUMNS
from sohem.mining import miners
from sohem.mining.replay import overlap_rows
from sohem.paper.run_files import RUN

DECIMALS = 6  # of losses and betas


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem overlap``."""
    parser.add_argument("--dataset", required=True, help="data set, as named in the parameters")
    parser.add_argument("--results", required=True, type=Path, help="folder of the runs, e.g. results/demo")
    parser.add_argument("--out", required=True, type=Path, help="CSV to write")


def run(args: argparse.Namespace) -> None:
    """Read the runs, choose again, write the CSV."""
    import torch

    torch.set_num_threads(1)
    given = params.load(args.params, dataset=args.dataset)
    chosen = given["run"]
    tables = [
        of_run(
            given, args.dataset, method, seed, args.results / RUN.format(dataset=args.dataset, method=method, seed=seed)
        )
        for method in chosen["methods"]
        for seed in chosen["seeds"]
    ]
    table = pd.concat(tables, ignore_index=True)
    files.write_csv(args.out, table.round(DECIMALS).to_csv(index=False))


def of_run(given: params.Params, dataset: str, method: str, seed: int, folder: Path) -> pd.DataFrame:
    """The rows of one run.

    Raises:
        DataError: a file is missing or damaged, or the record is not what the method takes.
    """
    source = folder / "rois.parquet"
    log, choices = files.read_table(folder / "log.parquet"), files.read_table(source)
    scale, target = params.at_scale(given), params.beta_target(given, dataset)
    built = {
        name: miners.build(name, params.method(given, name, dataset), scale["train"]["rois"], len(log), target)
        for name in dict.fromkeys([method, *given["evaluation"]["overlap"]])
    }
    try:
        rows = overlap_rows(choices, log, method, built, seed, same_device=scale["device"] == "cpu")
    except (DataError, KeyError) as error:
        reason = error if isinstance(error, DataError) else f"no column {error}; train again"
        raise DataError(f"{source}: {reason}") from None
    return rows.assign(seed=seed)[COLUMNS]
