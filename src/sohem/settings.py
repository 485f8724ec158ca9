"""The parameters of networks, training and testing with types, made once where a command reads its part.

The classes mirror ``scales.<scale>`` and ``datasets.<name>.<scale>`` of params.yaml key by key: ``scale.train.lr`` is
``scales.demo.train.lr``. What a key means stands beside it in params.yaml, what it may be in the schema.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_origin, get_type_hints

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Head:
    """RoI pooling and the hidden layers of the RoI head."""

    op: str  # roi_pool | roi_align
    pool: int
    hidden: int
    dropout: float


@dataclass(frozen=True)
class Frozen:
    """How many leading layers with weights of the backbone are not trained, for each kind of detector."""

    fast_rcnn: int
    faster_rcnn: int


@dataclass(frozen=True)
class Kept:
    """How many proposals of the RPN are kept before and after NMS."""

    before: int
    after: int


@dataclass(frozen=True)
class RPN:
    """The region proposal network: its anchors, its mini-batch, and what it proposes."""

    ratios: tuple[float, ...]
    sizes: tuple[float, ...]
    base: int | None
    hidden: int
    batch: int
    foreground: float
    positive: float
    negative: float
    nms: float
    train: Kept
    test: Kept
    min_size: float


@dataclass(frozen=True)
class Train:
    """The mini-batches and the solver."""

    iterations: int
    images: int  # N
    rois: int  # of each image: B = N x rois
    max_proposals: int | None
    lr: float
    warmup: int
    momentum: float
    weight_decay: float
    step: int
    gamma: float
    bias_lr: float
    flip: str  # none | coin | doubled
    foreground_iou: float
    box_std: str  # dataset | fixed
    average: float  # share of the iterations, the last ones, whose weights are averaged; 0: the last weights
    checkpoint_every: int
    log_every: int


@dataclass(frozen=True)
class Probe:
    """Of how many images, and at which shares of the iterations, RoIs are recorded."""

    images: int
    at: tuple[float, ...]


@dataclass(frozen=True)
class Test:
    """From scores to detections."""

    __test__ = False  # for pytest, which takes the name for a test's

    score: float
    nms: float
    detections: int
    max_proposals: int | None


@dataclass(frozen=True)
class Scale:
    """What training depends on: the machine, the network, and how it is trained."""

    device: str
    threads: int
    workers: int
    precision: str
    compile: bool
    backbone: str
    frozen: Frozen
    cache: str  # pixels | features
    weights: str
    head: Head
    rpn: RPN
    train: Train
    probe: Probe


@dataclass(frozen=True)
class Crops:
    """The demo's own pretraining, a detector of drawn crops."""

    threads: int
    seed: int
    images: int
    size: int
    rois: int  # of each crop
    epochs: int
    batch: int
    lr: float
    weight_decay: float


@dataclass(frozen=True)
class Images:
    """Where a data set's images lie, and to which size they are brought."""

    root: str
    short_side: int
    long_side: int


def of(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """A settings object from a part of the parameters that the schema has checked; keys that it has no field for are
    left to others.

    Raises:
        KeyError: a key is missing.
    """
    hints = get_type_hints(kind)
    return kind(**{name: _typed(hint, values[name]) for name, hint in hints.items()})


def _typed(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return of(hint, value)  # type: ignore[arg-type]
    return tuple(value) if get_origin(hint) is tuple else value
