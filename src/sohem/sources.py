"""The source code that a step's result depends on, worked out from the imports, and a fingerprint of what it says.

Neither Snakemake nor DVC looks into a command that it runs. Both are therefore told a fingerprint of the step's code:
Snakemake as a value among the rule's params, DVC through workflow/code.json, which its first stage writes with
``python -m sohem.sources``. It covers the step's own module in ``sohem.commands`` and all modules of this package that
it imports, directly or not, at the top of a file or inside a function. ``importlib`` is not followed; a package that
finds its modules itself (by ``pkgutil``) counts as importing all of them.

What a file says and imports is kept beside its bytecode, with a checksum of both: reading 130 files anew would take a
second at each start of Snakemake.

The grain is what a module says to Python, not its bytes: comments, docstrings and layout do not count. Single functions
would be finer, but a function changed in one module acts through others, and no import tells through which.
"""

import ast
import functools
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

# What carries parameters, files and messages to a step and decides no result. A message reworded here must not
# retrain every model: parameters reach a step by value (and are compared by value), its inputs by content.
# What was downloaded enters by its checksum, however it came.
_FRAME = ("atomic", "checksums", "cli", "download", "errors", "files", "params", "progress", "provenance", "schema",
          "sources", "writers",
          *(f"download.{name}" for name in ("answers", "catalogue", "extract", "part", "transfer",
                                            "verify")))  # fmt: skip
FRAME = {"sohem", *(f"sohem.{name}" for name in _FRAME)}
SRC = Path(__file__).resolve().parents[1]
_OWN = hashlib.sha256(Path(__file__).read_bytes()).digest()  # what is kept holds for this code alone


def fingerprints(src: Path = SRC) -> dict[str, str]:
    """Step (as its module is named: contact_sheet) -> its fingerprint, for every step of the command line."""
    steps = sorted(file.stem for file in (src / "sohem" / "commands").glob("*.py") if file.stem != "__init__")
    return {step: fingerprint(step, src=src) for step in steps}


def fingerprint(*steps: str, src: Path = SRC) -> str:
    """16 hexadecimal digits that change whenever the code of ``steps`` (named as on the command line) does.

    Raises:
        FileNotFoundError: there is no such step.
    """
    said = [f"{file.relative_to(src).as_posix()} {_meaning(file)}" for file in of_steps(*steps, src=src)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def of_steps(*steps: str, src: Path = SRC) -> list[Path]:
    """The files below ``src`` that ``steps`` depend on, sorted; empty ``__init__.py`` files are left out.

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
    return sorted(file for file in found.values() if file.name != "__init__.py" or file.stat().st_size)


@functools.cache
def _imports(file: Path, module: str) -> list[str]:
    """Every module of this package that ``file`` may import, with the packages that contain it."""
    found = []
    for level, base, names in _parsed(file)["imports"]:
        if level:  # relative: one dot is the package that the module lies in
            package = module.split(".")
            package = package[: len(package) - level + (file.name == "__init__.py")]
            base = ".".join([*package, *([base] if base else [])])
        # What is imported from a package is either a module of it or a name defined in it; _file tells later.
        names = [base, *(f"{base}.{name}" for name in names)]
        if "pkgutil" in names and file.name == "__init__.py":
            found += [f"{module}.{other.stem}" for other in sorted(file.parent.glob("*.py")) if other != file]
        for name in names:
            if name.split(".")[0] == "sohem":
                parts = name.split(".")
                found += [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    return found


@functools.cache
def _meaning(file: Path) -> str:
    """What the code of a file says: its syntax tree without docstrings, comments and positions."""
    return _parsed(file)["says"]


def _said(node: object) -> str:
    """A syntax tree as text, the same for every Python from 3.11 on: what is absent or empty is left out."""
    if isinstance(node, list):
        return f"[{','.join(map(_said, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        fields["body"] = node.body[ast.get_docstring(node, clean=False) is not None :]
    if isinstance(node, ast.JoinedStr):
        fields["values"] = [part for part in node.values if _said(part) != "Constant(value='')"]
    given = [f"{name}={_said(value)}" for name, value in fields.items() if value is not None and value != []]
    return f"{type(node).__name__}({','.join(given)})"


@functools.cache
def _parsed(file: Path) -> dict[str, Any]:
    """What a file ``says``, and its ``imports``: (dots, module, names) of each, no names where a module is imported."""
    content = file.read_bytes()
    kept = file.parent / "__pycache__" / f"{file.stem}.said.json"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known["checksum"] == _checksum(content, known["says"], known["imports"]):
            return known
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or of another version: it is written anew
    tree = ast.parse(content, str(file))
    imports: list[list[Any]] = []  # as JSON gives them back
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [[0, alias.name, []] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append([node.level, node.module or "", [alias.name for alias in node.names]])
    says = _said(tree)
    result = {"checksum": _checksum(content, says, imports), "says": says, "imports": imports}
    try:
        kept.parent.mkdir(exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(result), encoding="utf-8")
        new.replace(kept)
    except OSError:
        pass  # a folder that cannot be written: then it is read anew each time
    return result


def _checksum(content: bytes, says: str, imports: list[list[Any]]) -> str:
    return hashlib.sha256(_OWN + content + json.dumps([says, imports]).encode()).hexdigest()


def _file(module: str, src: Path) -> Path | None:
    """The file that holds ``module``; None if it is no module of this package."""
    path = src.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(fingerprints(), indent=1) + "\n", encoding="utf-8")
