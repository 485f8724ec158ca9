"""How parameters and claims are written: YAML files and JSON text. `oddities` holds what these cannot refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from sohem.document import Document
from sohem.errors import ParamsError, SohemError
from sohem.oddities import CONTROL, DEEPEST, named

LARGEST = 1_000_000  # bytes of a file


def of_option(source: str | Path) -> Any:
    """What the option ``--params`` stands for: the content of a YAML file, or the JSON text that it is itself.

    Raises:
        ParamsError: as `read` and `of_json` say.
    """
    if is_json(source):
        return of_json(str(source), name(source))
    return read(source, advice="run from the folder that holds params.yaml")


def name(source: str | Path) -> str:
    """How messages call it."""
    return "--params" if is_json(source) else str(source)


def is_json(source: str | Path) -> bool:
    """Whether this is JSON text, not the name of a file."""
    return str(source).lstrip().startswith("{")


def read(path: str | Path, error: type[SohemError] = ParamsError, advice: str = "name another file") -> Any:
    """The content of a YAML file, or of a JSON file by its ending.

    Raises:
        error: it cannot be read, or as `of_bytes` says.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as problem:
        raise error(f"{path}: {problem.strerror}; {advice}") from None
    return of_bytes(data, str(path), error, of_json if Path(path).suffix == ".json" else of_yaml)


def of_json(text: str, name: str, error: type[SohemError] = ParamsError) -> Any:
    """The value of a JSON text; ``name`` says in messages where it stands.

    Raises:
        error: it is not JSON, or a key is written twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise error(f"{name}: {named([key])}: written twice; keep one")
            found[key] = value
        return found

    try:
        # The first digits tell that a number is too large, and Python refuses to read thousands of them.
        return json.loads(text, object_pairs_hook=once, parse_int=lambda digits: int(digits[:100]))
    except ValueError as problem:
        raise error(f"{name}: not JSON ({problem})") from None
    except RecursionError:
        raise error(f"{name}: not JSON (more than {DEEPEST} values within each other)") from None


def of_yaml(text: str, name: str, error: type[SohemError] = ParamsError) -> Any:
    """The value of a YAML text; ``name`` says in messages where it stands.

    Raises:
        error: it is not YAML; a key is written twice or is no text; a value has a tag, could be read in several ways,
            is no finite number or is nested too deep; an alias stands within what it names, or aliases repeat too much.
    """
    if control := CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise error(f"{name}: line {line}: holds the control character U+{ord(control[0]):04X}; take it out")
    try:
        return Document(text, name, error).read()
    except yaml.YAMLError as problem:
        raise error(f"{name}: not YAML ({' '.join(str(problem).split())})") from None


def of_bytes(data: bytes, name: str, error: type[SohemError], reader: Callable[..., Any] = of_yaml) -> Any:
    """The content of a file that was read; ``name`` says in messages which.

    Raises:
        error: it is too large for such a file, is not UTF-8, or as the reader says.
    """
    if len(data) > LARGEST:
        raise error(f"{name}: larger than {LARGEST / 1e6:g} MB, so it cannot be such a file; name another one")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        line, byte = data[: problem.start].count(b"\n") + 1, data[problem.start]
        raise error(f"{name}: line {line}: not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8 text") from None
    return reader(text, name, error)
