"""RoI pooling and the RoI head: two hidden layers, class scores and class-specific box regression (Fast R-CNN)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import roi_align, roi_pool

from sohem.detectors.linear import Linear

# RoIAlign reads one point per bin: at stride 8 a bin is about one cell wide, and two points cost four times as much.
_POINTS = 1


def pool(features: Tensor, boxes: list[Tensor], size: int, stride: int, op: str) -> Tensor:
    """RoI features [R, C, size, size].

    Args:
        features: [N, C, H, W]; boxes: for each of the N images [R_n, 4] in its pixels.
        stride: pixels per cell; op: roi_pool (as published) or roi_align.
    """
    if op == "roi_pool":  # it rounds the first and the last pixel, and counts both in
        return roi_pool(features, [torch.cat([b[:, :2], b[:, 2:] - 1], dim=1) for b in boxes], size, 1 / stride)
    return roi_align(features, boxes, size, 1 / stride, sampling_ratio=_POINTS, aligned=True)


def dropout(x: Tensor, keep: Tensor | None, probability: float) -> Tensor:
    """Dropout with a given mask: ``x`` / (1 - ``probability``) where ``keep``, 0 elsewhere; no mask, no change."""
    return x if keep is None else x * keep / (1 - probability)


class RoIHead(nn.Module):
    """fc6, fc7, then scores of K + 1 classes (0 is background) and 4 box offsets for each of them."""

    box_mean: Tensor
    box_std: Tensor

    def __init__(self, channels: int, pool: int, hidden: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.fc6 = Linear(channels * pool * pool, hidden)
        self.fc7 = Linear(hidden, hidden)
        self.scores = Linear(hidden, classes + 1)
        self.offsets = Linear(hidden, 4 * (classes + 1))
        # Statistics of the regression targets: the head predicts (offset - mean) / std of its class.
        self.register_buffer("box_mean", torch.zeros(classes + 1, 4))
        self.register_buffer("box_std", torch.ones(classes + 1, 4))

    def initialise(self, generator: torch.Generator) -> None:
        """Scores from N(0, 0.01), offsets from N(0, 0.001), hidden layers from N(0, 2 / fan-in), biases 0."""
        for layer, std in ((self.scores, 0.01), (self.offsets, 0.001), (self.fc6, None), (self.fc7, None)):
            spread = std or (2 / layer.in_features) ** 0.5
            nn.init.normal_(layer.weight, std=spread, generator=generator)
            nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def fold_targets(self) -> None:
        """Let the offsets layer predict raw offsets: its weights take over the targets' spread and mean, as on saving.

        Afterwards ``box_mean`` is 0 and ``box_std`` 1. Training could not go on from such a layer.
        """
        std, mean = self.box_std.flatten(), self.box_mean.flatten()
        self.offsets.weight.mul_(std[:, None])
        self.offsets.bias.mul_(std).add_(mean)
        self.box_mean.zero_()
        self.box_std.fill_(1.0)

    def masks(self, count: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor] | tuple[None, None]:
        """What dropout keeps of fc6 and fc7, [count, hidden] each; none without a generator or at probability 0.

        torch's own dropout draws from the global generator, where a read-only pass would shift the real pass's masks.
        """
        if generator is None or self.dropout == 0:
            return None, None
        shape, device = (2, count, self.fc7.out_features), generator.device
        first, second = torch.rand(shape, generator=generator, device=device) >= self.dropout
        return first, second

    def hidden(self, pooled: Tensor, keep6: Tensor | None = None, keep7: Tensor | None = None) -> Tensor:
        """[R, hidden] of pooled features [R, C, P, P]; ``keep6`` and ``keep7`` are from `masks`."""
        x = dropout(F.relu(self.fc6(pooled.flatten(1))), keep6, self.dropout)
        return dropout(F.relu(self.fc7(x)), keep7, self.dropout)

    def forward(
        self, pooled: Tensor, keep6: Tensor | None = None, keep7: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits [R, K + 1] and normalised box offsets [R, K + 1, 4]; dropout is on where masks are given."""
        x = self.hidden(pooled, keep6, keep7)
        return self.scores(x), self.offsets(x).view(len(x), len(self.box_mean), 4)  # -1 is ambiguous without RoIs
