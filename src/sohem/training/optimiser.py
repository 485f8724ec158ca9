"""SGD as in the Caffe solvers: step decay, twice the rate for biases, no weight decay on the head's biases."""

from typing import Any

import torch
from torch import nn

from sohem.settings import Train


def parameter_groups(model: nn.Module, settings: Train) -> list[dict[str, Any]]:
    """Trained weights and biases in two groups; ``multiplier`` scales the learning rate of a group.

    Args:
        settings: weight_decay and bias_lr are used.
    """
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    weights = [p for name, p in named if not name.endswith("bias")]
    convolution_biases = [p for name, p in named if name.endswith("bias") and not name.startswith("head.")]
    head_biases = [p for name, p in named if name.endswith("bias") and name.startswith("head.")]
    decay = settings.weight_decay
    return [
        {"params": weights, "weight_decay": decay, "multiplier": 1.0},
        {"params": convolution_biases, "weight_decay": decay, "multiplier": settings.bias_lr},
        {"params": head_biases, "weight_decay": 0.0, "multiplier": settings.bias_lr},
    ]


def learning_rate(iteration: int, settings: Train) -> float:
    """The rate at an iteration (from 0): Table 1's step decay, after a linear warm-up of ``warmup`` iterations."""
    rate = settings.lr * settings.gamma ** (iteration // settings.step)
    return rate * min(1.0, (iteration + 1) / (settings.warmup + 1))


def sgd(model: nn.Module, settings: Train) -> torch.optim.SGD:
    """The optimiser of a run."""
    groups = parameter_groups(model, settings)
    fused = groups[0]["params"][0].device.type == "cuda"  # one kernel that reads and writes each weight once
    return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, fused=fused)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the rate times its multiplier."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["multiplier"]
