"""What no parameter and no claim may be, whatever the schema says of it, and how messages show keys and values."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sohem.errors import shortened

DEEPEST = 30  # values within values
LONGEST = 4096  # letters of a text or key, as many as the path of a file may have
BITS = 63  # of a whole number
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")  # not tabs and ends of lines


def oddities(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """What no file of ours may hold, whatever else is said of it: a line for each such key or value."""
    key = named(path)
    if len(path) > DEEPEST:
        yield f"{key}: more than {DEEPEST} values within each other"
    elif isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                yield f"{named((*path, str(name)))}: the key {shown(name)} is no text; put it into quotes"
            elif problem := _of_text(name):
                yield f"{named((*path, name))}: the key {problem}"
            else:
                yield from oddities(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from oddities(item, (*path, str(place)))
    elif isinstance(value, str):
        if problem := _of_text(value):
            yield f"{key}: {shown(value)} {problem}"
    elif isinstance(value, int):
        if value.bit_length() > BITS:
            yield f"{key}: the number is too large; at most {2**BITS - 1} is allowed"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield f"{key}: {value} is no finite number; write a number"
    elif value is not None:
        kind = type(value).__name__
        yield f"{key}: a {kind} is neither text nor number, list nor mapping; put text into quotes"


def _of_text(text: str) -> str | None:
    """What is wrong with a text, whatever it is for."""
    if len(text) > LONGEST:
        return f"has {len(text):,} letters; at most {LONGEST:,} are allowed"
    odd = CONTROL.search(text)
    return f"holds the control character U+{ord(odd[0]):04X}; take it out" if odd else None


def named(path: Iterable[str]) -> str:
    """A key with its parents, for a message."""
    return shortened(".".join(part if part and part.isprintable() else shown(part) for part in path), 300)


def shown(value: Any) -> str:
    """A value in a message."""
    return shortened(json.dumps(value, default=str), 150)
