"""The table of ``power_table`` as people read it: cells, sentences, and what it takes to see a difference."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from sohem.paper import published

# More is out of reach, and the estimates are not good enough to say by how much.
MOST_SEEDS, MOST_IMAGES = 1000, 1_000_000
UNKNOWN = "not known"


def cells(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Every cell as text, the columns in words.

    Args:
        table: of ``power_table.power_table``. level: of the intervals.
    """
    rows: list[dict[str, str]] = []
    for row in table.to_dict("records"):
        least = "" if row["seeds"] > 1 else "at least "
        known = not math.isnan(row["low"])
        rows.append({
            "AP of": published.column(str(row["scope"])),
            "IoU": f"{row['iou']:g}",
            "difference": f"{row['difference']:+.2f}" if known else UNKNOWN,
            f"{level:.0%} interval": f"[{row['low']:+.2f}, {row['high']:+.2f}]" if known else UNKNOWN,
            "the paper prints": _signed(row["printed"]),
            "seen from": UNKNOWN if math.isnan(row["smallest_seen"]) else f"{least}{row['smallest_seen']:.2f}",
            "seeds needed": needed(row["seeds_needed"], MOST_SEEDS) if row["printed"] else "",
            "test images needed": needed(row["images_needed"], MOST_IMAGES, least) if row["printed"] else "",
            "wrong sign": UNKNOWN if math.isnan(row["wrong_sign"])
            else f"{least if row['printed'] else ''}{row['wrong_sign']:.0%}",
        })  # fmt: skip
    return pd.DataFrame(rows)


def sentences(table: pd.DataFrame, title: str, paper: str = "") -> list[str]:
    """What the table says about mAP: what these runs can show, and what the printed differences would take.

    Args:
        table: of ``power_table.power_table``. title: how the data set is called.
        paper: how the one that it stands for is called; empty if it is the paper's own.

    Returns:
        Two sentences; one if the paper prints no difference but 0; none if the scatter of mAP was not measured.
    """
    rows: list[Any] = table[(table["scope"] == "mAP") & table["smallest_seen"].notna()].to_dict("records")
    if not rows:
        return []
    units = (" points at IoU", *[" at"] * (len(rows) - 1))
    seen = _listed([f"{row['smallest_seen']:.2f}{unit} {row['iou']:g}" for row, unit in zip(rows, units, strict=True)])
    sizes = _listed([_signed(row["printed"]) for row in rows])
    of = f" for {paper}" if paper else ""
    shows = f"shows in four of five cases from {seen}, and the paper prints {sizes}{of}."
    seeds, images = rows[0]["seeds"], rows[0]["images"]
    if seeds == 1:
        first = (
            f"{title}: one pair of runs does not show what luck of training adds; by the {images:,} test images alone, "
            f"so at best, a difference in mAP {shows}"
        )
    else:
        first = f"{title}: with {seeds} pairs of runs on {images:,} test images a difference in mAP {shows}"
    chances = [row["wrong_sign"] for row in rows if row["printed"]]
    if not chances:
        return [first]
    ends = list(dict.fromkeys(f"{100 * end:.0f}" for end in (min(chances), max(chances))))
    best = max(rows, key=lambda row: abs(row["printed"]))
    if seeds == 1:
        least, takes = "at least ", "how many seeds it takes to see them cannot be known from one"
    else:
        takes = what_it_takes(best["seeds_needed"], best["images_needed"])
        least, takes = "", f"to see {_signed(best['printed'])} at IoU {best['iou']:g} as surely, {takes}"
    return [first, (
        f"If those differences were true{' here' if paper else ''}, a single pair of runs, as in the paper, would show "
        f"the wrong sign in {least}{' to '.join(ends)} % of cases; {takes}."
    )]  # fmt: skip


def what_it_takes(seeds: float, images: float) -> str:
    """``seeds_needed`` and ``images_needed`` in words: "it takes 12 seeds on these test images, or 2,400 ..."."""
    ways = ((seeds, MOST_SEEDS, "seeds on these test images"), (images, MOST_IMAGES, "test images with these seeds"))
    known = [way for way in ways if not math.isnan(way[0])]
    enough = [f"{needed(number, most)} {unit}" for number, most, unit in known if not math.isinf(number)]
    never = [unit for number, _, unit in known if math.isinf(number)]
    takes = [f"it takes {', or '.join(enough)}"] if enough else []
    return "; ".join([*takes, *([f"no number of {' or of '.join(never)} is enough"] if never else [])]) or UNKNOWN


def needed(number: float, most: int, least: str = "") -> str:
    """A number of seeds or images in words, to two digits: it is an estimate."""
    if math.isnan(number):
        return UNKNOWN
    if math.isinf(number):
        return "no number is enough"
    return f"more than {most:,}" if number > most else f"{least}{float(f'{number:.2g}'):,.0f}"


def _signed(size: float) -> str:
    return f"{size:+g}" if size else "0"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
