"""alpha and beta over the iterations (paper 3.3 and 4.1)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sohem.mining.schedule import coefficients, loss_ratio, ramp, stable_since

PAPER = {
    "stable": "iteration",
    "start": 0.5,
    "end": 0.75,
    "alpha": "constant",
    "shape": "linear",
    "ratio_over": "selected",
    "slope": {"window": 0.1, "bound": 0.02},
}


def history(cls: list[float], loc: list[float]) -> dict[str, np.ndarray]:
    """Losses over the selected RoIs as given; those over all RoIs have a ratio of 10."""
    n = len(cls)
    return {
        "cls_selected": np.array(cls),
        "loc_selected": np.array(loc),
        "cls_all": np.full(n, 1.0),
        "loc_all": np.full(n, 0.1),
    }


def test_ramp():
    assert [ramp(i, 10, 20) for i in (1, 10, 11, 15, 20, 99)] == [0, 0, 0.1, 0.5, 1, 1]
    assert [ramp(i, 10, 10) for i in (10, 11)] == [0, 1]


@pytest.mark.parametrize(
    ("iteration", "beta"),
    [(1, 0), (40000, 0), (40001, 1.9 / 20000), (50000, 0.95), (60000, 1.9), (80000, 1.9)],
)
def test_the_papers_schedule(iteration, beta):
    assert coefficients(iteration, 80000, PAPER, 1.9) == (1, pytest.approx(beta))


def test_until_the_end():
    schedule = PAPER | {"end": 1.0}
    assert coefficients(60000, 80000, schedule, 2.0) == (1, 1)
    assert coefficients(80000, 80000, schedule, 2.0) == (1, 2)


def test_falling_alpha_mirrors_beta():
    schedule = PAPER | {"alpha": "falling"}
    got = [coefficients(i, 100, schedule, 2.0) for i in (50, 60, 75, 100)]
    assert got == [(1, 0), (0.6, 0.8), (0, 2), (0, 2)]


def test_a_step_jumps_at_the_start():
    schedule = PAPER | {"shape": "step"}
    assert [coefficients(i, 100, schedule, 1.9) for i in (50, 51, 100)] == [(1, 0), (1, 1.9), (1, 1.9)]
    schedule = schedule | {"alpha": "falling"}
    assert coefficients(51, 100, schedule, 1.9) == (0, 1.9)


def test_controls_are_settings_of_the_same_keys():
    assert {coefficients(i, 100, PAPER, 0) for i in range(1, 101)} == {(1.0, 0.0)}  # L_cls only
    constant = PAPER | {"start": 0, "end": 0}
    assert {coefficients(i, 100, constant, 1) for i in range(1, 101)} == {(1.0, 1.0)}  # OHEM


def test_the_running_ratio_follows_the_last_window():
    # Window 10. Ratio 2 up to iteration 60, then 4.
    losses = history([2.0] * 60 + [4.0] * 40, [1.0] * 100)
    schedule = PAPER | {"shape": "ratio"}
    got = [coefficients(i, 100, schedule, 1.9, losses)[1] for i in (50, 51, 61, 66, 71)]
    assert got == [0, 2, 2, 3, 4]
    over_all = schedule | {"ratio_over": "all"}
    assert coefficients(51, 100, over_all, 1.9, losses)[1] == pytest.approx(10)


def test_a_target_of_ratio_is_measured_once_before_the_change():
    losses = history([2.0] * 40 + [3.0] * 10 + [9.0] * 50, [1.0] * 100)
    got = [coefficients(i, 100, PAPER, "ratio", losses)[1] for i in (50, 60, 75, 100)]
    assert got == pytest.approx([0, 0.4 * 3, 3, 3])


def test_the_ratio_without_localisation_loss_is_one():
    assert loss_ratio(np.array([2.0, 2.0]), np.array([0.0, 0.0])) == 1
    assert loss_ratio(np.array([]), np.array([])) == 1
    assert loss_ratio(np.array([2.0, 4.0]), np.array([1.0, 2.0])) == 2


def test_stable_after_the_first_window_that_hardly_differs():
    # Means of windows of 2: 8, 4, 3.96 (1 % less), 1.
    cls = np.array([8, 8, 4, 4, 3.96, 3.96, 1, 1])
    loc = np.full(8, 0.5)
    assert stable_since(cls, loc, 2, 0.02) == 6
    assert stable_since(cls, loc, 2, 0.005) == np.inf
    assert stable_since(cls[:5], loc[:5], 2, 0.02) == np.inf  # the window is not complete
    assert stable_since(loc, cls, 2, 0.02) == 6  # both losses must be stable


def test_slope_starts_the_ramp_and_keeps_its_length():
    # Window 10: means 8, 4, 2, 2 -> stable after iteration 40; the ramp lasts 25.
    losses = history([8.0] * 10 + [4.0] * 10 + [2.0] * 80, [1.0] * 100)
    schedule = PAPER | {"stable": "slope"}
    got = [coefficients(i, 100, schedule, 2.0, losses)[1] for i in (1, 40, 41, 50, 65, 100)]
    assert got == pytest.approx([0, 0, 2 / 25, 0.8, 2, 2])


def test_a_loss_that_never_settles_leaves_beta_at_zero():
    losses = history([2.0 ** -(i // 10) for i in range(100)], [1.0] * 100)
    schedule = PAPER | {"stable": "slope"}
    assert coefficients(100, 100, schedule, 2.0, losses) == (1, 0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**31),
    st.integers(1, 60),
    st.sampled_from(["linear", "step", "ratio"]),
    st.sampled_from(["iteration", "slope"]),
    st.sampled_from([1.9, "ratio"]),
)
def test_the_future_does_not_matter(seed, iteration, shape, stable, target):
    """A schedule recomputed from a finished log is the one that was used."""
    rng = np.random.default_rng(seed)
    log = history(rng.uniform(1, 1.1, 60).tolist(), rng.uniform(0.5, 0.55, 60).tolist())
    so_far = {name: values[: iteration - 1] for name, values in log.items()}
    schedule = PAPER | {"shape": shape, "stable": stable}
    used = coefficients(iteration, 60, schedule, target, so_far)
    assert coefficients(iteration, 60, schedule, target, log) == used


def test_a_history_that_is_needed_must_be_there():
    schedule = PAPER | {"shape": "ratio"}
    assert coefficients(10, 100, schedule, 1.9) == (1, 0)  # not needed yet
    with pytest.raises(ValueError, match="pass history"):
        coefficients(60, 100, schedule, 1.9)
    with pytest.raises(ValueError, match="holds 5 iterations, 59 are needed"):
        coefficients(60, 100, schedule, 1.9, history([1.0] * 5, [1.0] * 5))
