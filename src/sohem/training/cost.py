"""What a training takes: its wall time, and its energy where the device counts that; and on which machine."""

import os
import time
from collections.abc import Callable
from typing import Any

import torch

from sohem import instructions, processor

Cost = dict[str, Any]


class Meter:
    """Counts from now on, on top of what earlier sessions of the same run took.

    The time from the last saved state of a session to its kill is in no count: what was done in it is lost too.

    Args:
        counter: joules that the device has used since some moment in the past, None where it does not say.
        before: the total that was stored with the state, if the run goes on from one.
    """

    def __init__(self, counter: Callable[[], float | None], before: Cost | None = None):
        self.counter = counter
        self.before = before or {"sessions": 0, "seconds": 0.0, "joules": 0.0}
        self.began, self.at_first = time.monotonic(), counter()

    def total(self) -> Cost:
        """sessions (starts of the command), seconds, and joules: None unless they were counted in every session."""
        now, earlier = self.counter(), self.before["joules"]
        counted = now is not None and self.at_first is not None and earlier is not None
        return {
            "sessions": self.before["sessions"] + 1,
            "seconds": round(self.before["seconds"] + time.monotonic() - self.began, 1),
            "joules": round(earlier + now - self.at_first, 1) if counted else None,
        }


def counter_of(device: torch.device) -> Callable[[], float | None]:
    """The energy counter of a device, in joules: of the whole card, whoever uses it (NVML; Volta and later have one).

    None always for a CPU, without NVML, and for a card or part of a card that has no counter.
    """
    if device.type != "cuda":
        return lambda: None
    try:
        import pynvml
    except ImportError:
        return lambda: None
    try:
        pynvml.nvmlInit()
        card = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(card)
    except (AttributeError, pynvml.NVMLError):  # an older torch does not tell the card's UUID
        return lambda: None
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(card) / 1000  # from millijoules


def machine(device: torch.device, threads: int) -> dict[str, Any]:
    """The processor and the GPU that a run had: names, cores that it may use, threads and instructions that it uses."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    names = {"cpu": processor.name(), "cores": cores, "threads": threads, "gpu": gpu}
    return {**names, "processor": processor.describe(), "instructions": instructions.used()}
