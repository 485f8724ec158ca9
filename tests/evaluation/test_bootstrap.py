"""Intervals and p-values: worked by hand, against scipy, and on simulated detectors whose difference is known."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from simulated import World
from sohem.errors import DataError
from sohem.evaluation import bootstrap, intervals
from sohem.evaluation.average_precision import evaluate, match
from sohem.evaluation.weighted import boxes_by_image, judged, pooled, weighted_ap

SETTINGS = {
    "ious": [0.5],
    "curve": [0.5],
    "metric": "11point",
    "bootstrap": {"resamples": 300, "seed": 1, "level": 0.95, "interval": "percentile"},
}
COLUMN = {"11point": "ap_11point", "area": "ap_area"}


# --- average precision of weighted images


def realised(table: pd.DataFrame, weights: dict[str, int]) -> pd.DataFrame:
    """The rows of each image as often as it was drawn, as images of their own."""
    times = table["image_id"].map(weights)
    copies = table.loc[table.index.repeat(times)]
    number = copies.groupby(level=0).cumcount().astype("str")
    return copies.assign(image_id=copies["image_id"] + "-" + number).reset_index(drop=True)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), metric=st.sampled_from(["11point", "area"]))
def test_weights_give_what_the_evaluator_gives_on_repeated_images(seed: int, metric: str) -> None:
    rng = np.random.default_rng(seed)
    world = World(rng, classes=3, images=6, boxes=4)
    truth = world.truth.assign(difficult=rng.random(len(world.truth)) < 0.2)
    regions = world.truth.sample(frac=0.2, random_state=seed).assign(y1=990.0, y2=1020.0, **{"class": ""}, ignore=True)
    truth = pd.concat([truth, regions], ignore_index=True)
    found = pd.concat([world.detect(wrong=4), world.detect(wrong=1)], ignore_index=True)  # some boxes are found twice
    found["x2"] += rng.uniform(0, 15, len(found))  # over and under the thresholds
    found["score"] = found["score"].round(1)  # ties
    ious = [0.4, 0.7]
    weights = rng.multinomial(6, np.full(6, 1 / 6), size=4).T.astype(np.int32)

    matches = match(truth, found, world.classes)
    by_class, boxes = judged(matches, world.images, ious), boxes_by_image(matches, world.images) @ weights
    got = np.array([weighted_ap(one, weights, n, metric) for one, n in zip(by_class, boxes, strict=True)])
    for b in range(4):
        drawn = dict(zip(world.images, weights[:, b].tolist(), strict=True))
        plain = evaluate(realised(truth, drawn), realised(found, drawn), world.classes, ious)
        expected = plain[COLUMN[metric]].where(plain["ground_truth"] > 0).to_numpy()
        np.testing.assert_allclose(got[:, :, b].ravel(), expected, rtol=0, atol=1e-12)


def test_a_recall_that_rounding_decides_is_reached_as_in_the_evaluator() -> None:
    # 3 of 10 boxes found: 0.3 is below the devkit's fourth recall, 0.30000000000000004.
    world = World(np.random.default_rng(0), classes=1, images=10, boxes=10)
    truth = pd.concat([world.truth] * 10, ignore_index=True).iloc[:10]
    truth["image_id"] = world.images
    found = truth.iloc[:3].assign(score=[0.9, 0.8, 0.7])
    for count in range(1, 11):
        one = found.iloc[: min(count, 3)]
        matches = match(truth.iloc[:count], one, world.classes)
        got = weighted_ap(
            judged(matches, world.images, [0.5])[0], np.ones((10, 1), np.int32), np.array([count]), "11point"
        )
        assert got.item() == evaluate(truth.iloc[:count], one, world.classes, [0.5])["ap_11point"].item()


def test_swapping_all_images_changes_the_methods_places() -> None:
    world = World(np.random.default_rng(2), classes=1, images=20, boxes=30)
    matches = [match(world.truth, world.detect(skill, wrong=20), world.classes) for skill in (0.0, 1.0)]
    a, b = (judged(m, world.images, [0.5])[0] for m in matches)
    one, boxes = np.ones((20, 1), np.int32), np.array([len(world.truth)])
    for weights, method in ((np.vstack([one, 0 * one]), a), (np.vstack([0 * one, one]), b)):
        got = weighted_ap(pooled(a, b, 20), weights, boxes, "area")
        assert got == pytest.approx(weighted_ap(method, one, boxes, "area"), abs=1e-12)


def test_an_image_that_is_not_resampled_is_named() -> None:
    world = World(np.random.default_rng(0), classes=1, images=3, boxes=9)
    with pytest.raises(DataError, match="is not one of the 1 images to resample"):
        bootstrap.interval_table(world.truth, [world.detect()], world.images[:1], world.classes, [], SETTINGS)


# --- intervals and p-values of one number


def test_the_bca_interval_is_scipys() -> None:
    sample = np.random.default_rng(0).exponential(size=40)
    theirs = scipy.stats.bootstrap(
        (sample,), np.mean, n_resamples=2000, method="BCa", rng=np.random.default_rng(1), confidence_level=0.9
    )
    left_out = (sample.sum() - sample) / 39
    low, high = intervals.bca(
        sample.mean(), theirs.bootstrap_distribution, intervals.acceleration(left_out), level=0.9
    )  # fmt: skip
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), rel=1e-9)


def test_the_percentile_interval_holds_the_middle() -> None:
    replicates = np.append(np.arange(101.0), np.nan)
    assert intervals.percentile(replicates, 0.9) == pytest.approx((5.0, 95.0))
    # Without bias and acceleration BCa is the same.
    assert intervals.bca(50.0, replicates, 0.0, 0.9) == pytest.approx((5.0, 95.0))


def test_bias_moves_a_bca_interval() -> None:
    # A quarter of the replicates lies below the value: both ends move down by the normal scores' rule.
    replicates = np.arange(101.0)
    shares = ndtr(2 * scipy.stats.norm.ppf(25.5 / 101) + scipy.stats.norm.ppf([0.05, 0.95]))
    assert intervals.bca(25.0, replicates, 0.0, 0.9) == pytest.approx(tuple(np.quantile(replicates, shares)))


def test_the_acceleration_is_the_skewness_of_what_is_left_out() -> None:
    left_out = np.array([1.0, 0.0, 0.0, 0.0])  # moved by -3/4, 1/4, 1/4, 1/4: cubes -24/64, squares 12/16
    assert intervals.acceleration(left_out) == pytest.approx(-24 / 64 / (6 * 0.75**1.5))
    assert intervals.acceleration(np.full(4, np.nan)) == intervals.acceleration(np.ones(4)) == 0.0


def test_a_p_value_counts_what_lies_as_far_from_zero() -> None:
    assert intervals.p_value(2.0, np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 1.5, 2.0, np.nan])) == (1 + 3) / (1 + 7)
    assert intervals.p_value(0.0, np.zeros(9)) == 1.0
    assert math.isnan(intervals.p_value(math.nan, np.zeros(9)))


def test_two_one_sided_tests_by_hand() -> None:
    # 1.645 standard errors from the nearer margin, so 5 %; with four degrees of freedom it takes 2.132.
    assert intervals.equivalence(-1.0, 2.0, math.inf, 1.0 + 2 * 1.644854) == pytest.approx(0.05, abs=1e-6)
    assert intervals.equivalence(1.0, 2.0, 4.0, 1.0 + 2 * 2.131847) == pytest.approx(0.05, abs=1e-6)
    assert intervals.equivalence(3.0, 2.0, 4.0, 3.0) == 0.5
    assert intervals.equivalence(4.0, 2.0, 4.0, 3.0) > 0.5
    assert [intervals.equivalence(value, 0.0, math.inf, 1.0) for value in (0.5, 1.0)] == [0.0, 1.0]
    assert math.isnan(intervals.equivalence(math.nan, math.nan, math.nan, 1.0))


def test_a_difference_as_large_as_the_margin_hardly_ever_passes_as_none() -> None:
    # Normal runs without luck, with a standard error of 1.
    measured = np.random.default_rng(0).normal(5.0, 1.0, 4000)
    passed = np.mean([intervals.equivalence(value, 1.0, math.inf, 5.0) <= 0.05 for value in measured])
    assert passed == pytest.approx(0.05, abs=0.01)
    assert np.mean([intervals.equivalence(value - 5.0, 1.0, math.inf, 5.0) <= 0.05 for value in measured]) > 0.99


def test_holm_by_hand() -> None:
    # Smallest times 3, next times 2, and never less than the one before; the class without a p is not counted.
    p = np.array([0.03, 0.01, np.nan, 0.04])
    np.testing.assert_allclose(intervals.holm(p), [0.06, 0.03, np.nan, 0.06])
    np.testing.assert_allclose(intervals.holm(np.array([0.6, 0.7])), [1.0, 1.0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_no_correction_and_bonferroni(values: list[float]) -> None:
    p = np.array(values)
    corrected = intervals.holm(p)
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(p * len(p), 1)).all()


# --- tables


def test_the_numbers_of_the_table_are_the_evaluators() -> None:
    rng = np.random.default_rng(3)
    world = World(rng, classes=4, images=40, boxes=20)
    runs = [[world.detect(skill, wrong=30) for _ in range(2)] for skill in (0.0, 0.5)]
    ious = [0.5, 0.7]
    chosen = {**SETTINGS, "ious": ious, "curve": [0.3]}
    table = bootstrap.difference_table(world.truth, *runs, world.images, world.classes, world.classes[:1], chosen)
    assert table["scope"].unique().tolist() == ["mAP", "rigid", "nonrigid", *world.classes]
    ap = [[evaluate(world.truth, run, world.classes, ious)["ap_11point"].to_numpy().reshape(4, 2) for run in method]
          for method in runs]  # fmt: skip
    each = 100 * np.diff(np.array(ap), axis=0)[0]  # (seed, class, iou)
    rows = table.set_index(["scope", "iou"])
    for t, iou in enumerate(ious):
        for scope, part in {"mAP": slice(4), "rigid": slice(1), "nonrigid": slice(1, 4), "c0002": slice(2, 3)}.items():
            row, seeds = rows.loc[(scope, iou)], each[:, part, t].mean(axis=1)
            assert row["difference"] == pytest.approx(seeds.mean(), abs=1e-9)
            assert row["second"] - row["first"] == pytest.approx(row["difference"], abs=1e-9)
            assert row["seed_sd"] == pytest.approx(seeds.std(ddof=1), abs=1e-9)
            assert (row["low"], row["high"]) == (row["low_percentile"], row["high_percentile"])
            assert row["low"] < row["difference"] < row["high"]
    classes = table[(table["kind"] == "class") & (table["iou"] == 0.7)]
    np.testing.assert_allclose(classes["p_holm"], intervals.holm(classes["p"].to_numpy()))
    means = table[table["kind"] == "mean"]
    assert means["p"].equals(means["p_holm"])

    one = bootstrap.interval_table(world.truth, runs[1], world.images, world.classes, [], chosen)
    assert sorted(one["iou"].unique()) == [0.3, 0.5, 0.7]
    mean = one[(one["scope"] == "mAP") & (one["iou"] == 0.7)].iloc[0]
    assert mean["ap"] == pytest.approx(rows.loc[("mAP", 0.7), "second"])
    assert 0 <= mean["low"] < mean["ap"] < mean["high"] <= 100


def test_equal_methods_differ_by_nothing() -> None:
    world = World(np.random.default_rng(4), classes=2, images=30, boxes=20)
    run = world.detect(wrong=30)
    truth = world.truth[world.truth["class"] == "c0000"]
    table = bootstrap.difference_table(truth, [run], [run], world.images, world.classes, [], SETTINGS).set_index(
        "scope"
    )
    ends = ["difference", "low", "high", "low_bca", "high_bca"]
    assert table.loc[["mAP", "c0000"], ends].eq(0.0).all(axis=None)
    assert table.loc[["mAP", "c0000"], ["p", "p_holm"]].eq(1.0).all(axis=None)
    assert table.loc["c0001", [*ends, "p", "p_holm", "seed_sd"]].isna().all()  # no box, so no AP


def test_bca_is_shown_where_it_is_asked_for() -> None:
    world = World(np.random.default_rng(5), classes=1, images=30, boxes=20)
    chosen = {**SETTINGS, "bootstrap": {**SETTINGS["bootstrap"], "interval": "bca"}}
    row = bootstrap.interval_table(world.truth, [world.detect(wrong=30)], world.images, world.classes, [], chosen).iloc[
        -1
    ]
    assert (
        (row["low"], row["high"])
        == (row["low_bca"], row["high_bca"])
        != (row["low_percentile"], row["high_percentile"])
    )


# --- calibration: each class is an experiment of its own


def covered(table: pd.DataFrame, value: float) -> float:
    return float(((table["low"] <= value) & (value <= table["high"])).mean())


@pytest.fixture(scope="module")
def experiments() -> pd.DataFrame:
    """Two detectors on 100 images; equal in the first 400 classes, the second better in the other 400."""
    world = World(np.random.default_rng(6), classes=800, images=100, boxes=50)
    better = np.repeat([0.0, 0.4], 400)
    runs = [world.detect(skill, wrong=80) for skill in (0.0, better)]
    table = bootstrap.difference_table(world.truth, runs[:1], runs[1:], world.images, world.classes, [], SETTINGS)
    return table[table["kind"] == "class"]


@pytest.fixture(scope="module")
def known_difference() -> float:
    """The better detector's gain in points, on so many images that chance hardly matters."""
    world = World(np.random.default_rng(7), classes=1, images=200_000, boxes=100_000)
    runs = [world.detect(skill, wrong=160_000) for skill in (0.0, 0.4)]
    first, second = (evaluate(world.truth, run, world.classes, [0.5])["ap_11point"].item() for run in runs)
    return 100 * (second - first)


def test_intervals_cover_a_known_difference(experiments: pd.DataFrame, known_difference: float) -> None:
    assert 5 < known_difference < 20
    assert 0.92 <= covered(experiments.iloc[400:], known_difference) <= 0.98
    assert 0.92 <= covered(experiments.iloc[:400], 0.0) <= 0.98


def test_no_difference_is_significant_no_more_often_than_it_should(experiments: pd.DataFrame) -> None:
    p = experiments["p"].iloc[:400].to_numpy()
    for level in (0.01, 0.05, 0.2):  # and three standard errors of 400 experiments
        assert (p <= level).mean() <= level + 3 * math.sqrt(level * (1 - level) / 400)
    # In 20 tables of 20 equal classes hardly any has one that is significant after correction: 5 % of 20 is 1.
    assert sum(intervals.holm(table).min() <= 0.05 for table in np.split(p, 20)) <= 4
    # A difference that is there is found.
    assert (experiments["p"].iloc[400:] <= 0.05).mean() > 0.2


@pytest.fixture(scope="module")
def several_seeds() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three seeds, and the first alone, of equal methods: no luck in 300 classes, as much as the images' in the others.

    Of these every run has a skill of its own. ``benchmarks/coverage.py`` does the same for more seeds and whole tables.
    """
    rng = np.random.default_rng(8)
    world = World(rng, classes=600, images=60, boxes=40)
    luck = np.repeat([0.0, 0.216], 300)  # the difference of a pair moves by as much as with new images
    runs = [[world.detect(luck * rng.normal(size=600), wrong=50) for _ in range(3)] for _ in range(2)]
    rest = (world.images, world.classes, [], SETTINGS)
    three = bootstrap.difference_table(world.truth, *runs, *rest).query("kind == 'class'")
    return three, bootstrap.difference_table(world.truth, runs[0][:1], runs[1][:1], *rest).query("kind == 'class'")


def test_without_luck_the_images_noise_counts_once(several_seeds: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    three = several_seeds[0].iloc[:300]
    assert 0.95 <= covered(three, 0.0) <= 0.99
    # 2.7 by theory; with the runs' own noise counted twice it would be 4.3.
    assert 2.4 <= (three["high"] - three["low"]).mean() / 2 / three["difference"].std() <= 3.1
    assert (three["p"] <= 0.05).mean() <= 0.05


def test_the_interval_of_several_seeds_holds_where_that_of_one_fails(
    several_seeds: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    three, one = (table.iloc[300:] for table in several_seeds)
    assert 0.92 <= covered(three, 0.0) <= 0.97
    assert 0.03 <= (three["p"] <= 0.05).mean() <= 0.08
    assert covered(one, 0.0) < 0.88
    assert (one["p"] <= 0.05).mean() > 0.12


def test_the_parts_of_the_variance_are_found_again(several_seeds: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    lucky = np.repeat([False, True], 300)
    for table, luck in ((several_seeds[0][~lucky], 0.0), (several_seeds[0][lucky], 1.0)):
        images, run, seeds = ((table[f"se_{name}"] ** 2).mean() for name in ("images", "run", "seeds"))
        assert images < 0.25 * run  # the methods are alike, so their runs share nothing but the test images
        assert luck - 0.1 < seeds / run < luck + 0.5  # none is below 0, so on average too much
        assert np.sqrt(run) == pytest.approx(8.3, abs=1.0)
