"""Tables, JSON and text in files: written atomically and with checksums, and checked against them when read."""

import io
import json
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sohem import checksums
from sohem.atomic import atomic
from sohem.errors import DataError, SohemError
from sohem.writers import again, make


def check_room(folder: Path, needed: int, use: str, advice: str, error: type[SohemError] = DataError) -> None:
    """Refuse to begin what the disk has no room for.

    Args:
        folder: where ``needed`` more bytes are to be written.
        use: begins the message, up to the number: "<file>: unpacks to".
        advice: what to do instead of freeing some space.

    Raises:
        error: fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise error(
            f"{use} {needed / 1e9:.2f} GB, but only {free / 1e9:.2f} GB are free at {folder}. "
            f"Free some space or {advice}, then run the same command again"
        )


def is_absent_or_empty(folder: Path) -> bool:
    """Whether nothing would be lost if another folder were put in the place of this one."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically and durably."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path`` atomically."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON to ``path`` atomically; an object gets its checksum as its last key."""
    write_text(path, json.dumps(checksums.seal_json(value), indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path, advice: str | None = None) -> Any:
    """Read a JSON file; without the checksum of `write_json`.

    Args:
        advice: what to do about a file that is missing or no good; by default by its name.

    Raises:
        DataError: the file is missing, is not JSON, or not as it was written.
    """
    try:
        return json_of(Path(path).read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {advice or make(path)}") from None
    except checksums.DamagedError as error:
        own = f"if you changed it yourself and want to keep that, take out its key {checksums.KEY}"
        raise DataError(f"{path}: {error}; {advice or again(path)}; {own}") from None
    except (ValueError, RecursionError) as error:  # the second: thousands of brackets
        raise DataError(f"{path}: not a JSON file ({error}); {advice or again(path)}") from None


def json_of(data: bytes) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: it is not JSON; a `DamagedError` if it is not as `write_json` wrote it.
    """
    return checksums.open_json(json.loads(data.decode()))


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write ``table`` as Parquet with a checksum to ``path`` atomically, the same bytes for the same table."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    write_bytes(path, checksums.seal_parquet(buffer.getvalue()))


def read_table(path: str | Path, advice: str | None = None) -> pd.DataFrame:
    """Read a Parquet table.

    Args:
        advice: what to do about a file that is missing or no good; by default by its name.

    Raises:
        DataError: the file is missing, is not Parquet, or not as it was written.
    """
    try:
        return table_of(Path(path).read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {advice or make(path)}") from None
    except checksums.DamagedError as error:
        raise DataError(f"{path}: {error}; {advice or again(path)}") from None
    except Exception as error:  # pyarrow raises several unrelated types for a damaged file
        raise DataError(f"{path}: not a Parquet table ({error}); {advice or again(path)}") from None


def table_of(data: bytes) -> pd.DataFrame:
    """The table in a Parquet file.

    Raises:
        DamagedError: it is not as `write_table` wrote it. Pyarrow raises several unrelated types for other files.
    """
    checksums.check_parquet(data)
    return pd.read_parquet(io.BytesIO(data))


def write_csv(path: str | Path, text: str) -> None:
    """Write a CSV table that another step reads to ``path`` atomically; its rows get a column of checksums."""
    write_text(path, checksums.seal_csv(text))


def read_csv(
    path: str | Path, columns: Sequence[str] | None = None, advice: str | None = None, text: bool = False
) -> pd.DataFrame:
    """Read a CSV table, or some columns of it; without the checksums of `write_csv`.

    Args:
        columns: those that are wanted, in this order; None for all.
        advice: what to do about a file that is missing or no good; by default by its name.
        text: leave every cell as it is written.

    Raises:
        DataError: the file is missing, is not CSV, lacks a column, or is not as it was written.
    """
    try:
        packed = Path(path).suffix == ".gz"  # not ours: for pandas, as it is
        table = pd.read_csv(path, dtype=_text(text)) if packed else csv_of(Path(path).read_bytes(), text)
        return table if columns is None else table[list(columns)]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {advice or make(path)}") from None
    except checksums.DamagedError as error:
        own = f"if you changed it yourself and want to keep that, take out its column {checksums.KEY}"
        raise DataError(f"{path}: {error}; {advice or again(path)}; {own}") from None
    except (ValueError, KeyError, OSError, EOFError, zlib.error) as error:  # the last three: a damaged .gz
        of = "" if columns is None else f" of {', '.join(columns)}"
        raise DataError(f"{path}: not a table{of} ({error}); {advice or again(path)}") from None


def csv_of(data: bytes, text: bool = False) -> pd.DataFrame:
    """The table in a CSV file. Names of classes and scopes stay text.

    Raises:
        ValueError: it is not CSV; a `DamagedError` if it is not as `write_csv` wrote it.
    """
    sealed = checksums.check_csv(data)
    table = pd.read_csv(io.BytesIO(data), dtype=_text(text))
    return table.drop(columns=checksums.KEY) if sealed else table


def _text(every: bool) -> Any:
    """Which columns stay as they are written, as pandas wants to be told."""
    return "str" if every else {"class": "str", "scope": "str"}
