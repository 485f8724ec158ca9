"""Text that a user chose (titles, names of classes) in Markdown, where a line break or a ``|`` would mean something."""

import re
from typing import Any


def one_line(text: Any) -> str:
    """The text in one line: a heading, an entry of a list or a row of a table ends with its line."""
    return " ".join(str(text).splitlines())


def cell(text: Any) -> str:
    r"""Text that may stand in a cell of a table: ``|`` as ``\|``. Backslashes before it are doubled, and so stay."""
    return re.sub(r"(\\*)\|", r"\1\1\|", one_line(text))
