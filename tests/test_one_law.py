"""The pipeline's coefficients and the library's over one recorded run: where they are equal and where they differ."""

import numpy as np
import pytest
import torch

import toy
from sohem import SOHEM, Ramp, params
from sohem.mining.schedule import coefficients

TOTAL = 400
GIVEN = params.load(toy.ROOT / "params.yaml")


def recorded() -> dict[str, np.ndarray]:
    """The mean losses of a run, as a log has them: both fall, L_loc more slowly, with noise."""
    rng, time = np.random.default_rng(0), np.linspace(0, 1, TOTAL)
    noise = rng.uniform(0.8, 1.2, (2, TOTAL))
    selected = {"cls_selected": (0.5 + 2 * np.exp(-5 * time)) * noise[0], "loc_selected": (0.6 - 0.3 * time) * noise[1]}
    return selected | {"cls_all": 0.3 * selected["cls_selected"], "loc_all": 0.1 * selected["loc_selected"]}


def pipeline(schedule: dict, target: float | str) -> np.ndarray:
    """beta at every iteration, by the log."""
    log = recorded()
    return np.array([coefficients(k + 1, TOTAL, schedule, target, log)[1] for k in range(TOTAL)])


def library(ramp: Ramp) -> np.ndarray:
    """beta at every step, the losses handed over one step after the other."""
    log, miner, betas = recorded(), SOHEM(64, TOTAL, {"cls": 1.0, "loc": ramp}), []
    for k in range(TOTAL):
        betas.append(miner.beta)
        miner.advance({name: torch.tensor([log[f"{name}_selected"][k]]) for name in ("cls", "loc")})
    return np.array(betas)


def test_with_a_number_as_target_the_two_laws_are_equal():
    schedule = GIVEN["methods"]["sohem"]["schedule"]
    assert library(Ramp(1.9)) == pytest.approx(pipeline(schedule, 1.9))


def test_a_target_of_ratio_is_frozen_in_the_pipeline_and_runs_on_in_the_library():
    schedule = GIVEN["methods"]["sohem"]["schedule"]
    frozen, running = pipeline(schedule, "ratio"), library(Ramp("ratio"))
    assert frozen[:200].tolist() == running[:200].tolist() == [0] * 200
    assert len(set(frozen[300:])) == 1
    assert len(set(running[300:])) == 100
    assert abs(frozen - running).max() > 0.1


def test_the_running_ratio_is_a_window_in_the_pipeline_and_exponential_in_the_library():
    schedule = GIVEN["methods"]["sohem"]["schedule"] | {"shape": "ratio"}
    window, exponential = pipeline(schedule, 1.9), library(Ramp("ratio", start=0.5, end=0.5))
    assert window[:200].tolist() == exponential[:200].tolist()
    assert 0.01 < abs(window - exponential).max() < 1  # alike, but not the same
