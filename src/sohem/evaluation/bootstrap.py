"""How sure is an AP, or the difference of two methods, given the test images and the seeds that were run?

Two things vary: which images were photographed, and how training happened to go. Images and seeds are crossed, since
all runs are tested on the same images. Images are resampled with replacement, the same ones for all runs of both
methods (one side of Owen's pigeonhole bootstrap, Annals of Applied Statistics 1 (2007) 386-411). Seeds are too few to
resample: means of three values drawn with replacement never leave the range of the three, which misses the true mean
once in four times. Instead the ends of the interval move outwards by what the runs scatter beyond their own image noise
(``components``). With one seed an interval speaks of the images only.

Shape letters: N images, K classes, T thresholds, B resamples, S seeds, C scopes (the means over classes, then each
class), G groups of images. AP are fractions inside and points (percent) in the tables.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sohem.errors import DataError
from sohem.evaluation import components, intervals, metrics
from sohem.evaluation.average_precision import Floats, Ints, match
from sohem.evaluation.weighted import Judged, Weights, boxes_by_image, judged, pooled, weighted_ap

# The jackknife leaves out so many groups of images at most, each image alone where there are no more. The acceleration
# needs no more (Shao and Wu, Annals of Statistics 17 (1989) 1176-1197, on leaving out groups).
GROUPS = 500

Runs = list[list[Judged]]
Settings = dict[str, Any]


def difference_table(
    ground_truth: pd.DataFrame,
    first: Sequence[pd.DataFrame],
    second: Sequence[pd.DataFrame],
    images: Sequence[str],
    classes: Sequence[str],
    rigid: Sequence[str],
    settings: Settings,
) -> pd.DataFrame:
    """The second method's AP minus the first's, with intervals and p-values, for each threshold of the paper's tables.

    Args:
        ground_truth: of the test images, as ``average_precision.evaluate`` takes it.
        first, second: the detections of each seed, in the same order of seeds.
        images: the N test images, those without objects included.
        classes, rigid: all classes, and the rigid ones among them (may be empty).
        settings: ``evaluation`` of the parameters.

    Returns:
        C x T rows: scope (mAP, rigid, nonrigid or a class), kind (mean or class), iou, first, second, difference,
        seed_sd (of the difference; NaN with one seed), low and high (the interval that ``bootstrap.interval`` names),
        low_percentile, high_percentile, low_bca, high_bca, p (two-sided), p_holm, seeds; then what else a reader needs
        for power and equivalence. p_holm is corrected for the number of classes at that threshold; that of a mean is
        its p. A scope without a box to be found is NaN.

        se_images, se_run, se_seeds: in points, the standard deviation of the difference of one pair of runs by the N
        test images in the same way for all pairs, by the pair's own answer to the images, and by luck of the seed (the
        square roots of ``components.Components``). With one seed se_images holds the first two and the others are NaN.
        se, df: standard error in points and degrees of freedom of the difference, the mean over seeds (df is infinite
        where no luck shows or could show). The chosen interval is about difference +- t(df) se, but keeps the skewness
        of the bootstrap.

    Raises:
        DataError: the methods have different numbers of seeds, or a table is not of these images.
    """
    if len(first) != len(second):
        raise DataError(
            f"{len(first)} runs of the first method and {len(second)} of the second; expected a pair a seed"
        )
    metric, chosen = settings["metric"], settings["bootstrap"]
    boxes, (a, b) = _judge(ground_truth, [first, second], images, classes, settings["ious"])
    groups = _groups(classes, rigid)
    rng = np.random.default_rng(chosen["seed"])

    def both(weights: Weights) -> Floats:
        return np.stack([scopes(ap(runs, weights, boxes @ weights, metric), list(groups.values())) for runs in (a, b)])

    def difference(weights: Weights) -> Floats:
        return np.diff(both(weights), axis=0)[0]

    cells = _resample(difference, len(images), chosen, rng)
    table = _table(cells, settings["ious"], classes, groups, "difference", chosen)
    means = 100 * both(np.ones((len(images), 1), np.int32)).mean(axis=1)[..., 0]
    table.insert(3, "first", means[0].ravel())
    table.insert(4, "second", means[1].ravel())
    null = _swapped(a, b, boxes, metric, list(groups.values()), chosen["resamples"], rng)
    compared = components.without_luck(cells.value, null.var(axis=-1), cells.excess, len(first))
    table["p"] = [intervals.p_value(float(compared[cell]), null[cell]) for cell in np.ndindex(compared.shape)]
    of_classes = table[table["kind"] == "class"].groupby("iou")["p"]
    table["p_holm"] = table["p"]
    table.update(of_classes.transform(lambda p: intervals.holm(p.to_numpy())).rename("p_holm"))
    table["seeds"] = len(first)
    found = components.estimate(cells.of_mean, cells.run, cells.seed_sd**2, len(first))
    for name, variance in found._asdict().items():
        table[f"se_{name}"] = 100 * np.sqrt(variance).ravel()
    table["se"] = 100 * np.sqrt(cells.of_mean + cells.excess).ravel()
    table["df"] = components.degrees(cells.of_mean, cells.excess, len(first)).ravel()
    return table


def interval_table(
    ground_truth: pd.DataFrame,
    runs: Sequence[pd.DataFrame],
    images: Sequence[str],
    classes: Sequence[str],
    rigid: Sequence[str],
    settings: Settings,
) -> pd.DataFrame:
    """The AP of one method with intervals, at every threshold: scope, kind, iou, ap, seed_sd, intervals, seeds.

    Arguments and columns are those of ``difference_table``; ``runs`` holds the detections of each seed.
    """
    ious, metric, chosen = metrics.thresholds(settings), settings["metric"], settings["bootstrap"]
    boxes, (found,) = _judge(ground_truth, [runs], images, classes, ious)
    groups = _groups(classes, rigid)

    def measure(weights: Weights) -> Floats:
        return scopes(ap(found, weights, boxes @ weights, metric), list(groups.values()))

    cells = _resample(measure, len(images), chosen, np.random.default_rng(chosen["seed"]))
    return _table(cells, ious, classes, groups, "ap", chosen).assign(seeds=len(runs))


def ap(runs: Runs, weights: Weights, boxes: Ints, metric: str) -> Floats:
    """(S, K, T, B) AP of each run and class for each column of weights; boxes: (K, B) to be found."""
    return np.array([[weighted_ap(*one, metric) for one in zip(run, [weights] * len(run), boxes, strict=True)]
                     for run in runs])  # fmt: skip


def scopes(by_class: Floats, groups: Sequence[Ints]) -> Floats:
    """(S, C, T, B): the mean of each group of classes (those without a value left out), then the classes."""
    means = []
    for members in groups:
        part = by_class[:, members]
        known = (~np.isnan(part)).sum(axis=1)
        means.append(np.where(known > 0, np.nansum(part, axis=1) / np.maximum(known, 1), np.nan))
    return np.concatenate([np.stack(means, axis=1), by_class], axis=1)


class _Cells(NamedTuple):
    """One number for each scope and threshold, and what it was when the images were drawn again.

    seeds: S. value, seed_sd: (C, T) the mean over seeds, and their standard deviation. replicates: (C, T, B) the mean
    with images drawn. of_mean, run: (C, T) variances by the images, see ``components.image_parts``. excess: (C, T)
    variance of the mean by luck of the seeds. acceleration: (C, T) of BCa.
    """

    seeds: int
    value: Floats
    seed_sd: Floats
    replicates: Floats
    of_mean: Floats
    run: Floats
    excess: Floats
    acceleration: Floats


def _resample(
    statistic: Callable[[Weights], Floats], images: int, chosen: Settings, rng: np.random.Generator
) -> _Cells:
    """Draw a statistic of the weights, (rows, B) -> (S, C, T, B), again and again."""
    measured = statistic(np.ones((images, 1), np.int32))[..., 0]
    seeds, shape = len(measured), measured.shape[1:]
    drawn = rng.multinomial(images, np.full(images, 1 / images), size=chosen["resamples"]).T.astype(np.int32)
    replicates = statistic(drawn)
    of_mean, run = components.image_parts(replicates)
    seed_sd = measured.std(axis=0, ddof=1) if seeds > 1 else np.full(shape, np.nan)
    left_out = statistic(_leave_out(images, rng)).mean(axis=0)
    return _Cells(
        seeds=seeds,
        value=measured.mean(axis=0),
        seed_sd=seed_sd,
        replicates=replicates.mean(axis=0),
        of_mean=of_mean,
        run=run,
        excess=components.excess(seed_sd**2, run, seeds),
        acceleration=np.reshape([intervals.acceleration(left_out[cell]) for cell in np.ndindex(shape)], shape),
    )


def _leave_out(images: int, rng: np.random.Generator) -> Weights:
    """(N, G) weights: each column lacks one group of images, taken at random."""
    groups = min(images, GROUPS)
    group = rng.permutation(np.arange(images) % groups)
    return (group[:, None] != np.arange(groups)).astype(np.int32)


def _swapped(
    a: Runs, b: Runs, boxes: Ints, metric: str, groups: list[Ints], draws: int, rng: np.random.Generator
) -> Floats:
    """(C, T, B) the difference when the methods' detections change places in a random half of the images.

    Where the methods do not differ, the measured difference is one of these as good as any other (permutation test:
    Ernst, Statistical Science 19 (2004) 676-685). An image is swapped for all seeds at once.
    """
    kept = rng.integers(0, 2, (boxes.shape[1], draws), dtype=np.int32)
    both = [
        [pooled(one, other, len(kept)) for one, other in zip(*pair, strict=True)] for pair in zip(a, b, strict=True)
    ]
    found = np.repeat(boxes.sum(axis=1)[:, None], draws, axis=1)
    first, second = (ap(both, np.vstack(w), found, metric) for w in ((kept, 1 - kept), (1 - kept, kept)))
    return scopes(second - first, groups).mean(axis=0)


def _judge(
    truth: pd.DataFrame,
    methods: Sequence[Sequence[pd.DataFrame]],
    images: Sequence[str],
    classes: Sequence[str],
    ious: Sequence[float],
) -> tuple[Ints, list[Runs]]:
    """(K, N) boxes to be found, and the judged detections of each method's runs."""
    matches = [[match(truth, detections, classes) for detections in runs] for runs in methods]
    return boxes_by_image(matches[0][0], images), [[judged(m, images, ious) for m in runs] for runs in matches]


def _groups(classes: Sequence[str], rigid: Sequence[str]) -> dict[str, Ints]:
    """Name -> indices of the classes that a mean is taken over."""
    return {
        name: np.array([list(classes).index(one) for one in members])
        for name, members in metrics.groups(classes, rigid).items()
    }


def _table(
    cells: _Cells,
    ious: Sequence[float],
    classes: Sequence[str],
    groups: Mapping[str, Ints],
    name: str,
    chosen: Settings,
) -> pd.DataFrame:
    """Points in place of fractions, one row for each scope and threshold."""
    lowest = 0.0 if name == "ap" else -100.0
    names = [(scope, "mean") for scope in groups] + [(scope, "class") for scope in classes]
    rows = []
    for c, t in np.ndindex(cells.value.shape):
        value, drawn, level = float(cells.value[c, t]), cells.replicates[c, t], chosen["level"]
        ends = {
            "percentile": intervals.percentile(drawn, level),
            "bca": intervals.bca(value, drawn, float(cells.acceleration[c, t]), level),
        }
        for kind, (low, high) in ends.items():
            below, above = components.outwards(
                np.array([value - low, high - value]), cells.excess[c, t], cells.seeds, level
            )
            ends[kind] = (low - below, high + above)
        row = [*names[c], float(ious[t]), 100 * value, 100 * cells.seed_sd[c, t]]
        shown = 100 * np.array([*ends[chosen["interval"]], *ends["percentile"], *ends["bca"]])
        rows.append([*row, *np.clip(shown, lowest, 100)])
    bounds = ["low", "high", "low_percentile", "high_percentile", "low_bca", "high_bca"]
    return pd.DataFrame(rows, columns=["scope", "kind", "iou", name, "seed_sd", *bounds])
