"""Files are written atomically: to a temporary name beside the target, then renamed over it.

A process that is killed leaves its temporary file behind. As long as it lives it holds a lock on that file; so whoever
writes the same target next removes what nobody holds, and what another process is just writing stays.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sohem.errors import SohemError


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without an error.

    Raises:
        SohemError: the disk is full or the folder cannot be written; ``path`` is left as it was.
    """
    path = Path(path)
    handle, temporary = None, None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tidy(path)
        handle, temporary = _held(path)
        yield temporary
        # mkstemp makes files private; give the result the mode that a plain open() would.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise SohemError(
            f"{path}: cannot be written ({error.strerror or error}). "
            "Free some space or choose another folder, then run the same command again; nothing was overwritten."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)  # not before: this gives the lock back


def tidy(path: Path) -> None:
    """Remove the temporary files of ``path`` that no living process is writing."""
    for left in path.parent.iterdir():
        if not left_by(path, left):
            continue
        try:
            handle = os.open(left, os.O_RDWR)
        except OSError:
            continue  # renamed just now, or another user's
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink(missing_ok=True)
        except OSError:
            pass  # somebody writes it; or there are no locks here, and nothing tells whether somebody does
        finally:
            os.close(handle)


def left_by(path: Path, other: Path) -> bool:
    """Whether ``other`` is called like a temporary file of ``path``."""
    return re.fullmatch(rf"{re.escape(_prefix(path))}\w{{8}}{re.escape(_suffix(path))}", other.name) is not None


def _held(path: Path) -> tuple[int, Path]:
    """A new temporary file for ``path``, locked: its handle and its name."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=_suffix(path))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            return handle, Path(name)  # a file system without locks: `tidy` cannot lock it either, and leaves it
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # removed between the two calls by another process's `tidy`


def _prefix(path: Path) -> str:
    return f".{path.stem}."


def _suffix(path: Path) -> str:
    return f".tmp{path.suffix}"
