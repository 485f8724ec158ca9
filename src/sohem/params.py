"""Parameters: read, checked (see ``schema``), and cut down to what one step depends on.

A step never sees the whole of ``params.yaml``: ``select`` gives it the keys of ``STEP_KEYS``, Snakemake passes that
part on as one sorted JSON string, DVC lists the same keys. So a change reruns exactly the steps that it concerns.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sohem import notation
from sohem.errors import ParamsError
from sohem.schema import validate, validate_part

Params = dict[str, Any]

_DATA = ["datasets.{dataset}.format", "datasets.{dataset}.classes", "datasets.{dataset}.{scale}"]
_NETWORK = ["scales.{scale}." + key for key in ("device", "instructions", "threads", "backbone", "head", "weights")]
_TRAIN = [*_DATA, "datasets.{dataset}.detector", "datasets.{dataset}.beta_target", "methods.{method}",
          *_NETWORK, "scales.{scale}.workers", "scales.{scale}.precision", "scales.{scale}.compile",
          "scales.{scale}.frozen", "scales.{scale}.cache",
          "scales.{scale}.rpn", "scales.{scale}.train", "scales.{scale}.probe"]  # fmt: skip

_CLASSES = ["datasets.{dataset}.classes", "datasets.{dataset}.rigid"]
_STOOD_FOR = ["datasets.{stood_for}." + key for key in ("title", "classes", "rigid")]
_AP = ["evaluation." + key for key in ("ious", "curve", "metric")]

# What each step depends on. dvc.yaml repeats these keys; tests/workflow/test_ledger.py keeps the two equal.
STEP_KEYS: dict[str, list[str]] = {
    "fetch": _DATA,
    "split": [*_DATA, "datasets.{dataset}.ignore"],
    "pretrain": [*_NETWORK, "scales.{scale}.pretrain"],
    "propose": ["datasets.{dataset}.detector", "datasets.{dataset}.{scale}", "scales.{scale}.selective_search"],
    "train": _TRAIN,
    "detect": [*_TRAIN, "scales.{scale}.test"],
    "evaluate": [*_CLASSES, *_AP],
    "difference": [*_CLASSES, "evaluation.ious", "evaluation.metric", "evaluation.bootstrap"],
    "interval": [*_CLASSES, *_AP, "evaluation.bootstrap"],
    "overlap": [
        "run.methods",
        "run.seeds",
        "methods.{methods}",
        "methods.{overlap}",
        "datasets.{dataset}.detector",
        "datasets.{dataset}.beta_target",
        "evaluation.overlap",
        "scales.{scale}.device",
        "scales.{scale}.train.rois",
    ],
    "power": ["datasets.{dataset}.stands_for", "evaluation.bootstrap.level"],
    "claims": [
        "run",
        "artifacts",
        "methods.{methods}.title",
        "datasets.{datasets}.title",
        "datasets.{datasets}.classes",
        "datasets.{datasets}.rigid",
        "datasets.{datasets}.stands_for",
        "datasets.{datasets}.{scale}",
        *_STOOD_FOR,
        "datasets.voc.rigid",  # of the published tables, whichever data sets are run
        "datasets.kitti.rigid",
        "evaluation.metric",
        "evaluation.bootstrap",
        "scales.{scale}.window",
    ],
    "report": [
        "run",
        "artifacts",
        "methods.{methods}",
        "methods.{overlap}.title",
        *(
            f"datasets.{{datasets}}.{key}"
            for key in ("title", "format", "detector", "beta_target", "classes", "ignore", "rigid", "stands_for")
        ),
        "datasets.{datasets}.{scale}",
        *_STOOD_FOR,
        *_AP,
        "evaluation.bootstrap",
        "evaluation.overlap",
        "scales.{scale}",
    ],
}


def load(source: str | Path, *, dataset: str | None = None, method: str | None = None) -> Params:
    """Read parameters from a YAML file, or a part of them from a JSON string as Snakemake passes it.

    Args:
        dataset, method: names that the parameters must define, as given on the command line.

    Raises:
        ParamsError: no such file, not YAML or JSON, a key or value is not allowed, or a name is not defined.
    """
    params = notation.of_option(source)
    check = validate_part if notation.is_json(source) else validate
    check(params, notation.name(source))
    for key, name in (("datasets", dataset), ("methods", method)):
        if name is not None and name not in params.get(key, {}):
            known = ", ".join(params.get(key, {})) or "none"
            raise ParamsError(f"--{key.removesuffix('s')} {name}: not among the {key} of the parameters ({known})")
    return params


def of_config(word: str) -> Params:
    """What one ``key=value`` of Snakemake's ``--config`` says. Snakemake itself makes text of numbers within {...}.

    Raises:
        ParamsError: the value is not YAML.
    """
    key, _, text = word.partition("=")
    return {key: notation.of_yaml(text.strip("'\""), f"--config {key}")}  # Snakemake takes these quotes off, too


def keys(params: Params, step: str, **wildcards: str) -> list[str]:
    """The dotted keys that ``step`` depends on, for the given data set and method."""
    fields: dict[str, list[str]] = {name: [value] for name, value in wildcards.items()}
    fields["overlap"] = compared(params)
    if "run" in params:
        fields["methods"] = params["run"]["methods"]
        fields.setdefault("datasets", params["run"].get("datasets", []))
        fields["stood_for"] = list(stand_ins(params).values())
    return expanded(STEP_KEYS[step], params, fields)


def compared(params: Params) -> list[str]:
    """The methods whose choice on the losses of every run is worked out; none where the parameters do not say."""
    return list(params.get("evaluation", {}).get("overlap", []))


def expanded(patterns: Iterable[str], params: Params, fields: Mapping[str, Sequence[str]]) -> list[str]:
    """Dotted keys from patterns: ``{scale}`` is that of the parameters, another field stands for each of its values."""
    result = []
    for pattern in patterns:
        found = [pattern.replace("{scale}", params["scale"])]
        for name, values in fields.items():
            if any("{" + name + "}" in key for key in found):
                found = [key.replace("{" + name + "}", value) for key in found for value in values]
        result += found
    return list(dict.fromkeys(result))


def select(params: Params, step: str, **wildcards: str) -> Params:
    """The part of ``params`` that ``step`` depends on, as `cut` gives it."""
    return cut(params, keys(params, step, **wildcards), archives=step == "fetch")


def cut(params: Params, keys: Iterable[str], archives: bool = False) -> Params:
    """The keys of ``params``, nested as in ``params.yaml``, with ``scale``.

    A key that the parameters do not have (``rigid`` of a data set without rigid classes) is left out. So is, unless
    ``archives``, where the archives of a data set lie: moving them must not train everything again.
    """
    part: Params = {"scale": params["scale"]}
    for key in keys:
        *parents, last = key.split(".")
        value, target = params, part
        for name in parents:
            value = value.get(name, {})
            target = target.setdefault(name, {})
        if last in value:
            target[last] = value[last]
    if not archives:
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
    """The settings of the active scale (``scales.demo``, say)."""
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


def method(params: Params, name: str, dataset: str) -> Params:
    """The settings of a method on a data set; of what has a value for each detector that of the data set's."""
    detector = params["datasets"][dataset]["detector"]
    entry = params["methods"][name]
    return {key: value[detector] if key == "background" else value for key, value in entry.items()}


def class_names(params: Params, dataset: str) -> list[str]:
    """The classes of a data set in order; class k (from 1) of a detector's output is the k-th of them."""
    return list(params["datasets"][dataset]["classes"])


def stands_for(params: Params, dataset: str) -> str:
    """The data set whose claims and printed numbers this one is held against: itself unless ``stands_for`` says."""
    return params.get("datasets", {}).get(dataset, {}).get("stands_for", dataset)


def stand_ins(params: Params) -> dict[str, str]:
    """Each data set of the run that stands for another one -> that one."""
    run = params["run"].get("datasets", [])
    return {name: paper for name in run if (paper := stands_for(params, name)) != name}


def generated(params: Params, datasets: Iterable[str]) -> bool:
    """Whether images of one of the data sets are drawn by this program."""
    return any("miniature" in dataset_at_scale(params, name) for name in datasets)


def notice(params: Params, datasets: list[str]) -> str:
    """What is printed on every artifact: the scale, and whether the data were generated."""
    return f"{params['scale']} scale, {'generated' if generated(params, datasets) else 'real'} data"
