"""What a training takes, over all sessions that it was stopped and resumed in."""

import sys
from types import SimpleNamespace

import pytest
import torch

from sohem.training import cost


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(cost, "time", made)
    return made


def test_seconds_and_joules_add_up_over_sessions(clock):
    card = {"joules": 5000.0}
    first = cost.Meter(lambda: card["joules"])
    clock.now, card["joules"] = 110.0, 5600.0
    saved = first.total()
    assert saved == {"sessions": 1, "seconds": 10.0, "joules": 600.0}

    clock.now, card["joules"] = 500.0, 9000.0  # what the card does between the sessions is not the run's
    second = cost.Meter(lambda: card["joules"], saved)
    clock.now, card["joules"] = 502.5, 9100.0
    assert second.total() == {"sessions": 2, "seconds": 12.5, "joules": 700.0}


def test_energy_that_was_not_counted_in_every_session_is_not_known(clock):
    first = cost.Meter(lambda: None).total()
    assert first["joules"] is None
    assert cost.Meter(lambda: 1.0, first).total()["joules"] is None


def test_a_cpu_has_no_counter():
    assert cost.counter_of(torch.device("cpu"))() is None


class NVMLError(Exception):
    pass


def nvml(monkeypatch, reading):
    """Stands in for NVIDIA's library; ``reading`` gives the card's energy in millijoules."""
    library = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda name: name,
        nvmlDeviceGetTotalEnergyConsumption=reading,
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="12-ab"))
    return cost.counter_of(torch.device("cuda", 0))


def test_a_gpu_s_counter_is_read_in_joules_by_the_card_s_own_name(monkeypatch):
    assert nvml(monkeypatch, {"GPU-12-ab": 7_250}.__getitem__)() == 7.25


def test_a_gpu_without_counter_is_not_measured(monkeypatch):
    def refused(card):
        raise NVMLError("not supported")

    assert nvml(monkeypatch, refused)() is None


def test_no_library_no_measurement(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)  # import raises ImportError
    assert cost.counter_of(torch.device("cuda", 0))() is None


def test_the_machine_of_a_run():
    found = cost.machine(torch.device("cpu"), 2)
    assert found["threads"] == 2
    assert found["cores"] >= 1
    assert found["gpu"] is None
    assert {"vendor", "avx2", "avx512f", "caches"} <= set(found["processor"])
    assert found["instructions"]["aten"] == torch.backends.cpu.get_cpu_capability()
