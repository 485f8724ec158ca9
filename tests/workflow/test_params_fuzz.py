"""params.yaml spoilt in hundreds of seeded ways: each time one message that names the key, and nothing else happens."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from sohem import params
from sohem.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
STEP = ["artifact", "--artifact", "table2", "--results", "results", "--out", "made"]
NAMED_FREELY = ("datasets", "methods", "artifacts", "classes")  # below these, another name is no mistake in itself

# What no value may be, whatever its key.
VALUES = [
    "!!int x", "!!timestamp x", "!!python/object/apply:os.system [touch made]", "!!binary aGk=", "&a [*a]", "*none",
    ".nan", "-.inf", "1.0e+999", "010", "0x1F", "1_000", "1:30:00", "1e-5", "yes", "2026-01-01", "9" * 5000, "9" * 30,
    '"a\\0b"', '"\\e[31m"', "'" + "x" * 100_000 + "'", "[" * 3000, "{a: " * 40 + "1" + "}" * 40, "{1: 2}",
    "{? [a] : b}", "[2026-01-01]", "{a: 1, a: 2}", "[[{}]]", "{zz: {zz: {}}}",
    "{" + ", ".join(f"k{i}: 0" for i in range(3000)) + "}",
]  # fmt: skip
KEYS = ["1", "true", "null", "2026-01-01", "1.5", "~", "010", "!!int x", "[a, b]", '"\\0"', '"' + "k" * 900 + '\\0"']
# What breaks the file as such: a message names the line.
BROKEN = ["[", "}", "'", "\tx", "@", "%", "\xff", "&", "- - -", ": :"]


class Place(NamedTuple):
    """A key and its value in the file."""

    path: tuple[str, ...]
    key: yaml.Node
    value: yaml.Node


def places(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[Place]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        yield Place((*path, key.value), key, value)
        yield from places(value, (*path, key.value))


PLACES = list(places(yaml.compose(TEXT, yaml.SafeLoader)))
BESIDE = [place for place in PLACES if place.value.start_mark.line == place.key.start_mark.line]  # no blocks of lines
# Of these 1.0 is one.
NUMBERS = ["begin", "target", "start", "end", "gamma", "average", "momentum", "min_size", "bias_lr", "dropout",
           "background"]  # fmt: skip
INTEGERS = [place for place in PLACES if place.value.tag.endswith(":int") and not set(place.path[-2:]) & set(NUMBERS)]
FIXED = [p for p in PLACES if p.path[0] != "artifacts" and p.path[-2:-1] and p.path[-2] not in NAMED_FREELY]


def spliced(node: yaml.Node, new: str, end: bool = True) -> str:
    """The file with ``new`` in the place of a node, or before it."""
    return TEXT[: node.start_mark.index] + new + TEXT[(node.end_mark if end else node.start_mark).index :]


def another_value(draw: random.Random, place: Place) -> tuple[str, str]:
    place = draw.choice(BESIDE)
    end = place.path.index("classes") + 1 if "classes" in place.path else None  # all of them, as a list or mapping
    return spliced(place.value, draw.choice(VALUES)), ".".join(place.path[:end])


def another_key(draw: random.Random, place: Place) -> tuple[str, str]:
    return spliced(place.key, draw.choice(KEYS)), ".".join(place.path[:-1])


def twice(draw: random.Random, place: Place) -> tuple[str, str]:
    indented = "\n" + " " * place.key.start_mark.column
    before = TEXT[: place.key.start_mark.index]
    in_flow = before[len(before.rstrip(" \n")) - 1] in "{," and place.key.start_mark.column > 0
    return spliced(place.key, f"{place.key.value}: 0{', ' if in_flow else indented}", end=False), ".".join(place.path)


def whole_float(draw: random.Random, place: Place) -> tuple[str, str]:
    place = draw.choice(INTEGERS)
    return spliced(place.value, f"{int(place.value.value)}.0"), ".".join(place.path)


def odd_seed(draw: random.Random, place: Place) -> tuple[str, str]:
    new = draw.choice(
        [
            "010",
            "1:30:00",
            "1.0",
            ".inf",
            "-1",
            "true",
            "0x10",
            "1_0",
            "'1'",
            "null",
            "[0]",
            "1e3",
            "0, 0",
            "2026-01-01",
        ]
    )
    return TEXT.replace("seeds: [0,", f"seeds: [{new},"), "run.seeds"


def mistyped(draw: random.Random, place: Place) -> tuple[str, str]:
    place = draw.choice(FIXED)
    return spliced(place.key, place.key.value + draw.choice("xX_9é")), ".".join(place.path)


def broken(draw: random.Random, place: Place) -> tuple[str, str]:
    return spliced(place.value, draw.choice(BROKEN), end=False), ".".join(place.path)


def cut_off(draw: random.Random, place: Place) -> tuple[str, str]:
    return TEXT[: draw.randrange(len(TEXT) - 400)], ""


def control(draw: random.Random, place: Place) -> tuple[str, str]:
    at = draw.randrange(len(TEXT))
    return TEXT[:at] + draw.choice("\0\x01\x1b\x7f") + TEXT[at:], f"line {TEXT[:at].count(chr(10)) + 1}: "


KINDS = {
    another_value: 200, another_key: 80, twice: 80, whole_float: 30, odd_seed: 25, mistyped: 30, broken: 40,
    cut_off: 25, control: 10,
}  # fmt: skip


def mutations() -> Iterator[tuple[str, bytes, str]]:
    """(kind, file, what the message must name), the same ones each time."""
    draw = random.Random(0)
    for kind, count in KINDS.items():
        for _ in range(count):
            text, named = kind(draw, draw.choice(PLACES))
            yield kind.__name__, text.encode("latin-1" if "\xff" in text else "utf-8"), named


def test_every_mutation_ends_with_one_message_that_names_the_key(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "params.yaml"
    done: Counter[str] = Counter()
    for kind, content, named in mutations():
        file.write_bytes(content)
        what = f"mutation {done.total()} ({kind})"
        assert main([*STEP, "--params", "params.yaml"]) == 2, what  # a traceback would fail here
        out, error = capsys.readouterr()
        assert not out, what
        assert error.startswith("sohem: error: params.yaml: "), f"{what}: {error[:300]}"
        assert len(error.encode()) < 2000, f"{what}: {len(error)}"
        no_yaml = kind in ("broken", "cut_off") and re.search(r": (not YAML .*line \d|line \d+: not UTF-8)", error)
        assert named in error or no_yaml, f"{what} does not name {named}: {error[:300]}"
        assert error.replace("\n", "").isprintable(), what
        done[kind] += 1
    assert done.total() >= 400
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_the_file_as_it_is_passes():
    """Else the test above would pass with any message."""
    assert params.load(ROOT / "params.yaml") == yaml.safe_load(TEXT)
