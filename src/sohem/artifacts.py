"""The figures, tables and sheets of a run: which there are, what they show, and what each depends on.

The paper's are listed in ``params.yaml``; the kinds (``paper/kinds``) say the rest. Nothing here draws.
"""

from typing import Any

from sohem import errors, notation, params, schema
from sohem.errors import ParamsError
from sohem.paper.kind import COMMON, FILES, Artifact, form
from sohem.paper.kinds import all_kinds
from sohem.params import Params


def load(source: str) -> Params:
    """Parameters as ``params.load`` gives them, the artifacts checked too.

    Raises:
        ParamsError: as there, or an artifact has a key or value that its kind does not allow.
    """
    given = params.load(source)
    check(given, notation.name(source))
    return given


def check(given: Params, name: str = "params.yaml") -> None:
    """Hold the entries of ``artifacts`` against what their kinds allow.

    Raises:
        ParamsError: names the key, the value and what is allowed, one line for each mistake.
    """
    entries = given.get("artifacts", {})
    rules = {key: rules_of(entry.get("kind", "")) for key, entry in entries.items()}
    lines = schema.explained({"artifacts": entries}, {"properties": {"artifacts": {"properties": rules}}})
    if lines:
        raise ParamsError(errors.of_lines(name, lines))


def rules_of(kind: str) -> dict[str, Any]:
    """The JSON schema of an artifact of this kind; of an unknown one, the kinds that there are."""
    kinds = all_kinds()
    if kind not in kinds:
        return {"properties": {"kind": {"enum": list(kinds)}}}
    names = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}}
    datasets = {**names, "maxItems": 1} if kinds[kind].one else names
    methods = {**names, "minItems": kinds[kind].least}
    keys = {"kind": {"const": kind}, "datasets": datasets, "methods": methods, **kinds[kind].options}
    return {"type": "object", "required": ["kind", "datasets"], "additionalProperties": False, "properties": keys}


def artifacts(given: Params) -> dict[str, Params]:
    """Name -> specification (kind, datasets, methods, options) of all that the run makes.

    An entry in ``params.yaml`` shows those of its data sets that run. A data set that appears in no figure or table
    there gets one of each kind, under its own name, and every data set gets each sheet. Left out is what shows no data
    set, what its kind does not apply to, and what has not enough methods.
    """
    run = [name for name in given["run"]["datasets"] if name in given["datasets"]]
    entries = given.get("artifacts", {})
    named = {d for entry in entries.values() if form(entry["kind"]) != "sheet" for d in entry["datasets"]}
    found = {name: {**entry, "datasets": [d for d in entry["datasets"] if d in run]} for name, entry in entries.items()}
    for kind in all_kinds():
        for dataset in run:
            if form(kind) == "sheet" or dataset not in named:
                found.setdefault(default_name(kind, dataset), {"kind": kind, "datasets": [dataset]})
    order = list(FILES)
    made = {name: spec for name, spec in found.items() if _possible(given, spec)}
    return dict(sorted(made.items(), key=lambda entry: order.index(form(entry[1]["kind"]))))


def default_name(kind: str, dataset: str) -> str:
    """How a data set's own artifact of a kind is called where ``params.yaml`` lists none."""
    return f"{kind.removesuffix('_sheet')}_{dataset}" if form(kind) == "sheet" else f"{dataset}_{kind}"


def _possible(given: Params, spec: Params) -> bool:
    kind, datasets = all_kinds()[spec["kind"]], spec["datasets"]
    applies = bool(datasets) and all(kind.applies(given, dataset) for dataset in datasets)
    return applies and len(methods(given, spec)) >= kind.least


def methods(given: Params, spec: Params) -> list[str]:
    """The methods that an artifact shows, in order: its own of those that run, else run.shown, else all that run."""
    run, kind = given["run"], all_kinds()[spec["kind"]]
    shown = run["methods"] if kind.trained else run.get("shown", run["methods"])
    return [method for method in spec.get("methods", shown) if method in run["methods"]][: kind.most]


def artifact(given: Params, name: str) -> Artifact:
    """An artifact with its titles and settings.

    Raises:
        ParamsError: there is none of this name.
    """
    spec = _spec(given, name)
    own = {key: value for key, value in spec.items() if key not in ("kind", "datasets", "methods")}
    return Artifact(
        name=name,
        kind=all_kinds()[spec["kind"]],
        datasets={dataset: given["datasets"][dataset]["title"] for dataset in spec["datasets"]},
        methods={method: given["methods"][method]["title"] for method in methods(given, spec)},
        options=own,
        given=given,
    )


def part(given: Params, name: str) -> Params:
    """The part of the parameters that an artifact depends on; cut again, it stays the same.

    Raises:
        ParamsError: there is no artifact of this name.
    """
    spec = _spec(given, name)
    shown = {"datasets": spec["datasets"], "methods": methods(given, spec)}
    fields = {**shown, "overlap": params.compared(given)}
    keys = params.expanded([f"artifacts.{name}", *COMMON, *all_kinds()[spec["kind"]].reads], given, fields)
    # A run that grows by a data set or method which is not shown here changes nothing.
    return params.cut({**given, "run": {**given["run"], **shown}, "artifacts": {name: spec}}, keys)


def of_form(given: Params, wanted: str) -> list[str]:
    """The names of all figures, tables or sheets."""
    return [name for name, spec in artifacts(given).items() if form(spec["kind"]) == wanted]


def files(name: str, kind: str) -> list[str]:
    """What is made of an artifact, below the folder of results; the first is shown, the last is its provenance."""
    return [f"paper/{file.format(name=name)}" for file in (*FILES[form(kind)].values(), "{name}.provenance.json")]


def inputs(given: Params, name: str) -> list[str]:
    """What it is made from, below the folder of results."""
    made = artifact(given, name)
    return [file for source in made.kind.sources.values() for file in made.runs(source).values()]


def _spec(given: Params, name: str) -> Params:
    known = artifacts(given)
    if name not in known:
        raise ParamsError(f"artifacts.{name}: not defined; expected one of {', '.join(known)}")
    return known[name]
