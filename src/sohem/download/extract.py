"""Unpack the archives of a data set, whole or not at all, and nothing outside its folder.

Only plain files and folders are taken out of an archive. Their names are checked before anything is written; a link, a
device, or a name that leads outside is a reason to refuse the archive, since none belongs into a data set.
"""

import contextlib
import errno
import lzma
import shutil
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from sohem import files
from sohem.errors import DataError
from sohem.progress import track

MARKER = ".unpacked-by-sohem.json"  # lies in a root that was unpacked here, and names the archives

# Beside their own errors the readers let through what int() and a wrong length cause in a damaged head.
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
          ValueError, LookupError, OverflowError, MemoryError)  # fmt: skip


class Member(NamedTuple):
    """One entry of an archive; ``kind`` is file, folder, or what else it is, in words."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archives: Sequence[Path], inside: str, root: Path) -> None:
    """Make ``root`` from what the archives hold below the folder ``inside``, all of them together.

    The files are written beside the root and moved there at the end. A run that was killed leaves a hidden folder,
    which the next one removes; the archives stay as they are.

    Raises:
        DataError: the root has files in it; an archive is not whole, holds something that is not allowed, or lacks
            the folder; there is no room. Nothing is left behind.
    """
    if not files.is_absent_or_empty(root):
        raise DataError(f"{root}: is there already, and is left as it is; move it away to have it unpacked anew")
    root = root.resolve()  # a link stays; what it points to is made
    partial = root.parent / f".{root.name}.sohem-partial"
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        for path in archives:
            _unpack(path, PurePosixPath(inside), partial)
        files.write_json(partial / MARKER, {"archives": [path.name for path in archives]})
        if root.exists():
            root.rmdir()
        partial.rename(root)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise DataError(
            f"{root}: cannot be unpacked ({error.strerror or error}). "
            + ("Free some space" if full else "See that the folder can be written, or name another root")
            + ", then run the same command again; the archives are kept"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unpack(path: Path, inside: PurePosixPath, folder: Path) -> None:
    with reading(path) as members:
        wanted = [(member, _below(path, member, inside)) for member in members]
        chosen = [(member, place) for member, place in wanted if place is not None]
        if not any(member.kind == "file" for member, _ in chosen):
            raise DataError(f"{path}: holds no {inside}/, so it is not the archive that is wanted")
        needed = sum(member.size for member, _ in chosen)
        files.check_room(folder.parent, needed, f"{path}: unpacks to", "name another root")
        for member, place in track(chosen, len(chosen), f"unpacking {path.name}"):
            if member.kind == "folder":
                (folder / place).mkdir(parents=True, exist_ok=True)
                continue
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, (folder / place).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        if left := [member for member, place in wanted if place is None and member.kind == "file"]:
            saved = sum(member.size for member in left) / 1e9
            print(f"{path.name}: {len(left)} files outside {inside}/ not unpacked ({saved:.2f} GB)", file=sys.stderr)


def _below(path: Path, member: Member, inside: PurePosixPath) -> PurePosixPath | None:
    """Where a member goes below the root; None if it lies outside ``inside``.

    Raises:
        DataError: the member is not allowed, wherever it lies.
    """
    name = PurePosixPath(member.name)
    reason = None
    if member.kind not in ("file", "folder"):
        reason = f"is a {member.kind}"
    elif name.is_absolute() or ".." in name.parts or "\\" in member.name or "\0" in member.name:
        reason = "leads outside of the folder"
    if reason is not None:
        raise DataError(f"{path}: {member.name!r} {reason}, which no archive of a data set needs; it is not unpacked")
    return name.relative_to(inside) if name.is_relative_to(inside) else None


@contextlib.contextmanager
def reading(path: Path) -> Iterator[list[Member]]:
    """The members of a tar (compressed or not) or zip archive, to be read inside the block.

    Raises:
        DataError: it is damaged or cut off.
    """
    with refusing_damage(path, "move it away, then run the same command again"):
        if path.suffix == ".zip" or zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield [_of_zip(archive, info) for info in archive.infolist()]
        else:
            with tarfile.open(path) as tar:
                members = [_of_tar(tar, info) for info in tar]
                _check_end(tar)
                yield members


@contextlib.contextmanager
def refusing_damage(path: Path, advice: str) -> Iterator[None]:
    """Turns what Python's readers of archives raise for a damaged one into a DataError that names it."""
    try:
        yield
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk; the decompressors' have no number
        words = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: not a whole archive ({words}); {advice}") from None


def _of_tar(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    def opened() -> IO[bytes]:
        stream = tar.extractfile(info)
        assert stream is not None  # only asked for plain files
        return stream

    kinds = {"file": info.isfile(), "folder": info.isdir(), "link": info.issym() or info.islnk(), "device": True}
    return Member(info.name, next(kind for kind, is_it in kinds.items() if is_it), info.size, opened)


def _check_end(tar: tarfile.TarFile) -> None:
    """A tar ends with blocks of zeros; one that was cut off between two members lacks them, and nobody else looks."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise tarfile.ReadError("it ends too early")
    while tar.fileobj.read(1 << 20):  # a compressed one has a checksum at its very end
        pass


def _of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = stat.S_IFMT(info.external_attr >> 16)  # 0 if the archive was made on a system that has no such thing
    if info.is_dir():
        kind = "folder"
    elif mode in (0, stat.S_IFREG):
        kind = "file"
    else:
        kind = "link" if mode == stat.S_IFLNK else "device"
    return Member(info.orig_filename, kind, info.file_size, lambda: archive.open(info))
