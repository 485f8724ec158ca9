"""The demo's counterpart of ImageNet weights: a small Fast R-CNN of generated crops on the detector's own layers.

It learns to place boxes as well as to name what is in them, so that most of its layers can stay as they are (frozen)
in the detectors that start from it.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sohem.boxes import encode, flip
from sohem.detectors.architectures import small
from sohem.detectors.backbones import make
from sohem.detectors.heads import RoIHead, pool
from sohem.mining.losses import roi_losses
from sohem.randomness import epoch_order, stream
from sohem.settings import Crops, Head
from sohem.training.targets import FIXED_STD

NEAR, FAR = 0.1, 0.3  # shares of an object's size by which a quarter of the boxes each move their sides
SMALLEST = 2.0  # pixels, the least side of a box
FOREGROUND_IOU = 0.5


class CropDetector(nn.Module):
    """The small backbone with batch normalisation, RoI pooling, fc6, fc7, class scores and box offsets."""

    def __init__(self, classes: int, settings: Head) -> None:
        super().__init__()
        backbone = make(small.ARCHITECTURE, "crops", small.layers(batch_norm=True))
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.head = RoIHead(self.backbone.channels, settings.pool, settings.hidden, classes, dropout=0.0)
        self.pool_size, self.pool_op = settings.pool, settings.op

    def forward(self, crops: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [N x R, classes + 1] and offsets [N x R, classes + 1, 4] of crops [N, 3, S, S] and R RoIs [N, R, 4] in
        each.
        """
        return self.head(pool(self.backbone(crops), list(rois), self.pool_size, self.backbone.stride, self.pool_op))


def rois_of(boxes: Tensor, count: int, size: int, generator: torch.Generator) -> Tensor:
    """RoIs [N, ``count``, 4] in crops of ``size`` pixels: a quarter near each crop's object, a quarter further off, and
    half of them anywhere.

    Args:
        boxes: [N, 4], the object of each crop.
    """
    near, far, others = count // 4, count // 2 - count // 4, count - count // 2
    extent = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)[:, None]
    moves = torch.rand(len(boxes), near + far, 4, generator=generator) * 2 - 1
    shares = torch.tensor([NEAR] * near + [FAR] * far)[:, None]
    around = boxes[:, None] + moves * shares * extent
    corners = torch.rand(len(boxes), others, 2, 2, generator=generator) * size
    anywhere = torch.cat([corners.amin(dim=2), corners.amax(dim=2)], dim=2)
    rois = torch.cat([around, anywhere], dim=1).clamp(0, size)
    start = rois[..., :2].clamp(max=size - SMALLEST)
    return torch.cat([start, torch.maximum(rois[..., 2:], start + SMALLEST)], dim=2)


def overlap(rois: Tensor, boxes: Tensor) -> Tensor:
    """IoU [R] of each RoI [R, 4] with the box [R, 4] in its own row."""
    start, end = torch.maximum(rois[:, :2], boxes[:, :2]), torch.minimum(rois[:, 2:], boxes[:, 2:])
    shared = (end - start).clamp(min=0).prod(dim=1)
    areas = [(x[:, 2:] - x[:, :2]).prod(dim=1) for x in (rois, boxes)]
    return shared / (areas[0] + areas[1] - shared)


def losses(model: CropDetector, crops: Tensor, boxes: Tensor, labels: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    """L_cls and L_loc [N x R] of RoIs [N, R, 4] in crops [N, 3, S, S] with boxes [N, 4] and labels [N]."""
    count = rois.shape[1]
    logits, offsets = model(crops, rois)
    flat, objects = rois.flatten(0, 1), boxes.repeat_interleave(count, dim=0)
    found = torch.where(overlap(flat, objects) >= FOREGROUND_IOU, labels.repeat_interleave(count), 0)
    return roi_losses(logits, offsets, found, encode(flat, objects) / torch.tensor(FIXED_STD))


def train(
    crops: Tensor,
    boxes: Tensor,
    labels: Tensor,
    classes: int,
    head: Head,
    settings: Crops,
    report: Callable[[int, float, float], None],
) -> CropDetector:
    """Train on crops [N, 3, S, S] uint8, boxes [N, 4], labels [N] from 1 to ``classes``.

    SGD with momentum 0.9 and a one-cycle rate (torch's own scheduler) whose peak is ``settings.lr``.

    Args:
        report: called after each epoch with its number and its mean L_cls and L_loc.
    """
    seed, batch, size = settings.seed, settings.batch, settings.size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CropDetector(classes, head)
    steps = len(crops) // batch
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=settings.lr,
        momentum=0.9,
        weight_decay=settings.weight_decay,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.lr, total_steps=steps * settings.epochs)
    for epoch in range(settings.epochs):
        order, totals = epoch_order(seed, epoch, len(crops)), torch.zeros(2)
        generator = stream(seed, "crops", epoch)
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            x, box = crops[chosen].float(), boxes[chosen]
            if torch.rand((), generator=generator) < 0.5:
                x, box = x.flip(3), flip(box, size)
            l_cls, l_loc = losses(model, x, box, labels[chosen], rois_of(box, settings.rois, size, generator))
            optimiser.zero_grad(set_to_none=True)
            (l_cls.mean() + l_loc.mean()).backward()
            optimiser.step()
            schedule.step()
            totals += torch.stack([l_cls.mean(), l_loc.mean()]).detach()
        report(epoch + 1, *(totals / steps).tolist())
    return model


def fold(pretrained: nn.Sequential) -> nn.Sequential:
    """The small backbone's layers that compute what those with batch normalisation do in evaluation mode.

    A detector has no batch statistics that a read-only pass could disturb.
    """
    layers: list[nn.Module] = []
    for layer in pretrained.eval():
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers.pop()
            assert isinstance(convolution, nn.Conv2d)
            layers.append(fuse_conv_bn_eval(convolution, layer))
        else:
            layers.append(layer)
    folded = small.layers()
    folded.load_state_dict(nn.Sequential(*layers).state_dict())
    return folded


def weights(model: CropDetector) -> dict[str, dict[str, Tensor]]:
    """What a detector takes over: the folded backbone and the hidden layers."""
    hidden = {k: v for k, v in model.head.state_dict().items() if k.startswith(("fc6", "fc7"))}
    return {"backbone": fold(model.backbone.layers).state_dict(), "hidden": hidden}
