"""Tables of images, objects, proposals and detections as files hold them, looked at before anything is made of them.

Files of another origin may lack columns, number their images, or hold text where numbers or flags are meant: "False" as
text is true to Python. What is plain is converted, all else is refused; tables of this program stay as they are.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sohem import files
from sohem.datasets.annotation import BOX
from sohem.errors import DataError

Mask = NDArray[np.bool_]

IMAGES = {"image_id": "str", "file": "str", "width": "int32", "height": "int32", "subset": "str"}
OBJECTS = {"image_id": "str", "class": "str", **dict.fromkeys(BOX, "float32"),
           "difficult": "bool", "truncated": "bool", "ignore": "bool"}  # fmt: skip
TYPES = {**IMAGES, **OBJECTS, "score": "float32"}  # column -> what it holds, in every table
LABELLED = [name for name in OBJECTS if name != "truncated"]  # what is asked of objects; nothing is made of the others
PROPOSALS = ["image_id", *BOX]

AGAIN = "run sohem split again"
LONGEST = 80  # characters of a value in a message


def shown(value: Any) -> str:
    """A value of a table for a message: as Python writes it, without NumPy's names of types, and short."""
    text = repr(value.tolist() if isinstance(value, np.generic | np.ndarray) else value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def images(path: str | Path, columns: Iterable[str] = IMAGES) -> pd.DataFrame:
    """The table of images of ``sohem split``.

    Raises:
        DataError: there is none, an image is in it twice, or as for `checked`.
    """
    return unique(checked(files.read_table(path), path, columns, AGAIN), path)


def objects(path: str | Path) -> pd.DataFrame:
    """The ground truth of ``sohem split``.

    Raises:
        DataError: there is none, or as for `checked`.
    """
    return checked(files.read_table(path), path, LABELLED, AGAIN)


def proposals(path: str | Path, advice: str | None = None) -> pd.DataFrame:
    """The proposals of ``sohem propose`` or ``sohem merge-proposals``.

    Args:
        advice: what to do about a file that is missing or no good; by default by its name.

    Raises:
        DataError: there are none, or as for `checked`.
    """
    return checked(files.read_table(path, advice), path, PROPOSALS, advice or "make the proposals again")


def unique(table: pd.DataFrame, source: str | Path) -> pd.DataFrame:
    """The table itself.

    Raises:
        DataError: an image is in it twice.
    """
    if (twice := table["image_id"].duplicated()).any():
        name = table["image_id"][twice].iloc[0]
        raise DataError(f"{source}: image {name} is listed twice ({twice.sum()} rows in all); {AGAIN}")
    return table


def of_test(table: pd.DataFrame, source: str | Path) -> pd.Series:
    """The ids of the test images.

    Raises:
        DataError: there are none.
    """
    ids = table.loc[table["subset"] == "test", "image_id"]
    if ids.empty:
        raise DataError(f"{source}: no image of the test subset among {len(table)}; {AGAIN}")
    return ids


def known_classes(table: pd.DataFrame, source: str | Path, classes: Iterable[str]) -> pd.DataFrame:
    """The ground truth itself.

    Raises:
        DataError: an object is of none of the classes.
    """
    strange = ~table["ignore"] & ~table["class"].isin(list(classes))
    if strange.any():
        name = table["class"][strange].iloc[0]
        raise DataError(f"{source}: class {shown(name)} ({strange.sum()} objects) is not in the parameters; {AGAIN}")
    return table


def checked(table: pd.DataFrame, source: str | Path, columns: Iterable[str], advice: str) -> pd.DataFrame:
    """The table, these columns of which hold what `TYPES` says, if anything: text, finite numbers, True and False.

    Whole numbers become text where text is meant, 0 and 1 become flags; other columns are left as they are.

    Args:
        source: names the table in messages; ``advice`` says what to do.

    Raises:
        DataError: a column is missing, or a value is not of its type; names the first such row.
    """
    columns = list(columns)
    if missing := [name for name in columns if name not in table.columns]:
        raise DataError(f"{source}: no column {', '.join(missing)}; expected {', '.join(columns)}; {advice}")
    new = {}
    for name in columns:
        if name not in TYPES:
            continue
        values = table[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        expected, look = _KINDS[TYPES[name]]
        good, converted = look(values)
        if not good.all():
            bad = np.flatnonzero(~good)
            raise DataError(
                f"{source}: {name} is {shown(values.iloc[bad[0]])} in row {bad[0]} ({len(bad)} of {len(table)} rows "
                f"are like that), expected {expected}; {advice}"
            )
        if converted is not table[name]:
            new[name] = converted
    return table.assign(**new)


def _text(values: pd.Series) -> tuple[Mask, pd.Series]:
    if isinstance(values.dtype, pd.StringDtype):
        return values.notna().to_numpy(bool), values
    if values.dtype.kind in "iu":
        return np.ones(len(values), bool), values.astype("str")
    good = np.fromiter((isinstance(value, str) for value in values), bool, len(values))
    return good, values.astype("str") if good.all() else values


def _number(values: pd.Series) -> tuple[Mask, pd.Series]:
    if not pd.api.types.is_numeric_dtype(values.dtype) or values.dtype.kind not in "iuf":
        return np.zeros(len(values), bool), values
    if not isinstance(values.dtype, np.dtype):  # pandas' own types, in which a value may be missing
        values = values.astype("float64")
    return np.isfinite(values.to_numpy()), values


def _whole(values: pd.Series) -> tuple[Mask, pd.Series]:
    good, values = _number(values)
    return good if not good.all() else (values >= 1).to_numpy() & (values % 1 == 0).to_numpy(), values


def _flag(values: pd.Series) -> tuple[Mask, pd.Series]:
    if values.dtype == np.dtype(bool):
        return np.ones(len(values), bool), values
    if values.dtype.kind not in "biuf":
        return np.zeros(len(values), bool), values
    good = values.isin([0, 1]).to_numpy(bool)
    return good, values.astype("bool") if good.all() else values


_KINDS: dict[str, tuple[str, Callable[[pd.Series], tuple[Mask, pd.Series]]]] = {
    "str": ("text", _text),
    "float32": ("a finite number", _number),
    "int32": ("a whole number from 1", _whole),
    "bool": ("True or False", _flag),
}
