"""A stand-in for Apple's MPS on any machine: tensors that say they lie there, and refuse what it refuses."""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

MPS = torch.device("mps")


class AppleTensor(Tensor):
    """Computed on the CPU; `Apple` decides what is one."""


class Apple(TorchFunctionMode):
    """Within it ``.to("mps")`` and ``device="mps"`` work; float64 there, and other devices beside it, are errors."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        inputs = tensors(args) + tensors(kwargs.values())
        there = any(isinstance(x, AppleTensor) for x in inputs)
        if function == Tensor.device.__get__:
            return MPS if there else torch.device("cpu")
        if function == Tensor.cpu:
            return args[0].as_subclass(Tensor)
        if function == Tensor.to:
            there, args, kwargs = target(there, args, kwargs)
        elif torch.device(kwargs.get("device") or "cpu") == MPS:
            kwargs, there = kwargs | {"device": "cpu"}, True
        elif there and any(not isinstance(x, AppleTensor) and x.dim() for x in inputs):
            raise RuntimeError(f"{function.__name__}: expected all tensors to be on the same device, found mps and cpu")
        result = function(*args, **kwargs)
        return placed(result, there)


def target(there: bool, args: Any, kwargs: dict[str, Any]) -> tuple[bool, Any, dict[str, Any]]:
    """Whether ``x.to(...)`` lies there, and its arguments without a device."""
    rest = []
    for value in args[1:]:
        if isinstance(value, Tensor):
            there = isinstance(value, AppleTensor)
            rest.append(value.dtype)
        elif isinstance(value, str | torch.device):
            there = torch.device(value) == MPS
        else:
            rest.append(value)
    if "device" in kwargs:
        there = torch.device(kwargs["device"]) == MPS
    kwargs = {name: value for name, value in kwargs.items() if name != "device"}
    return there, (args[0], *(rest or [args[0].dtype])), kwargs


def tensors(values: Any) -> list[Tensor]:
    """Those among ``values``, in lists and tuples as well."""
    found: list[Tensor] = []
    for value in values:
        found += tensors(value) if isinstance(value, list | tuple) else [value] if isinstance(value, Tensor) else []
    return found


def placed(result: Any, there: bool) -> Any:
    """``result`` with each tensor on the device where it was made."""
    if isinstance(result, list | tuple) and any(isinstance(x, Tensor) for x in result):
        return type(result)([placed(x, there) for x in result])
    if not isinstance(result, Tensor):
        return result
    if there and result.dtype == torch.float64:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
    return result.as_subclass(AppleTensor if there else Tensor)
