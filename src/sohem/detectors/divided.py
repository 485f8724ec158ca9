"""A layer without weights."""

from torch import Tensor, nn


class Divided(nn.Module):
    """Divides by a constant: for features that are larger than the layers drawn behind them expect."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        """``x`` of any shape, divided."""
        return x / self.by

    def extra_repr(self) -> str:
        """The constant: what is kept of frozen layers is told apart by what they print."""
        return f"by={self.by:g}"
