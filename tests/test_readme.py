"""What the README promises is there, and the numbers that it shows are those of results/demo."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


def test_the_table_shown_is_the_table_made():
    made = (ROOT / "results" / "demo" / "table3.md").read_text(encoding="utf-8")
    ours = re.search(r"(?:^\|.*\n)+", made, re.MULTILINE)
    assert ours is not None
    assert ours.group() in README


@pytest.mark.parametrize("name", ["make demo", "make test", "snakemake --cores 8 all", "dvc repro", "dvc metrics diff"])
def test_the_commands_are_named(name):
    assert name in README


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
