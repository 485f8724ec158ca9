"""Reading ahead: what a run needs next is prepared by worker processes while the device computes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from sohem.errors import SohemError

Item = TypeVar("Item")


class _Reads(Dataset):
    """``read(item)`` by item; an error of the user's travels as a value, since a worker would turn it into a trace."""

    def __init__(self, read: Callable[[int], Any]) -> None:
        self.read = read

    def __getitem__(self, item: int) -> Any:
        try:
            return self.read(item)
        except SohemError as error:
            return error


def ahead(read: Callable[[int], Item], items: Sequence[int], workers: int, device: torch.device) -> Iterator[Item]:
    """Yield ``read(item)`` for each item in order.

    Args:
        workers: processes that read ahead; 0 reads in this process, at the moment of need.
        device: for a GPU the results are put in page-locked memory.

    Raises:
        SohemError: whatever ``read`` raises, when its turn comes.
    """
    loader = DataLoader(
        _Reads(read),
        sampler=items,
        batch_size=None,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        prefetch_factor=4 if workers else None,
        # The loader draws a seed for its workers, which nobody uses: not from the global generator.
        generator=torch.Generator(),
    )
    for result in loader:
        if isinstance(result, SohemError):
            raise result
        yield result
