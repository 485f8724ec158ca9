"""The files of examples/ lie over params.yaml as Snakemake lays them."""

from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from sohem import artifacts, schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def laid_over(path):
    given = yaml.safe_load((ROOT / "params.yaml").read_text())
    update_config(given, yaml.safe_load(path.read_text()))
    return given


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_allowed(path):
    given = laid_over(path)
    schema.validate(given, str(path))
    artifacts.check(given, str(path))


def test_no_two_examples_write_to_the_same_results():
    names = [laid_over(path)["run"].get("name") for path in EXAMPLES]
    assert len({name for name in names if name}) == len([name for name in names if name])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_comment_names_the_command_with_the_file(path):
    assert f"--configfile examples/{path.name}" in path.read_text()
