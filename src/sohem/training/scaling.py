"""Training in float16: a scaled loss, so that small gradients do not vanish, and steps skipped where one overflows.

float16 has numbers from 6e-8 to 65504. torch's GradScaler multiplies the loss before the backward pass and divides the
gradients after it; it halves the factor when a gradient overflows, and doubles it after 2000 iterations without one.
"""

import sys
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.amp import GradScaler

from sohem.errors import TrainingError

LEAST = 1.0  # the smallest scale: below it the gradients themselves are too large for float16
OTHERS = "set scales.<scale>.precision: fp32 or bf16 (float16 ends at 65504)"  # what to do where float16 is too small


@dataclass
class Scaling:
    """The scale of a run's loss, and the iterations (from 1) of the steps that were skipped, one entry for each."""

    scaler: GradScaler
    skipped: list[int] = field(default_factory=list)

    def backward(self, loss: Tensor, optimiser: torch.optim.Optimizer, iteration: int) -> bool:
        """Leave the gradients with the weights, as ``loss.backward()`` does; whether the step may be taken.

        Where not, a gradient is not finite and the scale is lower now: the same iteration is to be done again. A loss
        that is not finite is let through, without gradients: no scale mends that, and whoever reads the losses says so.

        The step itself is the optimiser's own, taken by the caller, and never GradScaler's: when that skips the first
        step of torch's fused SGD, momentum starts from uninitialised memory (seen in torch 2.15).

        Args:
            optimiser: of the weights, without gradients yet.
            iteration: from 1, for messages.

        Raises:
            TrainingError: a gradient is not finite at the smallest scale either.
        """
        if not loss.isfinite():
            return True
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(optimiser)
        before = self.scaler.get_scale()
        self.scaler.update()
        scale = self.scaler.get_scale()
        if scale >= before:  # GradScaler tells in no other way that a gradient was not finite
            return True
        if scale < LEAST:
            raise TrainingError(
                f"iteration {iteration}: a gradient is not finite at a loss scale of {before:g} either. What was "
                f"done before it is kept. Lower scales.<scale>.train.lr in params.yaml, or {OTHERS}, then run the same "
                "command again."
            )
        self.skipped.append(iteration)
        print(f"iteration {iteration}: a gradient is not finite in float16; done again with a loss scale of {scale:g}",
              file=sys.stderr, flush=True)  # fmt: skip
        return False

    def state(self) -> dict[str, Any]:
        """As stored."""
        return {"scaler": self.scaler.state_dict(), "skipped": list(self.skipped)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state."""
        self.scaler.load_state_dict(state["scaler"])
        self.skipped = list(state["skipped"])


def scaling(precision: str, device: torch.device) -> Scaling | None:
    """For a run in float16; None for others, which need none: bfloat16 reaches as far as float32."""
    return Scaling(GradScaler(device.type)) if precision == "fp16" else None
