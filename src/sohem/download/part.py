"""The part file of a download: one writer at a time, and a note of what its bytes came from."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from sohem import files
from sohem.download.catalogue import File
from sohem.errors import DataError, DownloadError


class Part:
    """The file that grows, with a note beside it that says from where and which version of it."""

    def __init__(self, file: File, folder: Path) -> None:
        self.file = file
        self.path = folder / f"{file.name}.part"
        self.note = folder / f"{file.name}.part.json"
        self.handle: FileIO

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Open for writing, for one process at a time."""
        with self.path.open("ab", buffering=0) as self.handle:
            try:
                fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DownloadError(f"{self.path}: another process is downloading it; wait until it is done") from None
            try:
                yield
            finally:
                if self.path.exists() and not self.size:
                    self.path.unlink()
                    self.note.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        return os.fstat(self.handle.fileno()).st_size

    def clear(self) -> None:
        self.handle.truncate(0)

    def append(self, data: bytes) -> None:
        """
        Raises:
            DownloadError: the disk is full; what was written before stays.
        """
        view = memoryview(data)
        try:
            while view:  # a disk that is nearly full may take a part of it
                view = view[self.handle.write(view) :]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DownloadError(
                f"{self.path}: the disk is full after {self.size / 1e6:.0f} MB. What has arrived stays there. "
                "Free some space, then run the same command again: it goes on from here"
            ) from error

    def finish(self, target: Path) -> None:
        os.fsync(self.handle.fileno())
        self.path.replace(target)
        self.note.unlink(missing_ok=True)

    def origin(self) -> tuple[str | None, str | None]:
        """What ``came_from`` noted; nothing where the note is damaged: the part is then of nobody knows what."""
        try:
            note = files.read_json(self.note)
            address, version = note["address"], note["version"]
        except (DataError, LookupError, TypeError):
            return None, None
        known = isinstance(address, str) and isinstance(version, str) and version.isprintable()
        return (address, version) if known else (None, None)

    def came_from(self, address: str, version: str | None) -> None:
        """Note where the bytes come from that are about to be written, and what its server calls this version."""
        files.write_json(self.note, {"address": address, "version": version})

    def check_room(self, total: int | None) -> None:
        """
        Raises:
            DownloadError: the disk has no room for what is still to come.
        """
        missing = (total or 0) - self.size
        files.check_room(
            self.path.parent, missing, f"{self.path}: still to come are", "name another folder", DownloadError
        )
