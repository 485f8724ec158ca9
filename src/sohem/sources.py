"""The source files that a step's result depends on, worked out from the imports.

Neither Snakemake nor DVC looks into a command that it runs. Both are therefore told the modules as inputs, and the
list comes from here, so that it cannot go stale: the step's own module in ``sohem.commands`` and all modules of this
package that it imports, directly or not, at the top of a file or inside a function. ``importlib`` is not followed.
"""

import ast
import functools
from pathlib import Path

# What carries parameters, files and messages to a step and decides no result. A comment changed here must not
# retrain every model: parameters reach a step by value (and are compared by value), its inputs by content.
# What was downloaded enters by its checksum, however it came.
_FRAME = ("cli", "download", "errors", "files", "params", "progress", "provenance", "schema", "sources",
          *(f"download.{name}" for name in ("catalogue", "extract", "part", "transfer", "verify")))  # fmt: skip
FRAME = {"sohem", *(f"sohem.{name}" for name in _FRAME)}


def of_steps(*steps: str, src: Path = Path("src")) -> list[str]:
    """The files below ``src`` that ``steps`` (named as on the command line) depend on, sorted.

    Empty ``__init__.py`` files are left out.

    Raises:
        FileNotFoundError: there is no such step, or ``src`` is not the package's source folder.
    """
    waiting = [f"sohem.commands.{step.replace('-', '_')}" for step in steps]
    if missing := [module for module in waiting if _file(module, src) is None]:
        raise FileNotFoundError(f"{src}: no module {', '.join(missing)}")
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        file = _file(module, src)
        if file is None or module in found or module in FRAME:
            continue
        found[module] = file
        waiting += _imports(file, module)
    return sorted(file.as_posix() for file in found.values() if file.name != "__init__.py" or file.stat().st_size)


@functools.cache
def _imports(file: Path, module: str) -> list[str]:
    """Every module of this package that ``file`` may import, with the packages that contain it."""
    found = []
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative: one dot is the package that the module lies in
                package = module.split(".")
                package = package[: len(package) - node.level + (file.name == "__init__.py")]
                base = ".".join([*package, *([base] if base else [])])
            # What is imported from a package is either a module of it or a name defined in it; _file tells later.
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "sohem":
                parts = name.split(".")
                found += [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    return found


def _file(module: str, src: Path) -> Path | None:
    """The file that holds ``module``; None if it is no module of this package."""
    path = src.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
