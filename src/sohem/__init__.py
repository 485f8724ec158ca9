"""S-OHEM: Stratified Online Hard Example Mining for Object Detection (Li et al. 2017), replicated.

For detectors of your own, ``docs/torchvision.md`` shows how: ``mine(model, SOHEM(...))`` for torchvision's, `select`
for any other. The names below are loaded when they are first used, so that ``import sohem`` itself costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sohem.api.course import Course
    from sohem.api.heads import mine, unmine
    from sohem.api.selection import select
    from sohem.errors import MiningError
    from sohem.mining.miners.ohem import OHEM
    from sohem.mining.miners.random import RandomSampler
    from sohem.mining.miners.sohem import SOHEM
    from sohem.mining.miners.strata import StratifiedSOHEM
    from sohem.mining.schedule import Ramp

__all__ = ["OHEM", "SOHEM", "Course", "MiningError", "Ramp", "RandomSampler", "StratifiedSOHEM", "mine", "select",
           "unmine"]  # fmt: skip

_HOMES = {
    "sohem.api.course": ["Course"],
    "sohem.api.heads": ["mine", "unmine"],
    "sohem.api.selection": ["select"],
    "sohem.errors": ["MiningError"],
    "sohem.mining.miners.ohem": ["OHEM"],
    "sohem.mining.miners.random": ["RandomSampler"],
    "sohem.mining.miners.sohem": ["SOHEM"],
    "sohem.mining.miners.strata": ["StratifiedSOHEM"],
    "sohem.mining.schedule": ["Ramp"],
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
