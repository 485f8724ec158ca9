"""What `mine` adds to a training step of torchvision's Faster R-CNN, in time and in memory.

One run compares the plain step, `mine` with each miner, and a straightforward OHEM that keeps the graph of all
proposals (losses of all of them with gradient, those of the hardest backpropagated). Every variant trains the same
model on the same images with the same number of RoIs. Steps of the variants take turns, so that a busy moment meets
them all; the table has medians over the turns, also of the differences within a turn, of CPU time on a CPU.

Peak memory is that of a process of its own for each variant: on a CPU the growth of its resident set over the first two
steps (gradients and momentum among it), on a GPU torch's own count over a later step. Graph is what autograd keeps from
the forward pass for the backward pass, parameters left out.

    OMP_NUM_THREADS=1 python benchmarks/torchvision_mining.py [--device cuda] [--steps 15]
"""

import argparse
import multiprocessing
import platform
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import Tensor
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn, fasterrcnn_resnet50_fpn
from torchvision.models.detection.roi_heads import RoIHeads

from sohem import OHEM, SOHEM, RandomSampler, StratifiedSOHEM, mine, select
from sohem.api.read_only import Batch, box_losses
from sohem.mining.losses import roi_losses

CLASSES, IMAGES, OBJECTS = 21, 2, 6
# size: of the images; proposals: of each image, at most; rois: chosen of each image.
SHAPES = {"cpu": {"size": 320, "proposals": 500, "rois": 64}, "cuda": {"size": 800, "proposals": 2000, "rois": 64}}


class GraphOfAll(RoIHeads):
    """OHEM as one writes it first: the graph of all proposals is built, most of it for nothing."""

    def subsample(self, labels: list[Tensor]) -> list[Tensor]:
        return [torch.arange(len(label), device=label.device) for label in labels]

    def forward(self, features: Any, proposals: Any, image_shapes: Any, targets: Any = None) -> Any:
        boxes, _, labels, offsets = self.select_training_samples(proposals, targets)
        pooled = self.box_roi_pool(features, boxes, image_shapes)
        logits, deltas = self.box_predictor(self.box_head(pooled))
        cls, loc = roi_losses(logits, deltas.reshape(len(deltas), -1, 4), torch.cat(labels), torch.cat(offsets), 3.0)
        counts, chosen = [len(label) for label in labels], []
        parts = zip(cls.split(counts), loc.split(counts), boxes, labels, strict=True)
        for first, (l_cls, l_loc, box, label) in zip(starts(counts), parts, strict=True):
            rows = select({"cls": l_cls, "loc": l_loc}, box, label, self.fg_bg_sampler.batch_size_per_image)
            chosen.append(rows + first)
        rows = torch.cat(chosen)
        return [], {"loss_classifier": cls[rows].mean(), "loss_box_reg": loc[rows].mean()}


def starts(counts: list[int]) -> list[int]:
    return [sum(counts[:k]) for k in range(len(counts))]


def variants(rois: int) -> dict[str, Any]:
    """Name to miner; None is plain torchvision."""
    return {
        "plain torchvision": None,
        "mine, OHEM": OHEM(rois),
        "mine, SOHEM": SOHEM(rois, 10),
        "mine, StratifiedSOHEM": StratifiedSOHEM(rois, 10),
        "mine, RandomSampler": RandomSampler(rois),
        "OHEM with the graph of all": GraphOfAll,
    }


def build(name: str, device: str) -> Callable[[], None]:
    """A training step of the variant, forward, backward and update."""
    shape = SHAPES[device]
    torch.manual_seed(0)
    make = fasterrcnn_mobilenet_v3_large_320_fpn if device == "cpu" else fasterrcnn_resnet50_fpn
    model = make(
        weights=None, weights_backbone=None, num_classes=CLASSES, min_size=shape["size"], max_size=shape["size"],
        rpn_post_nms_top_n_train=shape["proposals"], box_batch_size_per_image=shape["rois"], rpn_nms_thresh=0.95,
    ).to(device)  # fmt: skip
    miner = variants(shape["rois"])[name]
    if miner is GraphOfAll:
        model.roi_heads.__class__ = GraphOfAll
    elif miner is not None:
        mine(model, miner)
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    images, targets = batch(shape["size"], device)

    def step() -> None:
        optimiser.zero_grad()
        sum(model(images, targets).values()).backward()
        optimiser.step()

    step.model = model  # type: ignore[attr-defined]
    return step


def batch(size: int, device: str) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    g = torch.Generator().manual_seed(0)
    images = [torch.rand(3, size, size, generator=g).to(device) for _ in range(IMAGES)]
    targets = []
    for _ in images:
        corner = torch.rand(OBJECTS, 2, generator=g) * size * 0.6
        boxes = torch.cat([corner, corner + size * (0.1 + 0.3 * torch.rand(OBJECTS, 2, generator=g))], 1)
        labels = torch.randint(1, CLASSES, (OBJECTS,), generator=g)
        targets.append({"boxes": boxes.to(device), "labels": labels.to(device)})
    return images, targets


def read_only_forward(model: Any, device: str) -> tuple[Callable[[], object], int]:
    """A box-head forward over the proposals of a step, without a graph, and how many they are."""
    seen: list[Any] = []
    hook = model.roi_heads.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    model(*batch(SHAPES[device]["size"], device))
    hook.remove()
    features, proposals, shapes, targets = seen[0]
    heads = model.roi_heads
    features = {name: value.detach() for name, value in features.items()}
    subsample, heads.subsample = heads.subsample, GraphOfAll.subsample.__get__(heads)
    boxes, matched, labels, offsets = heads.select_training_samples(proposals, targets)
    heads.subsample = subsample
    whole = Batch(features, shapes, boxes, matched, labels, offsets, targets)
    return torch.no_grad()(lambda: box_losses(heads, whole)), sum(map(len, labels))


def seconds(work: Callable[[], object], device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter() if device == "cuda" else time.process_time()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() if device == "cuda" else time.process_time()) - started


def peak(name: str, device: str) -> float:
    """MiB that a step needs at most, beyond model and images; to be called in a process of its own."""
    torch.set_num_threads(1)
    step = build(name, device)
    if device == "cuda":
        step()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10


def graph(step: Any) -> float:
    """MiB of the tensors that autograd keeps for the backward pass of a step, each storage once, without parameters."""
    own = {parameter.untyped_storage().data_ptr() for parameter in step.model.parameters()}
    kept: dict[int, int] = {}

    def pack(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        step()
    return sum(kept.values()) / 2**20


def waits(step: Callable[[], None]) -> int:
    """How often the host waited for the GPU in a step, by torch's profiler of synchronising calls."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        step()
    return sum(event.count for event in profiler.key_averages() if "Synchronize" in event.key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=list(SHAPES))
    parser.add_argument("--steps", type=int, default=15, help="timed steps of each variant (default: 15)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    names = list(variants(1))
    processes = multiprocessing.get_context("spawn")
    memory = {}
    for name in names:
        with processes.Pool(1) as pool:
            memory[name] = pool.apply(peak, (name, args.device))
    steps = {name: build(name, args.device) for name in names}
    forward, count = read_only_forward(steps["plain torchvision"].model, args.device)  # type: ignore[attr-defined]
    times: dict[str, list[float]] = {name: [] for name in [*names, "forward"]}
    for turn in range(args.steps + 2):
        for name, work in [*steps.items(), ("forward", forward)]:
            taken = seconds(work, args.device)
            if turn >= 2:  # the first two warm up
                times[name].append(taken * 1e3)
    median = {name: statistics.median(values) for name, values in times.items()}
    hardware = torch.cuda.get_device_name() if args.device == "cuda" else platform.processor() or platform.machine()
    shape = SHAPES[args.device]
    print(f"{hardware}, one thread, torch {torch.__version__}, torchvision {torchvision.__version__}")
    print(f"{IMAGES} images of {shape['size']} pixels, {count} proposals together, {shape['rois']} RoIs chosen of each")
    print(f"A box-head forward over the proposals without a graph: {median['forward']:.0f} ms\n")
    plain = times["plain torchvision"]
    print(
        "| step | time (ms) | over plain (ms) | over plain and forward | graph (MiB) | peak memory (MiB) |"
        + GPU[args.device][0]
    )
    print("| --- | --: | --: | --: | --: | --: |" + GPU[args.device][1])
    for name in names:
        over = [own - base for own, base in zip(times[name], plain, strict=True)]
        shares = [(o - f) / base for o, f, base in zip(over, times["forward"], plain, strict=True)]
        reads = name.startswith("mine") and "Random" not in name  # the random sampler needs no losses
        rest = f"{statistics.median(shares):+.1%}" if reads else ""
        cells = [
            f"{median[name]:.0f}",
            f"{statistics.median(over):+.0f}",
            rest,
            f"{graph(steps[name]):.0f}",
            f"{memory[name]:.0f}",
        ]
        row = f"| {name} | " + " | ".join(cells) + " |"
        print(row + (f" {waits(steps[name])} |" if args.device == "cuda" else ""))


GPU = {"cpu": ("", ""), "cuda": (" waits |", " --: |")}

if __name__ == "__main__":
    main()
