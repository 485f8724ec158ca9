"""Horses, cows and sheep: articulated figures. Each function returns one figure; y = 0 is the ground."""

import math

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, hsv, polar, shade
from sohem.datasets.miniature.limbs import DARK, coat_of, curve, legs, taper

Generator = np.random.Generator


def horse(rng: Generator) -> Figure:
    """A horse: long legs, long neck held up or down to graze, mane and hanging tail."""
    figure = Figure()
    coat = coat_of(rng, [(0.06, 0.65, 0.5), (0.05, 0.6, 0.3), (0, 0.0, 0.16), (0.08, 0.08, 0.88), (0.08, 0.5, 0.68)])
    mane = DARK if rng.random() < 0.6 else shade(coat, 0.6)
    y, leg, swing = 1.1, 1.02, float(rng.choice([8.0, 34.0]))
    tail = curve((-0.92, y + 0.2), rng.uniform(190, 235), rng.uniform(20, 80), 0.8, 4)
    figure.limb(tail, taper(0.07, 0.12, len(tail)), mane)
    legs(figure, rng, [(-0.6, y), (0.5, y)], leg, 0.075, shade(coat, 0.68), DARK, swing)
    figure.limb([(-0.66, y + 0.14), (-0.05, y + 0.06), (0.56, y + 0.12)], [0.29, 0.28, 0.3], coat)
    legs(figure, rng, [(-0.76, y), (0.58, y)], leg, 0.08, coat, DARK, swing)
    neck = (0.68, y + 0.22)
    up = rng.uniform(30, 66) if rng.random() < 0.7 else rng.uniform(-62, -35)
    poll = polar(neck, up, 0.8)
    figure.limb([neck, poll], [0.24, 0.14], coat)
    crest = up + 90
    figure.limb([polar(neck, crest, 0.2), polar(poll, crest, 0.12)], [0.07, 0.06], mane)
    face = up - 88 if up > 0 else up - 5
    nose = polar(poll, face, 0.46)
    figure.limb([poll, nose], [0.145, 0.095], coat)
    figure.ellipse(*nose, 0.09, 0.08, shade(coat, 0.65))
    figure.ellipse(*polar(poll, face + 30, 0.12), 0.03, 0.03, DARK)
    for shift in (0, 35):
        figure.polygon(
            [polar(poll, crest - 60, 0.1), polar(poll, crest + 10, 0.12), polar(poll, up + shift, 0.3)], coat
        )
    if rng.random() < 0.3:  # a saddle
        figure.polygon(
            [(-0.3, y + 0.32), (0.25, y + 0.32), (0.2, y - 0.05), (-0.2, y - 0.05)], hsv(rng.random(), 0.7, 0.6)
        )
    return figure


def cow(rng: Generator) -> Figure:
    """A cow: a square heavy body, patches, short horns, udder, thin tail with a tuft."""
    figure = Figure()
    coat = coat_of(rng, [(0.08, 0.05, 0.94), (0.08, 0.05, 0.94), (0.05, 0.65, 0.5), (0, 0, 0.15), (0.09, 0.45, 0.8)])
    patch = DARK if rng.random() < 0.5 else hsv(0.05, 0.65, 0.4)
    y, leg = 0.82, 0.68
    tail = curve((-1.0, y + 0.35), rng.uniform(235, 275), rng.uniform(-30, 30), 0.75, 3)
    figure.limb(tail, 0.035, coat)
    figure.ellipse(*tail[-1], 0.07, 0.11, patch)
    legs(figure, rng, [(-0.62, y - 0.1), (0.56, y - 0.1)], leg, 0.085, shade(coat, 0.7), DARK, 14)
    figure.ellipse(-0.42, y - 0.3, 0.17, 0.14, (232, 170, 160))
    figure.limb([(-0.66, y + 0.08), (0.6, y + 0.08)], [0.36, 0.34], coat)
    figure.polygon([(-0.98, y + 0.1), (-0.98, y + 0.42), (0.78, y + 0.42), (0.9, y + 0.1)], coat)
    if sum(coat) > 500 or rng.random() < 0.3:
        for _ in range(int(rng.integers(2, 5))):
            figure.ellipse(
                rng.uniform(-0.7, 0.55),
                y + rng.uniform(-0.05, 0.25),
                rng.uniform(0.12, 0.24),
                rng.uniform(0.1, 0.17),
                patch,
                rng.uniform(0, 90),
            )
    legs(figure, rng, [(-0.8, y - 0.1), (0.7, y - 0.1)], leg, 0.09, coat, DARK, 14)
    neck = (0.78, y + 0.2)
    head = polar(neck, rng.uniform(10, 45) if rng.random() < 0.65 else rng.uniform(-75, -40), 0.5)
    figure.limb([neck, head], [0.26, 0.18], coat)
    face = rng.uniform(-60, -25)
    nose = polar(head, face, 0.36)
    for side in (20, -25):
        tip = polar(head, 90 + side, 0.36)
        figure.limb([polar(head, 90 + side * 2, 0.14), tip], [0.045, 0.02], (226, 214, 186))
    figure.limb([polar(head, 130, 0.1), polar(head, 165, 0.36)], [0.06, 0.075], patch if rng.random() < 0.5 else coat)
    figure.limb([head, nose], [0.185, 0.13], coat if rng.random() < 0.5 else patch)
    figure.ellipse(*nose, 0.13, 0.11, (226, 172, 160))
    figure.ellipse(*polar(head, face + 40, 0.12), 0.03, 0.03, DARK)
    return figure


def sheep(rng: Generator) -> Figure:
    """A sheep: a lumpy woollen body on thin short legs, dark or pale bare face."""
    figure = Figure()
    wool = hsv(rng.uniform(0.08, 0.14), rng.uniform(0.03, 0.25), rng.uniform(0.68, 0.96))
    face: Colour = (44, 38, 38) if rng.random() < 0.55 else (214, 190, 170)
    y = 0.62
    legs(figure, rng, [(-0.35, y - 0.1), (0.35, y - 0.1)], 0.48, 0.05, shade(face, 0.7), DARK, 12)
    legs(figure, rng, [(-0.48, y - 0.1), (0.46, y - 0.1)], 0.48, 0.055, face, DARK, 12)
    stretch = rng.uniform(0.9, 1.2)
    count = 11
    for k in range(count):
        a = 2 * math.pi * k / count
        r = rng.uniform(0.17, 0.24)
        figure.ellipse(
            0.52 * stretch * math.cos(a), y + 0.1 + 0.24 * math.sin(a), r, r, shade(wool, 0.88 + 0.1 * math.sin(a))
        )
    figure.ellipse(0, y + 0.1, 0.56 * stretch, 0.34, wool)
    for _ in range(7):
        x, dy, r = rng.uniform(-0.45, 0.45), rng.uniform(-0.15, 0.25), rng.uniform(0.07, 0.12)
        figure.ellipse(x, y + 0.1 + dy, r, r * 0.8, shade(wool, rng.uniform(0.9, 1.06)))
    grazing = rng.random() < 0.4
    head = (0.72 * stretch, y + (-0.2 if grazing else rng.uniform(0.2, 0.42)))
    figure.limb([(0.45 * stretch, y + 0.15), head], [0.22, 0.15], wool)
    angle = rng.uniform(-75, -50) if grazing else rng.uniform(-45, -10)
    figure.limb([head, polar(head, angle, 0.28)], [0.14, 0.085], face)
    figure.limb([polar(head, 150, 0.06), polar(head, 195, 0.26)], [0.05, 0.05], face)
    figure.ellipse(*polar(head, 70, 0.12), 0.13, 0.09, wool)
    figure.ellipse(*polar(head, angle + 45, 0.1), 0.025, 0.025, DARK if sum(face) > 300 else (230, 226, 210))
    return figure
