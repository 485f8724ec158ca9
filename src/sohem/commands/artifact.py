"""Make one figure or table of the paper from finished runs.

The artifact's name is looked up in the parameters (artifacts), and so are the runs it is made of: its data sets,
methods and seeds. Figures are written as SVG and PNG (the PNG in a folder png, which `dvc plots` shows), tables as CSV
(two decimals), Markdown and LaTeX (one), each with a provenance file beside it. Tables show the interval of each
improvement, measured by sohem difference; those of the paper show the published numbers below ours.
"""

import argparse
import functools
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sohem import files, params, provenance
from sohem.errors import DataError, ParamsError
from sohem.paper import published, tables

# The step that makes a file, by the beginning of the file's name.
STEPS = {"ap.csv": "sohem evaluate", "log.parquet": "sohem train", "interval": "sohem interval",
         "difference": "sohem difference"}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem artifact``."""
    parser.add_argument("--artifact", required=True, help="name, e.g. fig2a or table2")
    parser.add_argument("--results", required=True, type=Path, help="folder of the runs, e.g. results/demo")
    parser.add_argument(
        "--out", required=True, type=Path, help="path to write without suffix: .svg .png or .csv .md .tex"
    )


def run(args: argparse.Namespace) -> None:
    """Read the runs, draw or tabulate them, write the files and their provenance."""
    parameters = params.load(args.params)
    specs = params.artifacts(parameters)
    if args.artifact not in specs:
        raise ParamsError(f"artifacts.{args.artifact}: not defined; expected one of {', '.join(specs)}")
    spec = specs[args.artifact]
    inputs = run_files(parameters, spec, args.results)
    differences = {}
    if spec["kind"].endswith("figure"):
        from sohem.commands.artifact_figure import draw  # here, since matplotlib takes its time and tables need none

        made = draw(parameters, spec, inputs, _notice(parameters, spec))
    else:
        differences = difference_files(parameters, spec, args.results)
        made = _table(parameters, args.artifact, spec, inputs, differences)
    for suffix, data in made.items():
        path = Path(f"{args.out}.{suffix}")
        files.write_bytes(path.parent / "png" / path.name if suffix == "png" else path, data)
    part = params.select(parameters, "artifact", artifact=args.artifact)  # as the workflow gives it
    record = provenance.record(part, [*inputs.values(), *differences.values()])
    files.write_json(Path(f"{args.out}.provenance.json"), {"artifact": args.artifact, **record})


Runs = dict[tuple[str, str, int], Path]


def run_files(parameters: params.Params, spec: params.Params, results: Path) -> Runs:
    """(data set, method, seed) -> the file that the artifact reads, for all runs that it shows.

    Raises:
        DataError: a file is missing; the message says which step makes it.
    """
    runs = {run: results / name for run, name in params.artifact_sources(parameters, spec).items()}
    missing = [(run, path) for run, path in runs.items() if not path.is_file()]
    if missing:
        (dataset, method, seed), path = missing[0]
        step = STEPS[path.name.partition("_")[0]]
        raise DataError(
            f"{path}: no such file ({len(missing)} of {len(runs)} runs lack it). Run {step} for data set {dataset}, "
            f"method {method}, seed {seed}, or make it with snakemake {path}"
        )
    return runs


def difference_files(parameters: params.Params, spec: params.Params, results: Path) -> dict[str, Path]:
    """Method -> what ``sohem difference`` found between the first method and it.

    Raises:
        DataError: a file is missing.
    """
    first, *others = params.artifact_methods(parameters, spec)
    found = {
        m: results / "paper" / "statistics" / d / f"difference_{first}_{m}.csv"
        for d in spec["datasets"]
        for m in others
    }
    for path in found.values():
        if not path.is_file():
            raise DataError(f"{path}: no such file; run sohem difference, or make it with snakemake {path}")
    return found


def read_differences(found: dict[str, Path]) -> pd.DataFrame:
    """The intervals of all methods in one table, with the column method.

    Raises:
        DataError: a file is not a table of differences.
    """
    parts = []
    for method, path in found.items():
        try:
            part = pd.read_csv(path, dtype={"scope": "str"})[["scope", "iou", "low", "high"]]
        except (ValueError, KeyError) as error:
            raise DataError(f"{path}: not a table of differences ({error}); run sohem difference again") from None
        parts.append(part.assign(method=method))
    return pd.concat(parts, ignore_index=True)


def read_ap(runs: Runs) -> pd.DataFrame:
    """The AP tables of all runs in one, with the columns dataset, method and seed.

    Raises:
        DataError: a file is not a table of AP.
    """
    parts = []
    for (dataset, method, seed), path in runs.items():
        try:
            part = pd.read_csv(path, dtype={"class": "str"})
            part = part[["class", "iou", "ap_11point", "ap_area"]]
        except (ValueError, KeyError) as error:
            raise DataError(f"{path}: not a table of AP ({error}); run sohem evaluate again") from None
        parts.append(part.assign(dataset=dataset, method=method, seed=seed))
    return pd.concat(parts, ignore_index=True)


def _table(
    parameters: params.Params, name: str, spec: params.Params, runs: Runs, differences: dict[str, Path]
) -> dict[str, bytes]:
    if len(spec["datasets"]) != 1:
        raise ParamsError(f"artifacts.{name}.datasets: a table shows one data set, not {len(spec['datasets'])}")
    dataset = spec["datasets"][0]
    settings, entry = parameters["evaluation"], parameters["datasets"][dataset]
    classes, rigid = params.class_names(parameters, dataset), entry.get("rigid", [])
    methods = {key: parameters["methods"][key]["title"] for key in params.artifact_methods(parameters, spec)}
    arguments = {"methods": methods, "ious": settings["ious"], "classes": classes, "metric": settings["metric"],
                 "differences": read_differences(differences) if differences else None}  # fmt: skip
    ap = read_ap(runs)
    if spec["kind"] == "rigid_table":
        if not 0 < len(rigid) < len(classes):
            raise ParamsError(f"datasets.{dataset}.rigid: expected some of the classes, for the table {name}")
        make = functools.partial(tables.rigid_table, ap, rigid=rigid, **arguments)
        caption, bold = f"Mean AP (%) of rigid and non-rigid classes, {entry['title']} test", []
    else:
        make = functools.partial(tables.ap_table, ap, **arguments)
        caption, bold = f"Average precision (%), {entry['title']} test", [tables.short(c) for c in rigid]
    caption += f" ({_notice(parameters, spec)})"
    title = published.TITLES.get(name, name)
    level = settings["bootstrap"]["level"]
    text = tables.to_markdown(make(decimals=1), bold=bold, level=level)
    page = [f"# {title}: {caption}", _made_from(parameters, runs, differences, bold), text]
    if name in published.TITLES:
        page += [f"## {title}, {published.SOURCE}", published.CAPTIONS[name] + ", as the paper prints it.",
                 tables.to_markdown(published.read(name), bold=bold)]  # fmt: skip
    return {
        "csv": tables.to_csv(make(decimals=2)).encode(),
        "md": "\n\n".join(part.rstrip("\n") for part in page).encode() + b"\n",
        "tex": tables.to_latex(make(decimals=1), f"{caption}.", name, bold=bold, level=level).encode(),
    }


def _notice(parameters: params.Params, spec: params.Params) -> str:
    seeds = len(parameters["run"]["seeds"])
    return params.notice(parameters, spec["datasets"]) + (
        f", mean ± standard deviation of {seeds} seeds" if seeds > 1 else ""
    )


def _made_from(parameters: params.Params, runs: Runs, differences: dict[str, Path], bold: list[str]) -> str:
    settings, seeds = parameters["evaluation"], len(parameters["run"]["seeds"])
    text = [f"{tables.METRICS[settings['metric']]}. Made from {_names(runs.values())}."]
    if differences:
        chosen = settings["bootstrap"]
        method = {"percentile": "percentile", "bca": "BCa"}[chosen["interval"]]
        source = f"{seeds} seeds and the test images" if seeds > 1 else "the test images, not over training runs"
        text.append(
            f"Intervals of the improvement: {chosen['level']:.0%}, {method} bootstrap over {source}, "
            f"{chosen['resamples']} resamples, from {_names(differences.values())}."
        )
    return " ".join([*text, *(["Rigid classes are bold."] if bold else [])])


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(f"`{provenance.portable(path)}`" for path in paths)
