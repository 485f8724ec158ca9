"""The list of claims (claims.yaml): read, checked, fitted to the data sets of a run, and put into words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sohem import artifacts, errors, notation, params
from sohem.errors import ClaimsError
from sohem.params import Params
from sohem.schema import problems

Claims = dict[str, Any]
Claim = dict[str, Any]
Statement = Mapping[str, Any]

SCOPES = {"mAP": "mAP", "rigid": "the mean AP of the rigid classes", "nonrigid": "the mean AP of the other classes"}
GROUPS = {"all": "classes", "rigid": "rigid classes", "nonrigid": "non-rigid classes"}
ROIS = {"selected": "the selected RoIs", "all": "all RoIs"}
LOSSES = {"cls": "classification loss", "loc": "localisation loss"}


def load(path: str | Path) -> Claims:
    """The content of claims.yaml: methods, runs, claims (name -> claim).

    Raises:
        ClaimsError: no such file, not YAML, a claim is written twice, or a key or value is not allowed; the message
            names the claim and the key.
    """
    claims = notation.read(path, ClaimsError, "run from the folder that holds claims.yaml")
    lines = problems(claims, "claims")
    if lines:
        raise ClaimsError(errors.of_lines(str(path), lines))
    return claims


def held_against(claims: Claims, given: Params) -> tuple[Claims, list[dict[str, str]]]:
    """The claims as statements about the data sets of a run, and those that apply to none of these.

    A claim is held against each data set that stands for the one it is about (``stands_for``), under a name of its own.
    Where no data set of the run stands for another one, all claims stay as they are.

    Returns:
        The claims; and of each one that was left out: id, sentence, place, reason.
    """
    if not params.stand_ins(given):
        return claims, []
    kept, left_out = {}, []
    for name, claim in claims["claims"].items():
        paper = claim["statement"]["dataset"]
        answering = [dataset for dataset in given["run"]["datasets"] if params.stands_for(given, dataset) == paper]
        lacking = {dataset: _lacking(claim["statement"], given, dataset) for dataset in answering}
        for dataset in (dataset for dataset in answering if not lacking[dataset]):
            own = dataset == paper
            kept[name if own else f"{name}-{dataset}"] = claim if own else _about(claim, given, dataset)
        if all(lacking.values()):
            reason = "; ".join(lacking.values()) or f"the run has no data set {paper}, nor one that stands for it"
            left_out.append({"id": name, "sentence": claim["claim"], "place": claim["place"], "reason": reason})
    return {**claims, "claims": kept}, left_out


def _lacking(statement: Statement, given: Params, dataset: str) -> str:
    """The classes of a statement that a data set does not have, in words; empty if it has all."""
    entry = given["datasets"][dataset]
    scope = statement.get("scope", "mAP")
    missing = [c for c in (*statement.get("classes", []), scope) if c not in entry["classes"] and c not in SCOPES]
    if missing:
        return f"{entry['title']} has no class {', '.join(missing)}"
    grouped = {scope, statement.get("group")} & {"rigid", "nonrigid"}
    return f"{entry['title']} names no rigid classes" if grouped and not entry.get("rigid") else ""


def _about(claim: Claim, given: Params, dataset: str) -> Claim:
    """The claim with its statement about this data set, to be seen in the data set's own figure or table."""
    listed = given["artifacts"].get(claim["artifact"])
    own = artifacts.default_name(listed["kind"], dataset) if listed else None
    return {**claim, "statement": {**claim["statement"], "dataset": dataset}, "artifact": own}


def datasets(claims: Claims) -> list[str]:
    """Every data set that a claim is about, once, in order."""
    return list(dict.fromkeys(claim["statement"]["dataset"] for claim in claims["claims"].values()))


def methods(claims: Claims) -> list[str]:
    """Every method that a claim is about, once, in order."""
    named = (claim["statement"].get("method") for claim in claims["claims"].values())
    return list(dict.fromkeys([*claims["methods"], *(name for name in named if name)]))


def in_words(statement: Statement, compared: tuple[str, str], titles: Mapping[str, str], window: int) -> str:
    """What a statement says is measured, and what must come out for the claim to hold.

    Args:
        compared: the keys of the two methods. titles: key of a method or data set -> how it is called; a key that is
            missing stands for itself. window: iterations in one point of a loss curve.
    """

    def called(key: str) -> str:
        return titles.get(key, key)

    s, dataset = statement, called(statement["dataset"])
    minus = f"{called(compared[1])} minus {called(compared[0])}"
    match s["measure"]:
        case "difference":
            scope = SCOPES.get(s["scope"], f"the AP of {s['scope']}")
            return f"{dataset}: {minus} in {scope} at IoU {s['iou']:g} is {s['direction']} 0"
        case "trend":
            scope, (first, last) = SCOPES.get(s["scope"], f"the AP of {s['scope']}"), s["ious"]
            more = {"above": "larger", "below": "smaller"}[s["direction"]]
            return f"{dataset}: {minus} in {scope} is {more} at IoU {last:g} than at {first:g}"
        case "classes_improved":
            ious = ", ".join(f"{iou:g}" for iou in s["ious"])
            least = {"most": "more than half", "all": "all"}.get(s["at_least"], f"at least {s['at_least']}")
            return f"{dataset}: at each IoU of {ious}, {minus} is above 0 for {least} of the {GROUPS[s['group']]}"
        case "ap_fall":
            before, after = (f"from IoU {low:g} to {high:g}" for low, high in (s["before"], s["after"]))
            classes = ", ".join(s["classes"])
            return f"{dataset}: AP of {called(s['method'])} falls more {after} than {before}, for each of {classes}"
        case "ap_fall_spread":
            low, high = s["over"]
            return (
                f"{dataset}: what AP of {called(s['method'])} loses from IoU {low:g} to {high:g} differs by more than "
                f"{s['above']:g} points between {', '.join(s['classes'])}"
            )
        case "final_loss":
            return (
                f"{dataset}: {minus} in the mean {LOSSES[s['loss']]} per RoI over the last {100 * s['share']:g} % of "
                f"the iterations is {s['direction']} 0 ({ROIS[s['rois']]})"
                + (f"; equal within {100 * s['margin']:g} %" if "margin" in s else "")
            )
        case _:
            what = "over all of training" if s["of"] == "mean" else f"in every window of {window} iterations"
            return (
                f"{dataset}: the mean classification loss of {called(s['method'])} is more than {s['above']:g} times "
                f"the mean localisation loss {what} ({ROIS[s['rois']]})"
            )
