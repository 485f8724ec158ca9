"""Why a claim was left open, in words: is there nothing to be seen, or too little evidence to see it?"""

import math

from sohem.evaluation import intervals
from sohem.paper.claims_measures import Measured
from sohem.paper.power_words import what_it_takes

# How a reason begins where the numbers were there and decided nothing.
NOTHING_THERE, TOO_LITTLE = "nothing there down to", "too little evidence"


def undecided(measured: Measured, runs_needed: int, where: str) -> str:
    """The reason of "inconclusive" for what was measured.

    Nothing there down to x: a difference of more than x is excluded (two one-sided tests at 5 %), and one as large as
    the paper prints is excluded on its side, or these runs would have shown it with 80 % power; or the paper prints no
    size. Too little evidence: too few runs, or the printed size would not have shown; then what that takes.

    Args:
        where: on which side of the bound the interval lies.
    """
    size = measured.size
    about = f"{TOO_LITTLE} for the printed {size:+g}" if size else TOO_LITTLE
    if measured.runs < runs_needed:
        few = f"only {runs(measured.runs)}, and a verdict needs {runs_needed}"
        return f"{about}: {few}" + ("" if measured.low is None else f"; {where}")
    if measured.low is None or measured.high is None:
        return f"{about}: no interval from {runs(measured.runs)}"
    least = down_to(measured)
    if least is None:
        return f"{about}: {where}"
    first = measured.numbers.get("first", 0)  # of a loss; its own size says more than "0.012"
    share = f" ({least / first:.1%} of the first method's)" if first > 0 else ""
    nothing = f"{NOTHING_THERE} {least:.3g} {measured.unit}{share}: {where}"
    gone = excluded(measured)
    if not size or gone:
        return nothing + gone
    outlook = measured.outlook() if measured.outlook else None
    if outlook is None or math.isnan(outlook.seeds_needed):
        return f"{about}: {where}; a difference of more than {least:.3g} {measured.unit} is excluded"
    if outlook.seeds_needed <= measured.runs:
        return f"{nothing}, though these runs show the printed {size:+g} in four of five cases"
    takes = what_it_takes(outlook.seeds_needed, outlook.images_needed)
    return f"{about}: {where}; to show it in four of five cases, {takes}"


def excluded(measured: Measured) -> str:
    """That the interval leaves out a difference as large as the printed one; empty where it does not.

    Only where both have the claimed direction: then the printed size is too large, whatever the verdict.
    """
    size, low, high = measured.size, measured.low, measured.high
    if not size or low is None or high is None:
        return ""
    above = measured.direction == "above"
    short = size > 0 and high < size if above else size < 0 and low > size
    return f", and a {'gain' if above else 'loss'} as large as the printed {size:+g} is excluded" if short else ""


def down_to(measured: Measured) -> float | None:
    """The smallest margin at which "no larger difference" holds; None where the number is no difference from 0.

    By two one-sided tests at 5 %; for a trend, of which no standard error is known, by its interval, which is wider.
    """
    if measured.unit not in ("points", "loss per RoI") or measured.kind == "precision":
        return None
    if measured.error is not None:
        return intervals.smallest_margin(measured.value, measured.error, measured.freedom)
    ends = [abs(end) for end in (measured.low, measured.high) if end is not None]
    return max(ends, default=None)


def runs(n: int) -> str:
    """The number of runs in words."""
    return f"{n} run{'' if n == 1 else 's'}"
