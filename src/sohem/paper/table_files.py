"""What all tables of AP share: CSV with two decimals, Markdown with its origin and the paper's numbers, and LaTeX."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from sohem.markdown import one_line
from sohem.paper import published, tables
from sohem.paper.kind import Artifact, Files, Inputs
from sohem.paper.run_files import AP, DIFFERENCE

SOURCES = {"ap": AP, "difference": DIFFERENCE}
READS = (
    "datasets.{datasets}.classes",
    "datasets.{datasets}.rigid",
    "evaluation.ious",
    "evaluation.metric",
    "evaluation.bootstrap",
)


def caption(artifact: Artifact) -> str:
    """For the report."""
    ious = ", ".join(str(iou) for iou in artifact.evaluation["ious"])
    return f"Average precision in percent of our runs at IoU {ious} ({artifact.evaluation['metric']}). {artifact.scale}"


def to_files(
    artifact: Artifact, inputs: Inputs, make: Callable[..., pd.DataFrame], shows: str, bold: Sequence[str] = ()
) -> Files:
    """The table and its pages.

    Args:
        make: ``table`` of the kind. shows: what the table holds, for its heading. bold: heads of columns.
    """
    arguments = {"methods": artifact.methods, "ious": artifact.evaluation["ious"],
                 "classes": artifact.classes(artifact.dataset), "metric": artifact.evaluation["metric"],
                 "differences": inputs.joined("difference") if inputs.tables["difference"] else None}  # fmt: skip
    ap, level = inputs.joined("ap"), artifact.evaluation["bootstrap"]["level"]
    seeds = len(artifact.seeds)
    notice = artifact.notice + (f", mean ± standard deviation of {seeds} seeds" if seeds > 1 else "")
    heading = f"{shows}, {artifact.datasets[artifact.dataset]} test ({notice})"
    title = published.TITLES.get(artifact.name, artifact.name)
    one = make(ap, decimals=1, **arguments)
    page = [
        one_line(f"# {title}: {heading}"),
        _origin(artifact, inputs, bold),
        tables.to_markdown(one, bold=bold, level=level),
    ]
    if artifact.name in published.TITLES:
        page += [f"## {title}, {published.SOURCE}", published.CAPTIONS[artifact.name] + ", as the paper prints it.",
                 tables.to_markdown(published.read(artifact.name), bold=bold)]  # fmt: skip
    return {
        "csv": tables.to_csv(make(ap, decimals=2, **arguments)).encode(),
        "md": "\n\n".join(part.rstrip("\n") for part in page).encode() + b"\n",
        "tex": tables.to_latex(one, f"{heading}.", artifact.name, bold=bold, level=level).encode(),
    }


def _origin(artifact: Artifact, inputs: Inputs, bold: Sequence[str]) -> str:
    """What was measured, from which files, and how its intervals were found."""
    seeds, chosen = len(artifact.seeds), artifact.evaluation["bootstrap"]
    text = [f"{tables.METRICS[artifact.evaluation['metric']]}. Made from {_listed(inputs.names['ap'].values())}."]
    if inputs.names["difference"]:
        method = {"percentile": "percentile", "bca": "BCa"}[chosen["interval"]]
        source = f"{seeds} seeds and the test images" if seeds > 1 else "the test images, not over training runs"
        text.append(
            f"Intervals of the improvement: {chosen['level']:.0%}, {method} bootstrap over {source}, "
            f"{chosen['resamples']} resamples, from {_listed(inputs.names['difference'].values())}."
        )
    return " ".join([*text, *(["Rigid classes are bold."] if bold else [])])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
