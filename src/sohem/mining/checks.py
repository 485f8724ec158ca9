"""What the library is given is looked at once, by shape and range; no tensor is read, so a GPU need not wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sohem.errors import MiningError

if TYPE_CHECKING:
    from torch import Tensor


def check_rois(losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor) -> None:
    """Raise `MiningError` unless losses [R], boxes [R, 4] and labels [R] belong together. Looks at shapes only."""
    if not losses:
        raise MiningError("losses is empty; expected at least one, for example {'cls': l_cls, 'loc': l_loc}")
    count = len(labels)
    if labels.dim() != 1 or labels.is_floating_point():
        raise MiningError(f"labels: {labels.dtype} {list(labels.shape)}; expected integers [R]")
    if list(boxes.shape) != [count, 4]:
        raise MiningError(f"boxes: {list(boxes.shape)}; expected [{count}, 4], a row for each label")
    for name, loss in losses.items():
        if list(loss.shape) != [count]:
            raise MiningError(
                f"losses[{name!r}]: {list(loss.shape)}; expected [{count}], one number for each RoI of one image "
                "(reduction='none', summed over coordinates)"
            )


def check_choice(batch_size: int, nms_iou: float | None) -> None:
    """Raise `MiningError` unless the two are in range."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise MiningError(f"batch_size={batch_size!r}; expected a whole number from 1 up, the RoIs of one image")
    if nms_iou is not None and not 0 <= nms_iou <= 1:
        raise MiningError(f"nms_iou={nms_iou!r}; expected 0 to 1, or None for no NMS")


def checked_names(losses: Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple.

    Raises:
        MiningError: there are none, or one is there twice, or they are one string.
    """
    names = tuple(losses)
    if isinstance(losses, str) or not names or len(set(names)) < len(names):
        raise MiningError(f"losses={losses!r}; expected different names, for example ('cls', 'loc')")
    return names


def checked_steps(total_steps: int) -> int:
    """``total_steps``, a whole number from 1 up.

    Raises:
        MiningError: it is not.
    """
    if isinstance(total_steps, bool) or not isinstance(total_steps, int) or total_steps < 1:
        raise MiningError(f"total_steps={total_steps!r}; expected the whole training, len(loader) * epochs")
    return total_steps
