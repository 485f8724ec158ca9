"""What belongs in the report, from the parameters alone: its parts, and the files that they are made of."""

from typing import NamedTuple

from sohem import artifacts
from sohem.paper import published, run_files
from sohem.paper.kind import Artifact, form
from sohem.params import Params


class Part(NamedTuple):
    """A figure, a table or a sheet of images."""

    artifact: Artifact
    form: str  # figure | table | sheet
    title: str
    files: list[str]  # relative to results/<name>; the first is shown, the last is its provenance

    @property
    def name(self) -> str:
        """Its anchor in the page."""
        return self.artifact.name


class Run(NamedTuple):
    """A training run."""

    dataset: str
    method: str
    seed: int

    @property
    def folder(self) -> str:
        return run_files.RUN.format(**self._asdict())


RUN_FILES = ("metrics.json", "provenance.json", "log.parquet")


def parts(given: Params) -> list[Part]:
    """The figures, tables and sheets of a run in the order in which they are shown."""
    found = []
    for name, spec in artifacts.artifacts(given).items():
        artifact = artifacts.artifact(given, name)
        title = f"{artifact.kind.title}, {', '.join(artifact.datasets.values())}"
        title = title[0].upper() + title[1:] if label(name) == name else f"{label(name)}: {title}"
        found.append(Part(artifact, form(spec["kind"]), title, artifacts.files(name, spec["kind"])))
    return found


def runs(given: Params) -> list[Run]:
    """Every training run, by data set, method and seed."""
    chosen = given["run"]
    return [Run(d, m, s) for d in chosen["datasets"] for m in chosen["methods"] for s in chosen["seeds"]]


def pairs(given: Params) -> list[tuple[str, str, str]]:
    """(data set, first method, other method): what is compared with what."""
    first, *others = given["run"]["methods"]
    return [(dataset, first, other) for dataset in given["run"]["datasets"] for other in others]


def files(given: Params, claimed: bool = True) -> list[str]:
    """The files, relative to results/<name>, that `snakemake all` makes before the report.

    Args:
        claimed: whether the paper's claims are about a data set that is run, so that there is a claims.json.
    """
    found = ["paper/claims.json"] if claimed else []
    for part in parts(given):
        found += [part.files[0], part.files[-1]]
        if part.form == "table" and part.name in published.TITLES:
            found.append(f"paper/published/{part.name}.csv")
    found += [f"{run.folder}/{name}" for run in runs(given) for name in RUN_FILES]
    for dataset in given["run"]["datasets"]:
        found.append(f"{run_files.DATA}/split.json".format(dataset=dataset))
        found += [interval(dataset, method) for method in given["run"]["methods"]]
        found.append(overlap(dataset))
    return found + [difference(*pair) for pair in pairs(given)]


def interval(dataset: str, method: str) -> str:
    """What `sohem interval` wrote of a method, relative to results/<name>."""
    return run_files.INTERVAL_FILE.format(dataset=dataset, method=method)


def difference(dataset: str, first: str, method: str) -> str:
    """What `sohem difference` wrote of two methods, relative to results/<name>."""
    return run_files.DIFFERENCE_FILE.format(dataset=dataset, first=first, method=method)


def overlap(dataset: str) -> str:
    """What `sohem overlap` wrote of a data set, relative to results/<name>."""
    return run_files.OVERLAP_FILE.format(dataset=dataset)


def label(name: str) -> str:
    """How the paper calls a figure or table: fig2a -> Figure 2(a); the name itself for others."""
    for prefix, word in (("fig", "Figure "), ("table", "Table ")):
        number = name.removeprefix(prefix)
        if number != name and number[:1].isdigit():
            return word + (number if number.isdigit() else f"{number[:-1]}({number[-1]})")
    return name
