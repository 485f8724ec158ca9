"""The training loop: N images an iteration, every random number a function of the seed and the iteration."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from sohem.detectors.detector import Detector
from sohem.errors import SohemError, TrainingError
from sohem.mining.miner import Miner, Moment
from sohem.randomness import epoch_order, stream
from sohem.settings import Scale, Train
from sohem.training import choices, probe
from sohem.training.loader import ahead
from sohem.training.log import FACTS, LOG_COLUMNS, check_finite, log_row
from sohem.training.optimiser import learning_rate, set_rate, sgd
from sohem.training.samples import Sample, SampleReader
from sohem.training.scaling import Scaling, scaling
from sohem.training.step import Candidates, batch_loss
from sohem.training.targets import label_rois, target_statistics

Progress = Callable[[range, Callable[[], str]], Iterable[int]]
"""Goes through the iterations and shows how far they are; the second argument tells the present losses."""


@dataclass
class Run:
    """A run between two iterations: everything that a checkpoint holds."""

    detector: Detector
    optimiser: torch.optim.Optimizer
    log: np.ndarray  # [iterations of the whole run, len(LOG_COLUMNS)] float64; rows not done yet are NaN
    averaged: AveragedModel | None = None  # of the weights after each of the last iterations
    scaling: Scaling | None = None  # of the loss, in float16
    done: int = 0
    mined: dict[int, Tensor] = field(default_factory=dict)  # iteration -> what the probe recorded
    rois: dict[int, Tensor] = field(default_factory=dict)  # iteration -> what was chosen from, and what was taken

    def state(self) -> dict[str, Any]:
        """As stored. The iteration stands for the state of the schedule, the sampler and every generator."""
        return {
            "iteration": self.done,
            "model": self.detector.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "scaling": None if self.scaling is None else self.scaling.state(),
            "log": torch.from_numpy(self.log[: self.done].copy()),
            "mined": self.mined,
            "rois": self.rois,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state."""
        self.detector.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        if self.scaling is not None:
            self.scaling.restore(state["scaling"])
        self.done = state["iteration"]
        self.log[: self.done] = state["log"].cpu().numpy()
        self.mined = {iteration: record.cpu() for iteration, record in state["mined"].items()}
        self.rois = {iteration: record.cpu() for iteration, record in state["rois"].items()}

    def backward(self, loss: Tensor) -> bool:
        """Leave the gradients of the loss with the weights; false where they overflow, which float16 alone can."""
        if self.scaling is None:
            loss.backward()
            return True
        return self.scaling.backward(loss, self.optimiser, self.done + 1)


def start(detector: Detector, settings: Train) -> Run:
    """A run before its first iteration."""
    averaged = AveragedModel(detector) if settings.average else None
    log = np.full((settings.iterations, len(LOG_COLUMNS)), np.nan)
    scaled = scaling(detector.precision, detector.head.box_mean.device)
    return Run(detector, sgd(detector, settings), log, averaged, scaled)


def batch_indices(seed: int, iteration: int, images: int, count: int) -> list[int]:
    """The indices of an iteration's images: epochs are permutations, read one after the other."""
    positions = range(iteration * images, (iteration + 1) * images)
    orders = {epoch: epoch_order(seed, epoch, count) for epoch in {p // count for p in positions}}
    return [int(orders[p // count][p % count]) for p in positions]


def load_batch(reader: SampleReader, settings: Train, seed: int, iteration: int) -> list[Sample]:
    """The N samples of an iteration, mirrored by the toss of a coin or as the second half of a doubled training set."""
    samples, count, doubled = [], len(reader), settings.flip == "doubled"
    for slot, index in enumerate(batch_indices(seed, iteration, settings.images, count * (1 + doubled))):
        coin = torch.rand((), generator=stream(seed, "flip", iteration, slot))
        mirror = index >= count if doubled else settings.flip == "coin" and bool(coin < 0.5)
        draw = int(torch.randint(2**31, (), generator=stream(seed, "draw", iteration, slot)))
        samples.append(reader(index % count, mirror, settings.max_proposals, draw))
    return samples


def normalise_targets(detector: Detector, reader: SampleReader, settings: Train) -> None:
    """Set the head's target statistics: measured over the training proposals, or the fixed ones without proposals."""
    classes = len(detector.head.box_mean) - 1
    labels, offsets = [torch.zeros(0, dtype=torch.long)], [torch.zeros(0, 4)]
    if settings.box_std == "dataset" and detector.rpn is None:
        for index in range(len(reader)):
            boxes, names, proposals, ignored = reader.boxes(index)
            assert proposals is not None
            rois = torch.cat([proposals, boxes])
            label, offset, _ = label_rois(rois, boxes, names, ignored, settings.foreground_iou)
            labels.append(label[label > 0])
            offsets.append(offset[label > 0])
            if settings.flip == "doubled":  # in the mirror the shift to the right is one to the left
                labels.append(labels[-1])
                offsets.append(offsets[-1] * torch.tensor([-1.0, 1.0, 1.0, 1.0]))
    mean, std = target_statistics(torch.cat(labels), torch.cat(offsets), classes)
    detector.head.box_mean.copy_(mean)
    detector.head.box_std.copy_(std)


def train(
    run: Run,
    reader: SampleReader,
    miner: Miner,
    scale: Scale,
    seed: int,
    save: Callable[[], None],
    progress: Progress,
    stop: Callable[[], bool],
) -> bool:
    """Train until all iterations of ``run.log`` are done or ``stop()`` says so; True if all are done.

    ``save`` is called every ``checkpoint_every`` iterations and when stopped.

    Args:
        miner: chooses the RoIs; scale: train, probe and workers are used.

    Raises:
        TrainingError: a loss is not finite; what ``save`` stored last is still good. Or the memory does not suffice, or
            a gradient does not fit float16; then, and where an image is unreadable, ``save`` is called before.
        DataError: an image cannot be read.
    """
    settings = scale.train
    total = len(run.log)
    device = run.detector.head.scores.weight.device
    history = {name: run.log[:, LOG_COLUMNS.index(name)] for name in LOG_COLUMNS}
    # Measured values stay on the device until somebody needs them, so that a GPU does not wait for the host each time.
    each_time = device.type == "cpu" or bool(miner.looks_back)
    pending: list[Tensor] = []
    fresh: dict[int, Tensor] = {}  # like Run.rois
    looked_at = probe.probe_images(reader, scale.probe.images)
    probed = probe.moments(scale.probe.at, total)

    def flush() -> None:
        first = run.done - len(pending)
        for k, measured in enumerate(torch.stack(pending).cpu().numpy() if pending else []):
            run.log[first + k, len(FACTS) :] = measured
            check_finite(run.log[first + k], run.detector.rpn is not None, run.scaling is not None)
        pending.clear()
        run.rois |= {iteration: record.cpu() for iteration, record in fresh.items()}
        fresh.clear()

    def look(images: Sequence[Candidates], chosen: Sequence[Tensor]) -> None:
        fresh[run.done + 1] = choices.record(images, chosen)

    def losses() -> str:
        known = run.done - len(pending)
        if known == 0:
            return ""
        recent = slice(max(0, known - settings.log_every), known)
        return ", ".join(f"{name} {history[name][recent].mean():.3f}" for name in ("cls_selected", "loc_selected"))

    left = range(run.done, total)
    batches = ahead(lambda k: load_batch(reader, settings, seed, k), left, scale.workers, device)
    for iteration in progress(left, losses):
        if stop():
            flush()
            save()
            return False
        moment = Moment(iteration + 1, history)
        alpha, beta = miner.alpha_beta(moment)
        rate = learning_rate(iteration, settings)
        set_rate(run.optimiser, rate)
        try:
            samples = [sample.to(device) for sample in next(batches)]
            with memory_errors(iteration + 1):
                if moment.step in probed:
                    record = probe.record(run.detector, reader, looked_at, miner, moment, settings, seed)
                    run.mined[moment.step] = record
                seen = look if choices.due(moment.step, total, settings.log_every) else None
                ready = False
                while not ready:  # once; in float16 until the gradients are finite: the same loss at a lower scale
                    run.optimiser.zero_grad(set_to_none=True)
                    loss, sums = batch_loss(run.detector, samples, miner, moment, settings, seed, seen)
                    ready = run.backward(loss)
        except SohemError:  # an unreadable image, too little memory, no lower scale: what is done so far is kept
            fresh.pop(moment.step, None)
            flush()
            save()
            raise
        run.log[iteration, : len(FACTS)] = iteration + 1, rate, alpha, beta
        pending.append(log_row(sums, settings.images))
        run.done += 1
        due = run.done % settings.checkpoint_every == 0
        # Losses are looked at before the step that they cause, so that a saved state is always good.
        if each_time or due or run.done == total or run.done % settings.log_every == 0:
            flush()
        run.optimiser.step()
        if run.averaged is not None and iteration >= round(total * (1 - settings.average)):
            run.averaged.update_parameters(run.detector)
        if due and run.done < total:
            save()
    return True


@contextmanager
def memory_errors(iteration: int) -> Iterator[None]:
    """Turn running out of memory into a message that says what to change.

    Raises:
        TrainingError: the device or the host has too little memory for an iteration.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        on_the_host = isinstance(error, MemoryError) or "can't allocate memory" in str(error)
        if not (on_the_host or isinstance(error, torch.OutOfMemoryError)):
            raise
        raise TrainingError(
            f"iteration {iteration}: out of memory ({[*str(error).splitlines(), ''][0]}). Free the device from other "
            "programs, or lower what an iteration holds: scales.<scale>.precision: bf16 or fp16, a smaller "
            "train.max_proposals or datasets.<name>.<scale>.long_side. Then run the same command again: it goes on "
            "from here if the parameters are the same, and from the beginning if one of them was changed."
        ) from None
