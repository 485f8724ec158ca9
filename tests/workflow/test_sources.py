import pytest

from sohem import sources


def write(folder, **files):
    for name, text in files.items():
        path = folder / "sohem" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def src(tmp_path):
    write(
        tmp_path,
        commands__draw="import numpy\nfrom sohem import errors, files\nfrom sohem.shapes import circle",
        shapes__circle="def area():\n    from sohem import numbers\n    return numbers.PI",
        shapes__square="from .circle import area",
        commands__measure="import sohem.shapes.square as square",
        numbers="PI = 3",
        files="from sohem import errors",
        errors="",
    )
    (tmp_path / "sohem" / "shapes" / "__init__.py").write_text('"""Shapes."""')
    (tmp_path / "sohem" / "__init__.py").write_text('"""The package."""')
    return tmp_path


def names(files, src):
    return [file.relative_to(src / "sohem").as_posix() for file in files]


def test_imports_are_followed_into_functions_but_not_into_the_frame(src):
    expected = ["commands/draw.py", "numbers.py", "shapes/__init__.py", "shapes/circle.py"]
    assert names(sources.of_steps("draw", src=src), src) == expected


def test_relative_imports_are_followed(src):
    expected = ["commands/measure.py", "numbers.py", "shapes/__init__.py", "shapes/circle.py", "shapes/square.py"]
    assert names(sources.of_steps("measure", src=src), src) == expected


def test_several_steps_give_the_union(src):
    both = {*sources.of_steps("draw", src=src), *sources.of_steps("measure", src=src)}
    assert sources.of_steps("draw", "measure", src=src) == sorted(both)


def test_an_unknown_step_is_named(src):
    with pytest.raises(FileNotFoundError, match=r"sohem\.commands\.paint"):
        sources.of_steps("paint", src=src)


def test_a_package_that_finds_its_modules_itself_imports_all_of_them(src):
    write(src, commands__list="import sohem.kinds", kinds__one="from sohem.numbers import PI", kinds__two="")
    assert names(sources.of_steps("list", src=src), src) == ["commands/list.py"]
    (src / "sohem" / "kinds" / "__init__.py").write_text("import pkgutil\nNAMES = list(pkgutil.iter_modules(__path__))")
    sources._imports.cache_clear()
    expected = ["commands/list.py", "kinds/__init__.py", "kinds/one.py", "kinds/two.py", "numbers.py"]
    assert names(sources.of_steps("list", src=src), src) == expected


CODE = '''"""What it is."""


def area(radius):
    """The area."""
    return 3 * radius**2  # nearly
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("What it is", "What it does", True),
        ('"""The area."""', '"""The area,\n\n    in pixels."""', True),
        ('    """The area."""\n', "", True),
        ("  # nearly", "", True),
        ("3 * radius**2", "(3 * radius**2)", True),
        ("def area(radius):", "def area(\n    radius,\n):", True),
        ("3 *", "3.14 *", False),
        ("3 *", "3 +", False),
        ("radius", "r", False),
        ('"""The area."""', 'print("The area.")', False),
    ],
)
def test_the_fingerprint_follows_what_the_code_says(src, old, new, same):
    assert old in CODE
    prints = []
    for text in (CODE, CODE.replace(old, new)):
        write(src, shapes__circle=text)
        for cached in (sources._parsed, sources._meaning, sources._imports):
            cached.cache_clear()
        prints.append(sources.fingerprints(src))
    assert (prints[0]["measure"] == prints[1]["measure"]) == same
    assert (prints[0]["draw"] == prints[1]["draw"]) == same  # through its import
    assert len(prints[0]["draw"]) == 16


def test_what_is_kept_of_a_file_counts_only_for_its_content(src):
    before = sources.fingerprints(src)
    kept = src / "sohem/shapes/__pycache__/circle.said.json"
    assert kept.is_file()
    for damage in (b"\xff", b"[]", b'{"checksum": "0"}'):
        kept.write_bytes(damage)
        sources._parsed.cache_clear()
        sources._meaning.cache_clear()
        assert sources.fingerprints(src) == before
    whole = kept.read_bytes()
    for place in range(0, len(whole), 7):
        kept.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        sources._parsed.cache_clear()
        sources._meaning.cache_clear()
        assert sources.fingerprints(src) == before
    kept.unlink()
    kept.parent.chmod(0o500)  # where nothing can be kept, nothing is lost
    sources._parsed.cache_clear()
    assert sources.fingerprints(src) == before
    kept.parent.chmod(0o700)
