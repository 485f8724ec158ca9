"""What the README promises is there, and the numbers that it shows are those of results/."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


TABLES = ["photographs/paper/animals_ablation_table.md", "demo/paper/table3.md"]  # in the README's order


@pytest.mark.parametrize("name", TABLES)
def test_the_table_shown_is_the_table_made(name):
    assert made(name) in README, f"copy the table of results/{name} into README.md"


def test_real_photographs_come_first():
    photographs, demo = (README.index(made(name)) for name in TABLES)
    assert README.index("![") < photographs < demo


def made(name):
    """The table as committed: a run on another machine or with other parameters need not change the README."""
    command = ["git", "show", f"HEAD:results/{name}"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if shown.returncode:
        pytest.skip("the table is not in git here")
    ours = re.search(r"(?:^\|.*\n)+", shown.stdout, re.MULTILINE)
    assert ours is not None
    return ours.group()


@pytest.mark.parametrize("name", ["make demo", "make test", "snakemake --cores 8 all", "dvc repro", "dvc metrics diff"])
def test_the_commands_are_named(name):
    assert name in README


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
