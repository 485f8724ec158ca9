"""The recorded results of a folder: those that the last commit holds, beside the files that lie there now."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from sohem import sources
from sohem.files import csv_of
from sohem.provenance import git

# What decides the numbers of a run, as steps of the command line.
CODE = ("fetch", "split", "propose", "merge_proposals", "pretrain", "train", "detect", "evaluate", "difference")


class Recorded(NamedTuple):
    """What the last commit holds below a folder of results, provenance aside (it names commits and times)."""

    commit: str  # abbreviated
    files: list[str]
    changed: list[str]  # of these, the ones that have other bytes here, or are gone

    def text(self, path: str) -> str | None:
        """A file as recorded; None if the commit has none of that name."""
        return git(".", "show", f"HEAD:./{path}")

    def table(self, path: str) -> pd.DataFrame | None:
        """A CSV file as recorded; None if the commit has none of that name."""
        text = self.text(path)
        return None if text is None else csv_of(text.encode())


def of(results: Path) -> Recorded | str:
    """What is recorded below ``results`` (relative to the working folder), or in words why nothing is."""
    commit = git(".", "rev-parse", "--short", "HEAD")
    if commit is None:
        return "there is no git repository here, or no git"
    listed = git(".", "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", results.as_posix()) or ""
    files = [name for name in listed.split("\0") if name and not name.endswith("provenance.json")]
    if not files:
        return f"the last commit ({commit}) holds no results below {results.as_posix()}"
    differ = git(".", "diff", "-z", "--name-only", "--relative", "HEAD", "--", results.as_posix()) or ""
    return Recorded(commit, files, sorted(set(files) & set(differ.split("\0"))))


def reasons(recorded: Recorded, results: Path, parameters: str = "params.yaml") -> list[str]:
    """What tells this run from the recorded one, in words: parameters, code, packages, processor. May be empty.

    Args:
        results: the folder of results. parameters: the file that the run was made with.
    """
    runs = sorted((results / "runs").glob("*/*/*/provenance.json"))
    pairs = []
    for path in runs:
        before = recorded.text(path.as_posix())
        if before is not None:
            pairs.append((json.loads(before), json.loads(path.read_text(encoding="utf-8"))))
    found = []
    if any(before["parameters"] != after["parameters"] for before, after in pairs):
        found.append(f"other parameters than the recorded run's ({parameters})")
    code = json.loads(recorded.text("workflow/code.json") or "{}")
    steps = [step for step in CODE if step in code and code[step] != sources.fingerprint(step)]
    if steps:
        found.append(f"other code of {', '.join(steps)}")
    if packages := _packages(pairs):
        found.append(f"other packages: {packages}")
    here, there = ({cpu(side[k].get("machine") or {}) for side in pairs} for k in (1, 0))
    if here != there:
        found.append(f"another processor: {' and '.join(sorted(here))}; recorded on {' and '.join(sorted(there))}")
    return found


def cpu(machine: Mapping[str, Any]) -> str:
    """A machine's processor in words: its name, the numbers that tell CPUs of one name apart, what is pinned."""
    said = machine.get("processor") or {}
    parts = [f"{key} {said[key]}" for key in ("family", "model") if said.get(key) is not None]
    parts += ["with AVX-512" if said["avx512f"] else "without AVX-512"] if said.get("avx512f") is not None else []
    used = (machine.get("instructions") or {}).get("aten")
    parts += [f"torch used {used}"] if used else []
    name = machine.get("cpu") or "unknown"
    return f"{name} ({', '.join(parts)})" if parts else name


def _packages(pairs: list[tuple[Any, Any]]) -> str:
    changed = {
        f"{name} {after['versions'].get(name)} (recorded: {version})"
        for before, after in pairs
        for name, version in before["versions"].items()
        if after["versions"].get(name) != version
    }
    return ", ".join(sorted(changed))
