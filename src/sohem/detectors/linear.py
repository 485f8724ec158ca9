"""A fully connected layer that computes the same bytes on every x86-64 CPU with AVX2 (see ``sohem.instructions``).

torch multiplies matrices with MKL, which goes one way on Intel's CPUs and another on AMD's; the only setting that
gives both the same bytes, ``MKL_CBWR=COMPATIBLE``, takes 2.3 times as long. oneDNN computes the convolutions anyway,
keeps to the instruction set that it is told, and is as fast as MKL. docs/decisions.md has the measurements.
"""

from typing import Any

import torch
from torch import Tensor, nn


class Linear(nn.Linear):
    """``nn.Linear``, through oneDNN for float32 on a CPU; as torch does it everywhere else."""

    def forward(self, x: Tensor) -> Tensor:
        """[R, out] of [R, in]."""
        return _OneDNN.apply(x, self.weight, self.bias) if _fits(x, self.weight) else super().forward(x)


def _fits(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN is to be asked: not for other types, devices, autocast or compilation, nor for no RoI at all."""
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.ndim == 2
        and len(x) > 0
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # not in every build of torch
    )


class _OneDNN(torch.autograd.Function):
    """x weight^T + bias, and its three gradients, each one inner product of oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        gradient = gradient.contiguous()
        return (
            _product(gradient, weight.t()) if of_x else None,
            _product(gradient.t(), x.t()) if of_weight else None,
            gradient.sum(0) if of_bias else None,
        )


def _product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """[M, N] = a [M, K] b [N, K]^T + bias [N]."""
    return torch.ops.mkldnn._linear_pointwise(a, b, bias, "none", [], "")
