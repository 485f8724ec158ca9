"""Make the report: one page with everything that `snakemake all` found out, to be opened from disk, sent or printed.

The page needs no other file and no network. It holds the verdicts on the paper's claims, the headline numbers, the
figures and tables with their captions, the images, what each run took, and where all of it comes from. What has not
been made yet is left out, and named on top of the page.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from sohem import files, params, provenance
from sohem.errors import DataError
from sohem.evaluation import metrics
from sohem.paper import ablation, claims_page, published, tables
from sohem.report import captions, embed, page, plan, sections


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem report``."""
    parser.add_argument("--results", required=True, type=Path, help="folder of the runs, e.g. results/demo")
    parser.add_argument("--captions", default="workflow/report", type=Path, metavar="FOLDER", help="texts of captions")
    parser.add_argument("--out", required=True, type=Path, help="page to write (.html)")


def run(args: argparse.Namespace) -> None:
    """Read what there is, write the page and its provenance."""
    given = params.select(params.load(args.params), "report")
    found = Results(args.results)
    content = gather(given, found, args.captions)
    record = provenance.record(given, found.read)
    content["own"] = record
    text = page.render("report.html.j2", **content)
    files.write_text(args.out, text)
    files.write_json(args.out.with_suffix(".provenance.json"), {"artifact": args.out.stem, **record})
    print(f"{args.out}: {len(text.encode()) / 1e6:.1f} MB, {len(found.missing)} expected files missing")


class Results:
    """The folder of a scale's results; notes what was read and what was missing."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.read: list[Path] = []
        self.missing: list[str] = []

    def find(self, name: str, expected: bool = True) -> Path | None:
        """The path of a file; None if there is none, which is noted if it was expected."""
        path = self.folder / name
        if path.is_file():
            self.read.append(path)
            return path
        if expected and path.as_posix() not in self.missing:
            self.missing.append(path.as_posix())
        return None

    def json(self, name: str, expected: bool = True) -> Any:
        """The content of a JSON file, None if there is none."""
        path = self.find(name, expected)
        return None if path is None else files.read_json(path)

    def csv(self, name: str) -> pd.DataFrame | None:
        """A CSV table, None if there is none."""
        path = self.find(name)
        return None if path is None else _csv(path)

    def table(self, name: str) -> pd.DataFrame | None:
        """A Parquet table, None if there is none."""
        path = self.find(name)
        return None if path is None else files.read_table(path)


def gather(given: params.Params, found: Results, captions_folder: Path) -> dict[str, Any]:
    """Everything that the template shows."""
    datasets = {name: given["datasets"][name]["title"] for name in given["run"]["datasets"]}
    methods = {name: given["methods"][name]["title"] for name in given["run"]["methods"]}
    settings = given["evaluation"]
    runs = [_run(given, run, found) for run in plan.runs(given)]
    shown = [made for part in plan.parts(given) if (made := _part(given, part, found, captions_folder))]
    records = [entry["provenance"] for entry in [*runs, *shown] if entry["provenance"]]
    claims = found.json("paper/claims.json", expected=bool(set(published.DATASETS.values()) & set(datasets)))
    return {
        "notice": params.notice(given, list(datasets)),
        "scale": given["scale"],
        "demonstration": claims_page.DEMONSTRATION.replace("**", ""),
        "datasets": datasets,
        "methods": methods,
        "seeds": given["run"]["seeds"],
        "ious": settings["ious"],
        "level": f"{100 * settings['bootstrap']['level']:g} %",
        "metric": tables.METRICS[settings["metric"]],
        "claims": _claims(claims, shown),
        "headlines": _headlines(given, found, methods),
        "parts": shown,
        "runs": runs,
        "data": [_data(given, name, found) for name in datasets],
        "total": sections.total([run["cost"] for run in runs]),
        "commits": sections.commits(records),
        "versions": sections.distinct(records, "versions"),
        "platforms": sections.distinct(records, "platform"),
        "machines": sections.distinct(records, "machine"),
        "checksums": sections.checksums(records),
        "parameters": yaml.safe_dump(given, sort_keys=False, width=100, default_flow_style=None),
        "missing": found.missing,
    }


def _headlines(given: params.Params, found: Results, methods: dict[str, str]) -> list[dict[str, Any]]:
    """For each pair of methods, the rows of all data sets."""
    first, *others = methods
    groups = []
    for other in others:
        rows: list[sections.Headline] = []
        for dataset in given["run"]["datasets"]:
            difference = found.csv(f"paper/statistics/{dataset}/difference_{first}_{other}.csv")
            single = [found.csv(f"paper/statistics/{dataset}/interval_{name}.csv") for name in (first, other)]
            if difference is not None and single[0] is not None and single[1] is not None:
                names = (methods[first], methods[other])
                rows += sections.headline(dataset, names, difference, single[0], single[1])
        groups.append({"first": methods[first], "second": methods[other], "rows": rows})
    return groups


def _claims(content: Any, shown: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The verdicts with their numbers in words, and the audit of the paper's numbers."""
    if content is None:
        return None
    anchors = {entry["part"].name: entry["part"].title for entry in shown}
    rows = []
    for claim in content["claims"]:
        name = (claim["artifact"] or "").rpartition(".")[0]
        rows.append({**claim, "found": claims_page.found(claim), "claimed": claims_page.claimed(claim),
                     "printed": claims_page.printed(claim), "see": name if name in anchors else None,
                     "see_title": plan.label(name)})  # fmt: skip
    topics = [(topic, list(group)) for topic, group in itertools.groupby(rows, key=lambda claim: claim["topic"])]
    return {"rows": rows, "topics": topics, "verdicts": sections.verdicts(rows), "audit": content["audit"]}


def _part(given: params.Params, part: plan.Part, found: Results, folder: Path) -> dict[str, Any] | None:
    """A figure, table or sheet with its caption; None if it was not made."""
    path = found.find(part.file)
    if path is None:
        return None
    level = given["evaluation"]["bootstrap"]["level"]
    record = found.json(f"paper/{part.name}.provenance.json")
    entry: dict[str, Any] = {
        "part": part,
        "caption": captions.caption(folder, part.caption, given, part.wildcards),
        "provenance": record,
        "stale": _stale(record, given, part.step, **part.wildcards),
        "picture": None,
        "grid": None,
        "published": None,
    }
    if part.kind == "table":
        entry["grid"] = _grid(given, part, path)
        if part.name in published.TITLES:
            entry["published"] = sections.across(published.read(part.name), level)
            entry["published_caption"] = f"{published.CAPTIONS[part.name]}, as the paper prints it"
    else:
        entry["picture"] = (embed.vector if part.kind == "figure" else embed.sheet)(path)
    return entry


def _grid(given: params.Params, part: plan.Part, path: Path) -> sections.Grid:
    """A table as it is shown: the ablation as its own page shows it, the paper's tables by class."""
    if part.name == "ablation":
        titles = {name: entry["title"] for name, entry in given["datasets"].items() if "title" in entry}
        baseline = given["methods"][given["run"]["methods"][0]]["title"]
        return sections.grid(ablation.shown(_csv(path), titles, baseline))
    return sections.across(_csv(path, dtype="str"), given["evaluation"]["bootstrap"]["level"])


def _csv(path: Path, **options: Any) -> pd.DataFrame:
    """A CSV table.

    Raises:
        DataError: it is no table.
    """
    try:
        return pd.read_csv(path, **options)
    except ValueError as error:
        raise DataError(f"{path}: not a table ({error}); delete it and make it again") from None


def _run(given: params.Params, run: plan.Run, found: Results) -> dict[str, Any]:
    """What one training run reached, took and was made with."""
    record = found.json(f"{run.folder}/provenance.json")
    log = found.table(f"{run.folder}/log.parquet")
    window = params.at_scale(given)["window"]
    own = {"methods": {run.method: given["methods"][run.method]},
           "beta_target": params.beta_target(given, run.dataset)}  # fmt: skip
    return {
        "run": run,
        "dataset": given["datasets"][run.dataset]["title"],
        "method": given["methods"][run.method]["title"],
        "metrics": found.json(f"{run.folder}/metrics.json") or {},
        "provenance": record,
        "stale": _stale(record, given, "train", dataset=run.dataset, method=run.method),
        "iterations": None if log is None else len(log),
        "losses": None if log is None else sections.last_losses(log, window),
        "window": window,
        "cost": (record or {}).get("cost"),
        "machine": (record or {}).get("machine"),
        "own": yaml.safe_dump(own, sort_keys=False, width=100, default_flow_style=None),
    }


def _stale(record: dict[str, Any] | None, given: params.Params, step: str, **wildcards: str) -> bool:
    """Whether a step's result was made with parameters other than those given now."""
    return record is not None and record["parameters"] != params.fingerprint(params.select(given, step, **wildcards))


def _data(given: params.Params, name: str, found: Results) -> dict[str, Any]:
    """How many images and objects a data set has, and its checksum."""
    split = found.json(f"data/{name}/split.json")
    groups = metrics.groups(params.class_names(given, name), given["datasets"][name].get("rigid", []))
    return {
        "title": given["datasets"][name]["title"],
        "detector": given["datasets"][name]["detector"],
        "split": split,
        "classes": {key: len(members) for key, members in groups.items()},
    }
