"""Checksums, so that no bit of a file changes unnoticed between the step that writes it and the steps that read it.

Parquet has none for its footer and page headers: a CRC32 of the whole file lies between the data and the footer, where
nothing is looked for, so that every reader of Parquet reads the file as before. JSON carries one as its last key, a CSV
table one of each row as its last column. Checkpoints are zip archives, which have a CRC32 of each entry; it only has to
be looked at. Files without a checksum (written by hand, by other programs, by earlier versions) are taken as they are.

They lie in the files and not beside them, since DVC and git bring files back one by one.
"""

import csv
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

TAG = b"sohem crc32 "  # in a Parquet file, before the four bytes of its checksum
_FOLDER = 0x10  # in the attributes of a zip archive's entry
KEY, KIND = "checksum", "crc32"  # in JSON: "checksum": ["crc32", "<8 digits>"]; `dvc metrics` shows no lists


class DamagedError(ValueError):
    """The bytes are not those that were written."""

    def __init__(self) -> None:
        super().__init__("damaged: not as it was written, by its checksum")


def seal_parquet(data: bytes) -> bytes:
    """A Parquet file with its checksum put in before the footer, whose length the last 8 bytes begin with."""
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    head, tail = data[:footer] + TAG, data[footer:]
    return head + zlib.crc32(tail, zlib.crc32(head)).to_bytes(4, "little") + tail


def check_parquet(data: bytes) -> None:
    """
    Raises:
        DamagedError: the checksum in a Parquet file does not fit it.
    """
    # Looked for, and not where the footer's length says: that may be what is damaged.
    start = data.rfind(TAG) + len(TAG)
    if start < len(TAG):
        return
    whole = memoryview(data)
    if zlib.crc32(whole[start + 4 :], zlib.crc32(whole[:start])) != int.from_bytes(whole[start : start + 4], "little"):
        raise DamagedError


def seal_json(value: Any) -> Any:
    """An object with its checksum as the last key; other values as they are."""
    return {**value, KEY: [KIND, _digits(value)]} if isinstance(value, dict) else value


def open_json(value: Any) -> Any:
    """An object without its checksum.

    Raises:
        DamagedError: the checksum does not fit.
    """
    if not isinstance(value, dict):
        return value
    # Also under another name: the key itself may be what is damaged.
    if KEY not in value and not any(isinstance(entry, list) and entry[:1] == [KIND] for entry in value.values()):
        return value
    rest = {key: entry for key, entry in value.items() if key != KEY}
    if value.get(KEY) != [KIND, _digits(rest)]:
        raise DamagedError
    return rest


def _digits(value: dict[str, Any]) -> str:
    """Of what an object says: neither its layout nor the order of its keys counts."""
    said = json.loads(json.dumps(value))  # keys that are numbers become text
    return f"{zlib.crc32(json.dumps(said, sort_keys=True).encode()):08x}"


def seal_csv(text: str) -> str:
    """A CSV table with a last column that has the checksum of each row and the names of its columns."""
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[*head, KEY], *([*row, _of_row(head, row)] for row in rows)])
    return out.getvalue()


def check_csv(data: bytes) -> bool:
    """Whether a CSV table has such a column.

    Raises:
        DamagedError: a row does not fit its checksum.
    """
    lines = io.BytesIO(data)
    names, first = (_rows(lines.readline())[0] for _ in range(2))
    if KEY not in ",".join(names):
        if first[-1:] == [_of_row(names[:-1], first[:-1])]:  # the name of the column is what is damaged
            raise DamagedError
        return False
    head, *rows = _rows(data)
    if head[-1:] != [KEY] or any(row[-1:] != [_of_row(head[:-1], row[:-1])] for row in rows):
        raise DamagedError
    return True


def _rows(data: bytes) -> list[list[str]]:
    """The cells of each row; one row without any where it is not CSV."""
    try:
        return list(csv.reader(io.StringIO(data.decode(errors="replace"), newline=""))) or [[]]
    except csv.Error:
        return [[]]


def _of_row(head: list[str], row: list[str]) -> str:
    return f"{zlib.crc32(json.dumps([head, row]).encode()):08x}"


def check_zip(path: Path) -> None:
    """
    Raises:
        zipfile.BadZipFile: an entry of a zip archive does not fit its checksum; or one of several unrelated types that
            Python raises for a damaged archive.
    """
    with zipfile.ZipFile(path) as archive:
        name = archive.testzip()
        # No checksum covers an entry's attributes, and of a "folder" torch.load reads nothing: tensors would be left as
        # the memory happened to be.
        folders = [entry.filename for entry in archive.infolist() if entry.external_attr & _FOLDER]
    if name is not None or folders:
        raise zipfile.BadZipFile(f"{name or folders[0]} is damaged")
