"""The miners: which RoIs of an image a detector trains on, with a schedule that remembers how far training is."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sohem.api.checks import check_choice, checked_names, checked_steps
from sohem.api.ramp import Ramp
from sohem.api.selection import select
from sohem.errors import MiningError
from sohem.mining.schedule import ratio
from sohem.mining.select import random_sample

# The running means behind a ratio reach back over about this share of the training steps (1000 of the paper's 80000).
WINDOW = 0.0125


class Miner:
    """What `mine` needs: names of losses, `choose`, and `advance` once per training step. Plain data, no module.

    Attributes:
        batch_size: B, the RoIs chosen of each image.
        losses: the names of the losses that it looks at; () for none.
        step: how many training steps are done. Set by `advance`, saved in `state_dict`.
    """

    losses: tuple[str, ...] = ()

    def __init__(self, batch_size: int, nms_iou: float | None = None) -> None:
        check_choice(batch_size, nms_iou)
        self.batch_size, self.nms_iou, self.step = batch_size, nms_iou, 0

    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor) -> Tensor:
        """[<= B] indices of the RoIs of one image to train on at the present step; arguments as for `select`."""
        raise NotImplementedError

    def advance(self, chosen: Mapping[str, Tensor]) -> None:
        """One training step is done.

        Args:
            chosen: the losses of all RoIs chosen in the step, by name, each [any number].
        """
        self.step += 1

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here: numbers and strings only."""
        return {"miner": type(self).__name__, "losses": list(self.losses), "step": self.step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state saved by a miner of the same kind with the same losses.

        Raises:
            MiningError: the state is of another miner, or no miner's.
        """
        own = self.state_dict()
        if missing := sorted(own.keys() - state.keys()):
            raise MiningError(f"this is not the state of a miner: {', '.join(missing)} is missing")
        for key in ("miner", "losses"):
            if state[key] != own[key]:
                raise MiningError(
                    f"the state is of another miner: its {key} is {state[key]!r}, here it is {own[key]!r}"
                )
        self.step = int(state["step"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_size={self.batch_size}, step={self.step})"


class RandomSampler(Miner):
    """No mining: Fast R-CNN's sampling, a share ``foreground`` of each batch, the control that any miner must beat.

    Draws from torch's global generator, as torchvision's own sampler does. Where one side is short, the other fills.
    """

    def __init__(self, batch_size: int, foreground: float = 0.25) -> None:
        super().__init__(batch_size)
        if not 0 <= foreground <= 1:
            raise MiningError(f"foreground={foreground!r}; expected a share from 0 to 1")
        self.foreground = foreground

    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor) -> Tensor:
        return random_sample(labels, self.batch_size, self.foreground)


class OHEM(Miner):
    """Online hard example mining (Shrivastava et al. 2016): NMS on the sum of the losses, then the B highest.

    Args:
        batch_size: B, the RoIs of each image (torchvision's ``box_batch_size_per_image``).
        losses: which are summed: of "cls", "loc", and for Mask and Keypoint R-CNN "mask" and "keypoint".
        nms_iou, per_label: see `select`.
    """

    def __init__(
        self,
        batch_size: int,
        losses: Sequence[str] = ("cls", "loc"),
        nms_iou: float | None = 0.7,
        per_label: bool = True,
    ) -> None:
        super().__init__(batch_size, nms_iou)
        self.losses, self.per_label = checked_names(losses), per_label

    @property
    def coefficients(self) -> dict[str, Any]:
        """The coefficient of each loss in L_select at the next training step: numbers, or tensors []."""
        return dict.fromkeys(self.losses, 1.0)

    @property
    def alpha(self) -> float:
        """The coefficient of "cls" at the next training step (0 if it is not used)."""
        return float(self.coefficients.get("cls", 0.0))

    @property
    def beta(self) -> float:
        """The coefficient of "loc" at the next training step (0 if it is not used). Reading it waits for a GPU."""
        return float(self.coefficients.get("loc", 0.0))

    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor) -> Tensor:
        return select(losses, boxes, labels, self.batch_size, self.coefficients, self.nms_iou, self.per_label)


class SOHEM(OHEM):
    """S-OHEM by Formula (1): NMS on L_select = alpha L_cls + beta L_loc (+ more losses), then the B highest.

    Up to the share ``start`` of the training RoIs are chosen by L_cls alone; then beta grows.

    The paper lets beta grow to 1.9 (VOC07) and 2.3 (KITTI), the ratio of the two losses in its set-up. torchvision's
    smooth L1 loss has beta = 1/9 and its box offsets other scales, so those numbers do not carry over. The default
    target is therefore the running ratio itself, L_cls / L_loc averaged over the selected RoIs of the last steps
    (exponentially, over about 1.25 % of the training); `Ramp` takes a number instead.

    Args:
        batch_size: B, the RoIs of each image (torchvision's ``box_batch_size_per_image``).
        total_steps: forward passes of the whole training, ``len(loader) * epochs``. Gradient accumulation changes
            nothing: a step is a forward pass in training mode with gradients enabled.
        coefficients: loss name to number or `Ramp`, the reference of ratios first. The default is
            ``{"cls": 1.0, "loc": Ramp()}``; for Mask R-CNN ``{"cls": 1.0, "loc": Ramp(), "mask": Ramp()}``.
        nms_iou, per_label: see `select`.

    Raises:
        MiningError: a number is out of range, or a loss has no such name.
    """

    def __init__(
        self,
        batch_size: int,
        total_steps: int,
        coefficients: Mapping[str, float | Ramp] | None = None,
        nms_iou: float | None = 0.7,
        per_label: bool = True,
    ) -> None:
        default: dict[str, float | Ramp] = {"cls": 1.0, "loc": Ramp()}
        self.schedules = default if coefficients is None else dict(coefficients)
        super().__init__(batch_size, tuple(self.schedules), nms_iou, per_label)
        self.total_steps = checked_steps(total_steps)
        for name, value in self.schedules.items():
            if not isinstance(value, Ramp) and not (isinstance(value, float | int) and value >= 0):
                raise MiningError(f"coefficients[{name!r}]={value!r}; expected a number from 0 up, or a Ramp")
        # [n], running means of the losses over the selected RoIs; stays on the losses' device, so that nobody waits.
        self.means: Tensor | None = None

    @property
    def coefficients(self) -> dict[str, Any]:
        """The coefficient of each loss in L_select at the next training step: numbers, or tensors []."""
        return {name: self._at_next_step(k, self.schedules[name]) for k, name in enumerate(self.losses)}

    def _at_next_step(self, k: int, value: float | Ramp) -> Any:
        if not isinstance(value, Ramp):
            return value
        target = 1.0 if self.means is None else ratio(self.means[0], self.means[k])
        return value.at(self.step + 1, self.total_steps, target)

    def advance(self, chosen: Mapping[str, Tensor]) -> None:
        super().advance(chosen)
        now = torch.stack([chosen[name].detach().double().mean() for name in self.losses])
        if self.means is None:
            self.means = torch.where(now.isfinite().all(), now, torch.zeros_like(now))
            return
        decay = 1 / max(1.0, WINDOW * self.total_steps)
        self.means = self.means.to(now.device)
        # A step without RoIs, or with a loss that is not finite, leaves the means as they were.
        self.means = torch.where(now.isfinite().all(), self.means.lerp(now, decay), self.means)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"means": None if self.means is None else self.means.tolist()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.means = None if state["means"] is None else torch.tensor(state["means"], dtype=torch.float64)
