"""Pages and Markdown from templates (Jinja2): the frame and style that all pages share, and how numbers are written.

The templates of a page lie in the package that makes it; those beside this file are the frame.
"""

import functools
from collections.abc import Iterable
from typing import Any

import jinja2

from sohem.markdown import cell, one_line


@functools.cache
def environment(package: str) -> jinja2.Environment:
    """The templates of a package: HTML ones escape what they are given, and no name that they use may be missing."""
    loaded = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader(__name__)]),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    numbers = {"points": points, "signed": signed, "reach": reach, "duration": duration, "energy": energy}
    loaded.filters.update(numbers, cell=cell, one_line=one_line)
    return loaded


def render(package: str, template: str, **content: Any) -> str:
    """The text of a package's template with ``content`` filled in."""
    return environment(package).get_template(template).render(content)


def reach(table: Iterable[Any]) -> float:
    """The largest distance from 0 of any difference or bound, at least 1: what drawn intervals are scaled by.

    Args:
        table: rows with difference, low and high, each a number or None.
    """
    values = [abs(v) for row in table for v in (row.difference, row.low, row.high) if v is not None]
    return max([1.0, *values])


def points(value: float | None) -> str:
    """56.12; n/a for None."""
    return "n/a" if value is None else f"{value:.2f}"


def signed(value: float | None) -> str:
    """+0.97; n/a for None."""
    return "n/a" if value is None else f"{value:+.2f}" if value else "0.00"


def duration(seconds: float | None) -> str:
    """75.3 -> 1 min 15 s; n/a for None."""
    if seconds is None:
        return "n/a"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def energy(joules: float | None) -> str:
    """7200 -> 2.0 Wh; "not measured" for None."""
    return "not measured" if joules is None else f"{joules / 3600:.1f} Wh"
