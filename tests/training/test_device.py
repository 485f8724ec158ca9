from types import SimpleNamespace

import pytest
import torch

from sohem.errors import TrainingError
from sohem.training import device


def test_the_cpu_needs_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with device.claimed("cpu", 1) as chosen:
        assert device.describe(chosen) == "cpu"
    assert not list(tmp_path.iterdir())


def test_no_gpu_is_said_in_words(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="no usable GPU was found"), device.claimed("cuda", 1):
        pass


def test_the_reason_is_told(monkeypatch):
    def init():
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).\nSee ...")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", init)
    with pytest.raises(TrainingError, match=r"driver on your system is too old \(found version 11040\)\)\. Install"):
        device.claimed("cuda", 1).__enter__()


def card(monkeypatch, name, capability):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    return torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("name", "capability", "best"),
    [("Tesla V100", (7, 0), "fp16"), ("Tesla T4", (7, 5), "fp16"), ("A100", (8, 0), "bf16"), ("H100", (9, 0), "bf16")],
)
def test_auto_takes_what_the_card_has(monkeypatch, name, capability, best):
    chosen = card(monkeypatch, name, capability)
    assert device.precision("auto", chosen) == best
    assert [device.precision(given, chosen) for given in ("fp32", "fp16")] == ["fp32", "fp16"]


def test_auto_is_the_reference_on_a_cpu_and_nothing_else_changes_there():
    given = ["auto", "fp32", "bf16", "fp16"]
    assert [device.precision(name, torch.device("cpu")) for name in given] == ["fp32", "fp32", "bf16", "fp16"]


def test_bf16_on_a_card_without_it_is_refused(monkeypatch):
    with pytest.raises(
        TrainingError, match=r"the Tesla T4 has no bfloat16 .* Set scales.<scale>.precision .* to fp16, or"
    ):
        device.precision("bf16", card(monkeypatch, "Tesla T4", (7, 5)))
    assert device.precision("bf16", card(monkeypatch, "A100", (8, 0))) == "bf16"


def test_runs_side_by_side_get_different_gpus(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=f"card-{index}"))
    with device.claimed("cuda", 1) as first, device.claimed("cuda", 1) as second:
        assert (first.index, second.index) == (0, 1)
        with device.claimed("cuda", 1) as third:
            assert third.index == 0
        assert "shares the first" in capsys.readouterr().err
    with device.claimed("cuda", 1) as again:
        assert again.index == 0
