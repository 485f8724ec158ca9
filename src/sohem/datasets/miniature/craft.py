"""Trains, trams, aeroplanes and boats: rigid solids seen under a yaw and a pitch.

Each function returns one figure; y = 0 is the ground, units are metres.
"""

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, Solid, hsv, shade
from sohem.datasets.miniature.vehicles import GLASS, lights, oblique_view, rectangle, row

Generator = np.random.Generator


def train(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A locomotive or railcar with coaches behind it, on rails."""
    yaw, pitch = view or (float(rng.choice([-1, 1])) * rng.uniform(12, 72) - 0.0, rng.uniform(3, 16))
    solid = Solid(-abs(yaw) if rng.random() < 0.8 else yaw, pitch)
    paint, stripe = hsv(rng.random(), rng.uniform(0.4, 0.9), rng.uniform(0.35, 0.85)), hsv(rng.random(), 0.6, 0.9)
    length, nose = rng.uniform(5.5, 7.5), rng.choice([0.15, 1.3])
    roof = shade(paint, 0.55)
    profile = [(-length, 0.6), (4, 0.6), (4.3, 1.3), (4.3 - nose, 3.1), (3.9 - nose, 3.5), (-length, 3.5)]
    face: Colour = (235, 190, 40) if rng.random() < 0.4 else paint
    solid.extrude(profile, -1.4, 1.4, [paint, roof, face, face, roof, roof, paint])
    windscreen = 4.3 - nose * 0.45
    if solid.near[0] > 0:
        lower, upper = 4.3 - nose * 0.48, 4.3 - nose * 0.94
        for z0, z1 in ((-1.15, -0.1), (0.1, 1.15)):
            solid.face([(lower, 2.1, z1), (lower, 2.1, z0), (upper, 3.0, z0), (upper, 3.0, z1)], GLASS, bias=50)
        for z in (-1.0, 1.0):
            lamp = rectangle(z - 0.17, z + 0.17, 1.05, 1.32)
            solid.panel("x", 4.25, [lamp], (252, 248, 210), bias=56)
    for z in (-1.4, 1.4):
        solid.panel("z", z, [rectangle(-length, 4.1, 1.3, 1.65)], stripe)
        solid.panel("z", z, row(-length + 0.2, min(3.0, windscreen - 1.0), 2.1, 2.9, int(length * 1.1), 0.3), GLASS)
        solid.panel("z", z, [rectangle(x, x + 0.08, 0.7, 3.3) for x in (-length + 3.6, -length + 8)], roof, bias=52)
        for x in (-length + 1.2, -length + 2.2, 1.8, 2.8):
            solid.wheel(x, 0.35, 0.36, z, 0.25, (96, 92, 90))
    solid.box((-length + 0.4, 3.4), (0.25, 0.6), (-1.1, 1.1), (40, 38, 38), bias=-25)
    return solid.figure()


def tram(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A tram: two jointed cars, large windows low down, a pantograph on the roof."""
    yaw, pitch = view or oblique_view(rng)
    solid = Solid(yaw, pitch)
    paint = hsv(
        rng.choice([0.0, 0.12, 0.35, 0.6]) + rng.uniform(-0.04, 0.04), rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.9)
    )
    cream: Colour = (232, 226, 206)
    for x0, x1 in ((-6.5, -0.3), (0.3, 6.5)):
        solid.box((x0, x1), (0.3, 3.1), (-1.2, 1.2), cream)
        for z in (-1.2, 1.2):
            solid.panel("z", z, [rectangle(x0, x1, 0.3, 1.15)], paint)
            solid.panel("z", z, row(x0 + 0.2, x1 - 0.2, 1.3, 2.6, 4, 0.25), GLASS)
            solid.panel("z", z, [rectangle(x0 + 2.7, x0 + 3.6, 0.4, 2.6)], shade(GLASS, 1.4), bias=52)
    solid.box((-0.3, 0.3), (0.4, 2.9), (-1.05, 1.05), (60, 60, 64), bias=-5)
    for x in (-6.5, 6.5):
        solid.panel("x", x, [rectangle(-1.2, 1.2, 0.3, 1.2)], paint)
        solid.panel("x", x, [rectangle(-1.0, 1.0, 1.3, 2.6)], GLASS)
    lights(solid, 6.5, -6.5, 0.75, 0.85, 0.15)
    mast = (40.0, 40.0, 44.0)
    solid.tube([(1.6, 3.1, 0), (2.6, 3.7, 0), (1.8, 4.25, 0)], 0.07, mast, bias=30)
    solid.tube([(1.8, 4.25, -0.8), (1.8, 4.25, 0.8)], 0.07, mast, bias=30)
    for x in (-5.2, -1.6, 1.6, 5.2):
        for z in (-1.2, 1.2):
            solid.wheel(x, 0.3, 0.3, z, 0.2, (90, 90, 92))
    return solid.figure()


def aeroplane(rng: Generator) -> Figure:
    """An airliner or a light propeller aeroplane, seen from any side, above or below."""
    yaw = float(rng.choice([-35, 0, 35, 145, 180, 215])) + rng.uniform(-18, 18)
    solid = Solid(yaw, rng.uniform(-38, 30))
    body = hsv(rng.random(), rng.uniform(0, 0.25), rng.uniform(0.72, 0.98))
    tail = hsv(rng.random(), rng.uniform(0.5, 0.9), rng.uniform(0.4, 0.85))
    wing = shade(body, 0.82)
    solid.tube(
        [(-5, 0.35, 0), (-2.6, 0.05, 0), (2.6, 0, 0), (4.4, -0.1, 0), (5, -0.2, 0)], [0.12, 0.62, 0.68, 0.45, 0.1], body
    )
    if rng.random() < 0.65:  # a jet
        for side in (-1, 1):
            solid.face(
                [(1.6, -0.2, side * 0.5), (-0.6, -0.2, side * 0.5), (-2.3, 0.3, side * 5.2), (-1.5, 0.3, side * 5.2)],
                wing,
                bias=side * solid.near[2] * 0.2 + solid.near[1] * -0.2,
                double=True,
            )
            solid.face(
                [(-3.8, 0.3, 0), (-4.7, 0.3, 0), (-5.3, 0.45, side * 1.9), (-4.8, 0.45, side * 1.9)], wing, double=True
            )
            solid.tube([(0.9, -0.6, side * 1.9), (-0.4, -0.6, side * 1.9)], [0.36, 0.26], shade(tail, 0.9), bias=0.2)
        solid.face([(-3.3, 0.4, 0), (-4.6, 0.4, 0), (-5.4, 2.3, 0), (-4.7, 2.3, 0)], tail, bias=0.3, double=True)
    else:
        for side in (-1, 1):
            solid.face(
                [(1.5, 0.72, 0), (0.2, 0.72, 0), (0.2, 0.9, side * 4.6), (1.4, 0.9, side * 4.6)],
                tail,
                bias=0.4,
                double=True,
            )
            solid.face(
                [(-4.0, 0.4, 0), (-4.9, 0.4, 0), (-4.9, 0.4, side * 1.7), (-4.2, 0.4, side * 1.7)], tail, double=True
            )
            solid.tube([(1.2, -0.5, side * 0.4), (1.3, -1.25, side * 0.9)], 0.08, (60, 60, 60))
            solid.tube([(1.15, -1.3, side * 0.9), (1.45, -1.3, side * 0.9)], 0.25, (30, 30, 32))
        solid.face([(-3.7, 0.4, 0), (-4.9, 0.4, 0), (-5.1, 1.7, 0), (-4.6, 1.7, 0)], tail, bias=0.3, double=True)
        solid.tube([(5.05, -0.2 - 0.95, 0.2), (5.05, -0.2 + 0.95, -0.2)], 0.08, (50, 50, 50), bias=0.5)
    for side in (-1, 1):
        at = side * 0.66
        solid.panel("z", at, row(-2.4, 3.2, 0.08, 0.3, 9, 0.3), (58, 70, 88), bias=0.4)
        solid.panel("z", at, [[(3.6, 0.05), (4.3, 0.0), (4.1, 0.28), (3.6, 0.3)]], (40, 50, 64), bias=0.4)
        solid.panel("z", at, [rectangle(-3.0, 3.8, -0.2, -0.08)], tail, bias=0.35)
    return solid.figure()


def boat(rng: Generator) -> Figure:
    """A sailing boat, a motor boat or a small ship; the waterline is y = 0."""
    yaw, pitch = rng.uniform(-60, 60) + float(rng.choice([0, 180])), rng.uniform(4, 22)
    solid, kind = Solid(yaw, pitch), int(rng.integers(3))
    hull = hsv(rng.random(), rng.uniform(0.1, 0.8), rng.uniform(0.35, 0.95))
    deck: Colour = (190, 160, 116)
    length, free = (3.2, 0.75) if kind == 0 else (3.4, 1.0) if kind == 1 else (5.0, 1.2)
    upper = [(-length, 0.75), (0.2 * length, 0.95), (0.7 * length, 0.6), (length, 0.0)]
    sheer = [free, free, free * 1.12, free * 1.35]
    port = [(x, y, z) for (x, z), y in zip(upper, sheer, strict=True)]
    low = [(x * 0.86, 0.0, z * 0.7) for x, z in upper]
    for k in range(3):
        a, b, c, d = low[k], low[k + 1], port[k + 1], port[k]
        solid.face([a, b, c, d], hull, bias=2)
        solid.face([(p[0], p[1], -p[2]) for p in (d, c, b, a)], hull, bias=2)
        lift = 0.72
        band = [tuple(u + (v - u) * lift for u, v in zip(p, q, strict=True)) for p, q in ((a, d), (b, c))]
        solid.face([band[0], band[1], c, d], (240, 240, 238), bias=2.1)
        solid.face([(p[0], p[1], -p[2]) for p in (d, c, band[1], band[0])], (240, 240, 238), bias=2.1)
    mirror = [(p[0], p[1], -p[2]) for p in port]
    solid.face([low[0], port[0], mirror[0], (low[0][0], 0.0, -low[0][2])], shade(hull, 0.85), bias=1)
    solid.face([*port, *mirror[-2::-1]], deck, bias=-1)
    if kind == 0:
        sail = (244.0, 242.0, 234.0) if rng.random() < 0.6 else hsv(rng.random(), 0.7, 0.85)
        height, swing = rng.uniform(5.5, 7.0), rng.uniform(-0.7, 0.7)
        solid.tube([(0.3, 0.7, 0), (0.3, height + 0.4, 0)], 0.06, (110, 96, 80), bias=5)
        solid.face([(0.2, 1.2, 0), (0.2, height, 0), (-2.7, 1.3, swing)], sail, bias=6, double=True)
        solid.face(
            [(0.45, height * 0.9, 0), (0.45, 1.1, swing * 0.3), (3.1, 1.0, 0)], shade(sail, 0.92), bias=6, double=True
        )
    elif kind == 1:
        solid.box((-1.0, 1.2), (0.9, 1.75), (-0.6, 0.6), (238, 238, 236), bias=5)
        for z in (-0.6, 0.6):
            solid.panel("z", z, row(-0.85, 1.1, 1.25, 1.6, 3, 0.15), GLASS)
        solid.panel("x", 1.2, [rectangle(-0.5, 0.5, 1.25, 1.65)], GLASS)
        solid.tube([(-0.6, 1.7, 0), (-0.9, 2.7, 0)], 0.05, (80, 80, 80), bias=6)
    else:
        solid.box((-3.6, 1.6), (1.2, 2.0), (-0.62, 0.62), (236, 234, 228), bias=5)
        solid.box((-2.4, 0.6), (2.0, 2.75), (-0.5, 0.5), (236, 234, 228), bias=6)
        for z in (-0.62, 0.62):
            solid.panel("z", z, row(-3.4, 1.4, 1.45, 1.75, 7, 0.35), GLASS)
        for z in (-0.5, 0.5):
            solid.panel("z", z, row(-2.2, 0.5, 2.25, 2.55, 4, 0.3), GLASS)
        solid.tube([(-1.2, 2.7, 0), (-1.3, 3.9, 0)], 0.32, hsv(rng.random(), 0.8, 0.7), bias=7)
        solid.tube([(0.9, 2.0, 0), (0.9, 4.4, 0)], 0.05, (70, 70, 70), bias=7)
    return solid.figure()
