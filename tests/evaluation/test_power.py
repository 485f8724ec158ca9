"""Power: by hand where nothing is random, and against simulated runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sohem.evaluation import components, power
from sohem.evaluation.components import Components

IMAGES_ALONE = Components(4.0, 0.0, 0.0)  # every pair of runs shows the same


def test_the_standard_error_by_hand() -> None:
    found = Components(1.0, 4.0, 8.0)
    assert power.standard_error(found, 1) == pytest.approx(np.sqrt(13))
    assert power.standard_error(found, 4) == 2.0
    # Four times the images: 0.25 + (1 + 8) / 4.
    assert power.standard_error(power.on_images(found, 100, 400), 4) == pytest.approx(np.sqrt(2.5))


def test_without_noise_of_the_runs_it_is_the_z_test() -> None:
    # 80 % power at 5 %: 1.960 + 0.842 standard errors of 2, whatever the seeds.
    for seeds in (2, 7):
        assert power.smallest_difference(IMAGES_ALONE, seeds) == pytest.approx(2 * 2.8016, abs=1e-3)
        assert power.chance_to_see(0.0, IMAGES_ALONE, seeds) == pytest.approx(0.05)
    # 90 % and 1 %: 2.576 + 1.282.
    assert power.smallest_difference(IMAGES_ALONE, 2, 0.99, 0.9) == pytest.approx(2 * 3.8574, abs=1e-3)


def test_seeds_do_not_help_against_the_images_and_images_not_against_luck() -> None:
    assert power.seeds_needed(5.0, IMAGES_ALONE) is None
    assert power.seeds_needed(6.0, IMAGES_ALONE) == 2
    # 2.8016 * 2 * sqrt(100 / N) <= 1 from N = 3139.6 on.
    assert power.images_needed(1.0, IMAGES_ALONE, 100, 2) == 3140
    assert power.images_needed(1.0, Components(1.0, 1.0, 4.0), 100, 2) is None


def test_the_fewest_are_enough_and_one_fewer_is_not() -> None:
    found = Components(0.2, 1.0, 1.0)
    seeds = power.seeds_needed(1.5, found)
    assert seeds is not None
    assert power.chance_to_see(1.5, found, seeds) >= 0.8 > power.chance_to_see(1.5, found, seeds - 1)
    images = power.images_needed(2.0, found, 300, 5)
    assert images is not None
    for planned, seen in ((images, True), (images - 1, False)):
        assert (power.chance_to_see(2.0, power.on_images(found, 300, planned), 5) >= 0.8) == seen


def test_the_sign_of_a_pair_by_hand() -> None:
    found = Components(1.0, 1.0, 2.0)  # a standard error of 2 for one pair
    assert power.wrong_sign(0.0, found) == 0.5
    assert power.wrong_sign(-2.0, found) == power.wrong_sign(2.0, found) == pytest.approx(0.158655, abs=1e-6)
    # Twelve pairs: 1 + 3 / 12.
    assert power.wrong_sign(1.0, found, 12) == pytest.approx(0.185547, abs=1e-6)


def test_power_of_what_was_never_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="two of them"):
        power.chance_to_see(1.0, IMAGES_ALONE, 1)
    with pytest.raises(ValueError, match="two of them"):
        power.chance_to_see(1.0, Components(1.0, np.nan, np.nan), 3)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.lists(st.floats(0.01, 100), min_size=3, max_size=3))
def test_a_larger_difference_is_seen_more_often(seeds: int, variances: list[float]) -> None:
    found = Components(*variances)
    seen = [power.chance_to_see(size, found, seeds) for size in (0.0, 1.0, 5.0, 25.0)]
    assert seen == sorted(seen)
    least = power.smallest_difference(found, seeds)
    assert power.chance_to_see(least, found, seeds) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("seeds", [2, 3, 8])
@pytest.mark.parametrize("found", [Components(0.5, 1.0, 0.0), Components(0.0, 1.0, 1.0), Components(0.3, 0.2, 4.0)])
def test_simulated_runs_show_as_much(seeds: int, found: Components) -> None:
    """Images and runs are drawn, the interval is made as in the tables; it sees the smallest difference in 80 %."""
    rng, images, repeats = np.random.default_rng(0), 200, 2000
    true = power.smallest_difference(found, seeds)
    seen = signs = 0
    for _ in range(repeats):
        common = np.sqrt(found.images * images) * rng.normal(size=images)
        own = np.sqrt(found.run * images) * rng.normal(size=(seeds, images))
        luck = np.sqrt(found.seeds) * rng.normal(size=(seeds, 1))
        each = true + common + own + luck  # the difference on every image, of every pair
        # What the bootstrap over images gives for means, without drawing.
        of_mean, of_runs = each.mean(axis=0).var() / images, each.var(axis=1).mean() / images
        run = (of_runs - of_mean) * seeds / (seeds - 1)
        added = components.excess(each.mean(axis=1).var(ddof=1), run, seeds)
        seen += each.mean() > components.reach(of_mean, added, seeds, 0.95)
        signs += each[0].mean() < 0
    error = np.sqrt(0.8 * 0.2 / repeats)
    assert seen / repeats == pytest.approx(0.8, abs=3 * error)
    assert signs / repeats == pytest.approx(power.wrong_sign(true, found), abs=3 * error)
