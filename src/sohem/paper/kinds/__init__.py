"""The kinds of figures, tables and sheets: each module of this package is one, and nothing else lists them."""

import functools
import importlib
import pkgutil

from sohem.paper.kind import FILES, Kind, form


def all_kinds() -> dict[str, Kind]:
    """Name -> kind, figures before tables before sheets, each by rank."""
    return _in(*__path__)


@functools.cache
def _in(*folders: str) -> dict[str, Kind]:
    names = [module.name for module in pkgutil.iter_modules(folders)]
    found = {name: importlib.import_module(f"{__name__}.{name}").KIND for name in names}
    return dict(sorted(found.items(), key=lambda entry: (list(FILES).index(form(entry[0])), entry[1].rank)))
