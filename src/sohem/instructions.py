"""The instruction sets that numerical libraries may use, so that a run gives the same bytes on another CPU.

torch and its libraries look at the CPU and take the widest instructions that it has; sums are then added in another
order, and after a training nothing is the same. Each library has a switch of its own, an environment variable that it
reads when it is loaded. They are set at the start of the command line, before anything is imported, for runs on a CPU
whose scale says ``instructions: avx2``. docs/decisions.md tells what is equal then, and how that was measured.

A variable that the user has set stays as it is. NumPy's switches cost nothing that one could measure, and no step is
better without them, so they are set for every step.
"""

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from sohem import notation
from sohem.errors import ParamsError

AVX2 = "avx2"
STEPS = ("pretrain", "train", "detect")  # what imports torch
# MKL has no setting under which Intel's and AMD's CPUs agree but this one. It multiplies matrices slowly, which is why
# detectors.linear leaves that to oneDNN.
TORCH = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}
NUMPY = {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR", "OPENBLAS_CORETYPE": "Haswell"}


def wanted(source: str | Path) -> str | None:
    """What the parameters ask for; None for a GPU, and where they do not say or cannot be read.

    Args:
        source: as ``--params`` has it, a YAML file or JSON. The step itself says what is wrong with it.
    """
    try:
        given = notation.of_option(source)
        at = given["scales"][given["scale"]]
        return at["instructions"] if at["device"] == "cpu" else None
    except (ParamsError, KeyError, TypeError):
        return None


def pin(chosen: str | None, able: bool | None, environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """Set the switches; to be called before torch and NumPy are imported.

    Args:
        chosen: avx2, or anything else for torch's libraries as they are.
        able: whether the CPU has AVX2 (and FMA, which comes with it); None: not known.
        environment: where the switches are set.

    Returns:
        Lines for the log: what could not be set as it was asked for.
    """
    if not able:
        if chosen != AVX2:
            return []
        why = "the system does not tell whether this CPU has AVX2" if able is None else "this CPU has no AVX2"
        return [f"instructions: avx2, but {why}: nothing is pinned, and numbers may differ from those of other CPUs"]
    lines = []
    for name, value in {**NUMPY, **(TORCH if chosen == AVX2 else {})}.items():
        if environment.setdefault(name, value) != value:
            lines.append(f"instructions: {name}={environment[name]} was set before and stays (pinned would be {value})")
    return lines


def used() -> dict[str, Any]:
    """What this process uses, for the provenance: ATen's level as torch reports it, and each library's switch."""
    import torch

    switches = {name: os.environ.get(name) for name in (*TORCH, *NUMPY)}
    return {"aten": torch.backends.cpu.get_cpu_capability(), "switches": switches}


def say(lines: list[str]) -> None:
    """Write lines to the log."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)
