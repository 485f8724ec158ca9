"""The demo's counterpart of ImageNet weights: a classifier of generated crops on the detector's own layers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sohem.boxes import flip
from sohem.detectors.architectures import small
from sohem.detectors.backbones import make
from sohem.detectors.heads import RoIHead, pool
from sohem.randomness import epoch_order, stream
from sohem.settings import Crops, Head


class CropClassifier(nn.Module):
    """The small backbone with batch normalisation, RoI pooling of the object's box, fc6, fc7 and class scores."""

    def __init__(self, classes: int, settings: Head) -> None:
        super().__init__()
        backbone = make(small.ARCHITECTURE, "crops", small.layers(batch_norm=True))
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.head = RoIHead(self.backbone.channels, settings.pool, settings.hidden, classes, dropout=0.0)
        self.pool_size, self.pool_op = settings.pool, settings.op

    def forward(self, crops: Tensor, boxes: Tensor) -> Tensor:
        """Logits [N, classes + 1] of crops [N, 3, S, S] (float, 0 to 255) and one box [N, 4] in each."""
        pooled = pool(self.backbone(crops), list(boxes[:, None]), self.pool_size, self.backbone.stride, self.pool_op)
        return self.head.scores(self.head.hidden(pooled))


def jitter(boxes: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Boxes [N, 4] with each side moved by up to 15 % of the box, inside a crop of ``size`` pixels."""
    extent = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    moved = boxes + (torch.rand(boxes.shape, generator=generator) - 0.5) * 0.3 * extent
    return moved.clamp(0, size)


def train(
    crops: Tensor,
    boxes: Tensor,
    labels: Tensor,
    classes: int,
    head: Head,
    settings: Crops,
    report: Callable[[int, float, float], None],
) -> CropClassifier:
    """Train on crops [N, 3, S, S] uint8, boxes [N, 4], labels [N] from 1 to ``classes``.

    SGD with momentum 0.9 and a one-cycle rate (torch's own scheduler) whose peak is ``settings.lr``.

    Args:
        report: called after each epoch with its number, mean loss and training accuracy.
    """
    seed, batch, size = settings.seed, settings.batch, settings.size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CropClassifier(classes, head)
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
        order, total, right = epoch_order(seed, epoch, len(crops)), 0.0, 0
        generator = stream(seed, "crops", epoch)
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            x, box, y = crops[chosen].float(), jitter(boxes[chosen], size, generator), labels[chosen]
            if torch.rand((), generator=generator) < 0.5:
                x, box = x.flip(3), flip(box, size)
            logits = model(x, box)
            loss = F.cross_entropy(logits, y, label_smoothing=0.05)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
            right += int((logits.argmax(dim=1) == y).sum())
        report(epoch + 1, total / (steps * batch), right / (steps * batch))
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


def weights(model: CropClassifier) -> dict[str, dict[str, Tensor]]:
    """What a detector takes over: the folded backbone and the hidden layers."""
    hidden = {k: v for k, v in model.head.state_dict().items() if k.startswith(("fc6", "fc7"))}
    return {"backbone": fold(model.backbone.layers).state_dict(), "hidden": hidden}
