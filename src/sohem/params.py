"""Parameters: read, checked (see ``schema``), and cut down to what one step depends on.

A step never sees the whole of ``params.yaml``: ``select`` gives it the keys of ``STEP_KEYS``, Snakemake passes that
part on as one sorted JSON string, DVC lists the same keys. So a change reruns exactly the steps that it concerns.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from sohem.errors import ParamsError
from sohem.schema import validate

Params = dict[str, Any]

_DATA = ["datasets.{dataset}.format", "datasets.{dataset}.classes", "datasets.{dataset}.{scale}"]
_NETWORK = ["scales.{scale}." + key for key in ("device", "threads", "backbone", "head", "weights")]
_TRAIN = [*_DATA, "datasets.{dataset}.detector", "datasets.{dataset}.beta_target", "methods.{method}",
          *_NETWORK, "scales.{scale}.workers", "scales.{scale}.precision", "scales.{scale}.compile",
          "scales.{scale}.rpn", "scales.{scale}.train", "scales.{scale}.probe"]  # fmt: skip

_CLASSES = ["datasets.{dataset}.classes", "datasets.{dataset}.rigid"]
_AP = ["evaluation." + key for key in ("ious", "curve", "metric")]

# What each step depends on. dvc.yaml repeats these keys; tests/test_ledger.py keeps the two equal.
STEP_KEYS: dict[str, list[str]] = {
    "fetch": _DATA,
    "split": _DATA,
    "contact_sheet": [*_DATA, "datasets.{dataset}.title"],
    "pretrain": [*_NETWORK, "scales.{scale}.pretrain"],
    "propose": ["datasets.{dataset}.detector", "datasets.{dataset}.{scale}", "scales.{scale}.selective_search"],
    "train": _TRAIN,
    "detect": [*_TRAIN, "scales.{scale}.test"],
    "evaluate": [*_CLASSES, *_AP],
    "difference": [*_CLASSES, "evaluation.ious", "evaluation.metric", "evaluation.bootstrap"],
    "interval": [*_CLASSES, *_AP, "evaluation.bootstrap"],
    "artifact": [
        "artifacts.{artifact}",
        "run",
        "methods.{methods}.title",
        "methods.{methods}.miner",
        "datasets.{datasets}.title",
        "datasets.{datasets}.classes",
        "datasets.{datasets}.rigid",
        "datasets.{datasets}.{scale}",
        "evaluation.ious",
        "evaluation.metric",
        "evaluation.bootstrap",
        "scales.{scale}.window",
    ],
    "claims": [
        "run",
        "artifacts",
        "methods.{methods}.title",
        "datasets.{datasets}.title",
        "datasets.{datasets}.classes",
        "datasets.{datasets}.rigid",
        "datasets.{datasets}.{scale}",
        "datasets.voc.rigid",  # of the published tables, whichever data sets are run
        "datasets.kitti.rigid",
        "evaluation.metric",
        "evaluation.bootstrap",
        "scales.{scale}.window",
    ],
    "ablation": [
        "run",
        "methods.{methods}",
        "datasets.{datasets}.title",
        "datasets.{datasets}.{scale}",
        "evaluation.ious",
        "evaluation.metric",
        "evaluation.bootstrap",
    ],
    "report": [
        "run",
        "artifacts",
        "methods.{methods}",
        *(f"datasets.{{datasets}}.{key}" for key in ("title", "format", "detector", "beta_target", "classes", "rigid")),
        "datasets.{datasets}.{scale}",
        *_AP,
        "evaluation.bootstrap",
        "scales.{scale}",
    ],
    "detections_sheet": [*_DATA, "datasets.{dataset}.title", "run", "methods.{methods}.title"],
    "differences_sheet": [*_DATA, "datasets.{dataset}.title", "run", "methods.{methods}.title", "evaluation.ious"],
    "mined_sheet": [*_DATA, "datasets.{dataset}.title", "run", "methods.{methods}.title", "methods.{methods}.miner"],
}


def load(source: str | Path, *, dataset: str | None = None, method: str | None = None) -> Params:
    """Read parameters from a YAML file, or from a JSON string as Snakemake passes it, unchecked if JSON.

    Args:
        dataset, method: names that the parameters must define, as given on the command line.

    Raises:
        ParamsError: no such file, not YAML, a key or value is not allowed, or a name is not defined.
    """
    text = str(source)
    if text.lstrip().startswith("{"):
        params = json.loads(text)
    else:
        try:
            params = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
        except OSError as error:
            raise ParamsError(f"{source}: {error.strerror}; run from the folder that holds params.yaml") from None
        except yaml.YAMLError as error:
            raise ParamsError(f"{source}: not YAML ({' '.join(str(error).split())})") from None
        validate(params, text)
    for key, name in (("datasets", dataset), ("methods", method)):
        if name is not None and name not in params.get(key, {}):
            known = ", ".join(params.get(key, {})) or "none"
            raise ParamsError(f"--{key.removesuffix('s')} {name}: not among the {key} of the parameters ({known})")
    return params


def keys(params: Params, step: str, **wildcards: str) -> list[str]:
    """The dotted keys that ``step`` depends on, for the given data set, method or artifact."""
    fields: dict[str, list[str]] = {name: [value] for name, value in wildcards.items()}
    if "run" in params:
        fields["methods"] = params["run"]["methods"]
        fields.setdefault("datasets", params["run"]["datasets"])
    if "artifact" in wildcards:
        spec = artifacts(params)[wildcards["artifact"]]
        fields["datasets"] = spec["datasets"]
        fields["methods"] = artifact_methods(params, spec)
    result = []
    for pattern in STEP_KEYS[step]:
        expanded = [pattern.replace("{scale}", params["scale"])]
        for name, values in fields.items():
            if any("{" + name + "}" in key for key in expanded):
                expanded = [key.replace("{" + name + "}", value) for key in expanded for value in values]
        result += expanded
    return list(dict.fromkeys(result))


def select(params: Params, step: str, **wildcards: str) -> Params:
    """The part of ``params`` that ``step`` depends on, nested as in ``params.yaml``, with ``scale``.

    A key that the parameters do not have (``rigid`` of a data set without rigid classes) is left out. So is, but for
    ``fetch``, where the archives of a data set lie: moving them must not train everything again.
    """
    part: Params = {"scale": params["scale"]}
    source = {**params, "artifacts": artifacts(params)} if "artifact" in wildcards else params
    for key in keys(params, step, **wildcards):
        *parents, last = key.split(".")
        value, target = source, part
        for name in parents:
            value = value.get(name, {})
            target = target.setdefault(name, {})
        if last in value:
            target[last] = value[last]
    if step != "fetch":
        for dataset in part.get("datasets", {}).values():
            if "archives" in dataset.get(params["scale"], {}):
                dataset[params["scale"]] = {k: v for k, v in dataset[params["scale"]].items() if k != "archives"}
    return part


def dumps(params: Params) -> str:
    """Canonical JSON: equal parameters give equal text. Keys are sorted, except classes: their order numbers them."""
    return json.dumps(_sorted(params), separators=(",", ":"))


def _sorted(value: Any, name: str = "") -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _sorted(value[key], key) for key in (value if name == "classes" else sorted(value))}


def fingerprint(params: Params) -> str:
    """16 hexadecimal digits that change whenever a parameter in ``params`` does."""
    return hashlib.sha256(dumps(params).encode()).hexdigest()[:16]


def at_scale(params: Params) -> Params:
    """The settings of the active scale (``scales.demo`` or ``scales.paper``)."""
    return params["scales"][params["scale"]]


def dataset_at_scale(params: Params, dataset: str) -> Params:
    """Root, image size and the like of a data set at the active scale.

    Raises:
        ParamsError: the data set is unknown or has no entry for this scale.
    """
    try:
        return params["datasets"][dataset][params["scale"]]
    except KeyError:
        raise ParamsError(
            f"datasets.{dataset}.{params['scale']}: missing; known data sets: {', '.join(params.get('datasets', {}))}"
        ) from None


def beta_target(params: Params, dataset: str) -> float | str:
    """What a method's ``beta.target: dataset`` stands for: a number, or "ratio"."""
    return params["datasets"][dataset]["beta_target"]


def class_names(params: Params, dataset: str) -> list[str]:
    """The classes of a data set in order; class k (from 1) of a detector's output is the k-th of them."""
    return list(params["datasets"][dataset]["classes"])


def notice(params: Params, datasets: list[str]) -> str:
    """What is printed on every artifact: the scale, and whether the data were generated."""
    made = any("miniature" in dataset_at_scale(params, name) for name in datasets)
    return f"{params['scale']} scale, {'generated' if made else 'real'} data"


def artifacts(params: Params) -> dict[str, Params]:
    """Name -> specification of every figure and table that the run's data sets and methods allow.

    The paper's are listed in ``params.yaml``; a figure shows those of its data sets and methods that run. A data set
    that appears in none of them gets a figure and a table of each kind that makes sense for it, under its own name.
    """
    run = params.get("run", {}).get("datasets", [])
    named = {d for spec in params.get("artifacts", {}).values() for d in spec["datasets"]}
    result = {}
    for name, spec in params.get("artifacts", {}).items():
        present = [dataset for dataset in spec["datasets"] if dataset in run]
        if present == spec["datasets"] or (present and spec["kind"].endswith("figure")):
            result[name] = {**spec, "datasets": present}
            if "methods" in spec:
                result[name]["methods"] = [method for method in spec["methods"] if method in params["run"]["methods"]]
    for dataset in run:
        if dataset in named or dataset not in params["datasets"]:  # the part for one artifact lacks the others
            continue
        result[f"{dataset}_ap_figure"] = {"kind": "ap_figure", "datasets": [dataset]}
        result[f"{dataset}_loss_figure"] = {"kind": "loss_figure", "datasets": [dataset], "rois": "all"}
        for kind in ("strata_figure", "ratio_figure", "interval_figure", "improvement_figure"):
            result[f"{dataset}_{kind}"] = {"kind": kind, "datasets": [dataset]}
        result[f"{dataset}_ap_table"] = {"kind": "ap_table", "datasets": [dataset]}
        if params["datasets"][dataset].get("rigid"):
            result[f"{dataset}_rigid_table"] = {"kind": "rigid_table", "datasets": [dataset]}
    least = {name: 2 if spec["kind"] == "improvement_figure" else 1 for name, spec in result.items()}
    return {name: spec for name, spec in result.items() if len(artifact_methods(params, spec)) >= least[name]}


_RUN, STATISTICS = "runs/{dataset}/{method}/seed{seed}", "paper/statistics/{dataset}"
_LOG, _AP_TABLE = f"{_RUN}/log.parquet", f"{_RUN}/ap.csv"

# What each kind of figure or table is made from, below results/<name>; {first} is the method that others are compared
# with. Tables show the intervals of sohem difference as well.
ARTIFACT_SOURCES = {
    "ap_figure": _AP_TABLE,
    "loss_figure": _LOG,
    "strata_figure": _LOG,
    "ratio_figure": _LOG,
    "interval_figure": f"{STATISTICS}/interval_{{method}}.csv",
    "improvement_figure": f"{STATISTICS}/difference_{{first}}_{{method}}.csv",
    "ap_table": _AP_TABLE,
    "rigid_table": _AP_TABLE,
}


def artifact_sources(params: Params, spec: Params) -> dict[tuple[str, str, int], str]:
    """(data set, method, seed) -> the file that an artifact reads, below results/<name>.

    The seed is the first of the run's where a file is made from all of them.
    """
    pattern, methods, seeds = ARTIFACT_SOURCES[spec["kind"]], artifact_methods(params, spec), params["run"]["seeds"]
    return {
        (dataset, method, seed): pattern.format(dataset=dataset, method=method, seed=seed, first=methods[0])
        for dataset in spec["datasets"]
        for method in (methods[1:] if "{first}" in pattern else methods)
        for seed in (seeds if "{seed}" in pattern else seeds[:1])
    }


def artifact_methods(params: Params, spec: Params) -> list[str]:
    """The methods that an artifact shows, in order: its own choice of those that run, or all that the paper shows."""
    if "method" in spec:
        return [name for name in params["run"]["methods"] if name == spec["method"]]
    return spec.get("methods", shown(params))


def shown(params: Params) -> list[str]:
    """The methods that the paper's figures, tables and sheets show: ``run.shown``, by default all that are trained."""
    return params["run"].get("shown", params["run"]["methods"])


def ablation(params: Params) -> list[str]:
    """The methods of the ablation: all that are trained, if these are more than are shown; else none."""
    methods = params["run"]["methods"]
    return methods if set(shown(params)) < set(methods) else []
