"""S-OHEM by strata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sohem.errors import MiningError
from sohem.mining.checks import check_choice, checked_names, checked_steps
from sohem.mining.miner import Miner, Moment, Settings
from sohem.mining.schedule import Ramp, running_mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class StratifiedSOHEM(Miner):
    """S-OHEM by strata (paper 3.2 and 3.3): each loss has a quota of the batch, taken where that loss is high.

    With n losses an image's RoIs fall into 2^n strata: each loss is high or low. At first the whole batch comes from
    the strata with a high first loss; from the share ``start`` to ``end`` of the training a ``share`` of the batch
    passes over to the other losses, in equal parts.

    Args:
        batch_size, total_steps: see `SOHEM`.
        losses: see `OHEM`; the first has the whole batch at the start.
        start, end, share: shares of the training, and of the batch.
        quantile: above it, over the image's RoIs that are not ignored, a loss is high.
        fill: the loss by which RoIs of any stratum are taken, highest first, where a quota cannot be met; or "sum", the
            sum of all.
        threshold: "quantile", or "running": a loss is high above the running mean of that loss over all RoIs of the
            steps so far (the first step goes by the quantile).
        window: of "running": how far the mean reaches back, as a share of the training.
        s23: the later strata, of two losses: "localisation" (s_1 and s_3, "RoIs with high L_loc") or "literal" (s_2 and
            s_3, as printed).
        rest: where the first loss's quota comes from once the change has begun: "s12", as before, or "s1", where every
            loss is high ("by increasing the sampling ratio between s_23 and s_1", section 3.3).
        nms_iou, per_label: see `sohem.select`; NMS goes by the sum of the losses. together: see `Miner`.

    Raises:
        MiningError: a number is out of range, or a loss has no such name.
    """

    name: ClassVar[str] = "strata"

    total_steps: int
    losses: Sequence[str] = ("cls", "loc")  # type: ignore[assignment]
    start: float = 0.5
    end: float = 0.75
    share: float = 0.9
    quantile: float = 0.5
    fill: str = "cls"
    threshold: str = field(default="quantile", kw_only=True)
    window: float = field(default=Ramp.window, kw_only=True)
    s23: str = field(default="localisation", kw_only=True)
    rest: str = field(default="s12", kw_only=True)
    nms_iou: float | None = field(default=0.7, kw_only=True)
    per_label: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        check_choice(self.batch_size, self.nms_iou)
        checked_steps(self.total_steps)
        object.__setattr__(self, "losses", checked_names(self.losses))
        if len(self.losses) < 2:
            raise MiningError(f"losses={self.losses!r}; strata need two or more")
        if not (0 <= self.start <= self.end <= 1 and 0 <= self.share <= 1 and 0 <= self.quantile <= 1):
            raise MiningError(
                f"start={self.start}, end={self.end}, share={self.share}, quantile={self.quantile}; expected shares, "
                "start not after end"
            )
        if not 0 < self.window <= 1:
            raise MiningError(f"window={self.window}; expected a share of the training above 0")
        if self.s23 == "literal" and len(self.losses) > 2:
            raise MiningError("s23='literal' is a reading of two losses; with more expected localisation")
        for key, known in (
            ("fill", (*self.losses, "sum")),
            ("threshold", ("quantile", "running")),
            ("s23", ("localisation", "literal")),
            ("rest", ("s12", "s1")),
        ):
            if getattr(self, key) not in known:
                raise MiningError(f"{key}={getattr(self, key)!r}; expected one of {', '.join(known)}")

    @classmethod
    def from_settings(cls, method: Settings, batch_size: int, total_steps: int, beta_target: float | str) -> Self:
        own = {key: method[key] for key in ("losses", "quantile", "fill", "threshold", "window", "s23", "rest",
                                            "together")}  # fmt: skip
        nms = {"nms_iou": method["nms"]["iou"], "per_label": method["nms"]["per_label"]}
        return cls(batch_size, total_steps, **own, **method["schedule"], **nms)

    @property
    def looks_back(self) -> list[str]:
        return [f"{name}_all" for name in self.losses] if self.threshold == "running" else []

    def quotas_at(self, step: int) -> dict[str, int]:
        """How many RoIs of an image each loss may choose at ``step`` (from 1); together B."""
        from sohem.mining.strata import quotas

        schedule = {"start": self.start, "end": self.end, "share": self.share}
        counts = quotas(step, self.total_steps, self.batch_size, schedule, len(self.losses))
        return dict(zip(self.losses, counts, strict=True))

    def unions_at(self, step: int) -> list[tuple[int, ...]]:
        """For each loss the strata from which its quota comes at ``step``."""
        from sohem.mining.strata import LATER, high_strata

        unions = high_strata(len(self.losses))
        if self.s23 == "literal":
            unions[1] = LATER["literal"]
        if self.rest == "s1" and step > self.start * self.total_steps:
            unions[0] = (1,)
        return unions

    def thresholds(self, names: Sequence[str], moment: Moment) -> list[Any] | None:
        if self.threshold == "quantile" or moment.step == 1:
            return None
        if moment.history is None:
            raise ValueError("running thresholds need the recorded losses: pass a moment with history")
        length = max(1.0, self.window * self.total_steps)
        return [running_mean(moment.history[f"{name}_all"][: moment.step - 1], length) for name in names]

    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor, moment: Moment) -> Tensor:
        from sohem.mining.select import combined, nan_is_hardest
        from sohem.mining.strata import select_by_unions

        known = {name: nan_is_hardest(losses[name]) for name in self.losses}
        counts, unions = list(self.quotas_at(moment.step).values()), self.unions_at(moment.step)
        rest = combined(known, dict.fromkeys(known, 1.0)) if self.fill == "sum" else known[self.fill]
        return select_by_unions(list(known.values()), boxes, labels, unions, counts, rest, self.quantile, self.nms_iou,
                                self.per_label, self.thresholds(self.losses, moment))  # fmt: skip
