"""Is a file on disk the one that the catalogue means? What it cannot know is recorded when the file first arrives."""

import datetime
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sohem import files
from sohem.download.catalogue import File
from sohem.errors import DownloadError
from sohem.progress import track

MEGABYTE = 1_000_000


def pinned(file: File) -> bool:
    """Whether the catalogue has a checksum of ``file``."""
    return bool(file.md5 or file.sha256)


def digests(path: Path, with_md5: bool = False) -> dict[str, str]:
    """The sha256 (and md5) of a file as hexadecimal digits, read once, with progress."""
    sums = [hashlib.new(name, usedforsecurity=False) for name in ("sha256", *(["md5"] if with_md5 else []))]
    with path.open("rb") as file:
        blocks = track(_blocks(file), -(-path.stat().st_size // MEGABYTE), f"checking {path.name}, MB")
        for block in blocks:
            for digest in sums:
                digest.update(block)
    return {digest.name: digest.hexdigest() for digest in sums}


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(MEGABYTE):
        yield block


def problem(file: File, path: Path) -> str | None:
    """What is wrong with the file at ``path``, by size and checksums of the catalogue; None if nothing is."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"it has {size} bytes, expected {file.size}"
    if not pinned(file):
        return None
    found = digests(path, with_md5=file.md5 is not None)
    for name, expected in (("md5", file.md5), ("sha256", file.sha256)):
        if expected is not None and not found[name].startswith(expected):
            return f"its {name} is {found[name]}, expected {expected}{'' if len(expected) >= 32 else '...'}"
    return None


def check_present(file: File, path: Path) -> None:
    """Check a file that is already there, also against what was recorded of it before.

    Raises:
        DownloadError: it is another file; it is left alone.
    """
    wrong = problem(file, path)
    if wrong is None and not pinned(file):
        record = record_of(path)
        if record.is_file():
            known, found = files.read_json(record), digests(path)["sha256"]
            noted = known.get("sha256") if isinstance(known, dict) else None
            if noted != found:
                wrong = f"its sha256 is {found}, but {record.name} recorded {noted or 'none'}"
        else:
            remember(file, path, None)
    if wrong is not None:
        raise DownloadError(
            f"{path}: not the file that is wanted: {wrong}. It is left as it is. Move it away, "
            "then run the same command again, and it is downloaded"
        )


def record_of(path: Path) -> Path:
    """Where size and sha256 of a downloaded file are kept: a JSON file beside it."""
    return path.with_name(path.name + ".json")


def remember(file: File, path: Path, address: str | None) -> None:
    """Write down what has arrived, and tell the user where nothing confirms that it is what it should be."""
    whole = file.sha256 is not None and len(file.sha256) == 64  # then it has just been checked: no need to read again
    sha256 = file.sha256 if whole else digests(path)["sha256"]
    record = {
        "file": file.name,
        "address": address,
        "bytes": path.stat().st_size,
        "sha256": sha256,
        "pinned": pinned(file),
        "recorded": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    files.write_json(record_of(path), record)
    if not pinned(file):
        print(
            f"{path}: no checksum of this file is published, so nothing confirms it. Its sha256 {sha256} "
            f"is recorded in {record_of(path).name}; from now on a change is noticed",
            file=sys.stderr,
        )
