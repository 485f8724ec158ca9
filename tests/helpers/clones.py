"""Temporary clones of this repository at a tiny scale, and the tools run in them as a user would."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import preloaded

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


class Clone:
    """A working copy with a git history of its own, whose tools are this interpreter's and whose code is its own."""

    def __init__(self, path: Path, bin: Path = BIN):
        self.path = path
        self.bin = bin
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SNAKEMAKE_"))},
            "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(path / "src"),
            "OMP_NUM_THREADS": "1",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(path.parent / f"{path.name}-dvc"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "STANDIN_CALLS": str(bin / "calls"),
        }

    @classmethod
    def new(cls, path: Path, bin: Path = BIN) -> "Clone":
        """The files as they are here, results aside, with tests/helpers/tiny.yaml laid over the parameters."""
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith("results/"):
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, path / name)
        clone = cls(path, bin)
        given = yaml.safe_load((path / "params.yaml").read_text())
        clone.write_params(merged(given, yaml.safe_load((ROOT / "tests" / "helpers" / "tiny.yaml").read_text())))
        clone("git init --quiet --initial-branch main")
        clone.identify()
        clone.commit("tiny")
        return clone

    def copy(self, path: Path) -> "Clone":
        """The same again elsewhere, with everything that was made in it."""
        subprocess.run(["cp", "-a", str(self.path), str(path)], check=True)
        return Clone(path, self.bin)

    def identify(self) -> None:
        self("git config user.name tester")
        self("git config user.email tester@example.org")

    def __call__(self, command: str, status: int = 0) -> str:
        """Run a command; returns stdout and stderr together. Fails if it ends with another status."""
        done = subprocess.run(
            shlex.split(command),
            cwd=self.path,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == status, f"{command} ended with {done.returncode}:\n{done.stdout[-6000:]}"
        return done.stdout

    def make(self, target: str, status: int = 0) -> str:
        return self(f"make {target} BIN={self.bin}", status)

    def commit(self, message: str) -> None:
        self("git add --all")
        self(f"git commit --quiet --message {shlex.quote(message)}")

    def calls(self) -> Counter[str]:
        """The calls of the stand-in since the last time: `train voc ohem` -> how often."""
        file = self.bin / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return Counter(lines)

    def write_params(self, given: dict[str, Any]) -> None:
        (self.path / "params.yaml").write_text(yaml.safe_dump(given, sort_keys=False))

    def params(self) -> dict[str, Any]:
        return yaml.safe_load((self.path / "params.yaml").read_text())

    def set(self, key: str, value: Any) -> None:
        """Change one parameter, named with dots."""
        for name in reversed(key.split(".")):
            value = {name: value}
        self.write_params(merged(self.params(), value))

    def planned(self, *arguments: str) -> dict[str, int]:
        """Rule -> how many jobs of it Snakemake would run."""
        text = self(" ".join(["snakemake --dry-run --nocolor", *(arguments or ["all"])]))
        if "Nothing to be done" in text:
            return {}
        table = re.search(r"(?m)^-+  -+\n((?:\w+ +\d+\n)+)", text)[1]
        counts = {rule: int(count) for rule, count in map(str.split, table.splitlines())}
        return {rule: count for rule, count in counts.items() if rule not in ("all", "total")}

    def assert_in_step(self) -> None:
        """Snakemake, DVC and git agree that nothing is to be done."""
        planned, status, changes = self.planned(), self("dvc status"), self("git status --porcelain")
        assert not planned, planned
        assert "up to date" in status, status
        assert not changes, changes


def tools(folder: Path, server: str, sohem: Sequence[str | Path] | None = None) -> Path:
    """A folder of tools that ``preloaded`` runs at the address ``server``; ``sohem``: another command in its place."""
    folder.mkdir()
    client = [sys.executable, "-I", "-S", preloaded.__file__, "call", server]
    commands: dict[str, Sequence[str | Path]] = {tool: [*client, tool] for tool in preloaded.TOOLS}
    for tool, words in {**commands, "python": [BIN / "python"], **({"sohem": sohem} if sohem else {})}.items():
        script = folder / tool
        script.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
        script.chmod(0o755)
    return folder


def standin(folder: Path, server: str) -> Path:
    """The same, in which `sohem` is tests/helpers/standin.py."""
    return tools(folder, server, [sys.executable, "-I", "-S", ROOT / "tests/helpers/standin.py"])


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``base`` as Snakemake does with a --configfile: mappings are merged, all else replaced."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def stages_run(text: str) -> set[str]:
    """The stages that DVC executed, from what it printed."""
    return set(re.findall(r"Running stage '([^']+)'", text))


def stages_cached(text: str) -> set[str]:
    """The stages whose results DVC took from its cache."""
    return set(re.findall(r"Stage '([^']+)' is cached", text))
