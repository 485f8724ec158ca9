"""What a result was made from: code version, parameters, packages, device and the bytes of every input.

Records hold nothing that changes without a change of the result's origin: no times, host names or absolute paths. A
training adds what it took and on which machine (``training.cost``), which differs from run to run.
"""

import hashlib
import importlib.metadata
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sohem import params as parameters
from sohem.errors import DataError

# The name to show and the distribution that carries it.
PACKAGES = {
    "sohem": "sohem",
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "pandas": "pandas",
    "opencv": "opencv-contrib-python-headless",
}


def record(params: parameters.Params, inputs: Iterable[Path], device: str = "cpu") -> dict[str, Any]:
    """The origin of a result, ready for JSON.

    Args:
        params: the parameters that the step was given, whole or cut down to its part.
        inputs: files that the result was made from.
        device: the device that computed it (cpu, or a GPU's name).

    Returns:
        git (commit, and whether tracked files outside ``results`` differed from it; null outside a repository),
        parameters (their fingerprint), versions, platform, device, inputs (path and SHA-256, in the given order).

    Raises:
        DataError: an input cannot be read.
    """
    return {
        "git": git_state(),
        "parameters": parameters.fingerprint(params),
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": device,
        "inputs": [{"path": portable(Path(path)), "sha256": sha256(path)} for path in inputs],
    }


def versions() -> dict[str, str | None]:
    """Of Python and the packages that numbers come from; None for one that is not installed as a package."""
    return {"python": platform.python_version(), **{name: _version(of) for name, of in PACKAGES.items()}}


def git_state(folder: str | Path = ".") -> dict[str, Any] | None:
    """Commit and dirty flag of the repository around ``folder``; None where there is none, or no git.

    Results do not count as dirty: making them again is what a run is for, and it must not mark its own output.
    """
    commit = git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    root = [":(top)", *(f":(top,exclude){name}" for name in ("results", "dvc.lock", "workflow/code.json"))]
    changes = git(folder, "status", "--porcelain", "--untracked-files=no", "--", *root)
    return {"commit": commit, "dirty": bool(changes)}


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); run the step that makes it") from None


def check_made(path: Path, record: dict[str, Any] | None) -> None:
    """Hold a figure, table or sheet against its provenance (``sha256``, by its ending; an older one does not say).

    Raises:
        DataError: it has other bytes.
    """
    known = (record or {}).get("sha256", {}).get(path.suffix[1:])
    if known is not None and known != sha256(path):
        raise DataError(f"{path}: damaged: not as its provenance says; delete it and make it again (sohem artifact)")


def portable(path: Path) -> str:
    """The path relative to the working folder, or just the name of a file that lies outside it."""
    here = Path.cwd()
    full = (here / path).resolve()
    return full.relative_to(here.resolve()).as_posix() if full.is_relative_to(here.resolve()) else path.name


def git(folder: str | Path, *arguments: str) -> str | None:
    """What a git command prints when run in ``folder``; None if it fails or there is no git. Takes no locks."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
