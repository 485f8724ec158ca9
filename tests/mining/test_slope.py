"""When `stable: slope` lets the change begin, on simulated losses of an OHEM training (paper 3.3: "after 40K").

Until the rate drops for the first time a loss falls by a power law, then at once, then hardly any more. The loss of a
mini-batch varies about that by a fifth to a third, as other images are in it.
"""

from itertools import product

import numpy as np
import pytest

from sohem.errors import MiningError
from sohem.mining.schedule import Ramp, stable_since

DROPS = (0.375, 0.75)  # 30k and 60k of 80k


def noisy(losses: list[np.ndarray], spread: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Each loss times a factor around 1 for each iteration; a part of it is the same for all, the images'."""
    shape, steps = 1 / spread**2, len(losses[0])
    common = rng.gamma(shape, 1 / shape, steps)
    return [loss * (0.4 * common + 0.6 * rng.gamma(shape, 1 / shape, steps)) for loss in losses]


def ohem_like(steps: int, power: float, drop: float, late: float, start: float) -> np.ndarray:
    """[steps], the mean loss; ``drop``: what the first drop of the rate takes, ``late``: its fall per eighth later."""
    time = np.arange(1, steps + 1) / steps
    level = (1 + 40 * np.minimum(time, DROPS[0])) ** -power + (start - 1) * np.exp(-160 * time)
    level *= 1 - 8 * late * np.clip(time - DROPS[0], 0, None)
    for at, share in zip(DROPS, (drop, 0.03), strict=True):
        level *= 1 - share * (1 - np.exp(-160 * np.clip(time - at, 0, None)))
    return level


def runs(steps: int, seed: int = 0) -> list[list[np.ndarray]]:
    """L_cls and L_loc of trainings. From 15k to 30k of 80k iterations L_cls falls by 9 to 22 %, L_loc by less."""
    rng = np.random.default_rng(seed)
    choices = product((0.15, 0.4), (0.08, 0.25), (0.2, 0.35), (0.0, 0.03))
    return [
        noisy(
            [ohem_like(steps, p, drop, late, 3.0), 0.4 * ohem_like(steps, 0.8 * p, 0.8 * drop, late, 1.2)], spread, rng
        )
        for p, drop, spread, late in choices
    ]


def begins(losses: list[np.ndarray], windows: int = Ramp().windows) -> float:
    """The share of the training after which the change begins, by the default bound and window."""
    steps, ramp = len(losses[0]), Ramp()
    return stable_since(losses, max(1, round(ramp.window * steps)), ramp.bound, windows) / steps


def test_at_the_papers_length_the_change_begins_after_40k_iterations():
    """Window after window, with no more of them, it began before the rate had dropped at all."""
    of_runs = runs(80_000)
    found = [80 * begins(losses) for losses in of_runs]
    assert min(found) >= 39
    assert max(found) <= 46
    assert max(80 * begins(losses, windows=1) for losses in of_runs) < 30


@pytest.mark.parametrize(("steps", "never"), [(600, 0.1), (6000, 0)])
def test_in_a_short_training_noise_does_not_begin_it_early_nor_keep_it_from_beginning(steps, never):
    found = np.array([begins(losses) for seed in range(3) for losses in runs(steps, seed)])
    assert found.min() > 0.15
    assert np.isinf(found).mean() <= never


def test_in_the_demo_it_begins_after_the_steep_fall():
    """L_cls falls from 2.8 to 0.85 within 100 iterations of 600, L_loc not at all."""
    rng, time = np.random.default_rng(0), np.arange(1, 601)
    cls = 0.5 + 0.35 * np.exp(-time / 200) + 2 * np.exp(-time / 20)
    found = np.array([600 * begins(noisy([cls, np.full(600, 0.3)], 0.35, rng)) for _ in range(60)])
    assert found.min() > 100
    assert np.isinf(found).mean() < 0.1


def test_windows_that_leave_no_step_are_refused_where_they_matter():
    assert Ramp(window=0.5).at(1, 100) == 0
    with pytest.raises(MiningError, match=r"stable='slope' compares 5 windows with 5 before them.*lower windows"):
        Ramp(window=0.1, stable="slope")
    Ramp(window=0.1, stable="slope", windows=4)
