"""Make one figure, table or sheet from finished runs.

The artifact's name is looked up in the parameters (artifacts), and so are the runs it is made of: its data sets,
methods and seeds. Figures are written as SVG and PNG (the PNG in a folder png, which `dvc plots` shows), tables as CSV
(two decimals), Markdown and LaTeX (one), sheets of images as PNG, each with a provenance file beside it. What each kind
shows stands in its file in src/sohem/paper/kinds.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from sohem import artifacts, files, params, provenance
from sohem.datasets import stored
from sohem.errors import DataError
from sohem.paper.kind import FILES, Artifact, Inputs, Run, Source, form


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem artifact``."""
    parser.add_argument("--artifact", required=True, help="name, e.g. fig2a, table2 or contact_voc")
    parser.add_argument("--results", required=True, type=Path, help="folder of the runs, e.g. results/demo")
    parser.add_argument(
        "--out", required=True, type=Path, help="path to write without suffix, e.g. results/demo/paper/fig2a"
    )


def run(args: argparse.Namespace) -> None:
    """Read the runs, draw or tabulate them, write the files and their provenance."""
    given = artifacts.part(artifacts.load(args.params), args.artifact)
    artifact = artifacts.artifact(given, args.artifact)
    paths = find(artifact, args.results)
    inputs = Inputs(
        tables={
            name: {run: read(path, artifact.kind.sources[name]) for run, path in found.items()}
            for name, found in paths.items()
        },
        names={name: {run: provenance.portable(path) for run, path in found.items()} for name, found in paths.items()},
        image=lambda dataset, file: image(given, dataset, file),
    )
    shown = FILES[form(given["artifacts"][args.artifact]["kind"])]
    sums = {}
    for suffix, data in artifact.kind.draw(artifact, inputs).items():
        files.write_bytes(args.out.parent / shown[suffix].format(name=args.out.name), data)
        sums[suffix] = hashlib.sha256(data).hexdigest()
    record = provenance.record(given, [path for found in paths.values() for path in found.values()])
    files.write_json(Path(f"{args.out}.provenance.json"), {"artifact": args.artifact, **record, "sha256": sums})


def find(artifact: Artifact, results: Path) -> dict[str, dict[Run, Path]]:
    """Name of a source -> run -> the file below ``results``.

    Raises:
        DataError: a file is missing; the message says which step makes it.
    """
    found = {}
    for name, source in artifact.kind.sources.items():
        runs = found[name] = {run: results / file for run, file in artifact.runs(source).items()}
        missing = [(run, path) for run, path in runs.items() if not path.is_file()]
        if missing:
            run, path = missing[0]
            of = [f"{kind} {key}" for kind, key in zip(("data set", "method", "seed"), run, strict=True)
                  if key is not None]  # fmt: skip
            raise DataError(
                f"{path}: no such file ({len(missing)} of {len(runs)} runs lack it). Run sohem {source.step} for "
                f"{', '.join(of)}, or make it with snakemake {path}"
            )
    return found


def read(path: Path, source: Source) -> pd.DataFrame:
    """The table of a source.

    Raises:
        DataError: it is none, lacks a column, or holds something else than it should.
    """
    again = f"run sohem {source.step} again"
    if path.suffix == ".csv":
        return files.read_csv(path, source.columns, again)
    return stored.checked(files.read_table(path), path, source.columns, again)


def image(given: params.Params, dataset: str, file: str) -> np.ndarray:
    """The pixels of an image of a data set, [height, width, 3].

    Raises:
        DataError: it cannot be read.
    """
    from sohem.datasets.images import load

    return load(Path(params.dataset_at_scale(given, dataset)["root"]) / file)
