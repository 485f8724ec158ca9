"""Two runs with seeds of their own, side by side: are the verdicts the same, does each interval hold the other's value?

python benchmarks/steadiness.py results/demo results/otherseeds
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sohem import files

SCOPES = ["mAP", "rigid"]  # what the paper prints a mean of, at each threshold of each data set


def main() -> None:
    """Print the differences of both runs, and how many agree; then the verdicts that do not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs=2, type=Path, help="folders of two finished runs")
    first, second = parser.parse_args().results
    print(f"| data set | mean | IoU | {first.name} | {second.name} | first in second | second in first |")
    print("| --- | --- | --: | --: | --: | --- | --- |")
    agree = []
    for data, scope, iou, a, b in pairs(first, second):
        inside = [b["low"] <= a["difference"] <= b["high"], a["low"] <= b["difference"] <= a["high"]]
        agree.append(inside)
        cells = [f"{x['difference']:+.2f} [{x['low']:+.2f}, {x['high']:+.2f}]" for x in (a, b)]
        print(
            f"| {data} | {scope} | {iou:g} | {' | '.join(cells)} | {' | '.join('yes' if i else 'no' for i in inside)} |"
        )
    counts = [sum(column) for column in zip(*agree, strict=True)]
    lie = f"{counts[0]} of {first.name} lie inside the interval of {second.name}, {counts[1]} the other way round"
    print(f"\nOf {len(agree)} differences, {lie}.")
    ours, theirs = (files.read_json(folder / "paper/claims.json")["claims"] for folder in (first, second))
    other = {claim["id"]: claim for claim in theirs}
    differ = [claim for claim in ours if claim["verdict"] != other[claim["id"]]["verdict"]]
    print(f"Of {len(ours)} verdicts, {len(ours) - len(differ)} are the same.")
    for claim in differ:
        print(f"- {claim['sentence']}: {claim['verdict']} / {other[claim['id']]['verdict']}")


def pairs(first: Path, second: Path) -> Iterator[tuple[str, str, float, pd.Series, pd.Series]]:
    """Data set, scope and threshold of each difference, with its rows in both runs."""
    for path in sorted(first.glob("paper/statistics/*/difference_*.csv")):
        tables = [
            pd.read_csv(folder / path.relative_to(first)).set_index(["scope", "iou"]) for folder in (first, second)
        ]
        for key in tables[0].index:
            if key[0] in SCOPES:
                yield path.parent.name, *key, tables[0].loc[key], tables[1].loc[key]


if __name__ == "__main__":
    main()
