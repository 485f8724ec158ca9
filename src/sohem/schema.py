"""Checks of YAML files against their JSON schemas; of the parameters also for what contradicts itself."""

import copy
import difflib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema

from sohem import errors, notation
from sohem.datasets.annotation import label_of
from sohem.detectors.architectures import ARCHITECTURES
from sohem.detectors.architectures.architecture import NONE
from sohem.errors import ParamsError
from sohem.oddities import named, oddities, shown

SCHEMAS = Path(__file__).parents[2] / "workflow" / "schemas"


def _is_whole(checker: Any, value: Any) -> bool:
    """JSON schema takes 12.0 for an integer; what counts iterations or is a seed here would then fail on it."""
    return isinstance(value, int) and not isinstance(value, bool)


VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)


def validate(params: Any, name: str = "params.yaml") -> None:
    """Check ``params`` against the schema and against itself.

    Raises:
        ParamsError: names the key, the value and what is allowed, one line for each mistake.
    """
    lines = problems(params, "params") or list(dict.fromkeys(_contradictions(params)))
    if lines:
        raise ParamsError(errors.of_lines(name, lines))


def validate_part(part: Any, name: str) -> None:
    """Check a part of the parameters as ``params.select`` makes it: any key but ``scale`` may be missing.

    Raises:
        ParamsError: as `validate`.
    """
    lines = problems(part, "params", partly=True)
    if lines:
        raise ParamsError(errors.of_lines(name, lines))


def problems(value: Any, schema: str, partly: bool = False) -> list[str]:
    """What ``workflow/schemas/<schema>.schema.yaml`` does not allow in ``value``: a line for each mistake.

    Args:
        partly: do not ask for the keys that the schema requires, ``scale`` aside.
    """
    odd = list(oddities(value))
    if odd:
        return odd
    rules = copy.deepcopy(_rules(schema))
    if schema == "params":
        _fill_in(rules["$defs"])
    return explained(value, {**_without_required(rules), "required": ["scale"]} if partly else rules)


@functools.cache
def _rules(schema: str) -> dict[str, Any]:
    return notation.read(SCHEMAS / f"{schema}.schema.yaml")


def _without_required(rules: Any) -> Any:
    if isinstance(rules, list):
        return [_without_required(item) for item in rules]
    if not isinstance(rules, dict):
        return rules
    return {key: _without_required(item) for key, item in rules.items() if key != "required"}


def explained(value: Any, rules: dict[str, Any]) -> list[str]:
    """What a JSON schema does not allow in ``value``: a line for each mistake."""
    found = VALIDATOR(rules).iter_errors(value)
    return list(dict.fromkeys(line for error in found for line in _explain(error)))


def _fill_in(definitions: dict[str, Any]) -> None:
    """What the package's data formats and backbones decide."""
    from sohem.datasets.formats import FORMATS  # here, since readers load Pillow: who has nothing to check needs none

    definitions["format"]["enum"] = list(FORMATS)
    for form in FORMATS.values():
        definitions["datasetAtScale"]["properties"] |= {name: key.rule for name, key in form.keys.items()}
    weights = [pair for architecture in ARCHITECTURES.values() for pair in architecture.weights.items()]
    definitions["backbone"]["enum"] = list(ARCHITECTURES)
    definitions["weights"]["enum"] = [*dict.fromkeys(kind for kind, _ in weights), NONE]
    definitions["publishedWeights"]["enum"] = list(dict.fromkeys(kind for kind, one in weights if one.file is not None))


def _explain(error: jsonschema.ValidationError) -> list[str]:
    """One validation error as lines of ``key: value is not allowed; expected ...``."""
    key = named(map(str, error.absolute_path)) or "all of it"
    value = shown(error.instance)
    rule: str = str(error.validator)
    expected: Any = error.validator_value
    if rule == "additionalProperties" and isinstance(error.instance, dict):
        known = sorted(_schema(error).get("properties", {}))
        return [_unknown(_below(error, k), k, known) for k in error.instance if k not in known]
    if rule == "required":
        missing = [k for k in expected if k not in cast(dict[str, Any], error.instance)]
        return [f"{_below(error, k)}: missing; this key is required" for k in missing]
    if rule == "propertyNames":
        return [f"{_below(error, str(error.instance))}: not allowed as a name; use lower-case letters and digits"]
    if rule == "anyOf":
        return [f"{key}: {value} is not allowed; expected {_schema(error)['description']}"]
    wording = {
        "enum": lambda: "one of " + ", ".join(map(str, expected)),
        "type": lambda: "a value of type " + (" or ".join(expected) if isinstance(expected, list) else expected),
        "minimum": lambda: f"a number of at least {expected}",
        "maximum": lambda: f"a number of at most {expected}",
        "exclusiveMinimum": lambda: f"a number above {expected}",
        "exclusiveMaximum": lambda: f"a number below {expected}",
        "minItems": lambda: f"a list of at least {expected}",
        "maxItems": lambda: f"a list of at most {expected}",
        "minLength": lambda: "some text",
        "pattern": lambda: "lower-case letters and digits",
        "not": lambda: "a name that is none of " + ", ".join(expected["enum"]),
        "uniqueItems": lambda: "a list without repetitions",
    }.get(rule, lambda: errors.shortened(error.message, 300))
    return [f"{key}: {value} is not allowed; expected {wording()}"]


def _below(error: jsonschema.ValidationError, name: str) -> str:
    """A key of the mapping that is wrong, with its parents."""
    return named([*map(str, error.absolute_path), name])


def _schema(error: jsonschema.ValidationError) -> dict[str, Any]:
    """The part of the schema that was broken."""
    assert isinstance(error.schema, dict)
    return error.schema


def _unknown(key: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"{key}: unknown key" + (f", did you mean {close[0]}?" if close else "") + f" Allowed: {', '.join(known)}"


def _contradictions(params: dict[str, Any]) -> Iterator[str]:
    """Names that point to nothing, and values that exclude each other."""
    from sohem.datasets.formats import FORMATS

    scale = params["scale"]
    for name in params["run"]["datasets"]:
        if name not in params["datasets"]:
            yield _unknown_name("run.datasets", name, params["datasets"])
        elif scale not in params["datasets"][name]:
            yield f"datasets.{name}.{scale}: missing; run.datasets lists {name}, so it needs a root at this scale"
    for name in params["run"]["methods"]:
        if name not in params["methods"]:
            yield _unknown_name("run.methods", name, params["methods"])
    for name in params["evaluation"]["overlap"]:
        if name not in params["methods"]:
            yield _unknown_name("evaluation.overlap", name, params["methods"])
    for name in params["run"].get("shown", []):
        if name not in params["run"]["methods"]:
            yield _unknown_name("run.shown", name, params["run"]["methods"])
    for name, dataset in params["datasets"].items():
        for label in dataset.get("rigid", []):
            if label not in dataset["classes"]:
                yield _unknown_name(f"datasets.{name}.rigid", label, dataset["classes"])
        yield from _labels_in_two_classes(f"datasets.{name}.classes", dataset["classes"])
        class_by_label = label_of(dataset["classes"])
        for label in dataset.get("ignore", []):
            if label in class_by_label:
                yield (
                    f"datasets.{name}.ignore: {shown(label)} is also a label of class {class_by_label[label]}; "
                    f"take it off this list or out of datasets.{name}.classes"
                )
        if "stands_for" in dataset:
            yield from _stands_for_contradictions(params["datasets"], name)
        for key, needed in FORMATS[dataset["format"]].keys.items():
            for at in params["scales"]:
                if at in dataset and key not in dataset[at]:
                    yield f"datasets.{name}.{at}.{key}: missing; {needed.reason}"
    for name, scale in params["scales"].items():
        yield from _weights_contradictions(f"scales.{name}", scale)
    for name, method in params["methods"].items():
        for key in ("alpha", "beta", "schedule"):
            change = method.get(key)
            if isinstance(change, dict) and change["start"] > change["end"]:
                yield f"methods.{name}.{key}.start: {change['start']} lies after end ({change['end']})"
            slope = isinstance(change, dict) and change.get("stable") == "slope"
            if slope and 2 * change["windows"] * change["window"] >= 1:
                yield (
                    f"methods.{name}.{key}.windows: {change['windows']} and as many before them, each "
                    f"{change['window']} of the iterations, leave none after these; lower windows or window"
                )
    for name, artifact in params["artifacts"].items():
        for dataset in artifact["datasets"]:
            if dataset not in params["datasets"]:
                yield _unknown_name(f"artifacts.{name}.datasets", dataset, params["datasets"])
        for method in artifact.get("methods", []):
            if method not in params["methods"]:
                yield _unknown_name(f"artifacts.{name}", method, params["methods"])


def _labels_in_two_classes(key: str, classes: Any) -> Iterator[str]:
    """A label counts as one class."""
    seen: dict[str, str] = {}
    for name, labels in classes.items() if isinstance(classes, dict) else ():
        for label in labels:
            if label in seen:
                yield f"{key}: {shown(label)} is a label of {seen[label]} and of {name}; take it out of one of them"
            seen[label] = name


def _stands_for_contradictions(datasets: dict[str, Any], name: str) -> Iterator[str]:
    """A data set stands for one that the paper has numbers for, and that it shares classes with."""
    from sohem.paper import published  # here: it loads pandas, which the check of other files need not wait for

    key, stood_for = f"datasets.{name}.stands_for", datasets[name]["stands_for"]
    known = [paper for paper in dict.fromkeys(published.DATASETS.values()) if paper in datasets]
    if name in known:
        yield f"{key}: the paper has claims about {name} itself; leave this key out"
    elif stood_for not in datasets:
        yield _unknown_name(key, stood_for, known)
    elif stood_for not in known:
        yield f"{key}: the paper has no claims about {shown(stood_for)}; expected one of {', '.join(known)}"
    elif not set(datasets[name]["classes"]) & set(datasets[stood_for]["classes"]):
        yield f"{key}: {name} has none of the classes of {stood_for}, so its results say nothing about those"


def _weights_contradictions(key: str, scale: dict[str, Any]) -> Iterator[str]:
    """Weights are for the layers that they were trained in."""
    name, kind = scale["backbone"], scale["weights"]
    if kind == NONE:
        return
    fitting = [name for name, architecture in ARCHITECTURES.items() if kind in architecture.weights]
    if name not in fitting:
        yield f"{key}.backbone: {name} does not go with weights: {kind}; expected {' or '.join(fitting)}"
        return
    for part, value in ARCHITECTURES[name].weights[kind].head.items():
        if scale["head"][part] != value:
            yield f"{key}.head.{part}: {scale['head'][part]} does not go with weights: {kind}; expected {value}"


def _unknown_name(key: str, name: str, known: Any) -> str:
    return f"{key}: {shown(name)} is not defined; expected one of {', '.join(known)}"
