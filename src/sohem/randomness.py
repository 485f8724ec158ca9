"""Random streams as a pure function of the seed and of what the numbers are for.

A stream of its own for every purpose and iteration means that there is no generator state to carry along: the
iteration number is the state. A resumed run draws the same numbers as an uninterrupted one, and a draw more in the
read-only pass cannot shift the draws of the real pass.
"""

import hashlib

import torch


def stream(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator for one purpose, such as ``stream(0, "dropout", iteration)``."""
    digest = hashlib.sha256("/".join(map(str, (seed, *purpose))).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "big"))


def epoch_order(seed: int, epoch: int, count: int) -> torch.Tensor:
    """The order [count] in which an epoch visits its images."""
    return torch.randperm(count, generator=stream(seed, "order", epoch))
