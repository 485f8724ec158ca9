"""A training iteration on the paper's shapes: how long, on what, in how much memory, and how far from the floor.

On a GPU: VGG16, N = 2 images of 600 x 1000, R = 2000 RoIs an image, B = 64 of them, in the precision asked for. On a
CPU the same network and code at a fifth of the size, where only ratios mean something. Images are noise with objects
of noise and go through the real cache, loader, loop and optimiser. Beside our detectors runs torchvision's own Faster
R-CNN with a VGG16 backbone, on the same images, in the same precision.

    python benchmarks/iteration.py [--iterations 50] [--precision fp16] [--compile] [--workers 0]
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import vgg16
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

from sohem import params, settings
from sohem.datasets.annotation import BOX
from sohem.detectors.detector import COMPUTED_IN, Detector, build
from sohem.mining import miners
from sohem.mining.miner import Miner, Moment
from sohem.training import loop, step
from sohem.training.device import precision as resolved
from sohem.training.loader import ahead
from sohem.training.samples import Sample, SampleReader

ROOT = Path(__file__).parents[1]
CLASSES = [f"class{k}" for k in range(20)]
WARM_UP = 5
RUNS = [("fast_rcnn", "random"), ("fast_rcnn", "ohem"), ("fast_rcnn", "sohem"), ("fast_rcnn", "strata"),
        ("faster_rcnn", "random"), ("faster_rcnn", "ohem"), ("faster_rcnn", "sohem")]  # fmt: skip
# What is timed, where it lives, and the name that it is looked up by. Nested calls count for the inner part only.
PARTS: list[tuple[str, Any, str]] = [
    ("backbone", Detector, "features"),
    ("read-only heads", step, "read_only"),
    ("mining", step, "roi_losses"),
    ("mining", step, "choose"),
    ("mining", step, "sums"),
    ("proposals", step, "propose"),
    ("proposals", step, "label_rois"),
    ("selected heads", step, "standard"),
    ("backward", torch.Tensor, "backward"),
    ("optimiser", torch.optim.SGD, "step"),
]


class Clock:
    """Adds up the time of named parts on one device, without that of the parts called within them."""

    def __init__(self, device: torch.device) -> None:
        self.gpu = device.type == "cuda"
        self.spans: list[tuple[str, str, Any, Any]] = []  # part, the part around it, start, end
        self.open = [""]

    def now(self) -> Any:
        """A point in time, on a GPU in its own queue."""
        if not self.gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, timed as ``part``."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            around, start = self.open[-1], self.now()
            self.open.append(part)
            try:
                return function(*args, **kwargs)
            finally:
                self.open.pop()
                self.spans.append((part, around, start, self.now()))

        return wrapped

    def milliseconds(self) -> dict[str, float]:
        """Part -> its own time, summed."""
        result: dict[str, float] = {}
        if self.gpu:
            torch.cuda.synchronize()
        for part, around, start, end in self.spans:
            took = start.elapsed_time(end) if self.gpu else 1e3 * (end - start)
            result[part] = result.get(part, 0.0) + took
            if around:
                result[around] = result.get(around, 0.0) - took
        return result


@contextmanager
def timed_parts(clock: Clock) -> Iterator[None]:
    """Time the parts of the real training loop."""
    before = [(owner, name, getattr(owner, name)) for _, owner, name in PARTS]
    real_ahead = loop.ahead

    def reading(*args: Any) -> Iterator[Any]:
        batches = real_ahead(*args)
        following = clock.timed("data", lambda: next(batches, None))
        while (samples := following()) is not None:
            yield samples

    try:
        for (part, owner, name), (_, _, real) in zip(PARTS, before, strict=True):
            setattr(owner, name, clock.timed(part, real))
        setattr(loop, "ahead", reading)  # noqa: B010
        yield
    finally:
        for owner, name, real in before:
            setattr(owner, name, real)
        setattr(loop, "ahead", real_ahead)  # noqa: B010


def half_near(
    rng: np.random.Generator, own: np.ndarray, size: np.ndarray, count: int, noise: float, least: float
) -> np.ndarray:
    """``count`` boxes [count, 4] of an image: half at its objects ``own`` [G, 4] with ``noise`` pixels, half anywhere.

    Args:
        size: width and height; least: smallest side of a box that lies anywhere, as a share of the image's.
    """
    near = own[rng.integers(0, len(own), count // 2)] + rng.normal(0, noise, (count // 2, 4))
    corner = rng.uniform(0, 0.7, (count - count // 2, 2)) * size
    anywhere = np.concatenate([corner, corner + rng.uniform(least, 0.3, corner.shape) * size], axis=1)
    return np.concatenate([near, anywhere])


def make(root: Path, images: int, height: int, width: int, proposals: int) -> tuple[pd.DataFrame, ...]:
    """Noise images with objects, and boxes half around the objects, half anywhere: images, ground truth, proposals."""
    rng = np.random.default_rng(0)
    rows, objects, boxes = [], [], []
    for k in range(images):
        name, size = f"{k:06d}", np.array([width, height])
        picture = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(picture).save(root / f"{name}.jpg")
        rows.append([name, f"{name}.jpg", picture.shape[1], picture.shape[0], "train"])
        corner = rng.uniform(0, 0.6, (3, 2)) * size
        own = np.concatenate([corner, corner + rng.uniform(0.15, 0.35, (3, 2)) * size], axis=1)
        objects += [[name, CLASSES[rng.integers(20)], *box, False, False, False] for box in own]
        found = half_near(rng, own, size, proposals, 0.04 * width, 0.05).clip(0, [width, height] * 2)
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 4)
        boxes.append(pd.DataFrame(found.astype(np.float32), columns=BOX).assign(image_id=name))
    truth = pd.DataFrame(objects, columns=["image_id", "class", *BOX, "difficult", "truncated", "ignore"])
    table = pd.DataFrame(rows, columns=["image_id", "file", "width", "height", "subset"])
    return table, truth.astype(dict.fromkeys(BOX, "float32")), pd.concat(boxes, ignore_index=True)


def matrix_rate(device: torch.device, precision: str) -> float:
    """Floating-point operations a second of a large matrix product on this device, the best of ten."""
    size = 8192 if device.type == "cuda" else 1024
    a, b = (torch.rand(size, size, device=device).to(COMPUTED_IN[precision]) for _ in range(2))
    best = 0.0
    for _ in range(10):
        synchronise(device)
        started = time.perf_counter()
        a @ b
        synchronise(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best


def synchronise(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def peak(device: torch.device) -> str:
    """The most memory allocated on a GPU since the last reset; unknown on a CPU, where all runs share a process."""
    return f"{torch.cuda.max_memory_allocated() / 1e9:.1f}" if device.type == "cuda" else "-"


def flop(detector: Detector, samples: list[Sample], miner: Miner, scale: settings.Scale) -> int:
    """Operations of one iteration's convolutions and matrix products, forward and backward, counted by torch."""
    own = {torch.ops.mkldnn._linear_pointwise: _of_linear}  # the head's layers on a CPU, which torch does not count
    with FlopCounterMode(display=False, custom_mapping=own) as counter:
        loss, _ = step.batch_loss(detector, samples, miner, Moment(1), scale.train, 0)
        loss.backward()
    detector.zero_grad(set_to_none=True)
    return counter.get_total_flops()


def _of_linear(x: torch.Size, weight: torch.Size, *_: Any, **__: Any) -> int:
    return 2 * x[0] * x[1] * weight[0]


def iterations_of(count: int) -> int:
    """Of a run that warms up and is timed twice, as a whole and by its parts, with ``count`` iterations each."""
    return 2 * (count + WARM_UP)


def ours(
    kind: str, miner: Miner, scale: settings.Scale, reader: SampleReader, device: torch.device, count: int
) -> tuple[float, dict[str, float], str, int]:
    """Milliseconds of an iteration, of its parts, peak memory (GB) and operations."""
    detector = build(kind, len(CLASSES), scale, seed=0).to(device)
    run = loop.start(detector, replace(scale.train, iterations=iterations_of(count)))
    whole = run.log
    samples = [sample.to(device) for sample in loop.load_batch(reader, scale.train, 0, 0)]
    operations = flop(detector, samples, miner, scale)

    def go(iterations: int) -> float:
        run.log = whole[: run.done + iterations]
        synchronise(device)
        started = time.perf_counter()
        loop.train(run, reader, miner, scale, 0, lambda: None, lambda steps, _: steps, lambda: False)
        synchronise(device)
        return (time.perf_counter() - started) * 1e3 / iterations

    go(WARM_UP)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    milliseconds = go(count)
    memory = peak(device)
    clock = Clock(device)
    with timed_parts(clock):
        timed = go(count)
    split = {part: ms / count for part, ms in clock.milliseconds().items()}
    return milliseconds, {**split, "rest": timed - sum(split.values())}, memory, operations


def torchvision_model(scale: settings.Scale, size: tuple[int, int]) -> FasterRCNN:
    """torchvision's Faster R-CNN on VGG16 with our sizes: stride 16, as many proposals, 64 RoIs, two layers of 4096."""
    features = vgg16(weights=None).features[:-1]
    features[:10].requires_grad_(False)
    features.out_channels = 512
    rpn, head = scale.rpn, scale.head
    return FasterRCNN(
        features,
        min_size=min(size),
        max_size=max(size),
        rpn_anchor_generator=AnchorGenerator((rpn.sizes,), (rpn.ratios,)),
        rpn_pre_nms_top_n_train=rpn.train.before,
        rpn_post_nms_top_n_train=rpn.train.after,
        box_roi_pool=MultiScaleRoIAlign(["0"], head.pool, 2),
        box_head=TwoMLPHead(512 * head.pool**2, head.hidden),
        box_predictor=FastRCNNPredictor(head.hidden, len(CLASSES) + 1),
        box_batch_size_per_image=scale.train.rois,
    )


def peer(
    scale: settings.Scale, reader: SampleReader, device: torch.device, count: int, size: tuple[int, int]
) -> tuple[float, str]:
    """Milliseconds of an iteration of torchvision's detector, and its peak memory (GB)."""
    model = torchvision_model(scale, size).to(device, memory_format=torch.channels_last).train()
    trained, half = [p for p in model.parameters() if p.requires_grad], COMPUTED_IN[scale.precision]
    scaler = torch.amp.GradScaler(device.type, enabled=half is torch.float16)
    fused = device.type == "cuda" and not scaler.is_enabled()  # see sohem.training.scaling
    optimiser = torch.optim.SGD(trained, lr=0.001, momentum=0.9, weight_decay=0.0005, fused=fused)
    total = count + WARM_UP
    batches = ahead(lambda k: loop.load_batch(reader, scale.train, 0, k), range(total), scale.workers, device)
    started = 0.0
    for iteration, samples in enumerate(batches):
        if iteration == WARM_UP:
            synchronise(device)
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            started = time.perf_counter()
        moved = [sample.to(device) for sample in samples]
        images = [sample.pixels() / 255 for sample in moved]
        targets = [{"boxes": sample.boxes, "labels": sample.labels} for sample in moved]
        with torch.autocast(device.type, half, enabled=half is not torch.float32):
            losses = model(images, targets)
        optimiser.zero_grad(set_to_none=True)
        scaler.scale(sum(losses.values())).backward()
        scaler.step(optimiser)
        scaler.update()
    synchronise(device)
    return (time.perf_counter() - started) * 1e3 / count, peak(device)


def shapes(device: torch.device) -> tuple[settings.Scale, tuple[int, int], int]:
    """Settings, image size and proposals an image: the paper's on a GPU, a fifth of them on a CPU."""
    scale = settings.of(settings.Scale, params.load(ROOT / "params.yaml")["scales"]["paper"])
    scale = replace(scale, weights="none")  # drawn: their preprocessing keeps activations in range
    if device.type == "cuda":
        return scale, (600, 1000), 2000
    rpn = replace(scale.rpn, sizes=(32, 64, 96), train=settings.Kept(before=1000, after=400), min_size=4)
    train, head = replace(scale.train, rois=16), replace(scale.head, hidden=1024)
    return replace(scale, rpn=rpn, train=train, head=head), (160, 256), 400


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=50, help="timed iterations of each run (default: 50)")
    parser.add_argument("--precision", choices=[*COMPUTED_IN, "auto"], default="auto", help="default: auto")
    parser.add_argument("--compile", action="store_true", help="compile backbone and head (torch.compile)")
    parser.add_argument("--workers", type=int, default=0, help="processes that read ahead (default: 0)")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scale, size, proposals = shapes(device)
    precision = resolved(args.precision, device)
    scale = replace(scale, precision=precision, compile=args.compile, workers=args.workers)
    given = params.load(ROOT / "params.yaml")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU ({platform.processor() or 'unknown'})"
    rate = matrix_rate(device, precision)
    print(f"{name}, torch {torch.__version__}, {precision}{', compiled' * args.compile}, {args.workers} workers")
    print(f"images {size[0]} x {size[1]}, N = 2, {proposals} proposals an image, B = {scale.train.rois} an image")
    print(f"matrix products: {rate / 1e12:.3g} TFLOP/s\n")
    with tempfile.TemporaryDirectory() as folder:
        tables = make(Path(folder), 64, *size, proposals)
        at = settings.Images(root=folder, short_side=min(size), long_side=max(size))
        external, none = (
            SampleReader(at, tables[0], "train", CLASSES, tables[1], boxes, Path(folder) / "cache")
            for boxes in (tables[2], None)
        )
        parts = list(dict.fromkeys(["data", *(part for part, _, _ in PARTS), "rest"]))
        print(f"| detector | method | ms | floor | {' | '.join(parts)} | mining share | GB |")
        print("| --- | --- " + "| --: " * (len(parts) + 4) + "|")
        for kind, method in RUNS:
            reader = external if kind == "fast_rcnn" else none
            settings_of = params.method(given, method, "voc" if kind == "fast_rcnn" else "kitti")
            miner = miners.build(method, settings_of, scale.train.rois, iterations_of(args.iterations), 1.9)
            total, split, memory, operations = ours(kind, miner, scale, reader, device, args.iterations)
            floor = operations / rate * 1e3
            row = " | ".join(f"{split.get(part, 0.0):.2f}" for part in parts)
            share = 100 * split["mining"] / sum(split.values())
            print(f"| {kind} | {method} | {total:.1f} | {floor:.1f} ({operations / 1e12:.2f} TFLOP) | {row} "
                  f"| {share:.1f} % | {memory} |", flush=True)  # fmt: skip
        total, memory = peer(scale, none, device, args.iterations, size)
        print(f"| torchvision's FasterRCNN | random | {total:.1f} {'| ' * (len(parts) + 3)}| {memory} |")


if __name__ == "__main__":
    main()
