"""One thing that the audit of the paper's numbers found."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """What was found, where, with the numbers; ``agrees`` tells a number that fits from one that does not."""

    id: str
    place: str
    finding: str
    numbers: dict[str, Any] = field(default_factory=dict)
    agrees: bool = False
