"""Time of the miners on one image: losses, NMS, choice and the log's composition, without the forward pass.

    python benchmarks/mining.py [--device cuda] [--repeat 50]

RoIs as training has them: a third lies around eight objects (those with IoU >= 0.5 are foreground), the rest
is spread over the image; 20 classes, B = 64. Prints a Markdown table of medians in milliseconds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
import torchvision
from torch import Tensor
from torchvision.ops import box_iou

from sohem import params
from sohem.mining import miners
from sohem.mining.losses import roi_losses
from sohem.mining.miner import Miner, Moment
from sohem.mining.strata import composition
from sohem.schema import SCHEMAS

CLASSES, BATCH = 20, 64


def image(count: int, device: str) -> list[Tensor]:
    """Logits [R, K+1], deltas [R, K+1, 4], labels [R], targets [R, 4], boxes [R, 4] of a made-up image."""
    g = torch.Generator().manual_seed(0)
    size = torch.tensor([500, 375])
    corner = torch.rand(8, 2, generator=g) * size * 0.7
    objects = torch.cat([corner, corner + 40 + torch.rand(8, 2, generator=g) * 100], 1)
    near = objects[torch.randint(0, 8, (count // 3,), generator=g)]
    near = near + torch.randn(near.shape, generator=g) * 12
    corner = torch.rand(count - len(near), 2, generator=g) * size * 0.8
    far = torch.cat([corner, corner + 20 + torch.rand(corner.shape, generator=g) * 150], 1)
    boxes = torch.cat([near, far])
    overlap, match = box_iou(boxes, objects).max(1)
    labels = torch.where(overlap >= 0.5, 1 + match, 0)
    logits = torch.randn(count, CLASSES + 1, generator=g)
    deltas = torch.randn(count, CLASSES + 1, 4, generator=g)
    targets = torch.randn(count, 4, generator=g)
    return [x.to(device) for x in (logits, deltas, labels, targets, boxes)]


def milliseconds(work: Callable[[], object], repeat: int, device: str) -> float:
    """Median time of ``work``, after three calls to warm up."""
    times = []
    for _ in range(repeat + 3):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[3:])


def composed(miner: Miner, chosen: Tensor, losses: dict[str, Tensor], labels: Tensor, moment: Moment) -> Tensor:
    """What the log records of a choice."""
    return composition(chosen, miner.strata(losses, labels, moment), labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--repeat", type=int, default=50, help="timed calls (default: 50)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    given = params.load(SCHEMAS.parents[1] / "params.yaml")
    methods = {name: params.method(given, name, "kitti") for name in given["methods"]}
    generator = torch.Generator(args.device).manual_seed(0)

    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {args.device}, one thread\n")
    print("| R | foreground | miner | losses | NMS and choice | composition | all |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    for count in (200, 2000):
        logits, deltas, labels, targets, boxes = image(count, args.device)
        foreground = (labels > 0).float().mean().item()
        losses = partial(roi_losses, logits, deltas, labels, targets)
        l_cls, l_loc = losses()
        for name, method in methods.items():
            miner, moment = miners.build(name, method, BATCH, 700, 1.9), Moment(650, generator=generator)
            known = {"cls": l_cls, "loc": l_loc}
            mine = partial(miner.choose, known, boxes, labels, moment)
            log = partial(composed, miner, mine(), known, labels, moment)
            parts = [milliseconds(work, args.repeat, args.device) for work in (losses, mine, log)]
            numbers = " | ".join(f"{x:.2f}" for x in [*parts, sum(parts)])
            print(f"| {count} | {foreground:.0%} | {name} | {numbers} |")


if __name__ == "__main__":
    main()
