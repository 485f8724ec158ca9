"""Which step writes which file, so that a message about a bad one can say how to get it back.

By the names that workflow/rules gives them; whoever runs a step by hand may call its files otherwise.
"""

from fnmatch import fnmatch
from pathlib import Path

WRITTEN_BY = {
    "split": ("split.json", "images.parquet", "ground_truth.parquet"),
    "pretrain": ("pretrained.pt", "pretrain.json"),
    "merge-proposals": ("proposals.parquet", "recall.csv"),
    "train": ("checkpoint.pt", "log.parquet", "mined.parquet", "rois.parquet", "provenance.json"),
    "detect": ("detections.parquet", "detections.provenance.json"),
    "evaluate": ("ap.csv", "metrics.json", "per_class.json"),
    "difference": ("difference_*.csv",),
    "interval": ("interval_*.csv",),
    "overlap": ("overlap.csv",),
    "power": ("power.csv",),
    "claims": ("claims.json", "claims.md", "claims.provenance.json"),
    "report": ("report.html", "report.provenance.json"),
    "artifact": ("*.provenance.json",),  # of all others
}
MAKE_AGAIN = "delete it and make it again"


def step(path: str | Path) -> str | None:
    """The step of the command line that writes a file of this name; None for other names."""
    name = Path(path).name
    return next((key for key, names in WRITTEN_BY.items() if any(fnmatch(name, each) for each in names)), None)


def make(path: str | Path) -> str:
    """What to do about a file that is missing."""
    known = step(path)
    return "run the step that makes it" + (f" (sohem {known})" if known else "")


def again(path: str | Path) -> str:
    """What to do about a file that is no good."""
    known = step(path)
    return MAKE_AGAIN + (f" (sohem {known} writes it, snakemake runs that)" if known else "")
