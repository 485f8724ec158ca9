"""Verdicts: does a claim of the paper hold in these results? One rule for every statement (docs/decisions.md)."""

from collections.abc import Mapping
from typing import Any

from sohem.paper import published, tables
from sohem.paper.claims_file import Claims, in_words
from sohem.paper.claims_measures import Evidence, Lacking, Measured, measure

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"


def verdict(measured: Measured, runs_needed: int) -> tuple[str, str]:
    """The verdict and its reason: supported where the whole interval lies on the claimed side of the bound, not
    supported where it lies on the other side, inconclusive where it holds the bound or where there are too few runs.
    """
    side = _side(measured)
    what = "the interval" if _interval(measured) else "it"
    where = f"{what} holds {measured.bound:g}" if side is None else f"{what} lies {side} {measured.bound:g}"
    if measured.runs < runs_needed:
        reason = f"only {_runs(measured.runs)}, and a verdict needs {runs_needed}"
        return INCONCLUSIVE, reason if measured.low is None else f"{reason}; {where}"
    if measured.low is None:
        return INCONCLUSIVE, f"no interval from {_runs(measured.runs)}"
    if side is None:
        return INCONCLUSIVE, where
    return (SUPPORTED if side == measured.direction else NOT_SUPPORTED), where


def evaluate(
    claims: Claims, evidence: Evidence, titles: Mapping[str, str], artifacts: Mapping[str, str], demonstration: bool
) -> list[dict[str, Any]]:
    """Every claim with its verdict, ready for JSON, in the order of claims.yaml.

    Args:
        titles: key of a method or data set -> how it is called.
        artifacts: name of a figure or table of this run -> its file below the results; others are not linked.
        demonstration: whether the results are those of the demo scale, which say nothing about the paper's data.
    """
    results = []
    for name, claim in claims["claims"].items():
        statement = claim["statement"]
        result: dict[str, Any] = {
            "id": name,
            "topic": claim["topic"],
            "place": claim["place"],
            "sentence": claim["claim"],
            "statement": in_words(statement, evidence.compared, titles, evidence.window),
            "note": claim.get("note"),
        }
        try:
            measured = measure(statement, evidence)
        except Lacking as reason:
            result |= {"verdict": INCONCLUSIVE, "reason": str(reason), "numbers": {}, "interval": None,
                       "interval_is": None}  # fmt: skip
        else:
            needed = claims["runs"][measured.kind]
            word, reason_given = verdict(measured, needed)
            numbers = {"value": measured.value, "unit": measured.unit, "direction": measured.direction,
                       "bound": measured.bound, "runs": measured.runs, "runs_needed": needed,
                       **measured.numbers}  # fmt: skip
            result |= {"verdict": word, "reason": reason_given, "numbers": _short(numbers),
                       "interval": _interval(measured),
                       "interval_is": measured.interval_is if _interval(measured) else None}  # fmt: skip
        if statement["measure"] == "difference":
            column = {"nonrigid": "non-rigid"}.get(statement["scope"], tables.short(statement["scope"]))
            printed = published.improvements(statement["dataset"], column, statement["iou"])
            result["numbers"] |= {"printed": printed}
        results.append(result | {"artifact": artifacts.get(claim["artifact"]), "demonstration": demonstration})
    return results


def _side(measured: Measured) -> str | None:
    """The side of the bound on which the whole interval lies: above, below, or None."""
    if measured.low is not None and measured.low > measured.bound:
        return "above"
    if measured.high is not None and measured.high < measured.bound:
        return "below"
    return None


def _interval(measured: Measured) -> list[float] | None:
    """Low and high; None where there is no interval, or where it is one number of one run."""
    if measured.low is None or (measured.runs == 1 and measured.low == measured.high):
        return None
    return [_round(measured.low), _round(measured.high)]


def _runs(n: int) -> str:
    return f"{n} run{'' if n == 1 else 's'}"


def _round(number: Any) -> Any:
    """Six significant digits: more would be noise, and would differ from machine to machine."""
    return float(f"{number:.6g}") if isinstance(number, float) else int(number)


def _short(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, str) else _round(value) for key, value in numbers.items()}
