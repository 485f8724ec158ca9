"""Verdicts: does a claim of the paper hold in these results? One rule for every statement (docs/decisions.md)."""

from collections.abc import Mapping
from typing import Any

from sohem.evaluation.intervals import equivalence
from sohem.paper import published
from sohem.paper.claims_file import Claims, in_words
from sohem.paper.claims_measures import Evidence, Lacking, Measured, measure
from sohem.paper.claims_reasons import down_to, excluded, undecided

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
NO_LARGER = "no difference larger than x"  # x: the size that the paper prints, or a margin named in claims.yaml
ALPHA = 0.05  # of each of the two one-sided tests


def verdict(measured: Measured, runs_needed: int) -> tuple[str, str]:
    """The verdict and its reason: supported where the whole interval lies on the claimed side of the bound, not
    supported where it lies on the other side. Where it holds the bound, no difference larger than x if a difference as
    large as the x that the paper prints (or claims.yaml names) is excluded either way, by two one-sided tests at 5 %
    (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680). Else, and with too few runs,
    inconclusive.
    """
    side = _side(measured)
    what = "the interval" if _interval(measured) else "it"
    where = f"{what} holds {measured.bound:g}" if side is None else f"{what} lies {side} {measured.bound:g}"
    if measured.runs < runs_needed or measured.low is None:
        return INCONCLUSIVE, undecided(measured, runs_needed, where)
    if side is not None:
        supported = side == measured.direction
        return (SUPPORTED, where + excluded(measured)) if supported else (NOT_SUPPORTED, where)
    p = _within(measured)
    if p is not None and p <= ALPHA:
        size = f"{_margin(measured):.3g} {measured.unit}"
        least = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        return NO_LARGER, f"{where}, and a difference of {size} either way is excluded ({least})"
    return INCONCLUSIVE, undecided(measured, runs_needed, where)


def evaluate(
    claims: Claims,
    evidence: Evidence,
    titles: Mapping[str, str],
    artifacts: Mapping[str, str],
    demonstration: bool,
    settings: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Every claim with its verdict, ready for JSON, in the order of claims.yaml.

    Args:
        titles: key of a method or data set -> how it is called.
        artifacts: name of a figure or table of this run -> its file below the results; others are not linked.
        demonstration: whether the results are those of the demo scale, which say nothing about the paper's data.
        settings: data set -> what its verdicts are marked with, where it is not the paper's setting (``setting.mark``).
    """
    results = []
    for name, claim in claims["claims"].items():
        statement, dataset = claim["statement"], claim["statement"]["dataset"]
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
            least = down_to(measured)
            numbers |= {name: value for name, value in (("size", measured.size or measured.margin), ("down_to", least))
                        if value is not None and measured.runs >= needed}  # fmt: skip
            result |= {"verdict": word, "reason": reason_given, "numbers": _short(numbers),
                       "interval": _interval(measured),
                       "interval_is": measured.interval_is if _interval(measured) else None}  # fmt: skip
        if statement["measure"] == "difference":
            column = published.column(statement["scope"])
            printed = published.improvements(evidence.stands_for.get(dataset, dataset), column, statement["iou"])
            result["numbers"] |= {"printed": printed}
        result |= {"artifact": artifacts.get(claim["artifact"]), "demonstration": demonstration}
        results.append(result | ({"setting": settings[dataset]} if settings and settings.get(dataset) else {}))
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


def _within(measured: Measured) -> float | None:
    """The p-value of "the difference is as large as the margin", of either sign; None where there is no margin."""
    if not _margin(measured) or measured.error is None or measured.bound != 0:
        return None
    return equivalence(measured.value, measured.error, measured.freedom, _margin(measured))


def _margin(measured: Measured) -> float:
    return abs(measured.size or measured.margin or 0)


def _round(number: Any) -> Any:
    """Six significant digits: more would be noise, and would differ from machine to machine."""
    return float(f"{number:.6g}") if isinstance(number, float) else int(number)


def _short(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, str) else _round(value) for key, value in numbers.items()}
