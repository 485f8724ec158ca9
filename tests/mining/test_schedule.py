"""alpha and beta over the iterations (paper 3.3 and 4.1), on arrays and on tensors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sohem.mining.schedule import Ramp, coefficients, loss_ratio, ramp, ratio, running_mean, stable_since

PAPER = Ramp(1.9, start=0.5, end=0.75, measured="before", window=0.1)
FALLING = replace(PAPER, begin=1, target=0)


def history(cls: list[float], loc: list[float]) -> dict[str, np.ndarray]:
    """Losses over the selected RoIs as given; those over all RoIs have a ratio of 10."""
    n = len(cls)
    return {
        "cls_selected": np.array(cls),
        "loc_selected": np.array(loc),
        "cls_all": np.full(n, 1.0),
        "loc_all": np.full(n, 0.1),
    }


def betas(beta: Ramp, iterations, total: int = 100, losses=None) -> list[float]:
    return [beta.at(i, total, losses) for i in iterations]


def test_ramp():
    assert [ramp(i, 10, 20) for i in (1, 10, 11, 15, 20, 99)] == [0, 0, 0.1, 0.5, 1, 1]
    assert [ramp(i, 10, 10) for i in (10, 11)] == [0, 1]


@pytest.mark.parametrize(
    ("iteration", "beta"),
    [(1, 0), (40000, 0), (40001, 1.9 / 20000), (50000, 0.95), (60000, 1.9), (80000, 1.9)],
)
def test_the_papers_schedule(iteration, beta):
    assert coefficients({"cls": 1, "loc": PAPER}, iteration, 80000) == {"cls": 1, "loc": pytest.approx(beta)}


def test_until_the_end():
    assert betas(replace(PAPER, target=2.0, end=1.0), (60000, 80000), 80000) == [1, 2]


def test_falling_alpha_mirrors_beta():
    schedules = {"cls": FALLING, "loc": replace(PAPER, target=2.0)}
    got = [tuple(coefficients(schedules, i, 100).values()) for i in (50, 60, 75, 100)]
    assert got == [(1, 0), (0.6, 0.8), (0, 2), (0, 2)]


def test_a_step_jumps_at_the_start():
    assert betas(replace(PAPER, shape="step"), (50, 51, 100)) == [0, 1.9, 1.9]
    assert betas(replace(FALLING, shape="step"), (50, 51)) == [1, 0]


def test_begin_is_the_value_before_the_change():
    from_one = replace(PAPER, begin=1, target=3)
    assert betas(from_one, (1, 50, 60, 75)) == [1, 1, pytest.approx(1.8), 3]


def test_a_coefficient_that_goes_from_a_number_to_itself_is_that_number():
    constant = replace(PAPER, begin=1, target=1)
    assert {constant.at(i, 900) for i in range(1, 901)} == {1}


def test_controls_are_settings_of_the_same_keys():
    assert set(betas(replace(PAPER, target=0), range(1, 101))) == {0}  # L_cls only
    assert set(betas(replace(PAPER, target=1, start=0, end=0), range(1, 101))) == {1}  # OHEM


def test_the_windowed_ratio_follows_the_last_window():
    # Window 10. Ratio 2 up to iteration 60, then 4.
    losses = history([2.0] * 60 + [4.0] * 40, [1.0] * 100)
    windowed = replace(PAPER, target="ratio", measured="window", shape="step")
    assert betas(windowed, (50, 51, 61, 66, 71), losses=losses) == [0, 2, 2, 3, 4]
    assert betas(replace(windowed, over="all"), (51,), losses=losses) == [pytest.approx(10)]


def test_a_ratio_measured_before_the_change_stays():
    losses = history([2.0] * 40 + [3.0] * 10 + [9.0] * 50, [1.0] * 100)
    got = betas(replace(PAPER, target="ratio"), (50, 60, 75, 100), losses=losses)
    assert got == pytest.approx([0, 0.4 * 3, 3, 3])


def test_the_running_ratio_forgets_exponentially():
    # A window of 2 iterations: each new loss counts for half. Means of L_cls: 8, 6, 5; of L_loc: 1, 3, 2.
    losses = history([8.0, 4.0, 4.0], [1.0, 5.0, 1.0])
    running = Ramp("ratio", start=0, end=0, window=0.5)
    assert betas(running, (1, 2, 3, 4), 4, losses) == [1, 8, 2, 2.5]
    assert betas(replace(running, end=1), (2, 4), 4, losses) == [4, 2.5]  # half-way of the ramp, and at its end


def test_the_running_mean_is_that_of_one_step_after_the_other():
    values = np.random.default_rng(0).uniform(1, 2, 300)
    mean = values[0]
    for value in values:
        mean += (value - mean) / 2.5
    assert running_mean(values, 2.5) == pytest.approx(mean, rel=1e-14)
    assert running_mean(values[:1], 2.5) == values[0]
    assert running_mean(values, 1.0) == values[-1]


def test_the_ratio_without_localisation_loss_is_one():
    assert loss_ratio(np.array([2.0, 2.0]), np.array([0.0, 0.0])) == 1
    assert loss_ratio(np.array([]), np.array([])) == 1
    assert loss_ratio(np.array([2.0, 4.0]), np.array([1.0, 2.0])) == 2
    pairs = ((6.0, 2.0, 3), (6.0, 0.0, 1), (0.0, 0.0, 1))
    assert [ratio(torch.tensor(a), torch.tensor(b)).item() == c for a, b, c in pairs] == [True] * 3


def test_of_three_losses_the_first_is_the_reference():
    losses = history([6.0, 6.0], [3.0, 3.0]) | {"mask_selected": np.array([2.0, 2.0])}
    now = Ramp("ratio", start=0, end=0)
    assert coefficients({"cls": 1.0, "loc": now, "mask": now}, 3, 4, losses) == {"cls": 1, "loc": 2, "mask": 3}
    assert coefficients({"mask": now, "cls": now}, 3, 4, losses) == {"mask": 1, "cls": pytest.approx(1 / 3)}


def test_stable_after_the_first_window_that_hardly_differs():
    # Means of windows of 2: 8, 4, 3.96 (1 % less), 1.
    cls = np.array([8, 8, 4, 4, 3.96, 3.96, 1, 1])
    loc = np.full(8, 0.5)
    assert stable_since([cls, loc], 2, 0.02) == 6
    assert stable_since([cls, loc], 2, 0.005) == np.inf
    assert stable_since([cls[:5], loc[:5]], 2, 0.02) == np.inf  # the window is not complete
    assert stable_since([loc, cls], 2, 0.02) == 6  # both losses must be stable


def test_stable_once_several_windows_hardly_differ_from_as_many_before():
    # Windows of 1; means of two of them: 6, 3, 3, 3.5. 3 comes two windows after 6, and 3.5 (17 % more) after 3.
    losses = np.array([8.0, 4, 2, 4, 3])
    assert stable_since([losses], 1, 0.2, windows=2) == 5
    assert stable_since([losses], 1, 0.1, windows=2) == np.inf
    assert stable_since([losses[:4]], 1, 0.2, windows=2) == np.inf
    assert stable_since([losses], 1, 0.2, windows=1) == np.inf  # each differs by more from the one before
    assert stable_since([losses[:3]], 1, 9.0, windows=2) == np.inf  # not enough of them


def test_slope_starts_the_ramp_and_keeps_its_length():
    # Window 10: means 8, 4, 2, 2 -> stable after iteration 40; the ramp lasts 25.
    losses = history([8.0] * 10 + [4.0] * 10 + [2.0] * 80, [1.0] * 100)
    slope = replace(PAPER, stable="slope", windows=1)
    got = betas(replace(slope, target=2.0), (1, 40, 41, 50, 65, 100), losses=losses)
    assert got == pytest.approx([0, 0, 2 / 25, 0.8, 2, 2])
    # alpha waits for both losses, too.
    unsteady = history([2.0] * 100, [2.0 ** -(i // 10) for i in range(100)])
    falling = replace(slope, begin=1, target=0)
    assert coefficients({"cls": falling, "loc": PAPER}, 100, 100, unsteady)["cls"] == 1


def test_a_loss_that_never_settles_leaves_beta_at_zero():
    losses = history([2.0 ** -(i // 10) for i in range(100)], [1.0] * 100)
    assert betas(replace(PAPER, stable="slope", windows=1), (100,), losses=losses) == [0]


RAMPS = st.builds(
    Ramp,
    target=st.sampled_from([1.9, "ratio"]),
    begin=st.sampled_from([0, 1]),
    shape=st.sampled_from(["linear", "step"]),
    stable=st.sampled_from(["iteration", "slope"]),
    measured=st.sampled_from(["before", "window", "running"]),
    over=st.sampled_from(["selected", "all"]),
    window=st.just(0.1),
    windows=st.sampled_from([1, 3]),
)


def made_up(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    names = ("cls_selected", "loc_selected", "cls_all", "loc_all")
    return {name: rng.uniform(1, 1.1, 60) for name in names}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 60), RAMPS)
def test_the_future_does_not_matter(seed, iteration, schedule):
    """A coefficient recomputed from a finished log is the one that was used."""
    log = made_up(seed)
    so_far = {name: values[: iteration - 1] for name, values in log.items()}
    assert schedule.at(iteration, 60, log) == schedule.at(iteration, 60, so_far)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 60), RAMPS)
def test_tensors_give_what_arrays_give(seed, iteration, schedule):
    log = made_up(seed)
    tensors = {name: torch.from_numpy(values) for name, values in log.items()}
    found = schedule.at(iteration, 60, tensors)
    assert float(found) == pytest.approx(schedule.at(iteration, 60, log), rel=1e-13)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 60), RAMPS)
def test_a_coefficient_looks_at_the_columns_that_it_says_it_needs(iteration, schedule):
    log = made_up(0)
    needed = {name: log[name] for name in schedule.needs("loc", ("cls", "loc"))}
    assert schedule.at(iteration, 60, needed) == schedule.at(iteration, 60, log)


def test_a_history_that_is_needed_must_be_there():
    windowed = replace(PAPER, target="ratio", measured="window")
    assert windowed.at(10, 100) == 0  # not needed yet
    with pytest.raises(ValueError, match="pass history"):
        windowed.at(60, 100)
    with pytest.raises(ValueError, match="holds 5 iterations, 59 are needed"):
        windowed.at(60, 100, history([1.0] * 5, [1.0] * 5))
