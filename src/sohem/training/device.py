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
    # fp32 is the reference: no rounding to TF32 behind its back. bf16 is a parameter.
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


def describe(device: torch.device) -> str:
    """For the provenance: cpu, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
