"""Birds and potted plants: articulated or deformed figures. Each function returns one figure; y = 0 is the ground."""

import math

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, hsv, polar, shade
from sohem.datasets.miniature.limbs import DARK, curve

Generator = np.random.Generator


def bird(rng: Generator) -> Figure:
    """A bird: perched, or flying with raised or lowered wings."""
    figure = Figure()
    body = hsv(rng.random(), rng.uniform(0.1, 0.85), rng.uniform(0.25, 0.95))
    belly = shade(body, 1.35) if rng.random() < 0.6 else hsv(rng.random(), 0.6, 0.9)
    beak = hsv(rng.uniform(0.03, 0.13), 0.9, rng.uniform(0.4, 0.95))
    wing = shade(body, 0.66)
    flying = rng.random() < 0.22
    tilt = rng.uniform(-15, 15) if flying else rng.uniform(20, 48)
    tail_end = polar((0, 0.6), 180 + tilt + rng.uniform(-12, 12), rng.uniform(0.7, 0.95))
    figure.polygon(
        [
            polar((0, 0.6), 180 + tilt + 25, 0.25),
            polar(tail_end, tilt + 90, -0.1),
            polar(tail_end, tilt + 90, 0.12),
            polar((0, 0.6), 180 + tilt - 25, 0.25),
        ],
        wing,
    )
    chest, neck = polar((0, 0.6), tilt, 0.22), polar((0, 0.6), tilt + 12, 0.5)
    long_neck = rng.random() < 0.12
    head = polar(neck, rng.uniform(50, 90), 0.55 if long_neck else 0.14)

    def feathered(angle: float, span: float, colour: Colour) -> None:
        root, tip = (0.02, 0.66), polar((0.02, 0.66), angle, span)
        figure.polygon(
            [
                polar(root, tilt, 0.25),
                tip,
                polar(tip, angle - 130, span * 0.3),
                polar(tip, angle - 155, span * 0.6),
                polar(root, tilt, -0.28),
            ],
            colour,
        )

    if flying:
        up = rng.uniform(50, 120) if rng.random() < 0.8 else rng.uniform(-110, -60)
        feathered(up + rng.uniform(-35, -10), rng.uniform(0.9, 1.3), shade(wing, 0.75))
    else:
        length = rng.uniform(0.3, 0.75 if long_neck else 0.42)
        for x in (-0.06, 0.08):
            foot = (x + rng.uniform(-0.03, 0.06), 0.42 - length)
            figure.limb([(x, 0.45), foot, (foot[0] + 0.14, foot[1] - 0.01)], 0.025, shade(beak, 0.8))
    figure.limb([(-0.2, 0.6 - math.sin(math.radians(tilt)) * 0.2), chest], [0.2, 0.29], body)
    figure.ellipse(chest[0] + 0.06, chest[1] - 0.08, 0.2, 0.17, belly)
    figure.limb([neck if long_neck else chest, head], [0.13, 0.11] if long_neck else [0.22, 0.17], body)
    point = rng.uniform(-25, 8)
    figure.polygon(
        [polar(head, point + 50, 0.15), polar(head, point - 50, 0.15), polar(head, point, rng.uniform(0.32, 0.5))], beak
    )
    figure.ellipse(*head, 0.175, 0.165, body)
    figure.ellipse(*polar(head, 30, 0.08), 0.04, 0.04, DARK)
    if flying:
        feathered(up + rng.uniform(0, 15), rng.uniform(0.95, 1.35), wing)
    else:
        figure.polygon(
            [
                polar(chest, tilt + 70, 0.16),
                polar((0, 0.6), 180 + tilt + 5, 0.6),
                polar((0, 0.6), 180 + tilt + 60, 0.22),
                polar(chest, tilt - 70, 0.14),
            ],
            wing,
        )
    return figure


def pottedplant(rng: Generator) -> Figure:
    """A plant in a pot: blades, leaves on stems, a bush, or flowers; every plant bends its own way."""
    figure, kind = Figure(), int(rng.integers(4))
    green = hsv(rng.uniform(0.22, 0.4), rng.uniform(0.45, 0.9), rng.uniform(0.3, 0.7))
    pot = (
        hsv(rng.uniform(0.02, 0.08), rng.uniform(0.5, 0.8), rng.uniform(0.45, 0.8))
        if rng.random() < 0.6
        else hsv(rng.random(), 0.4, 0.85)
    )
    width, high = rng.uniform(0.28, 0.42), rng.uniform(0.4, 0.6)
    count = int(rng.integers(7, 13))
    for k in range(count):
        spread = rng.uniform(15, 75) * (2 * (k + 0.5) / count - 1)
        length = rng.uniform(0.5, 1.15)
        tint = shade(green, rng.uniform(0.7, 1.25))
        stem = curve((rng.uniform(-0.15, 0.15), high), 90 - spread, -spread * rng.uniform(0.2, 1.3), length, 3)
        if kind == 0:
            figure.limb(stem, [0.05, 0.075, 0.06, 0.01], tint)
            continue
        figure.limb(stem, 0.022, shade(green, 0.7))
        if kind == 1:
            for point in stem[1:]:
                figure.ellipse(
                    *point,
                    rng.uniform(0.13, 0.22),
                    rng.uniform(0.06, 0.1),
                    shade(tint, rng.uniform(0.8, 1.2)),
                    rng.uniform(-60, 60) + 90 - spread,
                )
        elif kind == 2:
            for point in stem[2:]:
                figure.ellipse(*point, rng.uniform(0.16, 0.24), rng.uniform(0.14, 0.22), tint)
        else:
            figure.ellipse(*stem[2], 0.13, 0.06, tint, rng.uniform(0, 180))
            petal = hsv(rng.choice([0.0, 0.13, 0.75, 0.9]), 0.8, 0.95)
            figure.ellipse(*stem[3], 0.11, 0.11, petal)
            figure.ellipse(*stem[3], 0.045, 0.045, (240, 210, 70))
    figure.polygon([(-width * 0.75, 0), (width * 0.75, 0), (width, high), (-width, high)], pot)
    figure.polygon([(width * 0.2, 0), (width * 0.75, 0), (width, high), (width * 0.3, high)], shade(pot, 0.78))
    figure.polygon(
        [
            (-width * 1.12, high - 0.1),
            (width * 1.12, high - 0.1),
            (width * 1.12, high + 0.04),
            (-width * 1.12, high + 0.04),
        ],
        shade(pot, 1.1),
    )
    return figure
