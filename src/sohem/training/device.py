"""The device of a run: the CPU, or a GPU that no other run of this user holds."""

import fcntl
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from sohem.errors import TrainingError


@contextmanager
def claimed(name: str, threads: int) -> Iterator[torch.device]:
    """Yield the device to compute on, and keep other runs off it until the block ends.

    Snakemake counts GPUs but does not say which one a job has. So each GPU has a lock file; a run takes the first that
    is free, and the system frees the lock however the run ends. If all are taken, the first is shared.

    Args:
        name: ``scales.*.device``, cpu or cuda; threads: CPU threads of this process.

    Raises:
        TrainingError: a GPU is asked for and there is none.
    """
    torch.set_num_threads(threads)
    if name == "cpu":
        yield torch.device("cpu")
        return
    if not torch.cuda.is_available():
        raise TrainingError(
            f"device: cuda, but no usable GPU was found ({_why_not()}). Install or update its driver, or set "
            "scales.<scale>.device: cpu in params.yaml"
        )
    # fp32 is the reference: no rounding to TF32 behind its back. Less is a parameter (`precision`).
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    for index in range(torch.cuda.device_count()):
        with _lock_file(index).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield torch.device("cuda", index)
            return
    print("every GPU is held by another run; this one shares the first", file=sys.stderr)
    yield torch.device("cuda", 0)


def _why_not() -> str:
    """What torch says about the missing GPU: no driver, one that is too old, a build for CPUs."""
    try:
        with warnings.catch_warnings(record=True):
            torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return str(error).splitlines()[0].rstrip(".")
    return "torch gives no reason"


def _lock_file(index: int) -> Path:
    """Named by the card itself, since an index depends on which cards the process is shown."""
    card = getattr(torch.cuda.get_device_properties(index), "uuid", index)
    return Path(tempfile.gettempdir()) / f"sohem-{os.getuid()}-gpu-{card}.lock"


def precision(wanted: str, device: torch.device) -> str:
    """What ``scales.*.precision`` stands for on a device: fp32, bf16 or fp16.

    auto is bf16 on a GPU that has it, fp16 on another one, fp32 on a CPU.

    Raises:
        TrainingError: bf16 on a GPU without it, where torch would emulate it slowly.
    """
    # NVIDIA's have it from compute capability 8.0 on (Ampere); AMD's that torch runs on all do, and count from 9.0.
    # torch.cuda.is_bf16_supported says the same, but only of the current device.
    lacking = device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0)
    if wanted == "auto":
        return "fp32" if device.type == "cpu" else "fp16" if lacking else "bf16"
    if wanted == "bf16" and lacking:
        raise TrainingError(
            f"precision: bf16, but the {describe(device)} has no bfloat16 (compute capability 8.0, Ampere, or later "
            "does). Set scales.<scale>.precision in params.yaml to fp16, or to auto, which takes what each card has"
        )
    return wanted


def describe(device: torch.device) -> str:
    """For the provenance: cpu, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
