"""What a commit, or the working tree, holds: parameters, metrics, and the tables that DVC keeps of its runs.

One file system of DVC's shows all of it: what git has at that commit, and what the commit's dvc.lock names, read from
DVC's cache or remote. In the working tree it shows the files as they lie there.
"""

import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from dvc.api import DVCFileSystem
from dvc.config import Config
from dvc.exceptions import DvcException

from sohem import files, notation
from sohem.errors import DataError, ParamsError, SohemError

# What decides the results, beside the parameters.
WHAT_COUNTS = ("src", "workflow", "requirements.lock")  # from the top of the repository
RUN = re.compile(
    r"/?results/(?P<scale>[^/]+)/runs/(?P<dataset>[^/]+)/(?P<method>[^/]+)/seed(?P<seed>\d+)/metrics\.json"
)


class Run(NamedTuple):
    """Where a run's results lie."""

    scale: str
    dataset: str
    method: str
    seed: int

    @property
    def folder(self) -> str:
        return f"results/{self.scale}/runs/{self.dataset}/{self.method}/seed{self.seed}"


class Revision:
    """A commit of the repository around the working folder, or its working tree.

    Args:
        name: anything that git knows as a commit (HEAD~1, a branch, a tag, a hash); None for the working tree.

    Raises:
        SohemError: no git repository, no such commit, or DVC cannot read its files.
    """

    def __init__(self, name: str | None = None):
        self.name = name or "working tree"
        self.is_tree = name is None
        self.commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name or 'HEAD'}^{{commit}}")
        if self.commit is None:
            raise SohemError(_no_commit(name))
        self.short, self.subject = (git("log", "-1", "--format=%h%n%s", self.commit) or "\n").split("\n", 1)
        self.root = git("rev-parse", "--show-toplevel") or "."
        try:
            # Today's settings of DVC: a remote that was added later may hold the files of an older commit.
            config = Config.from_cwd()
            self.files = DVCFileSystem(repo=self.root, rev=None if self.is_tree else self.commit, config=config)
            self.stages = self.files.repo.index.stages  # reads dvc.yaml and dvc.lock, which the constructor does not
        except DvcException as error:
            raise SohemError(f"{self.name}: DVC cannot read it: {error}") from None

    @property
    def changed_files(self) -> list[str]:
        """Tracked files of the working tree that differ from its commit; none of a commit."""
        listed = git("diff", "--name-only", "HEAD") if self.is_tree else None
        return listed.splitlines() if listed else []

    def parameters(self, path: str = "params.yaml") -> dict[str, Any]:
        """The parameters, unchecked: an older commit may have had keys that are gone.

        Raises:
            ParamsError: no such file there, or it is not YAML.
        """
        try:
            found = notation.of_bytes(self.read(path), f"{path} of {self.name}", ParamsError)
        except FileNotFoundError:
            raise ParamsError(f"{path}: not in {self.name}; name the file of the parameters with --params") from None
        if not isinstance(found, dict):
            raise ParamsError(f"{path} of {self.name}: holds no keys; name the file of the parameters with --params")
        return found

    def runs(self) -> list[Run]:
        """The runs that have metrics, of every scale, in the order of their folders."""
        found = [RUN.fullmatch(path) for path in sorted(self.files.glob("/results/*/runs/*/*/seed*/metrics.json"))]
        return [Run(m["scale"], m["dataset"], m["method"], int(m["seed"])) for m in found if m]

    def json(self, path: str) -> Any:
        """The content of a JSON file; None if there is none.

        Raises:
            DataError: it is not JSON.
        """
        try:
            return files.json_of(self.read(path))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DataError(f"{path} of {self.name}: not a JSON file ({error}); make it again") from None

    def table(self, path: str) -> pd.DataFrame:
        """A Parquet table, from the folder (working tree), DVC's cache or its remote.

        Raises:
            DataError: it is in none of them, or no Parquet; the message says what brings it.
        """
        try:
            return files.table_of(self.read(path))
        except FileNotFoundError:
            raise DataError(f"{path} of {self.name}: {self._where_from(path)}") from None
        except Exception as error:  # pyarrow and DVC's remotes raise many unrelated types
            raise DataError(f"{path} of {self.name}: cannot be read ({error})") from None

    def source_files_unlike(self, other: "Revision") -> list[str]:
        """Files of ``WHAT_COUNTS`` that differ between this revision and ``other`` (itself a commit or the tree)."""
        sides = [side.commit for side in (self, other) if not side.is_tree]
        paths = [f":(top){name}" for name in WHAT_COUNTS]
        return (git("diff", "--name-only", *filter(None, sides), "--", *paths) or "").splitlines()

    def other_parameters(self) -> dict[str, list[str]]:
        """Stage of dvc.yaml -> keys whose values dvc.lock does not have: its results are of other parameters.

        That is so where parameters were changed and the results not made again, or made and not recorded.
        """
        found = {}
        for stage in self.stages:
            changes = [dep.workspace_status() for dep in stage.deps if dep.def_path == "params.yaml"]
            keys = [key for change in changes for value in change.values() for key in _keys(value)]
            if keys:
                found[stage.addressing] = keys
        return found

    def read(self, path: str) -> bytes:
        """The bytes of a file, named relative to the repository.

        Raises:
            FileNotFoundError: git and DVC have none there.
        """
        return self.files.read_bytes(f"/{path}")

    def _where_from(self, path: str) -> str:
        if not self.files.exists(f"/{path}"):
            return "dvc.lock names no such file; it was committed without make record, or with another scale"
        again = "snakemake --cores all all, then make record"
        if not self.is_tree:
            again = f"git checkout {self.short}, {again}"
        return (
            "neither DVC's cache nor its default remote has it. If another remote does: dvc pull -r NAME at that "
            f"commit; if another clone does: dvc push there; else make it again: {again}"
        )


def git(*arguments: str) -> str | None:
    """What a git command prints, None if it fails or there is no git."""
    try:
        done = subprocess.run(["git", "--no-optional-locks", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _no_commit(name: str | None) -> str:
    if git("--version") is None:
        return "git is needed to compare commits; install it"
    if git("rev-parse", "--git-dir") is None:
        return f"{Path.cwd()}: not in a git repository; run sohem compare in a clone of the project"
    if name is None:
        return "this repository has no commit yet"
    return f"{name}: git knows no such commit; expected HEAD~1, a branch, a tag or a hash (git log --oneline)"


def _keys(changes: Any) -> list[str]:
    """The keys that DVC reports of one file of parameters; the file itself where it has no more to say."""
    return list(changes) if isinstance(changes, dict) else ["params.yaml"]
