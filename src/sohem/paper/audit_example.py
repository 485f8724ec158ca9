"""The worked example of section 3.1.2: losses turned into probabilities and box differences, and which RoI is hard.

A printed loss is known up to half a unit of its last place; a conversion agrees when the printed result is among those
which that range allows.
"""

import math
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from sohem.paper.audit_finding import Finding

BASES = {"e": math.e, "2": 2.0, "10": 10.0}  # of the logarithm; the loss is defined with the natural one


def box_difference(loss: float) -> float:
    """The offset of one coordinate whose smooth L1 loss (sigma 1) is ``loss``: the inverse of Fast R-CNN's eq. 3."""
    return math.sqrt(2 * loss) if loss < 0.5 else loss + 0.5


def probability(loss: float, base: float = math.e) -> float:
    """The probability (percent) of the true class whose log loss is ``loss``."""
    return 100 * base**-loss


def example_findings(example: pd.DataFrame) -> Iterable[Finding]:
    """Findings about the numbers of ``published.read("example")``: place, quantity, of, value (as printed)."""
    places = dict(zip(example["quantity"], example["place"], strict=True))
    values: dict[str, dict[str, str]] = {
        str(quantity): dict(zip(part["of"], part["value"], strict=True))
        for quantity, part in example.groupby("quantity", sort=False)
    }
    losses, boxes = values["classification loss"], values["localisation loss"]
    for roi, printed in values["probability in percent"].items():
        yield _probability(places["probability in percent"], roi, losses[roi], printed)
    (printed,) = values["box difference"].values()
    yield _box_difference(places["box difference"], boxes, printed)
    ((_, chosen),) = values["chosen as hard"].items()
    yield _chosen(places["chosen as hard"], losses, boxes, 1.0, "equal weights", chosen)
    other = next(roi for roi in losses if roi != chosen)
    for dataset, beta in values["final beta"].items():
        yield _chosen(places["final beta"], losses, boxes, float(beta), f"{dataset}'s final beta of {beta}", other)
        (least,) = values["ratio of the losses above"].values()
        yield _ratio(places["final beta"], dataset, beta, least, places["ratio of the losses above"])


def _probability(place: str, roi: str, loss: str, printed: str) -> Finding:
    fits = {name: _allows(lambda x, b=base: probability(x, b), [loss], printed) for name, base in BASES.items()}
    given = {name: round(probability(float(loss), base), 1) for name, base in BASES.items()}
    other = [name for name, fit in fits.items() if fit and name != "e"]
    finding = f"RoI {roi}'s log loss of {loss} is called a probability of {printed} %; exp(-{loss}) is {given['e']} %"
    if not fits["e"] and other:
        finding += f", while base {other[0]} gives {given[other[0]]} %"
    numbers = {"loss": float(loss), "printed": float(printed), **{f"base_{name}": p for name, p in given.items()}}
    return Finding(f"probability-{roi.lower()}", place, finding, numbers, fits["e"])


def _box_difference(place: str, losses: Mapping[str, str], printed: str) -> Finding:
    low, high = sorted(losses.values(), key=float)
    offsets = [box_difference(float(loss)) for loss in (low, high)]
    gap = float(high) - float(low)
    agrees = _allows(lambda a, b: box_difference(b) - box_difference(a), [low, high], printed)
    finding = (
        f"Smooth L1 losses of {low} and {high} are said to lie {printed} apart in box offsets; they are offsets of "
        f"{offsets[0]:.3f} and {offsets[1]:.3f}, {offsets[1] - offsets[0]:.3f} apart"
    )
    alone = box_difference(gap)
    if not agrees and abs(alone - float(printed)) <= _half(printed):
        finding += f" ({printed} is the offset of a loss of {gap:.2g} by itself)"
    numbers = {"printed": float(printed), "offsets": [round(x, 4) for x in offsets],
               "difference": round(offsets[1] - offsets[0], 4), "offset_of_the_gap": round(alone, 4)}  # fmt: skip
    return Finding("box-difference", place, finding, numbers, agrees)


def _chosen(
    place: str, l_cls: Mapping[str, str], l_loc: Mapping[str, str], beta: float, name: str, wanted: str
) -> Finding:
    """Which of two RoIs has the higher L_select = L_cls + beta L_loc (Formula (1) with alpha 1), against the text."""
    score = {roi: float(l_cls[roi]) + beta * float(l_loc[roi]) for roi in l_cls}
    best = max(score, key=lambda roi: score[roi])
    other = next(roi for roi in score if roi != wanted)
    rest = float(l_loc[wanted]) - float(l_loc[other])
    turn = (float(l_cls[other]) - float(l_cls[wanted])) / rest if rest else math.nan
    agrees = best == wanted
    sides = f"{'above' if rest > 0 else 'below'} {turn:.3g}"
    shown = ", ".join(f"{roi}: {value:.3f}" for roi, value in score.items())
    finding = (
        f"With {name}, RoI {best} of the example is the hard one ({shown}); RoI {wanted} is chosen only with beta "
        f"{sides} (alpha 1)"
    )
    numbers = {"beta": beta, "turns_at": round(turn, 6), **{f"select_{roi}": round(s, 6) for roi, s in score.items()}}
    return Finding(f"example-{name.split(chr(39))[0].replace(' ', '-').lower()}", place, finding, numbers, agrees)


def _ratio(place: str, dataset: str, beta: str, least: str, said: str) -> Finding:
    finding = (
        f"{said} finds L_cls more than {least} times L_loc on average; the ratio that beta grows to on {dataset} "
        f"is {beta}"
    )
    numbers = {"beta": float(beta), "said_above": float(least)}
    return Finding(f"ratio-{dataset.lower()}", place, finding, numbers, float(beta) > float(least))


def _allows(convert: Callable[..., float], losses: list[str], printed: str) -> bool:
    """Whether losses that round to ``losses`` can give a result that rounds to ``printed`` (convert is monotone)."""
    ranges = [(float(loss) - _half(loss), float(loss) + _half(loss)) for loss in losses]
    corners: list[list[float]] = [[]]
    for bounds in ranges:
        corners = [[*corner, bound] for corner in corners for bound in bounds]
    results = [convert(*corner) for corner in corners]
    target = float(printed)
    return min(results) - _half(printed) <= target <= max(results) + _half(printed)


def _half(number: str) -> float:
    """Half a unit of the last printed place."""
    return 0.5 * 10.0 ** -len(number.partition(".")[2])
