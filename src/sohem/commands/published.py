"""Write a table with the numbers that the paper printed, marked as published, as CSV, Markdown and LaTeX.

It stands beside the tables of this project's own runs for comparison. Nothing is computed.
"""

import argparse
from pathlib import Path

from sohem import files
from sohem.paper import published, tables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem published``."""
    parser.add_argument("--table", required=True, choices=list(published.TITLES), help="table of the paper")
    parser.add_argument("--out", required=True, type=Path, help="path to write without suffix: .csv .md .tex")


def run(args: argparse.Namespace) -> None:
    """Write the three files."""
    table = published.read(args.table)
    title, caption = published.TITLES[args.table], published.CAPTIONS[args.table]
    stem = str(args.out)
    files.write_text(stem + ".csv", tables.to_csv(table.assign(source=published.SOURCE)))
    note = f"{caption}, {published.SOURCE}. Numbers as the paper prints them, not made by this project."
    files.write_text(stem + ".md", f"# {title}, {published.SOURCE}\n\n{note}\n\n{tables.to_markdown(table)}")
    label = f"published-{args.table}"
    files.write_text(stem + ".tex", tables.to_latex(table, f"{title}: {caption}, {published.SOURCE}.", label))
