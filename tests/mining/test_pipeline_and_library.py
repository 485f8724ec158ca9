"""The pipeline and the library mine by the same object: built from params.yaml, it gives both the same numbers.

The pipeline hands over its log, the library (`Course`) what it recorded step by step.
"""

import copy

import numpy as np
import pytest
import torch

import toy
from sohem import Course, mine, params
from sohem.mining import miners
from sohem.mining.miner import Moment
from sohem.training.loop import LOG_COLUMNS

TOTAL = 400
GIVEN = params.load(toy.ROOT / "params.yaml")


def recorded() -> dict[str, np.ndarray]:
    """The mean losses of a run, as a log has them: both fall, L_loc more slowly, with noise."""
    rng, time = np.random.default_rng(0), np.linspace(0, 1, TOTAL)
    noise = rng.uniform(0.8, 1.2, (4, TOTAL))
    cls, loc = 0.5 + 2 * np.exp(-5 * time), 0.6 - 0.3 * time
    values = np.stack([cls, loc, 0.3 * cls, 0.1 * loc]) * noise
    return dict(zip(("cls_selected", "loc_selected", "cls_all", "loc_all"), values, strict=True))


def method(name: str, **changes) -> dict:
    found = copy.deepcopy(params.method(GIVEN, name, "kitti"))
    for key, value in changes.items():
        found[key] = found[key] | value if isinstance(value, dict) else value
    return found


RATIO = {"target": "ratio", "window": 0.05}
METHODS = {name: method(name) for name in GIVEN["methods"]} | {
    "measured before": method("sohem", beta=RATIO),
    "window": method("sohem", beta=RATIO | {"measured": "window", "shape": "step"}),
    "running": method("sohem", beta=RATIO | {"measured": "running"}),
    "running, over all": method("sohem", beta=RATIO | {"measured": "running", "over": "all"}),
    "slope": method("sohem", beta={"stable": "slope", "window": 0.1, "bound": 0.2, "windows": 2}),
    "running thresholds": method("strata", threshold="running"),
}


def rois(step: int):
    """Losses by name, boxes and labels of an image of made-up RoIs."""
    g = torch.Generator().manual_seed(step)
    labels = torch.randint(-1, 3, (60,), generator=g)
    corner = torch.rand(60, 2, generator=g) * 40
    losses = {"cls": torch.rand(60, generator=g) * 2, "loc": torch.rand(60, generator=g) * (labels > 0)}
    return losses, torch.cat([corner, corner + 12], 1), labels


@pytest.mark.parametrize("name", METHODS)
def test_pipeline_and_library_are_one_over_a_recorded_run(name):
    miner = miners.build(name, METHODS[name], 8, TOTAL, params.beta_target(GIVEN, "voc"))
    log, course = recorded(), Course(miner)
    table = np.full((TOTAL, len(LOG_COLUMNS)), np.nan)  # as the loop has it: filled as it goes, later rows NaN
    history = {column: table[:, LOG_COLUMNS.index(column)] for column in LOG_COLUMNS}
    for k in range(TOTAL):
        moment = Moment(k + 1, history)
        alpha, beta = miner.alpha_beta(moment)
        assert (course.alpha, course.beta) == pytest.approx((alpha, beta), rel=1e-12)
        if k % 20 == 0 and name != "random":
            assert course.choose(*rois(k)).tolist() == miner.choose(*rois(k), moment).tolist()
        for column, values in log.items():
            history[column][k] = values[k]
        parts = [{n: torch.tensor([log[f"{n}_{over}"][k]]) for n in ("cls", "loc")} for over in ("selected", "all")]
        course.advance(*parts)
    betas = [miner.alpha_beta(Moment(k + 1, history))[1] for k in range(TOTAL)]
    if METHODS[name]["miner"] == "sohem" and name not in ("cls_only", "constant_beta"):
        assert betas[0] < betas[-1]


def test_what_a_ratio_is_measured_over_matters():
    """Else the test above would hold for a law that ignores its settings."""
    log, ends = recorded(), set()
    for name in ("measured before", "window", "running", "running, over all"):
        miner = miners.build(name, METHODS[name], 8, TOTAL, 1.9)
        ends.add(round(miner.alpha_beta(Moment(TOTAL, log))[1], 6))
    assert len(ends) == 4


def test_the_miner_of_the_pipeline_is_what_mine_takes():
    import rcnn

    miner = miners.build("sohem", METHODS["sohem"], 8, TOTAL, 1.9)
    first, second = mine(rcnn.model(), miner), mine(rcnn.model(), miner)  # one rule, two trainings
    rcnn.losses(first)
    assert first.roi_heads.course.miner is second.roi_heads.course.miner is miner
    assert (first.roi_heads.course.step, second.roi_heads.course.step) == (1, 0)
