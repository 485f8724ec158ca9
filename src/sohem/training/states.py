"""The states that stopped trainings resume from: one folder for each combination of what decides a run's numbers."""

import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sohem import checkpoint, provenance, sources
from sohem.atomic import left_by, tidy
from sohem.errors import CheckpointError
from sohem.training.loop import Run

FILE, LOCK = "state.pt", "lock"
NAME = re.compile("[0-9a-f]{16}")
AGAIN = "delete it, and the same command trains from the beginning"


def name(stored: dict[str, object], inputs: list[Path]) -> str:
    """A name that changes with the settings, the seed, the inputs' content, the code that trains or its libraries."""
    made_by = [sources.fingerprint("train"), repr(sorted(provenance.versions().items()))]
    digest = hashlib.sha256("\n".join([repr(sorted(stored.items())), *made_by]).encode())
    for path in inputs:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def save(file: Path, stored: dict[str, Any], run: Run, cost: dict[str, Any]) -> None:
    """Write the state of a run that is between two iterations."""
    checkpoint.save(file, {**stored, "belongs": file.parent.name, "run": run.state(), "cost": cost})


def resume(file: Path, stored: dict[str, Any], run: Run) -> dict[str, Any] | None:
    """Let ``run`` go on from a state; returns what it has cost so far, None where there is no state.

    Nothing of what was read is kept but what the run uses: with a large detector it is half a gigabyte.

    Args:
        stored: ``settings`` (canonical JSON) and ``seed`` of this run.

    Raises:
        CheckpointError: the state is damaged, or that of another run, which was put in this place.
    """
    if not file.exists():
        return None
    state = checkpoint.load(file, ["settings", "seed", "belongs", "run", "cost"], AGAIN)
    checkpoint.check_settings(file, state["settings"], stored["settings"], state["seed"], stored["seed"], AGAIN)
    if state["belongs"] != file.parent.name:
        raise CheckpointError(f"{file}: the state of a run with other inputs, code or precision; {AGAIN}")
    run.restore(state["run"])
    return state["cost"]


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Mark the folder of a state as in use, as long as this process lives; clear what a killed one left in it.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a")
    except OSError as error:
        raise CheckpointError(
            f"{folder}: cannot be written ({error.strerror}); make it so, or give another folder as --state"
        ) from None
    with lock:
        _locked(lock, fcntl.LOCK_SH)
        tidy(folder / FILE)
        yield


def others(folder: Path, own: str) -> list[Path]:
    """The folders of states beside ``own`` that hold something and that no living process uses."""
    found = []
    for path in sorted(folder.iterdir()):
        if NAME.fullmatch(path.name) and path.name != own and path.is_dir():
            try:
                with (path / LOCK).open("a") as lock:
                    if _files(path) and _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                        found.append(path)
            except OSError:
                pass  # another user's
    return found


def remove(folders: list[Path]) -> str:
    """Remove old states; returns a line that says so.

    Raises:
        CheckpointError: one cannot be removed.
    """
    line = f"removed {_amount(folders)}: {', '.join(map(str, folders))}"
    for file in (file for folder in folders for file in _files(folder)):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(f"{file}: cannot be removed ({error.strerror}); remove it yourself") from None
    return line


def offer(folders: list[Path], option: str) -> str:
    """A line that names old states and says how to remove them."""
    return (
        f"{_amount(folders)} of other settings, inputs, code or packages, which no run goes on from unless these come "
        f"back: {', '.join(map(str, folders))}. To remove them, delete these folders or give {option}"
    )


def _files(folder: Path) -> list[Path]:
    """States and what killed processes left of some; nothing else is ever removed."""
    return [file for file in folder.iterdir() if file.name == FILE or left_by(folder / FILE, file)]


def _amount(folders: list[Path]) -> str:
    size = sum(file.stat().st_size for folder in folders for file in _files(folder))
    return f"{len(folders)} old state{'s' if len(folders) > 1 else ''} ({size / 1e9:.2f} GB)"


def _locked(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind)
    except OSError:  # in use; or no locks here, and nothing tells whether it is
        return False
    return True
