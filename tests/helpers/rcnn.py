"""Small R-CNNs of torchvision, and images for them, that take a training step in hundredths of a second."""

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, KeypointRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign

CHANNELS, KEYPOINTS = 8, 3


class Backbone(nn.Module):
    """Two feature maps, at strides 8 and 16."""

    def __init__(self) -> None:
        super().__init__()
        self.out_channels = CHANNELS
        self.first = nn.Sequential(nn.Conv2d(3, CHANNELS, 7, 4, 3), nn.ReLU(), nn.Conv2d(CHANNELS, CHANNELS, 3, 2, 1))
        self.second = nn.Sequential(nn.ReLU(), nn.Conv2d(CHANNELS, CHANNELS, 3, 2, 1))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        first = self.first(image)
        return {"0": first, "1": self.second(first)}


def pooler(size: int) -> MultiScaleRoIAlign:
    # Boxes of 32 pixels and more come from the second map.
    return MultiScaleRoIAlign(["0", "1"], size, 2, canonical_scale=32)


def model(kind: str = "faster", classes: int = 4, size: int = 64, seed: int = 0, **more: Any) -> FasterRCNN:
    """A model in training mode, ``kind`` faster, mask or keypoint; ``more`` goes to torchvision."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        settings = {
            "rpn_anchor_generator": AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2),
            "box_roi_pool": pooler(3), "box_head": TwoMLPHead(CHANNELS * 9, 16),
            "box_predictor": FastRCNNPredictor(16, classes), "min_size": size, "max_size": 2 * size,
            "image_mean": [0.5] * 3, "image_std": [0.25] * 3, "box_batch_size_per_image": 16, **more,
        }  # fmt: skip
        if kind == "mask":
            parts = {"mask_roi_pool": pooler(6), "mask_head": MaskRCNNHeads(CHANNELS, (CHANNELS,), 1),
                     "mask_predictor": MaskRCNNPredictor(CHANNELS, CHANNELS, classes)}  # fmt: skip
            return MaskRCNN(Backbone(), **settings, **parts)
        if kind == "keypoint":
            parts = {"keypoint_roi_pool": pooler(6), "keypoint_head": KeypointRCNNHeads(CHANNELS, (CHANNELS,)),
                     "keypoint_predictor": KeypointRCNNPredictor(CHANNELS, KEYPOINTS)}  # fmt: skip
            return KeypointRCNN(Backbone(), **settings, **parts)
        return FasterRCNN(Backbone(), **settings)


def batch(objects: tuple[int, ...] = (2, 3), seed: int = 0) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Images [3, 64, 96] of noise and targets with so many objects each, with masks and keypoints."""
    g = torch.Generator().manual_seed(seed)
    images = [torch.rand(3, 64, 96, generator=g) for _ in objects]
    targets = []
    for count in objects:
        corner = torch.rand(count, 2, generator=g) * torch.tensor([56.0, 24.0])
        side = 16 + torch.rand(count, 2, generator=g) * 22
        boxes = torch.cat([corner, corner + side], 1)
        masks = torch.zeros(count, 64, 96, dtype=torch.uint8)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist(), strict=True):
            mask[y1:y2, x1:x2] = 1
        places = corner[:, None] + side[:, None] * torch.rand(count, KEYPOINTS, 2, generator=g)
        keypoints = torch.cat([places, torch.ones(count, KEYPOINTS, 1)], 2)
        labels = torch.randint(1, 4, (count,), generator=g)
        targets.append({"boxes": boxes, "labels": labels, "masks": masks, "keypoints": keypoints})
    return images, targets


def losses(network: nn.Module, data: Any = None, seed: int = 1) -> dict[str, Tensor]:
    """The training losses; anchors are sampled with ``seed``."""
    images, targets = batch() if data is None else data
    torch.manual_seed(seed)
    return network(images, [dict(target) for target in targets])
