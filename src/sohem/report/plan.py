"""What belongs in the report, from the parameters alone: its parts, and the files that they are made of."""

from typing import NamedTuple

from sohem import params as parameters
from sohem.paper import published
from sohem.params import Params


class Part(NamedTuple):
    """A figure, a table or a sheet of images."""

    name: str  # of its file below results/<name>/paper, without suffix; also its anchor in the page
    kind: str  # figure | table | sheet
    title: str
    caption: str  # file in workflow/report, without suffix
    wildcards: dict[str, str]  # what the caption is about

    @property
    def file(self) -> str:
        """The file that is shown, relative to results/<name>."""
        return f"paper/{self.name}" + {"figure": ".svg", "table": ".csv", "sheet": ".png"}[self.kind]

    @property
    def step(self) -> str:
        """The step that makes it, a key of params.STEP_KEYS."""
        return "artifact" if self.caption in ("figure", "table") else self.caption


class Run(NamedTuple):
    """A training run."""

    dataset: str
    method: str
    seed: int

    @property
    def folder(self) -> str:
        return f"runs/{self.dataset}/{self.method}/seed{self.seed}"


RUN_FILES = ("metrics.json", "provenance.json", "log.parquet")


def parts(given: Params) -> list[Part]:
    """The figures, tables and sheets of a run in the order in which they are shown."""
    datasets = {name: given["datasets"][name]["title"] for name in given["run"]["datasets"]}
    specs = parameters.artifacts(given)
    found = []
    for name, spec in specs.items():
        kind = "figure" if spec["kind"].endswith("figure") else "table"
        about = ", ".join(given["datasets"][dataset]["title"] for dataset in spec["datasets"])
        title = f"{_SHOWS[spec['kind']]}, {about}"
        title = title[0].upper() + title[1:] if label(name) == name else f"{label(name)}: {title}"
        found.append(Part(name, kind, title, kind, {"artifact": name}))
    if parameters.ablation(given):
        title = "Ablation: each way to choose the RoIs"
        found += [
            Part("ablation_figure", "figure", title, "ablation", {}),
            Part("ablation", "table", title, "ablation", {}),
        ]
    sheets = {"detections": "Detections", "contact": "Images and ground truth"}
    if len(parameters.shown(given)) > 1:
        sheets = {"differences": "Where the methods differ most", **sheets}
    if parameters.at_scale(given)["probe"]["images"]:
        sheets = {"mined": "What was mined", **sheets}
    for stem, shows in sheets.items():
        for dataset, title in datasets.items():
            found.append(Part(f"{stem}_{dataset}", "sheet", f"{shows}, {title}", f"{stem}_sheet", {"dataset": dataset}))
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
        found += [part.file, f"paper/{part.name}.provenance.json"]
        if part.kind == "table" and part.name in published.TITLES:
            found.append(f"paper/published/{part.name}.csv")
    found += [f"{run.folder}/{name}" for run in runs(given) for name in RUN_FILES]
    found += [f"data/{d}/split.json" for d in given["run"]["datasets"]]
    for dataset in given["run"]["datasets"]:
        folder = parameters.STATISTICS.format(dataset=dataset)
        found += [f"{folder}/interval_{method}.csv" for method in given["run"]["methods"]]
        found += [f"{folder}/difference_{first}_{other}.csv" for d, first, other in pairs(given) if d == dataset]
    return found


def label(name: str) -> str:
    """How the paper calls a figure or table: fig2a -> Figure 2(a); the name itself for others."""
    for prefix, word in (("fig", "Figure "), ("table", "Table ")):
        number = name.removeprefix(prefix)
        if number != name and number[:1].isdigit():
            return word + (number if number.isdigit() else f"{number[:-1]}({number[-1]})")
    return name


_SHOWS = {
    "ap_figure": "AP against the IoU threshold",
    "loss_figure": "losses during training",
    "ap_table": "AP of each class",
    "rigid_table": "rigid and non-rigid classes",
    "strata_figure": "what the mini-batches are made of",
    "ratio_figure": "alpha, beta and the ratio of the losses",
    "interval_figure": "mean AP against the IoU threshold, with intervals",
    "improvement_figure": "improvement of each class, with intervals",
}
