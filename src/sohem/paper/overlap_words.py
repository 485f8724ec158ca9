"""What the overlap of two methods says, in sentences for a reader of the paper: of the report and the claims page."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sohem.evaluation.overlap import Mean, Summary, summary

# From which share on, in the whole training and at its end, two methods train on nearly, or mostly, the same examples.
NEARLY, MOSTLY = 0.95, 0.8
FEW = 3  # RoIs left after NMS for each one taken: with fewer, any two ways to choose take much the same


def findings(
    tables: Mapping[str, pd.DataFrame], pairs: Sequence[tuple[str, str]], titles: Mapping[str, str], level: float
) -> list[dict[str, Any]]:
    """For each data set and pair (method, other) of which there are runs: the numbers and the sentences.

    Args:
        tables: key of a data set -> overlap.csv. titles: key of a data set or method -> how it is called.
        level: of the intervals.

    Returns:
        Entries for JSON: dataset, method, other, share, late (each value and interval, in percent), beta (at the end,
        null if it does not change), left (RoIs after NMS for each one taken), foreground (percent of those), runs,
        and text.
    """
    found = []
    for dataset, table in tables.items():
        for method, other in pairs:
            numbers = summary(table, method, other, level)
            if numbers is None:
                continue
            names = [titles.get(key, key) for key in (dataset, method, other)]
            found.append(
                {
                    "dataset": dataset,
                    "method": method,
                    "other": other,
                    "share": _percent(numbers.share),
                    "late": _percent(numbers.late),
                    "beta": numbers.beta,
                    "left": round(numbers.left, 2),
                    "foreground": round(100 * numbers.foreground, 2),
                    "runs": numbers.seeds,
                    "text": f"{names[0]}: {sentence(numbers, *names[1:])} {meaning(numbers)}",
                }
            )
    return found


def sentence(numbers: Summary, method: str, other: str) -> str:
    """What was counted. method, other: as they are called."""
    beta = "" if numbers.beta is None else f", with its final beta of {numbers.beta:g}"
    return (
        f"On average {method} took {_shown(numbers.share)} of the RoIs that {other} would have taken on the same "
        f"losses (in the last quarter of the training{beta}, {_shown(numbers.late)}). NMS leaves {numbers.left:.2g} "
        f"RoIs for each one taken; {100 * numbers.foreground:.2g} % of them are foreground."
    )


def meaning(numbers: Summary) -> str:
    """What the share means for a difference in AP; it goes by the smaller of the two shares."""
    least = min(numbers.share.value, numbers.late.value)
    if least < MOSTLY:
        return (
            "So the two methods train on examples that differ clearly, and a difference in AP between them can come "
            "from that choice."
        )
    if least < NEARLY:
        said = (
            "So most examples that the two methods train on are the same, and the choice of the others can explain a "
            "small difference in AP rather than a large one."
        )
    else:
        said = (
            "So the two methods train on nearly the same examples, and a large difference in AP between them can "
            "hardly come from which examples they choose."
        )
    few = " With so few RoIs to choose from, that must be so: it says little about a training with more."
    return said + (few if numbers.left < FEW else "")


def _percent(mean: Mean) -> dict[str, float | None]:
    return {name: None if value is None else round(100 * value, 2) for name, value in mean._asdict().items()}


def _shown(mean: Mean) -> str:
    """In percent with the interval, if there is one: 97.3 % [96.9, 97.7]."""
    interval = "" if mean.low is None or mean.high is None else f" [{100 * mean.low:.1f}, {100 * mean.high:.1f}]"
    return f"{100 * mean.value:.1f} %{interval}"
