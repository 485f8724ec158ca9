"""What is written so that readers of YAML differ, or that no parameter can be, is refused with its place."""

import json
import math

import pytest

from sohem import errors, notation
from sohem.errors import ClaimsError, ParamsError
from sohem.oddities import oddities


def read(text: str):
    return notation.of_yaml(text, "p.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment", None),
        ("a: [1, -2, +3, 0]", {"a": [1, -2, 3, 0]}),
        ("a: [1.5, 1.0e-5, .5, 2.]", {"a": [1.5, 1e-5, 0.5, 2.0]}),
        ("a: [true, False, null, ~]", {"a": [True, False, None, None]}),
        ("a: ['010', \"1e-5\", '.nan', 'yes', '']", {"a": ["010", "1e-5", ".nan", "yes", ""]}),
        ("a: |\n  010\n", {"a": "010\n"}),
        ("'1': x", {"1": "x"}),
        ("a: &x {b: [1]}\nc: *x", {"a": {"b": [1]}, "c": {"b": [1]}}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
    ],
)
def test_plain_yaml_means_what_it_says(text, value):
    assert read(text) == value
    assert json.dumps(read(text)) == json.dumps(value)  # 1 is not 1.0, and the order of keys counts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {b: 1,\n  b: 2}", "a.b: written twice (first in line 1); keep one, or give one another name (line 2)"),
        ("1: x", 'p.yaml: 1: the key "1" is no text; put it into quotes (line 1)'),
        ("a:\n  true: x", 'p.yaml: a.true: the key "true" is no text; put it into quotes (line 2)'),
        ("2026-01-01: x", 'the key "2026-01-01" is no text'),
        ("~: x", 'p.yaml: ~: the key "~" is no text'),
        ("? [a]\n: x", "p.yaml: line 1: a key is no plain text; give it a name"),
        ("a: [x, 010]", 'p.yaml: a.1: "010" is read in different ways; write a number as 12 or 1.0e-5'),
        *((f"a: {word}", f'p.yaml: a: "{word}" is read in different ways') for word in
          ("1:30:00", "0x1F", "0o17", "1_000", "1e-5", "1.5e3", "-.5", "yes", "Off", "2026-01-01", "=")),
        ("a: !!int x", "p.yaml: a: has the tag tag:yaml.org,2002:int; write the value alone (line 1)"),
        ("a: !!timestamp x", "has the tag tag:yaml.org,2002:timestamp"),
        ("a: !!python/object/apply:os.getcwd []", "has the tag tag:yaml.org,2002:python/object/apply:os.getcwd"),
        ("a: &x [*x]", "p.yaml: a.0: *x names nothing that is complete before it; write the value out (line 1)"),
        ("a: *x", "*x names nothing"),
        ("a: " + "[" * 3000, "more than 30 values within each other (line 1)"),
        ("a: &a [x,x]\nb: &b [*a,*a]\n" + "".join(f"{chr(c + 1)}: &{chr(c + 1)} [{','.join([f'*{chr(c)}'] * 9)}]\n"
         for c in range(ord("b"), ord("k"))), "more than 100,000 values"),
        ("a: &a [x]\n" + "".join(f"{chr(c + 1)}: &{chr(c + 1)} [[*{chr(c)}]]\n" for c in range(ord("a"), ord("z"))),
         "p.yaml: p.0.0: more than 30 values within each other (line 16)"),
        ("a: 1\n---\nb: 1", "p.yaml: line 2: a second document begins; keep one"),
        ("a: [1, 2", "p.yaml: not YAML"),
        ("a: 1\nb: 'x\0'", "p.yaml: line 2: holds the control character U+0000; take it out"),
        ("a: {<<: 3}", "a.<<: expected a mapping, or a list of them"),
    ],
)  # fmt: skip
def test_what_could_be_taken_for_something_else_is_named_with_its_place(text, message):
    with pytest.raises(ParamsError) as caught:
        read(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"a": [0.5, math.nan]}, "a.1: nan is no finite number; write a number"),
        ({"a": read("-.inf")}, "a: -inf is no finite number; write a number"),
        ({"a": read("1.0e+999")}, "a: inf is no finite number; write a number"),
        ({"a": read("9" * 5000)}, "a: the number is too large; at most 9223372036854775807 is allowed"),
        ({"a": read(r'"x\0"')}, 'a: "x\\u0000" holds the control character U+0000; take it out'),
        ({"a": {read(r'"\e[2J"'): 1}}, 'a."\\u001b[2J": the key holds the control character U+001B; take it out'),
        ({"a": "\ud800"}, 'a: "\\ud800" holds the control character U+D800; take it out'),
        ({"a": {1: 2}}, "a.1: the key 1 is no text; put it into quotes"),
        ({"a": (1, 2)}, "a: a tuple is neither text nor number, list nor mapping; put text into quotes"),
        ({"x" * 5000: 1}, f"{'x' * 221} ... {'x' * 75}: the key has 5,000 letters; at most 4,096 are allowed"),
    ],
)
def test_no_file_of_ours_holds_this_whoever_read_it(value, line):
    assert list(oddities(value)) == [line.replace("x" * 221, "x" * 220)]


def test_a_value_within_itself_is_found_where_someone_else_read_it():
    value: dict = {}
    value["a"] = value
    (line,) = oddities(value)
    assert line.endswith("more than 30 values within each other")


def test_line_breaks_and_letters_of_any_script_are_text():
    assert not list(oddities({"Katze_猫": "Zeile\tund\nZeile €"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "--params: a: written twice; keep one"),
        ('{"a": 1', "--params: not JSON (Expecting"),
        ('{"a":' * 5000, "--params: not JSON (more than 30 values within each other)"),
    ],
)
def test_json_is_read_as_strictly(text, message):
    with pytest.raises(ParamsError) as caught:
        notation.of_option(text)
    assert message in str(caught.value)
    assert math.isnan(notation.of_option('{"a": NaN}')["a"])  # left to `oddities`, which knows its key


def test_a_file_that_is_none_of_ours_is_named(tmp_path):
    file = tmp_path / "p.yaml"
    for content, message in [
        (b"a: 1\nb: \xff", "p.yaml: line 2: not UTF-8 (byte 0xff); save the file as UTF-8 text"),
        (b"a: " + b"x" * 1_000_000, "p.yaml: larger than 1 MB, so it cannot be such a file"),
    ]:
        file.write_bytes(content)
        with pytest.raises(ClaimsError) as caught:
            notation.read(file, ClaimsError)
        assert message in str(caught.value)
    with pytest.raises(ParamsError, match=r"Is a directory; name another file"):
        notation.read(tmp_path)
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\n")  # as Windows' editors save it
    assert notation.read(file) == {"a": 1}


def test_a_file_of_json_is_read_as_json(tmp_path):
    (tmp_path / "p.json").write_text('{"lr": 1e-05}')
    assert notation.read(tmp_path / "p.json") == {"lr": 1e-5}


def test_a_message_stays_short_and_keeps_both_ends():
    for letter in ("x", "€", "猫"):
        shown = str(ParamsError(f"p.yaml: {letter * 100_000}; write less"))
        assert len(shown.encode()) <= errors.LONGEST
        assert shown.startswith(f"p.yaml: {letter}")
        assert shown.endswith(f"{letter}; write less")


def test_of_many_mistakes_the_first_are_shown_and_the_others_counted():
    text = errors.of_lines("p.yaml", [f"key{i}: wrong" for i in range(1000)])
    first, *_, last = text.splitlines()
    assert first == "p.yaml: key0: wrong"
    assert last == f"p.yaml: {1000 - len(text.splitlines()) + 1} more mistakes"
    assert len(text) < errors.LONGEST
