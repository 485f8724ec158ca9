"""Files are written atomically: to a temporary name beside the target, then renamed over it."""

import io
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from sohem.errors import DataError, SohemError

MAKE_AGAIN = "delete it and make it again"


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without an error.

    Raises:
        SohemError: the disk is full or the folder cannot be written; ``path`` is left as it was.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
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
    """Write ``value`` as indented JSON to ``path`` atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; run the step that makes it") from None
    except (ValueError, RecursionError) as error:  # the second: thousands of brackets
        raise DataError(f"{path}: not a JSON file ({error}); {MAKE_AGAIN}") from None


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write ``table`` as Parquet to ``path`` atomically, the same bytes for the same table."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    write_bytes(path, buffer.getvalue())


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a Parquet table.

    Raises:
        DataError: the file is missing or is not Parquet.
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; run the step that makes it") from None
    except Exception as error:  # pyarrow raises several unrelated types for a damaged file
        raise DataError(f"{path}: not a Parquet table ({error}); delete it and make it again") from None


def read_csv(
    path: str | Path, columns: Sequence[str] | None = None, advice: str = MAKE_AGAIN, text: bool = False
) -> pd.DataFrame:
    """Read a CSV table, or some columns of it. Names of classes and scopes stay text.

    Args:
        columns: those that are wanted, in this order; None for all.
        advice: what to do about a file that is missing or is no such table.
        text: leave every cell as it is written.

    Raises:
        DataError: the file is missing, is not CSV, or lacks a column.
    """
    try:
        table = pd.read_csv(path, dtype="str" if text else {"class": "str", "scope": "str"})
        return table if columns is None else table[list(columns)]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {advice}") from None
    except (ValueError, KeyError, OSError, EOFError, zlib.error) as error:  # the last three: a damaged .gz
        of = "" if columns is None else f" of {', '.join(columns)}"
        raise DataError(f"{path}: not a table{of} ({error}); {advice}") from None
