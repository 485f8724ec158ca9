"""Two revisions side by side: what was changed, and every metric with its difference. Pure functions of what was read.

Values are AP in percent, as metrics.json and per_class.json hold them: two decimals, None where there is no AP.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import yaml

Values = dict[tuple[str, str], float | None]  # (mAP, rigid, nonrigid or a class; IoU threshold) -> percent


class Change(NamedTuple):
    """A key whose value differs, the values as text."""

    key: str
    before: str
    after: str


class Row(NamedTuple):
    """One line of a table; None where a side has no value, or there is no interval."""

    method: str
    measure: str
    iou: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def flatten(value: Any, key: str = "") -> dict[str, Any]:
    """Nested mappings as one: ``{"a": {"b": 1}}`` -> ``{"a.b": 1}``. Lists and empty mappings are values."""
    if not isinstance(value, Mapping) or not value:
        return {key: value} if key else {}
    return {
        k: v for name, part in value.items() for k, v in flatten(part, f"{key}.{name}" if key else str(name)).items()
    }


def at(value: Any, key: str) -> Any:
    """The value of a key with dots; None if it is missing."""
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The keys, with dots, whose values differ, in the order of ``after``; keys that only ``before`` has come last."""
    old, new = ({key: _text(value) for key, value in flatten(side).items()} for side in (before, after))
    keys = [*new, *(key for key in old if key not in new)]
    found = [Change(key, old.get(key, "(not there)"), new.get(key, "(not there)")) for key in keys]
    return [change for change in found if change.before != change.after]


def _text(value: Any) -> str:
    """A value in one line, as YAML writes it."""
    return yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False).removesuffix("...\n").strip()


def headline(metrics: Mapping[str, float | None]) -> Values:
    """The content of metrics.json, ``{"mAP@0.5": 56.12}``, by measure and threshold."""
    return {(key.split("@")[0], key.split("@")[1]): value for key, value in metrics.items()}


def by_class(per_class: Mapping[str, Mapping[str, float | None]]) -> Values:
    """The content of per_class.json, ``{"car": {"0.5": 61.2}}``, by class and threshold."""
    return {(name, iou): value for name, values in per_class.items() for iou, value in values.items()}


def mean(of_seeds: Sequence[Values]) -> Values:
    """The mean over the seeds, two decimals; None where a seed has no value."""
    result: Values = {}
    for key in of_seeds[0] if of_seeds else ():
        values = [seed.get(key) for seed in of_seeds]
        known = [value for value in values if value is not None]
        result[key] = round(sum(known) / len(known), 2) if len(known) == len(values) else None
    return result


def rows(method: str, before: Values, after: Values, intervals: pd.DataFrame | None = None) -> list[Row]:
    """One row for each measure and threshold that either side has, in the order of ``after``.

    Args:
        method: its title.
        before, after: empty where the run is missing.
        intervals: scope, iou, low, high, p_holm as ``evaluation.bootstrap`` gives them, or None.
    """
    known = {}
    for record in [] if intervals is None else intervals.to_dict("records"):
        known[record["scope"], f"{record['iou']:g}"] = [_number(record[name]) for name in ("low", "high", "p_holm")]
    result = []
    for measure, iou in [*after, *(key for key in before if key not in after)]:
        old, new = before.get((measure, iou)), after.get((measure, iou))
        # Of the printed values, so that a printed row adds up; + 0.0 turns -0.0 into 0.0.
        difference = None if old is None or new is None else round(new - old, 2) + 0.0
        row = Row(method, measure, iou, old, new, difference)
        if difference is not None and (measure, iou) in known:
            low, high, p = known[measure, iou]
            row = row._replace(low=low, high=high, p=p)
        result.append(row)
    return result


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def contradiction(before: Values, after: Values, intervals: pd.DataFrame) -> str | None:
    """Where the differences measured on the detections are not those of the metrics: a measure and IoU; else None.

    Four roundings to two decimals (each value, and each mean over seeds) may add up to 0.02.
    """
    for row in rows("", before, after):
        found = intervals[(intervals["scope"] == row.measure) & (intervals["iou"] == float(row.iou))]
        if row.difference is not None and len(found) and abs(found["difference"].iloc[0] - row.difference) > 0.021:
            return f"{row.measure} at IoU {row.iou}: {found['difference'].iloc[0]:+.2f}, metrics {row.difference:+.2f}"
    return None


def summary(headline: Sequence[Row], classes: Sequence[Row], level: float) -> str:
    """How many intervals leave out 0, for the means and for the classes; empty if there is no interval."""
    parts = []
    for name, table in (("means", headline), ("classes", classes)):
        known = [row for row in table if row.low is not None]
        if known:
            parts.append(f"{sum(row.clear for row in known)} of {len(known)} intervals of the {name}")
    return (
        f"{' and '.join(parts)} leave out 0; where nothing differs, about {100 * (1 - level):.0f} in 100 do."
        if parts
        else ""
    )
