"""Every trained method: its mAP with interval, its difference to the first, and which settings it changes."""

import pandas as pd

from sohem.markdown import one_line
from sohem.paper import ablation, tables
from sohem.paper.kind import Artifact, Files, Inputs, Kind


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    """CSV (a row for each data set, variant and IoU, two decimals), and the pages for people."""
    rows = ablation.of_runs(artifact, inputs)
    table = reading(artifact, rows)
    level = f"{100 * artifact.evaluation['bootstrap']['level']:g} %"
    baseline = artifact.methods[artifact.first]
    heading = f"Ablation: mAP (%) and its difference to {baseline} ({ablation.notice(artifact)})"
    changes = ablation.changes({method: artifact.given["methods"][method] for method in artifact.methods})
    exact = {name: [f"{x:.3g}" if x == x else "" for x in rows[name]] for name in ("p", "p_holm", "iou", "seeds")}
    return {
        "csv": tables.to_csv(rows.assign(**exact)).encode(),
        "md": page(artifact, heading, rows, table, changes).encode(),
        "tex": tables.to_latex(table, f"{heading}. In brackets {level} intervals.", artifact.name, most=0).encode(),
    }


def reading(artifact: Artifact, rows: pd.DataFrame) -> pd.DataFrame:
    """The table for people, of the rows in the CSV."""
    return ablation.shown(rows, artifact.datasets, artifact.methods[artifact.first])


def page(artifact: Artifact, heading: str, rows: pd.DataFrame, table: pd.DataFrame, changes: list[str]) -> str:
    """The Markdown page: table, how to read it, and what each variant changes."""
    several, level = len(artifact.seeds) > 1, artifact.evaluation["bootstrap"]["level"]
    baseline = artifact.methods[artifact.first]
    outside, corrected, count = ablation.apart(rows, 1 - level)
    spread = (
        "mean ± standard deviation over the seeds, and in brackets the {} interval over test images and seeds"
        if several
        else "one seed, and in brackets the {} interval over test images, which knows nothing of other seeds"
    )
    name, inside = tables.METRICS[artifact.evaluation["metric"]], f"{100 * level:g} %"
    reading = (
        f"{name}. Each cell: {spread.format(inside)}. The last columns are the paired difference to {baseline}, in "
        f"points. Of {count} differences, {outside} have an interval without 0 (about {(1 - level) * count:.0f} would "
        f"if no variant differed), and {corrected} a p-value below {1 - level:.2g} after Holm's correction for the "
        "number of variants."
    )
    listed = "".join(f"- {one_line(sentence)}\n" for sentence in changes)
    parts = [
        one_line(f"# {heading}"),
        reading,
        tables.to_markdown(table).rstrip("\n"),
        "## What each variant changes",
        listed,
    ]
    return "\n\n".join(parts)


KIND = Kind(
    title=ablation.TITLE,
    caption=ablation.caption,
    draw=draw,
    sources=ablation.SOURCES,
    reads=("run.shown", "methods.{methods}", "evaluation.ious", "evaluation.metric", "evaluation.bootstrap"),
    applies=ablation.applies,
    trained=True,
    reading=reading,
    rank=3,
)
