"""S-OHEM: Stratified Online Hard Example Mining for Object Detection (Li et al. 2017), replicated.

For detectors of your own, ``docs/torchvision.md`` shows how: ``mine(model, SOHEM(...))`` for torchvision's, `select`
for any other. The names below are loaded when they are first used, so that ``import sohem`` itself costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sohem.api.heads import mine, unmine
    from sohem.api.miners import OHEM, SOHEM, RandomSampler
    from sohem.api.ramp import Ramp
    from sohem.api.selection import select
    from sohem.api.stratified import StratifiedSOHEM
    from sohem.errors import MiningError

__all__ = ["OHEM", "SOHEM", "MiningError", "Ramp", "RandomSampler", "StratifiedSOHEM", "mine", "select", "unmine"]

_HOMES = {
    "sohem.api.heads": ["mine", "unmine"],
    "sohem.api.miners": ["OHEM", "SOHEM", "RandomSampler"],
    "sohem.api.ramp": ["Ramp"],
    "sohem.api.selection": ["select"],
    "sohem.api.stratified": ["StratifiedSOHEM"],
    "sohem.errors": ["MiningError"],
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
