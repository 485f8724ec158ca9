"""The ablation: mAP of every variant with its interval, its difference to the baseline, and what it changes.

Tables of `sohem interval` and `sohem difference` in, tables and text out. Values are AP points (percent).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from sohem.errors import DataError
from sohem.paper.kind import Artifact, Inputs
from sohem.paper.run_files import DIFFERENCE_FILE, INTERVAL_FILE, Source
from sohem.params import Params

Tables = Mapping[tuple[str, str], pd.DataFrame]
"""(data set, method) -> a table with the columns scope, iou, seeds and more."""

INTERVAL = ["ap", "seed_sd", "low", "high", "seeds"]
DIFFERENCE = {
    "difference": "difference",
    "seed_sd": "difference_sd",
    "low": "difference_low",
    "high": "difference_high",
    "p": "p",
}
SOURCES = {
    "interval": Source(INTERVAL_FILE, ("scope", "iou", *INTERVAL), "interval"),
    "difference": Source(DIFFERENCE_FILE, ("scope", "iou", *DIFFERENCE), "difference"),
}
TITLE = "ablation: each way to choose the RoIs"


def applies(given: Params, dataset: str) -> bool:
    """More methods are trained than are shown elsewhere."""
    run = given["run"]
    return set(run.get("shown", run["methods"])) < set(run["methods"])


def caption(artifact: Artifact) -> str:
    """Of the table and the figure."""
    return (
        "Mean average precision of each way to choose the RoIs, its 95 % interval, and the paired difference to "
        f"{artifact.methods[artifact.first]}; seeds {', '.join(map(str, artifact.seeds))}. {artifact.scale}"
    )


def notice(artifact: Artifact) -> str:
    """What is printed on both, with the number of seeds."""
    seeds = len(artifact.seeds)
    return artifact.notice + (f", {seeds} seeds" if seeds > 1 else ", one seed")


def of_runs(artifact: Artifact, inputs: Inputs) -> pd.DataFrame:
    """The rows of `collect` for an artifact; the first of its methods is the baseline."""
    intervals, differences = (
        {(run.dataset, str(run.method)): table for run, table in inputs.tables[name].items()} for name in SOURCES
    )
    return collect(intervals, differences, artifact.methods, artifact.first, artifact.evaluation["ious"])


def collect(
    intervals: Tables, differences: Tables, methods: Mapping[str, str], baseline: str, ious: Sequence[float]
) -> pd.DataFrame:
    """One row for each data set, variant and threshold, from the rows of scope mAP.

    Args:
        intervals: of every data set and method; columns ap, seed_sd, low, high, seeds.
        differences: the same without the baseline, each method minus the baseline; columns difference, seed_sd,
            low, high, p.
        methods: key -> title, in the order of the rows.

    Returns:
        The columns dataset, method, title, iou, ap, seed_sd, low, high, seeds, difference, difference_sd,
        difference_low, difference_high, p, p_holm. The difference of the baseline to itself is missing (NaN).
        p_holm is corrected (Holm) for the number of variants that are compared on the data set at the threshold.

    Raises:
        DataError: a table lacks a threshold.
    """
    from sohem.evaluation.intervals import holm  # here, since scipy takes its time: see ``kind``

    rows = []
    for dataset in dict.fromkeys(dataset for dataset, _ in intervals):
        for method, title in methods.items():
            for iou in ious:
                row = {"dataset": dataset, "method": method, "title": title, "iou": iou}
                row |= dict(_at(intervals[dataset, method], iou, f"{dataset}, {method}")[INTERVAL])
                if method != baseline:
                    found = _at(differences[dataset, method], iou, f"{dataset}, {baseline} and {method}")
                    row |= {DIFFERENCE[name]: found[name] for name in DIFFERENCE}
                rows.append(row)
    columns = ["dataset", "method", "title", "iou", *INTERVAL, *DIFFERENCE.values()]
    table = pd.DataFrame(rows).reindex(columns=columns).astype({"seeds": int})
    together = table.groupby(["dataset", "iou"])["p"]
    return table.assign(p_holm=together.transform(lambda p: holm(p.to_numpy(float))))


def _at(table: pd.DataFrame, iou: float, name: str) -> pd.Series:
    """The row of the mAP at a threshold."""
    found = table[(table["scope"] == "mAP") & (table["iou"] == iou)]
    if len(found) != 1:
        raise DataError(f"{name}: {len(found)} rows of the mAP at IoU {iou:g}, expected 1; make the table again")
    return found.iloc[0]


def shown(rows: pd.DataFrame, datasets: Mapping[str, str], baseline: str) -> pd.DataFrame:
    """The table for people: a row for each variant and data set, ``value ± sd [low, high]`` for each threshold.

    The spread over seeds is left out where there is one seed only.

    Args:
        rows: from `collect`. datasets: key -> title. baseline: the title of the baseline.
    """
    result = []
    for _, part in rows.groupby(["dataset", "method"], sort=False):
        cells = {"variant": part["title"].iloc[0], "data set": datasets[part["dataset"].iloc[0]]}
        for row in part.to_dict("records"):
            cells[f"mAP@{row['iou']:g}"] = _cell(row["ap"], row["seed_sd"], row["low"], row["high"])
        for row in part.to_dict("records"):
            numbers = row["difference"], row["difference_sd"], row["difference_low"], row["difference_high"]
            cells[f"vs {baseline} @{row['iou']:g}"] = _cell(*numbers, sign="+")
        result.append(cells)
    return pd.DataFrame(result)


def _cell(value: float, sd: float, low: float, high: float, sign: str = "") -> str:
    """A number with its spread and interval, one decimal; nothing for a missing number."""
    if pd.isna(value):
        return ""
    number, lower, upper = (f"{round(x, 1) + 0.0:{sign}.1f}" for x in (value, low, high))
    return f"{number}{'' if pd.isna(sd) else f' ± {sd:.1f}'} [{lower}, {upper}]"


def apart(rows: pd.DataFrame, bound: float) -> tuple[int, int, int]:
    """How many differences have an interval without 0, how many a p_holm below ``bound``, and how many there are."""
    differences = rows.dropna(subset="difference")
    outside = (differences["difference_low"] > 0) | (differences["difference_high"] < 0)
    return int(outside.sum()), int((differences["p_holm"] < bound).sum()), len(differences)


def changes(methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One sentence for each variant: the keys in which it differs from the first variant with the same miner.

    Worked out from the settings, so that a variant which differs in more than it is named for shows.

    Args:
        methods: entries of ``methods`` of the parameters, in order.
    """
    first: dict[str, Mapping[str, Any]] = {}
    sentences = []
    for method in methods.values():
        reference = first.setdefault(method["miner"], method)
        own, other = dict(_leaves(method)), dict(_leaves(reference))
        changed = [
            f"`{key}` {_plain(own, key)} instead of {_plain(other, key)}"
            for key in dict.fromkeys([*own, *other])
            if _plain(own, key) != _plain(other, key)
        ]
        of = f"the miner `{method['miner']}`" if method is reference else f"as {reference['title']}, but"
        sentences.append(" ".join([f"{method['title']}: {of}", *([", ".join(changed)] if changed else [])]) + ".")
    return sentences


def _plain(leaves: Mapping[str, Any], key: str) -> str:
    return json.dumps(leaves[key]).strip('"') if key in leaves else "nothing"


def _leaves(entry: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key -> value, without the title."""
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        elif prefix or key != "title":
            yield prefix + key, value
