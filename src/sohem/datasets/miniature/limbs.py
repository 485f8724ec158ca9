"""What the animals share: bending legs and tails, coats."""

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, hsv, polar

Generator = np.random.Generator
Point = tuple[float, float]

DARK: Colour = (26, 22, 22)


def legs(
    figure: Figure,
    rng: Generator,
    hips: list[Point],
    length: float,
    thick: float,
    colour: Colour,
    foot: Colour,
    swing: float,
) -> None:
    """Two-part legs down to the ground from each of ``hips``, knees bent by chance."""
    for hip in hips:
        first = -90 + rng.uniform(-swing, swing)
        knee = polar(hip, first, length * 0.52)
        end = polar(knee, -90 - (first + 90) * 0.6 + rng.uniform(-swing, swing) * 0.4, length * 0.5)
        figure.limb([hip, knee, end], [thick * 1.45, thick, thick * 0.72], colour)
        figure.limb([end, (end[0] + thick * 0.9, end[1])], thick * 0.8, foot)


def curve(start: Point, angle: float, bend: float, length: float, steps: int = 5) -> list[Point]:
    """A chain of points from ``start`` that turns by ``bend`` degrees altogether (a tail, a stem)."""
    points = [start]
    for k in range(steps):
        points.append(polar(points[-1], angle + bend * k / steps, length / steps))
    return points


def taper(first: float, last: float, count: int) -> list[float]:
    return np.linspace(first, last, count).tolist()


def coat_of(rng: Generator, kinds: list[tuple[float, float, float]]) -> Colour:
    h, s, v = kinds[int(rng.integers(len(kinds)))]
    return hsv(
        h + rng.uniform(-0.015, 0.015), min(1, max(0, s + rng.uniform(-0.1, 0.1))), min(1, v * rng.uniform(0.8, 1.15))
    )
