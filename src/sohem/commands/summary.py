"""Say in some lines what a finished run found, and how it agrees with the recorded one.

Where the report lies; the differences in mAP of the first two methods, with intervals; and whether the files below the
folder of results have the bytes that the last commit holds. If not: what tells the two runs apart, how many headline
differences lie inside the recorded intervals, and what to do. Nothing is written.
"""

import argparse
from pathlib import Path

import pandas as pd

from sohem import files, params
from sohem.errors import ParamsError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``sohem summary``."""
    parser.add_argument("--scale", help="a scale of the parameters (default: the one that they name)")


def run(args: argparse.Namespace) -> None:
    """Print the lines."""
    from sohem.compare import agreement, recorded
    from sohem.paper import run_files

    given = params.load(args.params)
    scale = args.scale or given["scale"]
    if scale not in given["scales"]:
        raise ParamsError(f"--scale {scale}: not among the scales of the parameters ({', '.join(given['scales'])})")
    results = Path("results", given["run"].get("name", scale))
    page = results / "report.html"
    print(f"Report: {page}" if page.is_file() else f"Report: {page} is not there; snakemake makes it")

    methods = given["run"].get("shown", given["run"]["methods"])
    ious, level = given["evaluation"]["ious"], given["evaluation"]["bootstrap"]["level"]
    now: dict[str, pd.DataFrame | None] = {}
    paths: dict[str, str] = {}
    if len(methods) < 2:
        print("One method: no difference to show.")
    else:
        first, second = methods[:2]
        for name in given["run"]["datasets"]:
            path = results / run_files.DIFFERENCE_FILE.format(dataset=name, first=first, method=second)
            now[name], paths[name] = files.read_csv(path) if path.is_file() else None, path.as_posix()
        titles = {given["datasets"][name]["title"]: table for name, table in now.items()}
        head, *rows = agreement.headlines(titles, [min(ious), max(ious)], level)
        print(f"{given['methods'][second]['title']} minus {given['methods'][first]['title']}, {head}", *rows, sep="\n")

    found = recorded.of(results)
    if isinstance(found, str):
        print(f"Agreement with a recorded run: unknown, since {found}.")
        return
    before = {name: found.table(path) for name, path in paths.items()}
    differences = agreement.compared([(now[name], before[name]) for name in now])
    print(agreement.verdict(len(found.files), len(found.changed), found.commit, differences))
    if found.changed:
        print(*agreement.advice(results.as_posix(), recorded.reasons(found, results, args.params)), sep="\n")
