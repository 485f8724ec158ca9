"""How far a training is, for miners outside the pipeline: a `Miner` knows no state, a `Course` has it."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sohem.errors import MiningError
from sohem.mining.checks import check_rois
from sohem.mining.miner import Miner, Moment
from sohem.mining.rois import Rois
from sohem.mining.select import widest


class Course:
    """The course of one training with a miner: the steps done, and the losses that the miner looks back at.

    `mine` makes one, at ``model.roi_heads.course``. A head of your own makes its own: `choose` for each image, then
    `advance` once per training step.

    Attributes:
        miner: the rule; one miner may serve several courses.
        step: how many training steps are done.
    """

    def __init__(self, miner: Miner) -> None:
        if not isinstance(miner, Miner):
            raise MiningError(f"{miner!r} is no miner; expected for example SOHEM(batch_size=128, total_steps=10000)")
        self.miner, self.step = miner, 0
        # [at least the steps done, columns], on the losses' device, so that nobody waits for a GPU.
        self._recorded = torch.zeros(64, len(miner.looks_back), dtype=torch.float64)

    @property
    def history(self) -> dict[str, Tensor]:
        """Mean losses of each step done, each [step], named as in the pipeline's log; those that the miner needs."""
        return {name: self._recorded[: self.step, k] for k, name in enumerate(self.miner.looks_back)}

    @property
    def moment(self) -> Moment:
        """The next training step."""
        return Moment(self.step + 1, self.history)

    @property
    def coefficients(self) -> dict[str, Any]:
        """The coefficient of each loss in L_select at the next step: numbers, or tensors []; {} without Formula (1)."""
        return self.miner.coefficients_at(self.moment)

    @property
    def alpha(self) -> float:
        """The coefficient of "cls" at the next training step."""
        return self.miner.alpha_beta(self.moment)[0]

    @property
    def beta(self) -> float:
        """The coefficient of "loc" at the next training step. Reading it waits for a GPU."""
        return self.miner.alpha_beta(self.moment)[1]

    def choose(self, losses: Mapping[str, Tensor], boxes: Tensor, labels: Tensor) -> Tensor:
        """[<= B] indices of the RoIs of one image to train on at the next step; arguments as for `sohem.select`.

        Raises:
            MiningError: shapes or names do not fit.
        """
        return self.choose_each([Rois(losses, boxes, labels)])[0]

    @torch.no_grad()
    def choose_each(self, images: Sequence[Rois]) -> list[Tensor]:
        """The same for all images of a step; only so can a miner choose among them ``together``."""
        for losses, boxes, labels, _ in images:
            if missing := [name for name in self.miner.losses if name not in losses]:
                raise MiningError(f"losses has no {', '.join(missing)}, which the miner looks at")
            if self.miner.losses:
                check_rois(losses, boxes, labels)
        return self.miner.choose_each(images, [self.moment] * len(images))

    @torch.no_grad()
    def advance(self, chosen: Mapping[str, Tensor], everything: Mapping[str, Tensor] | None = None) -> None:
        """One training step is done.

        Args:
            chosen: the losses of all RoIs chosen in the step, by name, each [any number].
            everything: the same of all RoIs that are not ignored (or their mean), for miners that look at these.

        Raises:
            MiningError: ``everything`` is needed and missing.
        """
        if columns := self.miner.looks_back:
            self._record(columns, {"selected": chosen, "all": everything})
        self.step += 1

    def _record(self, columns: Sequence[str], losses: Mapping[str, Mapping[str, Tensor] | None]) -> None:
        means = []
        for column in columns:
            name, over = column.rsplit("_", 1)
            known = losses[over]
            if known is None:
                raise MiningError("this miner looks at the losses of all RoIs: pass them to advance as everything")
            means.append(widest(known[name]).mean())
        now = torch.stack(means)
        if self.step == len(self._recorded):
            self._recorded = torch.cat([self._recorded, torch.zeros_like(self._recorded)])
        self._recorded = self._recorded.to(now)
        # A step without RoIs, or with a loss that is not finite, counts as 0 for each loss: it moves no ratio.
        self._recorded[self.step] = torch.where(now.isfinite().all(), now, torch.zeros_like(now))

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here: numbers, strings and lists only."""
        own = {"miner": type(self.miner).__name__, "losses": list(self.miner.losses), "step": self.step}
        return own | {"history": {name: values.tolist() for name, values in self.history.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state saved with a miner of the same kind that looks at the same losses.

        Raises:
            MiningError: the state is of another miner, or no course's.
        """
        own = self.state_dict()
        if missing := sorted(own.keys() - state.keys()):
            raise MiningError(f"this is not the state of a course: {', '.join(missing)} is missing")
        kept = {"miner": state["miner"], "losses": state["losses"], "history": list(state["history"])}
        for key, value in (own | {"history": list(own["history"])}).items():
            if key != "step" and kept[key] != value:
                raise MiningError(f"the state is of another miner: its {key} is {kept[key]!r}, here it is {value!r}")
        self.step = int(state["step"])
        self._recorded = torch.zeros(max(64, self.step), len(kept["history"]), dtype=torch.float64)
        for k, values in enumerate(state["history"].values()):
            self._recorded[: self.step, k] = torch.tensor(values, dtype=torch.float64)

    def __repr__(self) -> str:
        return f"Course({type(self.miner).__name__}(batch_size={self.miner.batch_size}), step={self.step})"
