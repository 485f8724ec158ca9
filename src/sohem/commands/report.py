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

from sohem import artifacts, files, pages, params, provenance
from sohem.evaluation import metrics
from sohem.paper import claims_page, overlap_words, power_words, published, setting, tables, testset
from sohem.paper.kind import Artifact
from sohem.paper.run_files import DATA, POWER_FILE
from sohem.report import embed, plan, sections


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem report``."""
    parser.add_argument("--results", required=True, type=Path, help="folder of the runs, e.g. results/demo")
    parser.add_argument("--out", required=True, type=Path, help="page to write (.html)")


def run(args: argparse.Namespace) -> None:
    """Read what there is, write the page and its provenance."""
    given = params.select(artifacts.load(args.params), "report")
    found = Results(args.results)
    content = gather(given, found)
    record = provenance.record(given, found.read)
    content["own"] = record
    text = pages.render("sohem.report", "report.html.j2", **content)
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

    def csv(self, name: str, expected: bool = True) -> pd.DataFrame | None:
        """A CSV table, None if there is none."""
        path = self.find(name, expected)
        return None if path is None else files.read_csv(path)

    def table(self, name: str) -> pd.DataFrame | None:
        """A Parquet table, None if there is none."""
        path = self.find(name)
        return None if path is None else files.read_table(path)


def gather(given: params.Params, found: Results) -> dict[str, Any]:
    """Everything that the template shows."""
    datasets = {name: given["datasets"][name]["title"] for name in given["run"]["datasets"]}
    methods = {name: given["methods"][name]["title"] for name in given["run"]["methods"]}
    settings = given["evaluation"]
    runs = [_run(given, run, found) for run in plan.runs(given)]
    shown = [made for part in plan.parts(given) if (made := _part(given, part, found))]
    records = [entry["provenance"] for entry in [*runs, *shown] if entry["provenance"]]
    papers = {params.stands_for(given, name) for name in datasets}
    claims = found.json("paper/claims.json", expected=bool(set(published.DATASETS.values()) & papers))
    return {
        "notice": params.notice(given, list(datasets)),
        "setting": setting.words(given),
        "datasets": datasets,
        "methods": methods,
        "seeds": given["run"]["seeds"],
        "ious": settings["ious"],
        "level": f"{100 * settings['bootstrap']['level']:g} %",
        "metric": tables.METRICS[settings["metric"]],
        "claims": _claims(claims, shown),
        "test_set": testset.section(),
        "overlap": _overlap(given, found, {**datasets, **methods}),
        "headlines": _headlines(given, found, methods),
        "power": _power(given, datasets, found),
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


def _overlap(given: params.Params, found: Results, titles: dict[str, str]) -> list[str]:
    """How far the methods that are shown take the same RoIs as the first of them, in sentences."""
    first, *others = given["run"].get("shown", given["run"]["methods"])
    tables = {name: found.csv(plan.overlap(name)) for name in given["run"]["datasets"]}
    known = {name: table for name, table in tables.items() if table is not None}
    level = given["evaluation"]["bootstrap"]["level"]
    return [entry["text"] for entry in overlap_words.findings(known, [(m, first) for m in others], titles, level)]


def _headlines(given: params.Params, found: Results, methods: dict[str, str]) -> list[dict[str, Any]]:
    """For each pair of methods, the rows of all data sets."""
    first, *others = methods
    groups = []
    for other in others:
        rows: list[sections.Headline] = []
        for dataset in given["run"]["datasets"]:
            difference = found.csv(plan.difference(dataset, first, other))
            single = [found.csv(plan.interval(dataset, name)) for name in (first, other)]
            if difference is not None and single[0] is not None and single[1] is not None:
                names = (methods[first], methods[other])
                paper = (params.stands_for(given, dataset), _stood_for(given, dataset))
                rows += sections.headline(dataset, paper, names, difference, single[0], single[1])
        groups.append({"first": methods[first], "second": methods[other], "rows": rows})
    return groups


def _power(given: params.Params, datasets: dict[str, str], found: Results) -> list[dict[str, Any]]:
    """How small a difference each data set shows: two sentences, and tables of the means and of single classes."""
    made = []
    for name, title in datasets.items():
        table = found.csv(POWER_FILE.format(dataset=name), expected=False)
        if table is not None and len(table):
            words = power_words.cells(table, given["evaluation"]["bootstrap"]["level"])
            grids = [sections.grid(words[(table["kind"] == kind).to_numpy()]) for kind in ("mean", "class")]
            paper = _stood_for(given, name)
            made.append({"title": title, "sentences": power_words.sentences(table, title, paper),
                         "paper": f"; the printed ones are for {paper}" if paper else "",
                         "means": grids[0], "classes": grids[1]})  # fmt: skip
    return made


def _stood_for(given: params.Params, dataset: str) -> str:
    """How the data set is called that this one stands for; empty for one of the paper's own."""
    paper = params.stands_for(given, dataset)
    return "" if paper == dataset else given["datasets"][paper]["title"]


def _claims(content: Any, shown: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The verdicts with their numbers in words, and the audit of the paper's numbers."""
    if content is None:
        return None
    anchors = {entry["part"].name: entry["part"].title for entry in shown}
    rows = []
    for claim in content["claims"]:
        name = (claim["artifact"] or "").rpartition(".")[0]
        rows.append({**claim, "found": claims_page.found(claim), "claimed": claims_page.claimed(claim),
                     "shown": claims_page.verdict(claim), "mark": claims_page.mark(claim),
                     "printed": claims_page.printed(claim), "see": name if name in anchors else None,
                     "see_title": plan.label(name)})  # fmt: skip
    topics = [(topic, list(group)) for topic, group in itertools.groupby(rows, key=lambda claim: claim["topic"])]
    return {"rows": rows, "topics": topics, "verdicts": sections.verdicts(rows), "audit": content["audit"],
            "not_applicable": claims_page.not_applicable(content.get("not_applicable", []))}  # fmt: skip


def _part(given: params.Params, part: plan.Part, found: Results) -> dict[str, Any] | None:
    """A figure, table or sheet with its caption; None if it was not made."""
    path = found.find(part.files[0])
    if path is None:
        return None
    level = given["evaluation"]["bootstrap"]["level"]
    provenance.check_made(path, record := found.json(part.files[-1]))
    entry: dict[str, Any] = {
        "part": part,
        "caption": part.artifact.kind.caption(part.artifact),
        "provenance": record,
        "stale": _stale(record, artifacts.part(given, part.name)),
        "picture": None,
        "grid": None,
        "published": None,
    }
    if part.form == "table":
        entry["grid"] = _grid(part.artifact, path, level)
        if part.name in published.TITLES:
            entry["published"] = sections.across(published.read(part.name), level)
            entry["published_caption"] = f"{published.CAPTIONS[part.name]}, as the paper prints it"
    else:
        entry["picture"] = (embed.vector if part.form == "figure" else embed.sheet)(path)
    return entry


def _grid(artifact: Artifact, path: Path, level: float) -> sections.Grid:
    """A table as its kind has it read, or, of AP, by class."""
    if artifact.kind.reading:
        return sections.grid(artifact.kind.reading(artifact, files.read_csv(path)))
    return sections.across(files.read_csv(path, text=True), level)


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
        "stale": _stale(record, params.select(given, "train", dataset=run.dataset, method=run.method)),
        "iterations": None if log is None else len(log),
        "losses": None if log is None else sections.last_losses(log, window),
        "window": window,
        "cost": (record or {}).get("cost"),
        "machine": (record or {}).get("machine"),
        "precision": (record or {}).get("precision"),
        "own": yaml.safe_dump(own, sort_keys=False, width=100, default_flow_style=None),
    }


def _stale(record: dict[str, Any] | None, part: params.Params) -> bool:
    """Whether a result was made with other parameters than the part that its step is given now."""
    return record is not None and record["parameters"] != params.fingerprint(part)


def _data(given: params.Params, name: str, found: Results) -> dict[str, Any]:
    """How many images and objects a data set has, and its checksum."""
    split = found.json(f"{DATA}/split.json".format(dataset=name))
    groups = metrics.groups(params.class_names(given, name), given["datasets"][name].get("rigid", []))
    return {
        "title": given["datasets"][name]["title"],
        "detector": given["datasets"][name]["detector"],
        "split": split,
        "classes": {key: len(members) for key, members in groups.items()},
    }
