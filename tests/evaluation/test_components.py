"""Variance components and what luck adds to an interval: by hand, and how often the interval holds a normal number."""

import numpy as np
import pytest
import scipy.stats

from sohem.evaluation import components

Z = 1.959964  # normal quantile at 97.5 %


def test_the_components_of_two_runs_by_hand() -> None:
    # Variances 1 and 4, on average 2.5; the means 0, 1.5, 3 have 2.25; so w = (2.5 - 2.25) * 2 / (2 - 1) = 0.5 and
    # b = 2.25 - 0.5 / 2 = 2, which is the runs' covariance.
    replicates = np.array([[0.0, 1, 2, np.nan], [0.0, 2, 4, np.nan]])
    of_mean, run = components.image_parts(replicates)
    assert (of_mean, run) == pytest.approx((2.25, 0.5))
    # A variance of 4.5 over seeds is w and 4 of luck; one of 0.2 is less than w.
    assert components.estimate(of_mean, run, np.array([4.5, 0.2]), 2) == (2.0, 0.5, pytest.approx([4, 0]))
    # Runs that answer the images in opposite ways share nothing.
    opposite = components.image_parts(np.array([[0.0, 1, 2], [2.0, 1, 0]]))
    assert components.estimate(*opposite, 0.0, 2) == (0.0, pytest.approx(2.0), 0.0)


def test_one_run_cannot_tell_its_noise_from_the_images() -> None:
    of_mean, run = components.image_parts(np.array([[0.0, 1, 2]]))
    found = components.estimate(of_mean, run, np.array(np.nan), 1)
    assert found.images == 1.0
    assert np.isnan([found.run, found.seeds]).all()
    assert components.excess(np.array(np.nan), run, 1) == 0.0


def test_cells_are_taken_one_by_one() -> None:
    replicates = np.random.default_rng(0).normal(size=(3, 2, 2, 50))
    replicates[:, 1, 1] = np.nan
    of_mean, run = components.image_parts(replicates)
    assert of_mean[0, 1] == pytest.approx(replicates[:, 0, 1].mean(axis=0).var(ddof=1))
    assert run[0, 1] == components.image_parts(replicates[:, 0, 1])[1]
    assert np.isnan([of_mean[1, 1], run[1, 1]]).all()


def test_excess_and_degrees_of_freedom_by_hand() -> None:
    # Three seeds: chi-squared with 2 degrees of freedom is below -2 ln 0.6 in 40 %, so k = -ln 0.6 = 0.5108.
    np.testing.assert_allclose(components.excess(np.array([3.0, 1.0]), 2.0, 3), [(3 - 2 * 0.5108256) / 3, 0], atol=1e-7)
    # Two seeds: its square root is below the normal quantile at 70 %, 0.5244, so k = 0.2750.
    assert components.excess(np.array(1.0), 1.0, 2) == pytest.approx((1 - 0.524401**2) / 2, abs=1e-5)
    # Twice the variance in all: 2 * 2^2 / 1^2.
    np.testing.assert_allclose(
        components.degrees(np.array([1.0, 0.0, 5.0]), np.array([1.0, 1.0, 0.0]), 3), [8, 2, np.inf]
    )


def test_ends_move_outwards_by_luck_alone() -> None:
    # Known to one side 1 and to the other 0, luck adds 1; two seeds: 4 and 1 degrees of freedom.
    moved = components.outwards(np.array([Z, 0.0]), 1.0, 2, 0.95)
    np.testing.assert_allclose(moved, [np.sqrt(2) * 2.776445 - Z, 12.706205], rtol=1e-5)
    np.testing.assert_array_equal(components.outwards(np.array([Z, -0.1]), 0.0, 2, 0.95), 0.0)
    # With equal sides it is the interval of Student's t.
    assert Z + moved[0] == pytest.approx(components.reach(1.0, 1.0, 2, 0.95))


def test_a_number_is_less_unlikely_with_luck() -> None:
    # 2.776445 standard errors with 4 degrees of freedom are as rare as 1.959964 with the images alone.
    assert components.without_luck(-np.sqrt(2) * 2.776445, 1.0, 1.0, 2) == pytest.approx(-Z, abs=1e-5)
    assert components.without_luck(7.0, 1.0, 0.0, 2) == components.without_luck(7.0, 1.0, np.nan, 1) == 7.0
    assert components.without_luck(0.0, 0.0, 0.0, 2) == 0.0


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize(("luck", "least"), [(0.0, 0.95), (0.5, 0.945), (1.0, 0.925)])
@pytest.mark.parametrize("common", [0.0, 1.0])
def test_the_interval_covers_a_normal_number(seeds: int, luck: float, least: float, common: float) -> None:
    """luck: its standard deviation over that of the images, sqrt(b + w); w is 1."""
    rng, draws = np.random.default_rng(0), 20_000
    a = luck**2 * (common + 1)
    runs = np.sqrt(1 + a) * rng.normal(size=(seeds, draws))
    measured = np.sqrt(common) * rng.normal(size=draws) + runs.mean(axis=0)
    added = components.excess(runs.var(axis=0, ddof=1), np.ones(draws), seeds)
    reached = components.reach(np.full(draws, common + 1 / seeds), added, seeds, 0.95)
    covered = (np.abs(measured) <= reached).mean()
    assert least <= covered <= 0.978
    # The p-value says the same: it is below 5 % where the interval leaves 0 out.
    alone = components.without_luck(measured, np.full(draws, common + 1 / seeds), added, seeds)
    rejected = 2 * scipy.stats.norm.sf(np.abs(alone) / np.sqrt(common + 1 / seeds)) < 0.05
    assert (rejected == (np.abs(measured) > reached)).mean() > 0.9999
