"""What the comparison of two revisions shows, read from both."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from sohem import params
from sohem.compare import comparison
from sohem.compare.comparison import Row, Values
from sohem.compare.differences import intervals
from sohem.compare.revision import WHAT_COUNTS, Revision, Run
from sohem.errors import ParamsError, SohemError
from sohem.paper.tables import METRICS

SHOWN = 5  # names of a list that are written out

Pair = tuple[Any, Any]  # of the same thing in the first and in the second revision


class Section(NamedTuple):
    """One data set at one scale."""

    title: str
    notice: str
    metric: str
    notes: list[str]
    headline: list[Row]
    classes: list[Row]
    summary: str  # what the intervals say together; empty if there are none


def gather(
    before: Revision,
    after: Revision,
    bootstrap: params.Params,
    path: str = "params.yaml",
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """All that the templates ask for.

    Args:
        bootstrap: how to resample, ``evaluation.bootstrap`` of the parameters.
        path: the file of the parameters, in both revisions.
        say: told what is being resampled, which takes a minute for a pair of VOC's size.

    Raises:
        SohemError: a revision has no parameters or no results, or a file of it is broken.
    """
    sides = (before, after)
    settings = (before.parameters(path), after.parameters(path))
    runs = (before.runs(), after.runs())
    for side, found in zip(sides, runs, strict=True):
        if not found:
            raise SohemError(
                f"{side.name} ({side.short}): no results there (results/*/runs/*/*/seed*/metrics.json); "
                "name a commit that holds some, or make them: snakemake --cores all all"
            )
    order = settings[1].get("run", {}).get("datasets", [])
    groups = sorted({(r.scale, r.dataset) for r in itertools.chain(*runs)}, key=lambda g: (g[0], _place(order, g[1])))
    return {
        "before": before,
        "after": after,
        "notes": [*_code(before, after), *itertools.chain.from_iterable(map(_state, sides))],
        "parameters": comparison.changes(*settings),
        "level": f"{bootstrap['level']:.0%}".replace("%", " %"),
        "explained": _explained(bootstrap),
        "sections": [_section(sides, settings, runs, *group, bootstrap, say) for group in groups],
    }


def _explained(bootstrap: params.Params) -> str:
    kind = {"bca": "BCa", "percentile": "percentile"}[bootstrap["interval"]]
    return (
        "Differences are in points of AP, bold where the interval leaves out 0. Intervals: "
        f"{kind}, {bootstrap['resamples']} resamples of the test images, the same for both sides (over several seeds, "
        "with their spread). p: from detections that change sides in a random half of the images; that of a class is "
        "corrected by Holm's method for the number of classes."
    )


def _code(before: Revision, after: Revision) -> list[str]:
    """What was changed beside the parameters."""
    changed = before.source_files_unlike(after)
    if not changed:
        return ["The source code, the workflow and the pinned packages are the same."]
    return [f"Not only parameters differ: {_listed(changed)} ({', '.join(WHAT_COUNTS)})."]


def _state(revision: Revision) -> list[str]:
    """What a reader has to know about one revision before believing its numbers."""
    notes = []
    if changed := revision.changed_files:
        notes.append(f"The working tree is not as committed: {_listed(changed)}.")
    other = revision.other_parameters()
    if other:
        keys = list(dict.fromkeys(itertools.chain.from_iterable(other.values())))
        notes.append(
            f"{revision.name}: dvc.lock has other values for {_listed(keys)} (stages {_listed(list(other))}). Its "
            "results were made before that change, or made after it and not recorded (snakemake, make record)."
        )
    return notes


def _section(
    sides: Pair,
    settings: Pair,
    runs: Pair,
    scale: str,
    dataset: str,
    bootstrap: params.Params,
    say: Callable[[str], None],
) -> Section:
    """The rows and notes of one data set."""
    entries = [side.get("datasets", {}).get(dataset, {}) for side in settings]
    metrics = [side.get("evaluation", {}).get("metric", "") for side in settings]
    here = [[run for run in found if (run.scale, run.dataset) == (scale, dataset)] for found in runs]
    notes, headline, classes = [], [], []
    if metrics[0] != metrics[1]:
        notes.append(f"The metric is another one in {sides[1].name}: a difference is also one of definition.")
    for method in _methods(settings[1], here):
        title = next((s["methods"][method]["title"] for s in settings[::-1] if method in s.get("methods", {})), method)
        chosen, said = _matched(sides, title, [[run for run in found if run.method == method] for found in here])
        notes += said
        for pair in chosen:
            means, per_class = ([_mean(side, found, name) for side, found in zip(sides, pair, strict=True)]
                                for name in ("metrics.json", "per_class.json"))  # fmt: skip
            names = list(dict.fromkeys(name for name, _ in per_class[1]))
            table = None
            if all(pair):
                say(f"compare: intervals of {title}, {dataset}, {scale} scale")
                try:
                    table = intervals(sides, settings, pair, means, names, bootstrap)
                except SohemError as reason:
                    notes.append(f"{title}, no intervals: {reason}")
            headline += comparison.rows(title, means[0], means[1], table)
            classes += comparison.rows(title, per_class[0], per_class[1], table)
    return Section(
        next((entry["title"] for entry in entries[::-1] if "title" in entry), dataset),
        _notice(settings[1] if entries[1] else settings[0], scale, dataset),
        " then ".join(dict.fromkeys(METRICS.get(metric, metric) for metric in metrics)),
        notes,
        headline,
        classes,
        comparison.summary(headline, classes, bootstrap["level"]),
    )


def _matched(sides: Pair, title: str, runs: list[list[Run]]) -> tuple[list[list[list[Run]]], list[str]]:
    """The runs of a method to put beside each other (same seeds on both sides), and what is said of the others."""
    seeds = [{run.seed for run in found} for found in runs]
    both = seeds[0] & seeds[1]
    notes = [
        f"{title}, seed {', '.join(map(str, sorted(alone)))}: only in {side.name}."
        for side, alone in zip(sides, (seeds[0] - both, seeds[1] - both), strict=True)
        if alone
    ]
    if not both:  # each side for itself
        return [pair for pair in ([runs[0], []], [[], runs[1]]) if any(pair)], notes
    if len(both) > 1:
        notes.append(f"{title}: means over the seeds {', '.join(map(str, sorted(both)))}.")
    return [[[run for run in found if run.seed in both] for found in runs]], notes


def _mean(side: Revision, runs: list[Run], name: str) -> Values:
    """The mean over runs of metrics.json or per_class.json."""
    read = comparison.headline if name == "metrics.json" else comparison.by_class
    return comparison.mean([read(side.json(f"{run.folder}/{name}") or {}) for run in runs])


def _methods(settings: params.Params, runs: list[list[Run]]) -> list[str]:
    """Every method that ran, in the order of ``run.methods``, others after them."""
    order = settings.get("run", {}).get("methods", [])
    return sorted({run.method for run in itertools.chain(*runs)}, key=lambda name: _place(order, name))


def _place(order: list[str], name: str) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _notice(settings: params.Params, scale: str, dataset: str) -> str:
    try:
        return params.notice({**settings, "scale": scale}, [dataset])
    except ParamsError:  # a data set of a file of its own, laid over the parameters
        return f"{scale} scale"


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
