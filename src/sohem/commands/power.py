"""How small a difference can finished runs show, and what would it take to see those that the paper prints?

From a table of sohem difference: for each difference that the paper prints, the one measured here with its interval,
the smallest that these runs see with 80 % power ("seen from"), the seeds needed on these test images and the test
images needed with these seeds to see the printed one as surely, and the chance that a single pair of runs, as in the
paper, shows the wrong sign if the printed one were true. The numbers needed are orders of magnitude: a few seeds show
the luck of training only roughly. One seed does not show it at all; then numbers are by the test images alone, "at
least". The table is printed, and written as CSV with --out (there inf means that no number is enough).

Example:
  sohem power --dataset voc --split results/demo/data/voc/split.json \\
      --difference results/demo/paper/statistics/voc/difference_ohem_sohem.csv
"""

import argparse
from pathlib import Path

from sohem import files, params
from sohem.errors import DataError
from sohem.paper import power_table, power_words, published
from sohem.writers import again

DECIMALS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem power``."""
    parser.add_argument("--dataset", required=True, help="voc or kitti, or a data set that stands for one of them")
    parser.add_argument("--split", required=True, type=Path, help="split.json, made by sohem split")
    parser.add_argument("--difference", required=True, type=Path, help="difference_*.csv, made by sohem difference")
    parser.add_argument("--out", type=Path, help="CSV to write")


def run(args: argparse.Namespace) -> None:
    """Read the differences, print and write the table."""
    given = params.load(args.params)
    level, paper = given["evaluation"]["bootstrap"]["level"], params.stands_for(given, args.dataset)
    if paper not in published.DATASETS.values():
        known = ", ".join(dict.fromkeys(published.DATASETS.values()))
        raise DataError(f"--dataset {args.dataset}: the paper has no numbers for it, only for {known}")
    images = test_images(args.split)
    table = power_table.power_table(files.read_csv(args.difference, power_table.READ), paper, images, level)
    if args.out is not None:
        files.write_csv(args.out, table.round(DECIMALS).to_csv(index=False, float_format=_short))
    if table.empty:  # other thresholds, say: nothing to hold the runs against
        print(f"{args.difference}: none of the classes and thresholds that the paper prints differences of")
        return
    print(power_words.cells(table, level).to_string(index=False))
    for sentence in power_words.sentences(table, args.dataset, "" if paper == args.dataset else paper):
        print(sentence)


def test_images(path: Path) -> int:
    """How many test images a split.json counts.

    Raises:
        DataError: the file is missing or is no such file.
    """
    try:
        return int(files.read_json(path)["subsets"]["test"]["images"])
    except (KeyError, TypeError):
        raise DataError(f"{path}: does not say how many test images there are; {again(path)}") from None


def _short(number: object) -> str:
    """Numbers of images without ".0", and never in the form 1e+09."""
    return f"{number:.{DECIMALS}f}".rstrip("0").rstrip(".")
