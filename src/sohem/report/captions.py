"""Captions: the same texts that Snakemake's own report shows, from workflow/report."""

from pathlib import Path
from types import SimpleNamespace

import jinja2

from sohem.errors import DataError
from sohem.params import Params


def caption(folder: Path, name: str, given: Params, wildcards: dict[str, str]) -> str:
    """The text of ``folder/name.rst`` in one paragraph; these files hold plain words and Jinja, no markup.

    Args:
        given: what Snakemake would call ``config``. wildcards: those of the rule that makes the thing.

    Raises:
        DataError: the file is missing, or uses something that it is not given.
    """
    path = folder / f"{name}.rst"
    try:
        template = jinja2.Template(path.read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined)
        text = template.render(snakemake=SimpleNamespace(config=given, wildcards=SimpleNamespace(**wildcards)))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); captions are in workflow/report") from None
    except jinja2.TemplateError as error:
        raise DataError(f"{path}: not a caption that can be filled in ({error})") from None
    return " ".join(text.split())
