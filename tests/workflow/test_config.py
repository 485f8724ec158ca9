"""The ways to Snakemake's `config` beside params.yaml: --configfile and --config pass the same checks."""

import shlex

import pytest

from clones import Clone, standin

SPLIT = "snakemake --cores 1 --nocolor results/demo/data/voc/split.json"


@pytest.fixture(scope="module")
def clone(tmp_path_factory, server):
    folder = tmp_path_factory.mktemp("config")
    return Clone.new(folder / "clone", standin(folder / "bin", server))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("scales: {demo: {train: {lr: 0.1, lr: 0.2}}}", "over.yaml: scales.demo.train.lr: written twice"),
        ("run: {seeds: [1:30:00]}", 'over.yaml: run.seeds.0: "1:30:00" is read in different ways'),
        ("1: x", 'over.yaml: 1: the key "1" is no text'),
        ("scales: {demo: {test: {score: .nan}}}", "scales.demo.test.score: nan is no finite number"),
        ("scales: {demo: {train: {iterations: 6.0}}}", "scales.demo.train.iterations: 6.0 is not allowed"),
    ],
)
def test_a_mistake_in_a_configfile_ends_with_one_message(clone, content, message):
    """The last is equal to the value in params.yaml."""
    (clone.path / "over.yaml").write_text(content)
    shown = clone(f"{SPLIT} --dry-run --configfile over.yaml", status=2)
    assert message in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run={seeds: [1.0]}", "run.seeds.0: 1.0 is not allowed; expected a value of type integer"),
        ("run={seeds: [1], seeds: [2]}", "--config run: seeds: written twice"),
        ("run={seeds: [1", "--config run: not YAML"),
    ],
)
def test_a_mistake_in_the_config_option_ends_with_one_message(clone, words, message):
    shown = clone(f"{SPLIT} --dry-run --config {shlex.quote(words)}", status=2)
    assert message in shown
    assert "Traceback" not in shown


def test_numbers_in_the_config_option_stay_numbers_in_every_job(clone):
    clone(f"{SPLIT} --config {shlex.quote('datasets={voc: {demo: {miniature: {train: 7}}}}')}")
    assert set(clone.calls()) == {"fetch voc", "split voc"}
