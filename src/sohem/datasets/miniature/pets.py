"""Cats and dogs: articulated figures. Each function returns one figure; y = 0 is the ground."""

import math

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, hsv, polar, shade
from sohem.datasets.miniature.limbs import DARK, Point, coat_of, curve, legs, taper

Generator = np.random.Generator


def _cat_head(figure: Figure, at: Point, r: float, coat: Colour, light: Colour, rng: Generator) -> None:
    x, y = at
    for side in (-1, 1):
        figure.polygon(
            [
                (x + side * r * 0.95, y + r * 0.1),
                (x + side * r * 0.98, y + r * 1.45),
                (x + side * r * 0.15, y + r * 0.8),
            ],
            coat,
        )
        figure.polygon(
            [(x + side * r * 0.8, y + r * 0.5), (x + side * r * 0.84, y + r * 1.15), (x + side * r * 0.4, y + r * 0.8)],
            (222, 160, 150),
        )
    figure.ellipse(x, y, r * 1.05, r * 0.92, coat)
    figure.ellipse(x, y - r * 0.38, r * 0.5, r * 0.38, light)
    eye = hsv(float(rng.choice([0.15, 0.3, 0.5])), 0.7, 0.9)
    for side in (-1, 1):
        figure.ellipse(x + side * r * 0.42, y + r * 0.12, r * 0.22, r * 0.2, eye)
        figure.ellipse(x + side * r * 0.42, y + r * 0.12, r * 0.07, r * 0.18, DARK)
        figure.limb(
            [(x + side * r * 0.3, y - r * 0.35), (x + side * r * 1.35, y - r * rng.uniform(0.2, 0.5))],
            r * 0.025,
            (236, 236, 236),
        )
    figure.polygon([(x - r * 0.14, y - r * 0.12), (x + r * 0.14, y - r * 0.12), (x, y - r * 0.3)], (200, 100, 100))


def cat(rng: Generator) -> Figure:
    """A cat: sitting upright, walking, or lying; pointed ears, long curling tail, often striped."""
    figure = Figure()
    coat = coat_of(rng, [(0.07, 0.7, 0.85), (0.08, 0.2, 0.5), (0, 0.0, 0.16), (0.09, 0.1, 0.92), (0.08, 0.4, 0.4)])
    light, stripe = shade(coat, 1.35), shade(coat, 0.62)
    striped, pose = rng.random() < 0.6, (0, 0, 1, 2)[int(rng.integers(4))]
    if pose == 0:
        tail = curve((0.35, 0.12), rng.uniform(-10, 30), rng.uniform(60, 150), 0.7)
        figure.limb(tail, taper(0.1, 0.06, len(tail)), coat)
        figure.limb([(0, 0.32), (0, 1.05)], [0.44, 0.26], coat)
        figure.limb([(0, 0.35), (0, 0.95)], [0.2, 0.14], light)
        for side in (-1, 1):
            figure.ellipse(side * 0.34, 0.14, 0.2, 0.14, coat)
            figure.limb([(side * 0.14, 0.8), (side * 0.13, 0.08)], [0.11, 0.09], shade(coat, 0.92))
            if striped:
                for y in (0.4, 0.6, 0.8):
                    figure.limb([(side * 0.38 * (1.1 - y * 0.5), y), (side * 0.2, y + 0.05)], 0.035, stripe)
        _cat_head(figure, (rng.uniform(-0.1, 0.1), 1.44), 0.38, coat, light, rng)
        return figure
    low = pose == 2
    hip, shoulder = (-0.7, 0.3 if low else 0.66), (0.5, 0.28 if low else 0.66)
    tail = curve((-0.92, hip[1] + 0.05), rng.uniform(110, 200), rng.uniform(-110, 90), rng.uniform(0.5, 0.75))
    figure.limb(tail, taper(0.085, 0.06, len(tail)), coat)
    if not low:
        legs(figure, rng, [(-0.6, 0.55), (0.42, 0.55)], 0.52, 0.075, shade(coat, 0.72), shade(coat, 0.72), 22)
    arch = rng.uniform(-0.05, 0.16)
    figure.limb([hip, (-0.1, hip[1] + arch), shoulder], [0.27, 0.25, 0.25], coat)
    if striped:
        for x in (-0.7, -0.45, -0.2, 0.05, 0.3):
            y = hip[1] + arch * 0.7
            figure.limb([(x, y + 0.2), (x + 0.04, y - 0.02)], [0.04, 0.015], stripe)
    if low:
        figure.limb([(-0.75, 0.12), (-0.3, 0.09)], [0.16, 0.08], shade(coat, 0.9))
        figure.limb([(0.4, 0.12), (0.95, 0.08)], [0.13, 0.08], shade(coat, 0.9))
    else:
        legs(figure, rng, [(-0.72, 0.55), (0.5, 0.55)], 0.52, 0.08, coat, light, 22)
    _cat_head(figure, (0.78, shoulder[1] + rng.uniform(0.18, 0.42)), 0.33, coat, light, rng)
    return figure


def _dog_head(
    figure: Figure, at: Point, r: float, angle: float, coat: Colour, ear: Colour, muzzle: Colour, floppy: bool
) -> None:
    nose = polar(at, angle, r * 1.75)
    figure.limb([at, nose], [r * 0.78, r * 0.42], muzzle)
    figure.ellipse(*at, r, r * 0.95, coat)
    figure.ellipse(*polar(nose, angle + 40, r * 0.28), r * 0.24, r * 0.2, DARK)
    figure.ellipse(*polar(at, angle + 42, r * 0.6), r * 0.16, r * 0.16, DARK)
    base = polar(at, angle + 125, r * 0.8)
    if floppy:
        figure.limb([base, polar(base, -95, r * 1.25)], [r * 0.3, r * 0.42], ear)
    else:
        for shift in (-0.35, 0.1):
            foot = polar(base, angle, r * -shift)
            figure.polygon(
                [(foot[0] - r * 0.32, foot[1] - r * 0.15), (foot[0] + r * 0.3, foot[1]), polar(foot, 100, r * 0.95)],
                ear,
            )


def dog(rng: Generator) -> Figure:
    """A dog: standing, running or sitting; long muzzle, floppy or pointed ears, raised tail."""
    figure = Figure()
    coat = coat_of(rng, [(0.08, 0.6, 0.62), (0.1, 0.45, 0.85), (0, 0.0, 0.14), (0.08, 0.08, 0.9), (0.05, 0.6, 0.38)])
    ear = shade(coat, 0.6) if rng.random() < 0.8 else coat
    muzzle = shade(coat, 1.3) if rng.random() < 0.5 else coat
    collar = hsv(rng.random(), 0.9, 0.8) if rng.random() < 0.4 else None
    leg, floppy = rng.uniform(0.4, 0.72), rng.random() < 0.7
    if rng.random() < 0.8:
        y = leg + 0.12
        tail = curve((-0.78, y + 0.12), rng.uniform(95, 160), rng.uniform(-60, 60), rng.uniform(0.28, 0.45), 4)
        figure.limb(tail, taper(0.08, 0.04, len(tail)), coat)
        swing = float(rng.choice([10.0, 38.0]))
        legs(figure, rng, [(-0.5, y), (0.48, y)], leg, 0.075, shade(coat, 0.7), shade(coat, 0.7), swing)
        figure.limb([(-0.6, y + 0.05), (-0.1, y + 0.08), (0.5, y + 0.04)], [0.23, 0.21, 0.29], coat)
        if rng.random() < 0.3:
            figure.ellipse(-0.25, y + 0.1, 0.26, 0.16, ear)
        legs(figure, rng, [(-0.66, y), (0.56, y)], leg, 0.08, coat, muzzle, swing)
        neck = (0.6, y + 0.14)
        head = polar(neck, rng.uniform(20, 75), 0.45)
    else:
        tail = curve((-0.42, 0.12), rng.uniform(150, 190), rng.uniform(-80, 10), 0.55, 4)
        figure.limb(tail, taper(0.08, 0.05, len(tail)), coat)
        figure.limb([(-0.18, 0.3), (0.2, 0.95)], [0.34, 0.23], coat)
        figure.ellipse(-0.1, 0.2, 0.3, 0.2, shade(coat, 0.9))
        figure.limb([(-0.05, 0.08), (0.2, 0.07)], 0.08, muzzle)
        for x in (0.22, 0.34):
            figure.limb([(x - 0.02, 0.85), (x, 0.08), (x + 0.1, 0.06)], [0.11, 0.07, 0.07], coat)
        neck = (0.24, 1.05)
        head = polar(neck, rng.uniform(45, 85), 0.34)
    figure.limb([neck, head], [0.21, 0.19], coat)
    if collar:
        middle = ((neck[0] + head[0]) / 2, (neck[1] + head[1]) / 2)
        a = math.degrees(math.atan2(head[1] - neck[1], head[0] - neck[0])) + 90
        figure.limb([polar(middle, a, 0.17), polar(middle, a, -0.17)], 0.04, collar)
    _dog_head(figure, head, 0.235, rng.uniform(-35, 15), coat, ear, muzzle, floppy)
    return figure
