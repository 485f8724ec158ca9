"""A YAML document, read so that nothing is taken for something else.

A reader of YAML may quietly keep the last of two equal keys, take ``010`` for 8 or for 10 and ``1e-5`` for text or for
a number: Snakemake and DVC, which read params.yaml beside this program, differ in such things. They are refused here,
with their place in the file.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import yaml

from sohem.errors import SohemError, shortened
from sohem.oddities import DEEPEST, named, shown

MOST = 100_000  # values in a document, those that *aliases repeat included

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former is a hundred times as fast
RESOLVER = yaml.resolver.Resolver()
TEXT = "tag:yaml.org,2002:str"
MERGE = "<<"

NULL = ("", "~", "null", "Null", "NULL")
BOOLEAN = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?|\.[0-9]+([eE][-+][0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# What version 1.2 of YAML, which DVC reads, takes for a number and version 1.1, which Snakemake reads, for text.
NUMBER_IN_1_2 = re.compile(r"[-+]?(0o[0-7]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)")


class Document:
    """The value of one YAML document, built from the parser's events: these say how and where a thing is written."""

    def __init__(self, text: str, name: str, error: type[SohemError]):
        self.events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
        self.name, self.error = name, error
        self.anchors: dict[str, tuple[Any, int]] = {}  # name -> its value, and how many values that is made of
        self.made = 0

    def read(self) -> Any:
        next(self.events)  # the stream starts
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        value = self.value(next(self.events), ())
        next(self.events)  # the document ends
        more = next(self.events)
        if isinstance(more, yaml.DocumentStartEvent):
            self.refuse((), more, "a second document begins; keep one")
        return value

    def refuse(self, path: Iterable[str], event: Any, what: str) -> NoReturn:
        line = f"line {event.start_mark.line + 1}"
        key = named(path)
        raise self.error(f"{self.name}: {key}: {what} ({line})" if key else f"{self.name}: {line}: {what}")

    def value(self, event: Any, path: tuple[str, ...]) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self.repeated(event, path)
        self.count(1, len(path), event, path)
        if event.tag is not None:
            self.refuse(path, event, f"has the tag {shortened(event.tag, 60)}; write the value alone")
        self.anchors.pop(event.anchor, None)  # until this value is complete its name stands for nothing
        before = self.made
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self.mapping(path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                value.append(self.value(item, (*path, str(len(value)))))
        else:
            value = self.scalar(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, self.made - before + 1
        return value

    def count(self, more: int, depth: int, event: Any, path: tuple[str, ...]) -> None:
        self.made += more
        if depth > DEEPEST:
            self.refuse(path, event, f"more than {DEEPEST} values within each other")
        if self.made > MOST:
            self.refuse(path, event, f"more than {MOST:,} values")

    def repeated(self, event: Any, path: tuple[str, ...]) -> Any:
        if event.anchor not in self.anchors:
            alias = f"*{shortened(event.anchor, 60)}"
            self.refuse(path, event, f"{alias} names nothing that is complete before it; write the value out")
        value, size = self.anchors[event.anchor]
        self.count(size, len(path) + _height(value), event, path)
        return copy.deepcopy(value)

    def mapping(self, path: tuple[str, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, path)
            if key in lines:
                what = f"written twice (first in line {lines[key]}); keep one, or give one another name"
                self.refuse((*path, key), event, what)
            lines[key] = event.start_mark.line + 1
            found[key] = self.value(next(self.events), (*path, key))
        merged = found.pop(MERGE, [])
        for part in merged if isinstance(merged, list) else [merged]:
            if not isinstance(part, dict):
                self.refuse((*path, MERGE), event, "expected a mapping, or a list of them")
            found = {**part, **found}
        return found

    def key(self, event: Any, path: tuple[str, ...]) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
            self.refuse(path, event, "a key is no plain text; give it a name")
        plain = event.implicit[0] and event.value != MERGE
        if plain and (event.value == "" or not _is_text(event.value)):
            self.refuse((*path, event.value), event, f"the key {shown(event.value)} is no text; put it into quotes")
        return event.value

    def scalar(self, event: Any, path: tuple[str, ...]) -> Any:
        text: str = event.value
        if not event.implicit[0]:  # in quotes, or a block of text
            return text
        if text in NULL:
            return None
        if text in BOOLEAN:
            return BOOLEAN[text]
        if WHOLE.fullmatch(text):
            return int(text[:100])  # as in `of_json`; `oddities` finds it
        if DECIMAL.fullmatch(text):
            return float(text)
        if NOT_FINITE.fullmatch(text):
            return float(text.replace(".", ""))
        if not _is_text(text):
            advice = "write a number as 12 or 1.0e-5, a switch as true or false, text in quotes"
            self.refuse(path, event, f"{shown(text)} is read in different ways; {advice}")
        return text


def _height(value: Any) -> int:
    """How many values lie within each other in a complete one."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + _height(item) for item in items), default=0)


def _is_text(plain: str) -> bool:
    """Whether every version of YAML takes this for text."""
    of_1_1 = RESOLVER.resolve(yaml.ScalarNode, plain, (True, False))
    return of_1_1 == TEXT and not NUMBER_IN_1_2.fullmatch(plain)
