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
    return [file.removeprefix(f"{src.as_posix()}/sohem/") for file in files]


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
