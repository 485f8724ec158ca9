"""Fast R-CNN and Faster R-CNN on one image: backbone, RoI pooling, head and, if it has one, the RPN."""

import copy
import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms, clip_boxes_to_image

from sohem import settings
from sohem.boxes import decode
from sohem.detectors import backbones
from sohem.detectors.heads import RoIHead, pool
from sohem.detectors.rpn import RPN
from sohem.randomness import stream

# What convolutions and linear layers compute in, by `scales.*.precision` once `auto` is resolved.
COMPUTED_IN = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Detector(nn.Module):
    """A region-based detector; ``rpn`` is None where proposals come from outside (Fast R-CNN).

    Args:
        precision: fp32, bf16 or fp16. With the last two convolutions and linear layers compute in bfloat16 or float16
            (autocast); weights, RoI pooling, box arithmetic and losses stay in float32.
    """

    def __init__(
        self,
        backbone: backbones.Backbone,
        head: RoIHead,
        rpn: RPN | None,
        pool_size: int,
        pool_op: str,
        precision: str = "fp32",
    ) -> None:
        super().__init__()
        self.backbone, self.head, self.rpn = backbone, head, rpn
        self.pool_size, self.pool_op, self.precision = pool_size, pool_op, precision

    def _autocast(self, device: torch.device) -> torch.autocast:
        # Each part has a block of its own: within one block autocast keeps the 16-bit weights that a pass without
        # gradient made, and the pass with gradient after it would get them, cut off from their parameters.
        half = COMPUTED_IN[self.precision]
        return torch.autocast(device.type, half, enabled=half is not torch.float32)

    def features(self, image: Tensor, still: bool = False) -> Tensor:
        """[1, C, H', W'] of an image [3, H, W] (float, 0 to 255), or of what `still` made of it."""
        with self._autocast(image.device):
            return self.backbone(image[None], still).float()

    @torch.no_grad()
    def still(self, image: Tensor) -> Tensor:
        """What the frozen layers make of an image [3, H, W] (float, 0 to 255): [C', H', W']."""
        with self._autocast(image.device):
            return self.backbone.still(image[None])[0].float()

    @torch.no_grad()
    def still_shapes(self, sizes: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, ...]]:
        """The shape of what `still` makes of images of each height and width; nothing is computed for it."""
        weights = [*self.backbone.parameters(), *self.backbone.buffers()]
        layers = copy.deepcopy(self.backbone, {id(weight): weight.to("meta") for weight in weights})  # copies no weight
        images = {size: torch.empty(1, 3, *size, device="meta") for size in sizes}
        return {size: tuple(layers.still(image)[0].shape) for size, image in images.items()}

    def still_fingerprint(self) -> str:
        """Changes with anything that `still` depends on: layers, their weights, what images are prepared like."""
        layers = self.backbone.layers[: self.backbone.frozen]
        digest = hashlib.sha256(repr((layers, self.backbone.preprocessing, self.precision)).encode())
        for weight in layers.state_dict().values():
            digest.update(weight.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def pool(self, features: Tensor, boxes: Tensor) -> Tensor:
        """RoI features [R, C, P, P] of boxes [R, 4] in pixels of the image that the features come from."""
        return pool(features, [boxes], self.pool_size, self.backbone.stride, self.pool_op)

    def scores(self, pooled: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Logits [R, K + 1] and normalised offsets [R, K + 1, 4]; dropout is on where a generator is given."""
        keep6, keep7 = self.head.masks(len(pooled), generator)
        with self._autocast(pooled.device):
            logits, offsets = self.head(pooled, keep6, keep7)
        return logits.float(), offsets.float()

    def classify(
        self, features: Tensor, rois: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """`scores` of RoIs [R, 4]."""
        return self.scores(self.pool(features, rois), generator)

    def objectness(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The RPN's logits [A, 2], offsets [A, 4] and anchors [A, 4] on one image's features."""
        assert self.rpn is not None
        with self._autocast(features.device):
            logits, offsets, anchors = self.rpn(features, self.backbone.stride)
        return logits.float(), offsets.float(), anchors

    @torch.no_grad()
    def detect(
        self,
        features: Tensor,
        size: tuple[int, int],
        proposals: Tensor | None,
        scale: float,
        rpn_keep: settings.Kept,
        test: settings.Test,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes [D, 4], scores [D] and classes [D] (from 1) of one image of this height and width, in its pixels."""
        if self.rpn is not None:
            logits, offsets, anchors = self.objectness(features)
            proposals = self.rpn.proposals(logits, offsets, anchors, size, scale, rpn_keep)
        assert proposals is not None
        logits, offsets = self.classify(features, proposals)
        offsets = offsets * self.head.box_std + self.head.box_mean
        boxes = clip_boxes_to_image(decode(proposals[:, None], offsets), size)[:, 1:]
        scores = logits.softmax(dim=1)[:, 1:]
        rows, classes = torch.nonzero(scores > test.score, as_tuple=True)
        boxes, scores = boxes[rows, classes], scores[rows, classes]
        keep = batched_nms(boxes, scores, classes, test.nms)[: test.detections]
        return boxes[keep], scores[keep], classes[keep] + 1


def build(detector: str, classes: int, scale: settings.Scale, seed: int) -> Detector:
    """A detector with freshly drawn weights.

    Args:
        detector: fast_rcnn or faster_rcnn.
        classes: K, without background.
        scale: backbone, frozen, weights, head, rpn, precision and compile are used.
        seed: of the run; only the initial weights depend on it here.
    """
    head = scale.head
    # torch's constructors draw from its global generator; its state is put back and all weights are drawn again.
    with torch.random.fork_rng(devices=[]):
        backbone = backbones.build(scale.backbone, scale.weights, getattr(scale.frozen, detector))
        roi_head = RoIHead(backbone.channels, head.pool, head.hidden, classes, head.dropout)
        rpn = RPN(backbone.channels, scale.rpn) if detector == "faster_rcnn" else None
    backbone.initialise(stream(seed, "backbone"))
    roi_head.initialise(stream(seed, "head"))
    if rpn is not None:
        rpn.initialise(stream(seed, "rpn"))
    if scale.compile:  # image and RoI numbers change from call to call
        backbone.compile(dynamic=True)
        roi_head.compile(dynamic=True)
    return Detector(backbone, roi_head, rpn, head.pool, head.op, scale.precision)
