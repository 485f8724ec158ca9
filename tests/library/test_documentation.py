"""The examples of docs/torchvision.md run, one after the other, and say what the text says."""

import re
from pathlib import Path

import torch

PAGE = Path(__file__).parents[2] / "docs" / "torchvision.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names: dict[str, object] = {}
    for block in BLOCKS:
        line = TEXT[: TEXT.index(block)].count("\n")
        exec(compile("\n" * line + block, PAGE, "exec"), names)
    printed = capsys.readouterr().out
    assert re.fullmatch(r"epoch 0: step 2 of 4, beta \d+\.\d\d\nepoch 1: step 4 of 4, beta \d+\.\d\d\n", printed), (
        printed
    )
    assert (tmp_path / "checkpoint.pt").is_file()


def test_the_example_for_an_own_head_has_twenty_lines():
    assert len(BLOCKS) == 5
    assert "select(" in BLOCKS[-1]
    assert len([line for line in BLOCKS[-1].splitlines() if line.strip()]) == 20


def test_links_exist():
    for target in re.findall(r"\]\(([^)#:]+)[)#]", TEXT):
        assert (PAGE.parent / target).exists(), target
