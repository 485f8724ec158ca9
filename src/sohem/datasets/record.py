"""What each file of a data set was when it was last read: size, time of change and checksum, as lines of a file.

A file whose size and time of change are as recorded counts as unchanged, so that looking over 15,000 files takes a
second or less; all others are read again. Delete the record to have everything read again.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from sohem import files
from sohem.errors import DataError
from sohem.progress import track


class Entry(NamedTuple):
    """One file: bytes, nanoseconds since 1970 of its last change, and 64 hexadecimal digits."""

    size: int
    modified: int
    sha256: str


Entries = dict[str, Entry]  # by name relative to the root


class Changes(NamedTuple):
    """Names of files that differ from the record, by how they differ."""

    changed: list[str]
    gone: list[str]
    new: list[str]


def take(root: Path, names: list[str], known: Entries) -> Entries:
    """The entries of the files ``names`` under ``root``; only what is not as ``known`` is read, on up to eight cores.

    Raises:
        DataError: a file cannot be read.
    """

    def look(name: str) -> Entry:
        try:
            size, modified = _state(root / name)
            if name in known and known[name][:2] == (size, modified):
                return known[name]
            with (root / name).open("rb") as file:
                return Entry(size, modified, hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise DataError(f"{root / name}: cannot be read ({error.strerror}); get the file again") from None

    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        return dict(zip(names, track(pool.map(look, names), len(names), "reading files"), strict=True))


def compare(before: Entries, now: Entries) -> Changes:
    """What has changed from one record to the next, by content."""
    return Changes(
        changed=[name for name in now if name in before and now[name].sha256 != before[name].sha256],
        gone=[name for name in before if name not in now],
        new=[name for name in now if name not in before],
    )


def path_of(manifest: str | Path) -> Path:
    """Where the record lies that belongs to a manifest."""
    return Path(manifest).with_suffix(".files.tsv")


def untouched(path: Path, root: Path) -> bool:
    """Whether there is a record of this root, and every file in it still has its size and time of change."""
    entries = read(path, root)
    try:
        return bool(entries) and all(_state(root / name) == entry[:2] for name, entry in entries.items())
    except OSError:
        return False


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def write(path: Path, root: Path, entries: Entries) -> None:
    """Write a record: the root, then a line ``sha256, size, modified, name`` for each file, tab-separated."""
    lines = (f"{e.sha256}\t{e.size}\t{e.modified}\t{name}\n" for name, e in entries.items())
    files.write_text(path, f"{root.as_posix()}\n{''.join(lines)}")


def read(path: Path, root: Path) -> Entries:
    """Read a record; empty if there is none, or if it is about another root.

    Raises:
        DataError: it is not such a file.
    """
    if not path.is_file():
        return {}
    where, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    if where != root.as_posix():
        return {}
    try:
        fields = [line.split("\t", 3) for line in lines]
        return {name: Entry(int(size), int(modified), sha256) for sha256, size, modified, name in fields}
    except ValueError:
        raise DataError(f"{path}: not a record of files; delete it, then run sohem fetch again") from None
