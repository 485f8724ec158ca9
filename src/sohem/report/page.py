"""Pages and Markdown from the templates beside this file (Jinja2)."""

import functools
from typing import Any

import jinja2

from sohem.report.comparison import points, reach, signed


@functools.cache
def environment() -> jinja2.Environment:
    """The templates: HTML ones escape what they are given, and no name that they use may be missing."""
    loaded = jinja2.Environment(
        loader=jinja2.PackageLoader("sohem.report"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    loaded.filters.update(points=points, signed=signed, reach=reach, cell=cell)
    return loaded


def render(template: str, **content: Any) -> str:
    """The text of a template with ``content`` filled in."""
    return environment().get_template(template).render(content)


def cell(text: Any) -> str:
    """Text that may stand in a cell of a Markdown table."""
    return str(text).replace("|", r"\|").replace("\n", " ")
