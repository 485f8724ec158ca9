"""What a claim's statement comes to in the results of the runs: a number, its interval, and the bound it is held to.

A measure knows nothing of verdicts. Each returns a `Measured`; evidence that is not there raises `Lacking`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from sohem.paper import published
from sohem.paper.claims_file import Statement
from sohem.paper.power_table import Outlook, outlook

SeedTables = Mapping[int, pd.DataFrame]

# What is read of difference_*.csv.
DIFFERENCE_COLUMNS = [
    "scope",
    "iou",
    "difference",
    "low",
    "high",
    "seeds",
    "se_images",
    "se_run",
    "se_seeds",
    "se",
    "df",
]


class Lacking(Exception):
    """The evidence that a statement needs is not there; the message says what is missing."""


@dataclass(frozen=True)
class Evidence:
    """The results of a run, as far as claims need them.

    compared: keys of the two methods, the second is held against the first.
    classes, rigid: data set -> its classes, its rigid ones; only data sets of the run.
    differences: data set -> difference_<first>_<second>.csv (its columns of ``DIFFERENCE_COLUMNS``; points).
    ap: (data set, method) -> seed -> ap.csv (columns class, iou and ``metric``; fractions).
    logs: (data set, method) -> seed -> the training log.
    window: iterations in one point of a loss curve.
    level: nominal coverage of every interval, as that of the differences.
    images: data set -> how many test images it has, where that is known.
    stands_for: data set -> the one of the paper that it stands for, whose printed numbers count; others are their own.
    """

    compared: tuple[str, str]
    classes: Mapping[str, Sequence[str]]
    rigid: Mapping[str, Sequence[str]]
    differences: Mapping[str, pd.DataFrame]
    ap: Mapping[tuple[str, str], SeedTables]
    logs: Mapping[tuple[str, str], SeedTables]
    metric: str
    window: int
    level: float
    images: Mapping[str, int] = field(default_factory=dict)
    stands_for: Mapping[str, str] = field(default_factory=dict)

    def printed(self, dataset: str, scope: str, iou: float) -> float | None:
        """The difference that the paper prints, see ``published.size``."""
        return published.size(self.stands_for.get(dataset, dataset), scope, iou)


@dataclass(frozen=True)
class Measured:
    """A measured statement: it holds where ``value`` is on the side ``direction`` of ``bound``.

    low, high: the interval of the value, None where the runs give none; ``interval_is`` says what it covers.
    kind: precision, difference or loss; runs: of each method.
    error, freedom: standard error of the value and degrees of freedom of Student's t; None where there is no such.
    margin: what a difference is held to where the paper prints no size.
    size: what the paper prints, see ``published.size``; outlook: works out what it would
    take to see a difference of that size (only asked where a claim stays open: it takes a while).
    """

    value: float
    low: float | None
    high: float | None
    bound: float
    direction: str
    unit: str
    kind: str
    runs: int
    interval_is: str
    numbers: dict[str, Any] = field(default_factory=dict)
    error: float | None = None
    freedom: float = math.inf
    size: float | None = None
    margin: float | None = None
    outlook: Callable[[], Outlook] | None = None


def measure(statement: Statement, evidence: Evidence) -> Measured:
    """Measure one statement.

    Raises:
        Lacking: the run has no such data set, method, class or threshold, or not the tables.
    """
    if statement["dataset"] not in evidence.classes:
        raise Lacking(f"the run has no data set {statement['dataset']}")
    return MEASURES[statement["measure"]](statement, evidence)


def difference(s: Statement, evidence: Evidence) -> Measured:
    """Second method minus first, in points, as the bootstrap over test images and seeds gives it."""
    row = _difference(evidence, s["dataset"], s["scope"], s["iou"])
    covers = f"{evidence.level:.0%} interval over test images" + (" and runs" if row["seeds"] > 1 else "")
    size = evidence.printed(s["dataset"], s["scope"], s["iou"])
    takes = partial(outlook, row, size, evidence.images.get(s["dataset"]), evidence.level) if size else None
    return Measured(row["difference"], row["low"], row["high"], 0.0, s["direction"], "points", "difference",
                    int(row["seeds"]), covers, {}, row["se"], row["df"], size, outlook=takes)  # fmt: skip


def trend(s: Statement, evidence: Evidence) -> Measured:
    """How much the difference grows from the first threshold to the last.

    The interval is made of the ends of both intervals, so it is too wide rather than too narrow.
    """
    sizes = [evidence.printed(s["dataset"], s["scope"], iou) for iou in s["ious"]]
    size = None if None in sizes else round(sizes[1] - sizes[0], 6)  # type: ignore[operator]
    first, last = (_difference(evidence, s["dataset"], s["scope"], iou) for iou in s["ious"])
    numbers = {
        f"difference at IoU {iou:g}": row["difference"] for iou, row in zip(s["ious"], (first, last), strict=True)
    }
    return Measured(
        last["difference"] - first["difference"], last["low"] - first["high"], last["high"] - first["low"], 0.0,
        s["direction"], "points", "difference", int(min(first["seeds"], last["seeds"])),
        f"from the ends of the two {evidence.level:.0%} intervals", numbers, size=size,
    )  # fmt: skip


def classes_improved(s: Statement, evidence: Evidence) -> Measured:
    """How many classes of a group improve, at the threshold where fewest do.

    The interval counts the classes whose own interval lies above 0, and those whose interval reaches above 0.
    """
    dataset, classes = s["dataset"], list(evidence.classes[s["dataset"]])
    rigid = set(evidence.rigid.get(dataset, []))
    group = [c for c in classes if s["group"] == "all" or (c in rigid) == (s["group"] == "rigid")]
    if s["group"] != "all" and not rigid:
        raise Lacking(f"no classes of {dataset} are listed as rigid")
    rows = {
        iou: [row for c in group if (row := _difference(evidence, dataset, c, iou, defined=False)) is not None]
        for iou in s["ious"]
    }
    sizes = {len(found) for found in rows.values()}
    size = min(sizes)
    if size == 0:
        raise Lacking(f"none of the classes has ground truth on {dataset}")
    counts = {iou: sum(row["difference"] > 0 for row in found) for iou, found in rows.items()}
    surely = min(sum(row["low"] > 0 for row in found) for found in rows.values())
    perhaps = min(sum(row["high"] > 0 for row in found) for found in rows.values())
    words = {"most": size // 2 + 1, "all": size}
    needed = words[s["at_least"]] if s["at_least"] in words else int(s["at_least"])
    numbers = {"classes": size, "needed": needed, **{f"improved at IoU {iou:g}": n for iou, n in counts.items()}}
    runs = int(min(row["seeds"] for found in rows.values() for row in found))
    counted = f"classes whose {evidence.level:.0%} interval lies above 0, and reaches above 0"
    return Measured(min(counts.values()), surely, perhaps, needed - 0.5, "above", "classes", "difference", runs,
                    counted, numbers)  # fmt: skip


def ap_fall(s: Statement, evidence: Evidence) -> Measured:
    """AP lost over the second span of thresholds minus AP lost over the first, for the class where this is least."""
    falls = _ap(s, evidence, lambda at: _fall(at, s["after"]) - _fall(at, s["before"]), [*s["before"], *s["after"]])
    least = {seed: values.min() for seed, values in falls.items()}
    per_class = pd.concat(falls.values(), axis=1).mean(axis=1)
    return _range(list(least.values()), 0.0, {f"excess of {name}": value for name, value in per_class.items()})


def ap_fall_spread(s: Statement, evidence: Evidence) -> Measured:
    """AP lost over a span of thresholds: the class that loses most minus the one that loses least."""
    falls = _ap(s, evidence, lambda at: _fall(at, s["over"]), s["over"])
    per_class = pd.concat(falls.values(), axis=1).mean(axis=1)
    spread = [values.max() - values.min() for values in falls.values()]
    return _range(spread, float(s["above"]), {f"fall of {name}": value for name, value in per_class.items()})


def final_loss(s: Statement, evidence: Evidence) -> Measured:
    """Mean loss per RoI over the last iterations, second method minus first, paired by seed."""
    column = f"{s['loss']}_{s['rois']}"
    first, second = (_logs(evidence, s["dataset"], method) for method in evidence.compared)
    seeds = [seed for seed in first if seed in second]
    if not seeds:
        raise Lacking(f"no seed was run with both methods on {s['dataset']}")
    ends = np.array([[_last(logs[seed][column], s["share"]) for seed in seeds] for logs in (first, second)])
    difference = ends[1] - ends[0]
    low, high = _student(difference, evidence.level)
    error = float(difference.std(ddof=1)) / math.sqrt(len(seeds)) if len(seeds) > 1 else None
    numbers = dict(zip(("first", "second"), ends.mean(axis=1).tolist(), strict=True))
    return Measured(float(difference.mean()), low, high, 0.0, s["direction"], "loss per RoI", "loss",
                    len(seeds), f"{evidence.level:.0%} interval over runs (Student's t)", numbers, error,
                    len(seeds) - 1, margin=s.get("margin", 0) * numbers["first"])  # fmt: skip


def loss_ratio(s: Statement, evidence: Evidence) -> Measured:
    """Classification loss over localisation loss: of the means over training, or the least of any full window."""
    ratios = []
    for log in _logs(evidence, s["dataset"], s["method"]).values():
        losses = log[[f"cls_{s['rois']}", f"loc_{s['rois']}"]].to_numpy(float)
        size = len(losses) if s["of"] == "mean" else min(evidence.window, len(losses))
        means = losses[: len(losses) // size * size].reshape(-1, size, 2).mean(axis=1)
        if not (means[:, 1] > 0).all():
            raise Lacking(f"a log of {s['method']} on {s['dataset']} has no localisation loss")
        ratios.append((means[:, 0] / means[:, 1]).min())
    low, high = _student(np.array(ratios), evidence.level)
    return Measured(float(np.mean(ratios)), low, high, float(s["above"]), "above", "times", "loss", len(ratios),
                    f"{evidence.level:.0%} interval over runs (Student's t)")  # fmt: skip


MEASURES: dict[str, Callable[[Statement, Evidence], Measured]] = {
    "difference": difference,
    "trend": trend,
    "classes_improved": classes_improved,
    "ap_fall": ap_fall,
    "ap_fall_spread": ap_fall_spread,
    "final_loss": final_loss,
    "loss_ratio": loss_ratio,
}


def _difference(evidence: Evidence, dataset: str, scope: str, iou: float, defined: bool = True) -> Any:
    """The row of a scope and threshold; one without a value is lacking, or None if it need not be ``defined``."""
    first, second = evidence.compared
    if dataset not in evidence.differences:
        raise Lacking(f"the differences between {first} and {second} on {dataset} were not measured")
    table = evidence.differences[dataset]
    rows = table[(table["scope"] == scope) & np.isclose(table["iou"], iou)]
    if rows.empty:
        raise Lacking(f"the differences on {dataset} have no {scope} at IoU {iou:g}")
    row = rows.iloc[0]
    if row[["difference", "low", "high"]].isna().any():
        if not defined:
            return None
        raise Lacking(f"the difference of {scope} at IoU {iou:g} on {dataset} is not defined")
    return row


def _ap(
    s: Statement, evidence: Evidence, of: Callable[[pd.DataFrame], pd.Series], ious: Sequence[float]
) -> dict[int, pd.Series]:
    """Seed -> ``of`` the AP in percent (classes x thresholds) of one method."""
    tables = evidence.ap.get((s["dataset"], s["method"]))
    if not tables:
        raise Lacking(f"no AP of {s['method']} on {s['dataset']}")
    result = {}
    for seed, table in tables.items():
        at = 100 * table.pivot(index="class", columns="iou", values=evidence.metric)
        at = at.rename(columns=lambda iou: round(float(iou), 6))
        for name, wanted, there in (("class", s["classes"], at.index), ("IoU", ious, at.columns)):
            missing = [value for value in wanted if value not in there]
            if missing:
                raise Lacking(f"the AP of {s['method']} on {s['dataset']} has no {name} {missing[0]}")
        part = at.loc[list(s["classes"]), list(dict.fromkeys(ious))]
        if part.isna().to_numpy().any():
            raise Lacking(f"{part.index[part.isna().any(axis=1)][0]} has no ground truth on {s['dataset']}")
        result[seed] = of(part)
    return result


def _fall(at: pd.DataFrame, span: Sequence[float]) -> pd.Series:
    return at[min(span)] - at[max(span)]


def _logs(evidence: Evidence, dataset: str, method: str) -> SeedTables:
    logs = evidence.logs.get((dataset, method))
    if not logs:
        raise Lacking(f"no training log of {method} on {dataset}")
    if any(log.empty for log in logs.values()):
        raise Lacking(f"a training log of {method} on {dataset} is empty")
    return logs


def _last(losses: pd.Series, share: float) -> float:
    return float(losses.tail(max(1, math.ceil(share * len(losses)))).mean())


def _student(values: np.ndarray, level: float) -> tuple[float, float] | tuple[None, None]:
    """The interval of the mean of independent runs; none from a single one."""
    n = len(values)
    if n < 2:
        return None, None
    reach = stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1) / math.sqrt(n)
    return float(values.mean() - reach), float(values.mean() + reach)


def _range(values: Sequence[float], bound: float, numbers: dict[str, Any]) -> Measured:
    """A number of each run, with the least and the greatest as its interval: all runs must agree."""
    low, high = float(min(values)), float(max(values))
    return Measured(float(np.mean(values)), low, high, bound, "above", "points", "precision", len(values),
                    "least and greatest of the runs", numbers)  # fmt: skip
