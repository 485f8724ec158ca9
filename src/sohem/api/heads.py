"""`mine` and `unmine`: hard example mining inside torchvision's Faster, Mask and Keypoint R-CNN.

torchvision's ``RoIHeads`` labels the proposals, samples some of them and trains on these. Mining replaces the sampling:
all labelled proposals go through the read-only network, the miner chooses among them, and torchvision goes on with the
chosen ones. The heads get a subclass of their own class for that; their parameters and everything else stay.
"""

import functools
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads

from sohem.api.course import Course
from sohem.api.read_only import Batch, read_only_losses
from sohem.errors import MiningError
from sohem.mining.miner import Miner
from sohem.mining.rois import Rois

Model = TypeVar("Model", bound=nn.Module)


def mine(model: Model, miner: Miner) -> Model:
    """Let ``miner`` choose the RoIs that ``model`` trains on, in place of torchvision's random sampler.

    Training code stays as it is. ``model.roi_heads.course`` advances by itself: one step for each forward pass in
    training mode with gradients enabled; passes in evaluation mode or under ``no_grad`` (a validation loss, say) leave
    it. Evaluation and the keys of ``model.state_dict()`` do not change; save ``course.state_dict()`` beside it to go
    on later.

    Args:
        model: one of torchvision's R-CNNs, or a module that contains one (DistributedDataParallel and the like), or
            its ``RoIHeads``. Changed in place.
        miner: `SOHEM`, `OHEM`, `StratifiedSOHEM` or `RandomSampler`; it may serve several models. How far the training
            is stands in the `Course` of each model, at ``model.roi_heads.course``.

    Returns:
        ``model``.

    Raises:
        MiningError: no RoI heads or several, mined already, or the miner looks at a loss that the model does not have.
    """
    course, heads = Course(miner), roi_heads(model)
    if isinstance(heads, MinedRoIHeads):
        raise MiningError(f"{type(model).__name__} is mined already, by {heads.course}; call unmine(model) first")
    available = {"cls", "loc"} | ({"mask"} if heads.has_mask() else set())
    available |= {"keypoint"} if heads.has_keypoint() else set()
    if unknown := [name for name in miner.losses if name not in available]:
        raise MiningError(
            f"{type(model).__name__} has no loss {', '.join(unknown)}; it has {', '.join(sorted(available))}"
        )
    base: Any = type(heads)
    heads.__class__ = mined(base)
    heads.course = course
    return model


def unmine(model: nn.Module) -> Course:
    """Give ``model`` torchvision's random sampler back; returns its course with the miner that it had.

    Raises:
        MiningError: the model is not mined.
    """
    heads = roi_heads(model)
    if not isinstance(heads, MinedRoIHeads):
        raise MiningError(f"{type(model).__name__} is not mined; there is nothing to undo")
    course = heads.__dict__.pop("course")
    heads.__dict__.pop("_inputs", None)
    heads.__class__ = heads._base
    return course


def roi_heads(model: nn.Module) -> Any:
    """The one ``RoIHeads`` in ``model``.

    Raises:
        MiningError: there is none, or there are several.
    """
    if not isinstance(model, nn.Module):
        raise MiningError(f"{model!r} is no model; expected a torch.nn.Module")
    found = [module for module in model.modules() if isinstance(module, RoIHeads)]
    if not found:
        raise MiningError(
            f"{type(model).__name__} has no torchvision RoIHeads, so there are no RoIs to choose; expected Faster, "
            "Mask or Keypoint R-CNN. For another detector call sohem.select in its head"
        )
    if len(found) > 1:
        raise MiningError(f"{type(model).__name__} has {len(found)} RoIHeads; pass the one to mine")
    return found[0]


class MinedRoIHeads(RoIHeads):
    """What `mine` makes of ``RoIHeads``; only `mined` builds it, as a subclass of the model's own class, too."""

    _base: type
    _inputs: Any = None  # features and image shapes, while a forward pass in training waits for its selection
    course: Course

    def forward(self, features: Any, proposals: Any, image_shapes: Any, targets: Any = None) -> Any:
        if not self.training:
            return super().forward(features, proposals, image_shapes, targets)
        self._inputs = features, image_shapes
        try:
            result = super().forward(features, proposals, image_shapes, targets)
            if self._inputs is not None:
                raise MiningError(
                    f"{self._base.__name__}.forward does not call select_training_samples, so nothing can be mined"
                )
        finally:
            self._inputs = None
        return result

    def subsample(self, labels: list[Tensor]) -> list[Tensor]:
        """All of them: the parent's ``select_training_samples`` then labels every proposal."""
        return [torch.arange(len(label), device=label.device) for label in labels]

    def select_training_samples(self, proposals: list[Tensor], targets: Any) -> tuple[list[Tensor], ...]:
        """Boxes, matched objects, labels and regression targets of the chosen proposals, each a list over images.

        Raises:
            MiningError: it is the second call of a forward pass, or outside of one.
        """
        if self._inputs is None:
            raise MiningError(
                f"{self._base.__name__} calls select_training_samples twice in a forward pass (a cascade), or outside "
                "of one; mine chooses once in each pass, by the losses of one box head. Call unmine(model), and in the "
                "heads choose for each stage by its own losses: sohem.select, or a Course for each stage"
            )
        samples: Any = super().select_training_samples(proposals, targets)
        (features, image_shapes), self._inputs = self._inputs, None
        boxes, matched, labels, offsets = samples
        batch = Batch(features, image_shapes, boxes, matched, labels, offsets, targets)
        chosen = self._choose(batch, advance=torch.is_grad_enabled())
        return tuple([values[rows] for values, rows in zip(part, chosen, strict=True)] for part in samples)

    @torch.no_grad()
    def _choose(self, batch: Batch, advance: bool) -> list[Tensor]:
        """For each image the indices of the chosen proposals."""
        miner, counts = self.course.miner, [len(label) for label in batch.labels]
        losses = read_only_losses(self, batch, miner.losses)
        split = {name: loss.split(counts) for name, loss in losses.items()}
        images = [
            Rois({name: parts[n] for name, parts in split.items()}, batch.boxes[n], batch.labels[n])
            for n in range(len(counts))
        ]
        rows = self.course.choose_each(images)
        if advance:
            chosen = {k: torch.cat([x[r] for x, r in zip(parts, rows, strict=True)]) for k, parts in split.items()}
            counted = (torch.cat(batch.labels) >= 0).sum()  # an ignored proposal costs nothing
            self.course.advance(chosen, {name: loss.sum() / counted for name, loss in losses.items()})
        return rows

    def _replicate_for_data_parallel(self) -> Any:
        # Called by nn.DataParallel for each device in each pass. The replicas would share one course: each advances
        # it, at the same time as others read it.
        if self.training:
            raise MiningError(
                "nn.DataParallel trains replicas, which would each advance the schedule of the one course; use "
                "DistributedDataParallel, in which each process has its own, or one device (device_ids=[0])"
            )
        return super()._replicate_for_data_parallel()

    def __reduce_ex__(self, protocol: Any) -> Any:
        # The class is made by `mined` and has no name to be found by; its base has.
        return blank, (self._base,), self.__getstate__()


@functools.cache
def mined(base: Any) -> type:
    """The class of mined heads whose class was ``base``, a ``RoIHeads`` or a subclass of it."""
    return type(f"Mined{base.__name__}", (MinedRoIHeads, base), {"_base": base, "__module__": __name__})


def blank(base: type) -> Any:
    """Mined heads without contents, for pickle and deepcopy."""
    kind: Any = mined(base)
    return kind.__new__(kind)
