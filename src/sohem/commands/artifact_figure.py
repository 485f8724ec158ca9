"""The figures of ``sohem artifact``: their tables are read and drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sohem import files, params
from sohem.commands.artifact import Runs, read_ap
from sohem.errors import DataError
from sohem.paper import figures, interval_figures, mining_figures

MANY_CLASSES = 8  # a figure of AP shows each class if there are at most so many, otherwise the mean only
FORMULA_1 = ("ohem", "sohem")  # the miners that choose by Formula (1); OHEM is alpha = beta = 1


def draw(parameters: params.Params, spec: params.Params, runs: Runs, notice: str) -> dict[str, bytes]:
    """Suffix -> the figure as bytes.

    Args:
        runs: the files that it is made from, from `run_files`.

    Raises:
        DataError: a file is not what its name says.
    """
    figure = _KINDS[spec["kind"]](parameters, spec, runs, notice)
    return {suffix: figures.to_bytes(figure, suffix) for suffix in ("svg", "png")}


def _ap(parameters: params.Params, spec: params.Params, runs: Runs, notice: str) -> Figure:
    ap = read_ap(runs)
    panels = []
    for dataset in spec["datasets"]:
        classes = params.class_names(parameters, dataset)
        shown = spec.get("classes", classes if len(classes) <= MANY_CLASSES else [])
        for method in params.artifact_methods(parameters, spec):
            part = ap[(ap["dataset"] == dataset) & (ap["method"] == method)]
            heading = f"{_dataset(parameters, dataset)}, {_method(parameters, method)}"
            panels.append(figures.ApPanel(heading, part, shown))
    return figures.ap_figure(panels, parameters["evaluation"]["metric"], notice)


def _loss(parameters: params.Params, spec: params.Params, runs: Runs, notice: str) -> Figure:
    window = params.at_scale(parameters)["window"]
    return figures.loss_figure(_logs(parameters, runs), spec.get("rois", "all"), window, notice)


def _strata(parameters: params.Params, spec: params.Params, runs: Runs, notice: str) -> Figure:
    return mining_figures.strata_figure(_logs(parameters, runs), params.at_scale(parameters)["window"], notice)


def _ratio(parameters: params.Params, spec: params.Params, runs: Runs, notice: str) -> Figure:
    methods = params.artifact_methods(parameters, spec)
    weighted = [_method(parameters, m) for m in methods if parameters["methods"][m]["miner"] in FORMULA_1]
    window = params.at_scale(parameters)["window"]
    return mining_figures.ratio_figure(_logs(parameters, runs), weighted, window, notice)


def _interval(parameters: params.Params, spec: params.Params, runs: Runs, notice: str) -> Figure:
    tables = _tables(parameters, runs, "ap", "interval")
    return interval_figures.interval_figure(tables, parameters["evaluation"]["bootstrap"]["level"], notice)


def _improvement(parameters: params.Params, spec: params.Params, runs: Runs, notice: str) -> Figure:
    tables = _tables(parameters, runs, "difference", "difference")
    rigid = {_dataset(parameters, name): parameters["datasets"][name].get("rigid", []) for name in spec["datasets"]}
    first = _method(parameters, params.artifact_methods(parameters, spec)[0])
    level = parameters["evaluation"]["bootstrap"]["level"]
    return interval_figures.improvement_figure(tables, first, rigid, level, notice)


_KINDS: dict[str, Callable[[params.Params, params.Params, Runs, str], Figure]] = {
    "ap_figure": _ap,
    "loss_figure": _loss,
    "strata_figure": _strata,
    "ratio_figure": _ratio,
    "interval_figure": _interval,
    "improvement_figure": _improvement,
}


def _logs(parameters: params.Params, runs: Runs) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """Data set title -> method title -> training logs."""
    logs: dict[str, dict[str, list[pd.DataFrame]]] = {}
    for (dataset, method, _), path in runs.items():
        methods = logs.setdefault(_dataset(parameters, dataset), {})
        methods.setdefault(_method(parameters, method), []).append(files.read_table(path))
    return logs


def _tables(parameters: params.Params, runs: Runs, value: str, step: str) -> dict[str, dict[str, pd.DataFrame]]:
    """Data set title -> method title -> table of intervals of the column ``value``.

    Raises:
        DataError: a file is not such a table.
    """
    tables: dict[str, dict[str, Any]] = {}
    for (dataset, method, _), path in runs.items():
        table = _read_intervals(path, value, step)
        tables.setdefault(_dataset(parameters, dataset), {})[_method(parameters, method)] = table
    return tables


def _read_intervals(path: Path, value: str, step: str) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"scope": "str"})[["scope", "kind", "iou", value, "low", "high"]]
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: not a table of intervals ({error}); run sohem {step} again") from None


def _dataset(parameters: params.Params, name: str) -> str:
    return parameters["datasets"][name]["title"]


def _method(parameters: params.Params, name: str) -> str:
    return parameters["methods"][name]["title"]
