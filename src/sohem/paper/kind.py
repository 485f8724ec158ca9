"""What a kind of figure, table or sheet says about itself, and what it is given when one is to be made.

Each file in ``paper/kinds`` is a kind: it holds a `Kind` under the name ``KIND`` and is called as the kind is. The name
ends with what comes out of it: figure, table or sheet. These files are imported at every start of the workflow, so slow
packages (matplotlib, Pillow) are imported within functions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sohem import params
from sohem.params import Params

# Ending of a kind's name -> the files that it makes, by suffix; the first is the one that is shown. The PNG of figures
# have a folder of their own, for `dvc plots`.
FILES = {
    "figure": {"svg": "{name}.svg", "png": "png/{name}.png"},
    "table": {"csv": "{name}.csv", "md": "{name}.md", "tex": "{name}.tex"},
    "sheet": {"png": "{name}.png"},
}


class Run(NamedTuple):
    """What a file belongs to; None where it is one for all methods or seeds."""

    dataset: str
    method: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Source:
    """Files that an artifact is made from: one for each data set, method and seed that the pattern names.

    pattern: below the folder of results. Fields: dataset; method (each that is shown, or each but the first where the
        pattern has first as well); first; seed (each); one_seed (the first).
    columns: what the table has to hold.
    step: makes it.
    """

    pattern: str
    columns: tuple[str, ...]
    step: str


@dataclass(frozen=True)
class Artifact:
    """A figure, table or sheet of a run, before anything is read.

    name: of its files. kind: of kinds. datasets, methods: key -> title of those that it shows, in order.
    options: the kind's own, as given. given: the parameters.
    """

    name: str
    kind: "Kind"
    datasets: Mapping[str, str]
    methods: Mapping[str, str]
    options: Mapping[str, Any]
    given: Params

    @property
    def scale(self) -> str:
        """As the end of a caption."""
        return f"{self.given['scale'].capitalize()} scale."

    @property
    def notice(self) -> str:
        """What is printed on it: the scale, and whether the data were generated."""
        return params.notice(self.given, list(self.datasets))

    @property
    def seeds(self) -> list[int]:
        """The seeds of the runs."""
        return self.given["run"]["seeds"]

    @property
    def window(self) -> int:
        """Iterations in one point of a curve over training."""
        return params.at_scale(self.given)["window"]

    @property
    def evaluation(self) -> Params:
        """How precision was measured."""
        return self.given["evaluation"]

    @property
    def first(self) -> str:
        """The method that the others are compared with."""
        return next(iter(self.methods))

    @property
    def dataset(self) -> str:
        """The one data set of a table or sheet."""
        (name,) = self.datasets
        return name

    def classes(self, dataset: str) -> list[str]:
        """The classes of a data set in order."""
        return params.class_names(self.given, dataset)

    def ignored(self, dataset: str) -> list[str]:
        """The labels of its objects that are ignored."""
        return list(self.given["datasets"][dataset].get("ignore", []))

    def rigid(self, dataset: str) -> list[str]:
        """Its rigid classes; none where the data set does not tell them apart."""
        return list(self.given["datasets"][dataset].get("rigid", []))

    def miner(self, method: str) -> str:
        """How a method chooses its RoIs."""
        return self.given["methods"][method]["miner"]

    def runs(self, source: Source) -> dict[Run, str]:
        """Each file of a source, below the folder of results, in order: by data set, method, seed."""
        compared = list(self.methods)[1 if "{first}" in source.pattern else 0 :]
        methods: Iterable[str | None] = compared if "{method}" in source.pattern else [None]
        seeds: Iterable[int | None] = self.seeds if "{seed}" in source.pattern else [None]
        return {
            Run(dataset, method, seed): source.pattern.format(
                dataset=dataset, method=method, seed=seed, first=self.first, one_seed=self.seeds[0]
            )
            for dataset in self.datasets
            for method in methods
            for seed in seeds
        }


@dataclass(frozen=True)
class Inputs:
    """What an artifact is made from, read: name of a source -> run -> its table.

    names: the same with the files' names, as they may be printed. image: data set, file -> pixels [height, width, 3].
    """

    tables: Mapping[str, Mapping[Run, pd.DataFrame]]
    names: Mapping[str, Mapping[Run, str]]
    image: Callable[[str, str], np.ndarray]

    def of(self, source: str, dataset: str, method: str | None = None) -> list[pd.DataFrame]:
        """The tables of a data set and method, one for each seed."""
        return [table for run, table in self.tables[source].items() if (run.dataset, run.method) == (dataset, method)]

    def one(self, source: str, dataset: str, method: str | None = None) -> pd.DataFrame:
        """The table of a source that has one for all seeds."""
        (table,) = self.of(source, dataset, method)
        return table

    def joined(self, source: str) -> pd.DataFrame:
        """All tables of a source in one, with the columns dataset, method and seed."""
        return pd.concat(
            [
                table.assign(dataset=run.dataset, method=run.method, seed=run.seed)
                for run, table in self.tables[source].items()
            ],
            ignore_index=True,
        )


@dataclass(frozen=True)
class Kind:
    """A kind of figure, table or sheet.

    title: what it shows, as it stands in the report before the names of the data sets.
    caption: in whole sentences, for a reader who sees nothing but the picture.
    draw: ending of a file -> its bytes, for each of FILES.
    sources: what it is made from, by a name of its own.
    reads: the keys of the parameters that it depends on beside `COMMON`, as ``params.expanded`` takes them.
    options: its own keys in params.yaml beside kind, datasets and methods: name -> JSON schema.
    applies: whether there can be one, from the parameters (of which any key may be missing) and a data set.
    one: whether it shows a single data set.
    trained: whether it shows all methods that are trained, whichever the run shows elsewhere.
    least, most: how many methods it needs, and how many it can show; of more it shows the first.
    reading: a table as people read it, from its CSV; None for a table of AP, which the report turns.
    rank: its place among figures, tables or sheets.
    """

    title: str
    caption: Callable[[Artifact], str]
    draw: Callable[[Artifact, Inputs], dict[str, bytes]]
    sources: Mapping[str, Source]
    rank: int
    reads: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    applies: Callable[[Params, str], bool] = lambda given, dataset: True
    one: bool = False
    trained: bool = False
    least: int = 1
    most: int | None = None
    reading: Callable[[Artifact, pd.DataFrame], pd.DataFrame] | None = None


# What every kind depends on: who is shown, what it is called, and whether the data were drawn.
COMMON = (
    "run.datasets",
    "run.methods",
    "run.seeds",
    "methods.{methods}.title",
    "datasets.{datasets}.title",
    "datasets.{datasets}.{scale}",
)

Files = dict[str, bytes]


def form(kind: str) -> str:
    """figure, table or sheet: the ending of a kind's name."""
    return kind.rpartition("_")[2]
