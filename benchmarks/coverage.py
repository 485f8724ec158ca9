"""How often the 95 % interval of a difference holds the truth, and how often equal methods differ at 5 %.

    python benchmarks/coverage.py [--experiments N] [--resamples N] [--seeds S ...] [--luck L ...]
                                  [--common {none,half} ...]

Each experiment simulates S runs of two equal methods on 300 images with 6 classes of some 90 objects
(tests/helpers/simulated.py) and calls sohem.evaluation.bootstrap.difference_table on them. Luck gives each run a skill
of its own in each class, so large that the difference of a pair of runs scatters by 0, 0.5 or 1 times what the images
make it scatter by. Either nothing of the images' part is common to the runs of a method (methods alike), or about half
of it is (each method finds boxes of its own easier). The skill is calibrated first. One process, one core.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy starts its threads
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import numpy as np
import pandas as pd

from simulated import World  # type: ignore[import-not-found]
from sohem.evaluation.average_precision import evaluate
from sohem.evaluation.bootstrap import difference_table

CLASSES, IMAGES, BOXES, WRONG = 6, 300, 90, 150
LIKING = {"none": 0.0, "half": 1.5}  # share of the images' variance that is common to a method's runs -> of `liking`


def likings(world: World, size: float) -> list[np.ndarray]:
    """What each of the two methods finds easier than the other."""
    return [size * world.rng.normal(size=len(world.label)) for _ in range(2)]


def calibrate(size: float) -> tuple[float, float]:
    """The skill that is as much luck as the images', and the share of the images' variance common to pairs of runs."""
    world = World(np.random.default_rng(1), classes=1000, images=IMAGES, boxes=BOXES)
    first, second = likings(world, size)

    def ap(skill: float, liking: np.ndarray) -> np.ndarray:
        found = world.detect(skill, WRONG, liking)
        return evaluate(world.truth, found, world.classes, [0.5])["ap_11point"].to_numpy()

    pairs = np.array([ap(0.0, second) - ap(0.0, first) for _ in range(2)])
    slope = float((ap(0.2, first) - ap(-0.2, first)).mean()) / 0.4
    variance = float(pairs.var(axis=1).mean())
    return np.sqrt(variance / 2) / slope, float(np.cov(pairs)[0, 1]) / variance


def experiment(number: int, seeds: int, skill: float, size: float, resamples: int) -> pd.DataFrame:
    """The table of one experiment: mAP and six classes."""
    rng = np.random.default_rng([number, seeds])
    world = World(rng, CLASSES, IMAGES, BOXES)
    first, second = (
        [world.detect(skill * rng.normal(size=CLASSES), WRONG, liking) for _ in range(seeds)]
        for liking in likings(world, size)
    )
    chosen = {"resamples": resamples, "seed": number, "level": 0.95, "interval": "percentile"}
    settings = {"ious": [0.5], "metric": "11point", "bootstrap": chosen}
    return difference_table(world.truth, first, second, world.images, world.classes, [], settings)


def main() -> None:
    """Print one table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=320, help="of each line")
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 5, 10])
    parser.add_argument("--luck", type=float, nargs="+", default=[0.0, 0.5, 1.0], help="over that of the images")
    parser.add_argument("--common", nargs="+", choices=LIKING, default=list(LIKING), help="of the images' part")
    args = parser.parse_args()
    print("| common | luck | seeds | mAP covered | p < 0.05 | BCa covers | half width | 1.96 true sd "
          "| classes covered | p < 0.05 | BCa covers |\n" + "| --- | --- |" + " --: |" * 9)  # fmt: skip
    for name in args.common:
        size = LIKING[name]
        equal, share = calibrate(size)
        for luck in args.luck:
            for seeds in args.seeds:
                tables = [experiment(n, seeds, luck * equal, size, args.resamples) for n in range(args.experiments)]
                every = pd.concat(tables)
                cells = [f"{share:.2f}", f"{luck:g}", str(seeds)]
                for kind in ("mean", "class"):
                    part = every[every["kind"] == kind]
                    held = [((part[f"low{end}"] <= 0) & (part[f"high{end}"] >= 0)).mean() for end in ("", "_bca")]
                    cells += [f"{held[0]:.3f}", f"{(part['p'] < 0.05).mean():.3f}", f"{held[1]:.3f}"]
                    if kind == "mean":
                        half = float((part["high"] - part["low"]).mean()) / 2
                        cells += [f"{half:.2f}", f"{1.96 * part['difference'].std():.2f}"]
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
