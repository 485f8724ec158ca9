"""Hold the paper's claims against finished runs, and the paper's printed numbers against each other.

The claims stand in claims.yaml, each with the statement that it makes; the verdicts are computed from the training
logs, the AP tables and the differences between the methods. A claim about a data set or method that was not run is
inconclusive; where a data set stands for another one, claims that do not apply are listed apart. Written are a JSON
file, a Markdown page of the same, and their provenance.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from sohem import artifacts, files, params, provenance
from sohem.commands.power import test_images
from sohem.evaluation.metrics import COLUMN
from sohem.evaluation.overlap import COLUMNS as OVERLAP_COLUMNS
from sohem.paper import claims_file, claims_page, overlap_words, published, setting, tables
from sohem.paper.audit import SOURCES, audit
from sohem.paper.claims_measures import DIFFERENCE_COLUMNS, Evidence, SeedTables
from sohem.paper.claims_verdicts import evaluate
from sohem.paper.kind import form
from sohem.paper.run_files import DATA, DIFFERENCE_FILE, OVERLAP_FILE, RUN

SHOWN = {"figure": "svg", "table": "md", "sheet": "png"}  # what a claim's page links to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem claims``."""
    parser.add_argument("--claims", default="claims.yaml", type=Path, metavar="FILE", help="the list of claims")
    parser.add_argument("--results", required=True, type=Path, help="folder of the runs, e.g. results/demo")
    parser.add_argument("--out", required=True, type=Path, help="path to write without suffix: .json .md")


def run(args: argparse.Namespace) -> None:
    """Read claims and evidence, judge, audit, write."""
    parameters = artifacts.load(args.params)
    claims, left_out = claims_file.held_against(claims_file.load(args.claims), parameters)
    evidence, inputs = gather(parameters, claims, args.results)
    titles = {key: entry["title"] for kind in ("datasets", "methods") for key, entry in parameters[kind].items()
              if "title" in entry}  # fmt: skip
    demonstration = parameters["scale"] == "demo"
    shown = {name: f"{name}.{SHOWN[form(spec['kind'])]}" for name, spec in artifacts.artifacts(parameters).items()}
    marks = {name: setting.mark(parameters, name) for name in claims_file.datasets(claims)}
    results = evaluate(claims, evidence, titles, shown, demonstration, marks)
    rigid = {
        name: [tables.short(label) for label in parameters["datasets"][dataset]["rigid"]]
        for name, dataset in published.DATASETS.items()
        if name not in SOURCES and "rigid" in parameters["datasets"].get(dataset, {})
    }
    text, counts, example = (published.read(name) for name in published.IN_TEXT)
    findings = audit({name: published.read(name) for name in published.TITLES}, text, counts, example, rigid)

    notice = params.notice(parameters, list(evidence.classes)) if evidence.classes else f"{parameters['scale']} scale"
    overlap, read = agreement(parameters, claims, args.results, titles)
    out = {"notice": notice, "overlap": overlap, "claims": results, "audit": [asdict(finding) for finding in findings]}
    files.write_json(Path(f"{args.out}.json"), out | ({"not_applicable": left_out} if left_out else {}))
    words = setting.words(parameters)
    sentences = [entry["text"] for entry in overlap]
    page = claims_page.page(results, findings, notice, sentences, words.verdicts if words else "", left_out)
    files.write_text(Path(f"{args.out}.md"), page)
    record = provenance.record(params.select(parameters, "claims"), [args.claims, *inputs, *read])
    files.write_json(Path(f"{args.out}.provenance.json"), {"artifact": "claims", **record})


def gather(parameters: params.Params, claims: claims_file.Claims, results: Path) -> tuple[Evidence, list[Path]]:
    """What the runs below ``results`` say about the data sets and methods of the claims, and the files read for it.

    A file that is not there is left out: the claims that need it are then inconclusive, and say so.

    Raises:
        DataError: a file is not the table that it should be.
    """
    chosen, inputs = parameters["run"], []
    first, second = claims["methods"]
    datasets = [name for name in claims_file.datasets(claims) if name in chosen["datasets"]]
    differences: dict[str, pd.DataFrame] = {}
    ap: dict[tuple[str, str], SeedTables] = {}
    logs: dict[tuple[str, str], SeedTables] = {}
    images: dict[str, int] = {}
    metric = COLUMN[parameters["evaluation"]["metric"]]
    for dataset in datasets:
        path = results / DIFFERENCE_FILE.format(dataset=dataset, first=first, method=second)
        if {first, second} <= set(chosen["methods"]) and path.is_file():
            differences[dataset] = files.read_csv(path, DIFFERENCE_COLUMNS)
            inputs.append(path)
        split = results / f"{DATA}/split.json".format(dataset=dataset)
        if split.is_file():
            images[dataset] = test_images(split)
            inputs.append(split)
        for method in (name for name in claims_file.methods(claims) if name in chosen["methods"]):
            folders = {
                seed: results / RUN.format(dataset=dataset, method=method, seed=seed) for seed in chosen["seeds"]
            }
            curves = {seed: folder / "ap.csv" for seed, folder in folders.items() if (folder / "ap.csv").is_file()}
            ap[dataset, method] = {
                seed: files.read_csv(path, ["class", "iou", metric]) for seed, path in curves.items()
            }
            losses = {seed: folder / "log.parquet" for seed, folder in folders.items()}
            losses = {seed: path for seed, path in losses.items() if path.is_file()}
            logs[dataset, method] = {seed: files.read_table(path) for seed, path in losses.items()}
            inputs += [*curves.values(), *losses.values()]
    evidence = Evidence(
        compared=(first, second),
        classes={name: params.class_names(parameters, name) for name in datasets},
        rigid={name: parameters["datasets"][name].get("rigid", []) for name in datasets},
        differences=differences,
        ap=ap,
        logs=logs,
        metric=metric,
        window=params.at_scale(parameters)["window"],
        level=parameters["evaluation"]["bootstrap"]["level"],
        images=images,
        stands_for=params.stand_ins(parameters),
    )
    return evidence, inputs


def agreement(
    parameters: params.Params, claims: claims_file.Claims, results: Path, titles: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[Path]]:
    """How far the second method takes the RoIs of the first, of each data set of the claims; and the files read for it.

    Nothing where the second was not run.

    Raises:
        DataError: a file is not the table that it should be.
    """
    (first, second), run = claims["methods"], parameters["run"]
    datasets = [name for name in claims_file.datasets(claims) if name in run["datasets"] and second in run["methods"]]
    paths = {name: results / OVERLAP_FILE.format(dataset=name) for name in datasets}
    paths = {name: path for name, path in paths.items() if path.is_file()}
    counted = {name: files.read_csv(path, OVERLAP_COLUMNS) for name, path in paths.items()}
    level = parameters["evaluation"]["bootstrap"]["level"]
    return overlap_words.findings(counted, [(second, first)], titles, level), list(paths.values())
