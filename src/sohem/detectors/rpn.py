"""The region proposal network of Faster R-CNN (Ren et al. 2015), trained jointly."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_iou, clip_boxes_to_image, nms

from sohem import settings
from sohem.boxes import covered_share, decode, encode
from sohem.mining.losses import smooth_l1
from sohem.mining.select import random_sample


def anchor_shapes(ratios: Sequence[float], sizes: Sequence[float], base: int | None = None) -> Tensor:
    """Widths and heights [A, 2]: for every size (square root of the area) and every ratio (height / width).

    With ``base`` the sides are rounded at that size, the height after the width, and then enlarged, which gives
    py-faster-rcnn's nine anchors (base 16: 184 x 96 where exact sides are 181 x 91).
    """
    if base is None:
        return torch.tensor([(size / ratio**0.5, size * ratio**0.5) for size in sizes for ratio in ratios])
    widths = [round(base / ratio**0.5) for ratio in ratios]
    units = [(width, round(width * ratio)) for width, ratio in zip(widths, ratios, strict=True)]
    return torch.tensor([(w * size / base, h * size / base) for size in sizes for w, h in units])


def anchors(shapes: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Anchors [height * width * A, 4] centred on the cells of a feature map, the A of a cell next to each other."""
    y = (torch.arange(height, device=shapes.device) + 0.5) * stride
    x = (torch.arange(width, device=shapes.device) + 0.5) * stride
    centre = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).view(-1, 1, 2)
    return torch.cat([centre - shapes / 2, centre + shapes / 2], dim=-1).view(-1, 4)


def label_anchors(
    boxes: Tensor, targets: Tensor, ignored: Tensor, inside: Tensor, positive: float, negative: float
) -> tuple[Tensor, Tensor]:
    """Labels [A] (1 object, 0 background, -1 neither) and the best target's index [A] of each anchor.

    An anchor is an object from IoU ``positive`` on or where it is a target's best, background under ``negative``;
    anchors that cross the border or lie mostly in an ignored region are neither.
    """
    labels = torch.full((len(boxes),), -1, dtype=torch.long, device=boxes.device)
    if len(targets) == 0:
        labels[:] = 0
        matched = torch.zeros_like(labels)
    else:
        iou = box_iou(boxes, targets) * inside[:, None]
        best, matched = iou.max(dim=1)
        labels[best < negative] = 0
        best_of_target = iou.max(dim=0).values
        labels[((iou == best_of_target) & (best_of_target > 0)).any(dim=1)] = 1
        labels[best >= positive] = 1
    labels[~inside] = -1
    labels[(labels == 0) & (covered_share(boxes, ignored) > 0.5)] = -1
    return labels, matched


class RPN(nn.Module):
    """A 3x3 convolution, then two scores (background, object) and four offsets for each anchor."""

    shapes: Tensor

    def __init__(self, channels: int, chosen: settings.RPN) -> None:
        super().__init__()
        self.settings = chosen
        count = len(chosen.ratios) * len(chosen.sizes)
        self.convolution = nn.Conv2d(channels, chosen.hidden, 3, padding=1)
        self.scores = nn.Conv2d(chosen.hidden, 2 * count, 1)
        self.offsets = nn.Conv2d(chosen.hidden, 4 * count, 1)
        shapes = anchor_shapes(chosen.ratios, chosen.sizes, chosen.base)
        self.register_buffer("shapes", shapes, persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """All layers from N(0, 0.01), biases 0."""
        for layer in (self.convolution, self.scores, self.offsets):
            nn.init.normal_(layer.weight, std=0.01, generator=generator)
            nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]

    def forward(self, features: Tensor, stride: int) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [A, 2], offsets [A, 4] and anchors [A, 4] for one image's features [1, C, H, W]."""
        x = F.relu(self.convolution(features))
        logits = self.scores(x).permute(0, 2, 3, 1).reshape(-1, 2)
        offsets = self.offsets(x).permute(0, 2, 3, 1).reshape(-1, 4)
        return logits, offsets, anchors(self.shapes, features.shape[2], features.shape[3], stride)

    @torch.no_grad()
    def proposals(
        self,
        logits: Tensor,
        offsets: Tensor,
        boxes: Tensor,
        size: tuple[int, int],
        scale: float,
        keep: settings.Kept,
    ) -> Tensor:
        """The best ``keep.after`` boxes [R, 4] after NMS among the ``keep.before`` of highest score.

        Args:
            size: height and width of the (resized) image.
            scale: of the resized image to the original; the smallest side allowed is ``min_size * scale``.
        """
        boxes = clip_boxes_to_image(decode(boxes, offsets), size)
        big = ((boxes[:, 2:] - boxes[:, :2]) >= max(self.settings.min_size * scale, 1e-3)).all(dim=1)
        scores = torch.where(big, logits[:, 1] - logits[:, 0], -torch.inf)
        order = torch.sort(scores, descending=True, stable=True).indices[: keep.before]
        order = order[big[order]]
        return boxes[order[nms(boxes[order], scores[order], self.settings.nms)[: keep.after]]]

    def losses(
        self,
        logits: Tensor,
        offsets: Tensor,
        boxes: Tensor,
        size: tuple[int, int],
        targets: Tensor,
        ignored: Tensor,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Objectness and box loss of one image, both averaged over the sampled anchors (smooth L1 with sigma 3)."""
        s = self.settings
        height, width = size
        inside = (boxes[:, 0] >= 0) & (boxes[:, 1] >= 0) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
        labels, matched = label_anchors(boxes, targets, ignored, inside, s.positive, s.negative)
        chosen = random_sample(labels, s.batch, s.foreground, generator)
        if len(chosen) == 0:  # every anchor crosses the border of a tiny image or lies in an ignored region
            return logits.sum() * 0, offsets.sum() * 0
        objectness = F.cross_entropy(logits[chosen], labels[chosen])
        objects = chosen[labels[chosen] == 1]
        if len(objects) == 0:
            return objectness, offsets.sum() * 0
        wanted = encode(boxes[objects], targets[matched[objects]])
        return objectness, smooth_l1(offsets[objects] - wanted, sigma=3.0).sum() / len(chosen)
