"""Make the table and the figure of the ablation from measured intervals.

Data sets and methods are all that run; the first method is the baseline. Read are, for every data set D and method M,
interval_M.csv and difference_BASELINE_M.csv in paper/statistics/D. Written are OUT.csv (a row for each data set,
variant and IoU, two decimals), OUT.md, OUT.tex, OUT_figure.svg, its PNG in a folder png beside it, and a provenance
file each for the table and the figure.
"""

import argparse
from pathlib import Path

import pandas as pd

from sohem import files, params, provenance
from sohem.errors import DataError
from sohem.paper import ablation, forest, tables
from sohem.paper.figures import to_bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem ablation``."""
    parser.add_argument("--results", required=True, type=Path, help="folder of the runs, e.g. results/demo")
    parser.add_argument(
        "--out", required=True, type=Path, help="path to write without suffix, e.g. results/demo/paper/ablation"
    )


def run(args: argparse.Namespace) -> None:
    """Read the intervals, write table and figure."""
    settings = params.load(args.params)
    chosen, seeds = settings["run"], len(settings["run"]["seeds"])
    baseline, ious = chosen["methods"][0], settings["evaluation"]["ious"]
    methods = {name: settings["methods"][name] for name in chosen["methods"]}
    titles = {name: entry["title"] for name, entry in methods.items()}
    datasets = {name: settings["datasets"][name]["title"] for name in chosen["datasets"]}
    measured = {
        (d, m): args.results / "paper" / "statistics" / d / f"interval_{m}.csv" for d in datasets for m in methods
    }
    compared = {(d, m): args.results / "paper" / "statistics" / d / f"difference_{baseline}_{m}.csv"
                for d in datasets for m in methods if m != baseline}  # fmt: skip
    intervals = {key: read(path, ablation.INTERVAL) for key, path in measured.items()}
    differences = {key: read(path, list(ablation.DIFFERENCE)) for key, path in compared.items()}
    rows = ablation.collect(intervals, differences, titles, baseline, ious)

    level = f"{100 * settings['evaluation']['bootstrap']['level']:g} %"
    notice = params.notice(settings, list(datasets)) + (f", {seeds} seeds" if seeds > 1 else ", one seed")
    table = ablation.shown(rows, datasets, titles[baseline])
    caption = f"Ablation: mAP (%) and its difference to {titles[baseline]} ({notice})"
    figure = forest.forest_figure(rows, datasets, baseline, notice)
    exact = {name: [f"{x:.3g}" if x == x else "" for x in rows[name]] for name in ("p", "p_holm", "iou", "seeds")}
    for suffix, data in {
        ".csv": tables.to_csv(rows.assign(**exact)).encode(),
        ".md": page(caption, rows, table, ablation.changes(methods), titles[baseline], settings).encode(),
        ".tex": tables.to_latex(table, f"{caption}. In brackets {level} intervals.", "ablation", most=0).encode(),
        "_figure.svg": to_bytes(figure, "svg"),
    }.items():
        files.write_bytes(Path(f"{args.out}{suffix}"), data)
    files.write_bytes(args.out.parent / "png" / f"{args.out.name}_figure.png", to_bytes(figure, "png"))
    record = provenance.record(params.select(settings, "ablation"), [*measured.values(), *compared.values()])
    for suffix in ("", "_figure"):
        name = f"{args.out.name}{suffix}"
        files.write_json(Path(f"{args.out}{suffix}.provenance.json"), {"artifact": name, **record})


def read(path: Path, columns: list[str]) -> pd.DataFrame:
    """The scope, threshold and named columns of a table of intervals or differences.

    Raises:
        DataError: it is missing, or no such table.
    """
    try:
        return pd.read_csv(path)[["scope", "iou", *columns]]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; make it with snakemake --cores all {path}") from None
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: not a table of intervals ({error}); delete it and run snakemake ablation") from None


def page(
    caption: str, rows: pd.DataFrame, table: pd.DataFrame, changes: list[str], baseline: str, settings: params.Params
) -> str:
    """The Markdown page: table, how to read it, and what each variant changes."""
    several, level = len(settings["run"]["seeds"]) > 1, settings["evaluation"]["bootstrap"]["level"]
    outside, corrected, count = ablation.apart(rows, 1 - level)
    spread = (
        "mean ± standard deviation over the seeds, and in brackets the {} interval over test images and seeds"
        if several
        else "one seed, and in brackets the {} interval over test images, which knows nothing of other seeds"
    )
    name, inside = tables.METRICS[settings["evaluation"]["metric"]], f"{100 * level:g} %"
    reading = (
        f"{name}. Each cell: {spread.format(inside)}. The last columns are the paired difference to {baseline}, in "
        f"points. Of {count} differences, {outside} have an interval without 0 (about {(1 - level) * count:.0f} would "
        f"if no variant differed), and {corrected} a p-value below {1 - level:.2g} after Holm's correction for the "
        "number of variants."
    )
    listed = "".join(f"- {sentence}\n" for sentence in changes)
    parts = [f"# {caption}", reading, tables.to_markdown(table).rstrip("\n"), "## What each variant changes", listed]
    return "\n\n".join(parts)
