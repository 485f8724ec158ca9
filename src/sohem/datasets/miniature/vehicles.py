"""Road vehicles: rigid solids seen under a yaw and a pitch.

Each function returns one figure; y = 0 is the ground, units are metres.
"""

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, Solid, hsv, shade

Generator = np.random.Generator

GLASS: Colour = (52, 66, 80)
HUB: Colour = (150, 152, 158)


def paint_of(rng: Generator) -> Colour:
    """A car's colour: often a grey, black or white, else something saturated."""
    if rng.random() < 0.4:
        v = rng.choice([45.0, 110.0, 165.0, 225.0]) + rng.uniform(-15, 15)
        return v, v, v + rng.uniform(0, 12)
    return hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.9))


def oblique_view(rng: Generator) -> tuple[float, float]:
    """Yaw and pitch: mostly oblique, sometimes the side, the front or the back."""
    yaw = float(rng.choice([0.0, 28.0, -28.0, 52.0, -52.0, 84.0, -84.0], p=[0.2, 0.18, 0.18, 0.14, 0.14, 0.08, 0.08]))
    return yaw + rng.uniform(-10, 10), rng.uniform(3, 16)


def rectangle(x0: float, x1: float, y0: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def row(x0: float, x1: float, y0: float, y1: float, count: int, gap: float) -> list[list[tuple[float, float]]]:
    """``count`` rectangles side by side (windows)."""
    step = (x1 - x0) / count
    return [rectangle(x0 + k * step + gap / 2, x0 + (k + 1) * step - gap / 2, y0, y1) for k in range(count)]


def lights(solid: Solid, front: float, back: float, y: float, z: float, size: float) -> None:
    """White lamps in front, red ones behind, on the sides x = front and x = back."""
    for side in (-1, 1):
        lamp = rectangle(side * z - size, side * z + size, y - size * 0.6, y + size * 0.6)
        solid.panel("x", front, [lamp], (250, 246, 214), bias=56)
        solid.panel("x", back, [lamp], (196, 22, 26), bias=56)


def car(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A passenger car: one of three outlines (saloon, hatchback, estate)."""
    yaw, pitch = view or oblique_view(rng)
    solid, paint = Solid(yaw, pitch), paint_of(rng)
    model = int(rng.integers(3))
    rear = (
        [(-2.15, 0.92), (-1.45, 0.98), (-0.95, 1.42)],
        [(-1.95, 0.92), (-1.85, 1.0), (-1.45, 1.45)],
        [(-2.2, 0.95), (-2.15, 1.05), (-1.9, 1.5)],
    )[model]
    back, top = rear[0][0], rear[2][1]
    profile = [
        (back, 0.28),
        (2.1, 0.28),
        (2.15, 0.62),
        (1.95, 0.8),
        (1.02, 0.95),
        (0.3, top),
        rear[2],
        rear[1],
        rear[0],
    ]
    dark = shade(paint, 0.45)
    #          ends   floor  grille bonnet  ..     windscreen roof  rear screen ..    back
    colours = [paint, dark, dark, paint, paint, GLASS, paint, GLASS, paint, paint]
    solid.extrude(profile, -0.85, 0.85, colours)
    for z in (-0.85, 0.85):
        glass = [(rear[1][0] + 0.22, 0.98), (0.86, 0.96), (0.27, top - 0.08), (rear[2][0] + 0.1, top - 0.08)]
        solid.panel("z", z, [glass], GLASS)
        solid.panel("z", z, [rectangle(-0.42, -0.32, 0.35, top - 0.06)], shade(paint, 0.8), bias=52)
        for x in (-1.35, 1.32):
            solid.wheel(x, 0.33, 0.34, z, 0.22, HUB)
    lights(solid, 2.15, back, 0.68, 0.62, 0.16)
    solid.panel("x", back, [rectangle(-0.3, 0.3, 0.45, 0.6)], (225, 222, 200), bias=56)
    return solid.figure()


def van(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A delivery van: taller than a car, with a short sloping bonnet."""
    yaw, pitch = view or oblique_view(rng)
    solid = Solid(yaw, pitch)
    paint = paint_of(rng) if rng.random() < 0.5 else (228.0, 228.0, 224.0)
    top = rng.choice([2.05, 2.4])
    profile = [
        (-2.5, 0.3),
        (2.4, 0.3),
        (2.45, 0.85),
        (2.2, 1.08),
        (1.55, 1.2),
        (0.95, top - 0.1),
        (0.7, top),
        (-2.5, top),
    ]
    dark = shade(paint, 0.5)
    solid.extrude(profile, -0.95, 0.95, [paint, dark, dark, paint, paint, GLASS, paint, paint, paint])
    for z in (-0.95, 0.95):
        solid.panel("z", z, [[(0.35, 1.2), (1.42, 1.2), (0.9, top - 0.2), (0.35, top - 0.2)]], GLASS)
        if rng.random() < 0.6:
            solid.panel("z", z, row(-2.3, 0.2, 1.25, top - 0.22, 2, 0.15), GLASS)
        for x in (-1.6, 1.6):
            solid.wheel(x, 0.36, 0.37, z, 0.24, HUB)
    solid.panel("x", -2.5, row(-0.8, 0.8, 1.25, top - 0.2, 2, 0.12), GLASS)
    lights(solid, 2.45, -2.5, 0.8, 0.74, 0.15)
    return solid.figure()


def truck(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A lorry: a cab with a gap behind it and a high box or a flat bed."""
    yaw, pitch = view or oblique_view(rng)
    solid, paint = Solid(yaw, pitch), paint_of(rng)
    cargo = hsv(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.6, 0.95))
    solid.box((-3.6, 3.3), (0.5, 0.75), (-0.8, 0.8), (50, 50, 54), bias=-20)
    kind = int(rng.integers(3))
    if kind < 2:
        solid.box((-3.7, 1.5), (0.8, 3.3), (-1.2, 1.2), cargo)
        if kind == 1:
            for z in (-1.2, 1.2):
                solid.panel("z", z, [rectangle(-3.3, 1.1, 1.5, 2.5)], hsv(rng.random(), 0.6, 0.75))
        solid.panel("x", -3.7, [rectangle(-0.03, 0.03, 0.85, 3.2)], shade(cargo, 0.4), bias=51)
    else:
        solid.box((-3.7, 1.5), (0.8, 1.5), (-1.2, 1.2), cargo)
        solid.box((-3.2, 1.0), (1.5, 2.1), (-0.9, 0.9), (120, 92, 60), bias=0.1)
    cab = [(1.8, 0.5), (3.5, 0.5), (3.5, 1.5), (3.25, 2.6), (1.8, 2.6)]
    solid.extrude(cab, -1.15, 1.15, [paint, paint, paint, GLASS, paint, paint])
    for z in (-1.15, 1.15):
        solid.panel("z", z, [[(2.4, 1.55), (3.3, 1.55), (3.1, 2.4), (2.4, 2.4)]], GLASS, bias=70)
        for x in (-2.8, -1.9, 2.6):
            solid.wheel(x, 0.48, 0.48, z, 0.3, HUB)
    lights(solid, 3.5, -3.7, 0.82, 0.9, 0.16)
    return solid.figure()


def bus(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A city bus or coach, sometimes a double-decker: a long box with a row of large windows."""
    yaw, pitch = view or oblique_view(rng)
    solid = Solid(yaw, pitch)
    paint = hsv(rng.random(), rng.uniform(0.45, 0.95), rng.uniform(0.5, 0.9))
    half, tall = rng.choice([3.6, 4.4]), rng.random() < 0.25
    top = 4.1 if tall else 2.9
    solid.box((-half, half), (0.35, top), (-1.2, 1.2), paint)
    for z in (-1.2, 1.2):
        solid.panel("z", z, [rectangle(-half, half, 0.35, 0.8)], shade(paint, 0.6))
        solid.panel("z", z, row(-half + 0.2, half - 0.9, 1.45, 2.4, int(half * 1.6), 0.16), GLASS)
        solid.panel("z", z, [rectangle(half - 0.85, half - 0.15, 0.5, 2.4)], shade(GLASS, 1.25))
        if tall:
            solid.panel("z", z, row(-half + 0.2, half - 0.2, 3.0, 3.8, int(half * 1.6), 0.16), GLASS)
        for x in (-half * 0.58, half * 0.55):
            solid.wheel(x, 0.48, 0.48, z, 0.3, HUB)
    for x in (-half, half):
        solid.panel("x", x, [rectangle(-1.08, 1.08, 1.2 if x > 0 else 1.5, 2.35)], shade(GLASS, 1.1))
        solid.panel("x", x, [rectangle(-0.7, 0.7, top - 0.4, top - 0.12)], (240, 178, 50) if x > 0 else GLASS)
        if tall:
            solid.panel("x", x, [rectangle(-1.05, 1.05, 2.9, 3.6)], GLASS)
    lights(solid, half, -half, 0.75, 0.9, 0.16)
    return solid.figure()


def misc(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """What else rolls: a caravan, a cargo trailer or a digger."""
    yaw, pitch = view or oblique_view(rng)
    solid, kind = Solid(yaw, pitch), int(rng.integers(3))
    if kind == 0:
        profile = [(-1.9, 0.5), (1.5, 0.5), (1.95, 1.1), (1.7, 2.3), (-1.7, 2.4), (-2.0, 1.6)]
        solid.extrude(profile, -0.95, 0.95, (236, 234, 226))
        for z in (-0.95, 0.95):
            solid.panel("z", z, row(-1.5, 1.3, 1.4, 2.0, 2, 0.5), GLASS)
            solid.panel("z", z, [rectangle(-1.9, 1.7, 0.85, 1.0)], hsv(rng.random(), 0.7, 0.7))
            solid.wheel(-0.2, 0.32, 0.33, z, 0.2, HUB)
        solid.panel("x", -2.0, [rectangle(-0.7, 0.7, 1.5, 2.1)], GLASS)
        solid.tube([(1.6, 0.5, 0), (2.7, 0.45, 0)], 0.06, (60, 60, 60))
    elif kind == 1:
        wood = hsv(rng.uniform(0.04, 0.4), rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.75))
        solid.box((-1.6, 1.4), (0.55, 1.15), (-0.9, 0.9), wood)
        solid.box((-1.4, 1.2), (1.15, 1.6), (-0.75, 0.75), (110, 116, 70), bias=0.2)
        for z in (-0.9, 0.9):
            solid.panel("z", z, row(-1.55, 1.35, 0.65, 1.05, 3, 0.12), shade(wood, 0.7))
            solid.wheel(-0.1, 0.36, 0.37, z, 0.2, HUB)
        solid.tube([(1.4, 0.6, 0), (2.6, 0.45, 0)], 0.06, (60, 60, 60))
    else:
        yellow = hsv(rng.uniform(0.08, 0.15), 0.85, rng.uniform(0.75, 0.95))
        solid.box((-1.5, 1.2), (0.1, 0.75), (-0.95, 0.95), (44, 44, 46))
        solid.box((-1.5, 0.4), (0.8, 1.5), (-0.8, 0.8), yellow, bias=2)
        solid.box((-0.3, 0.7), (1.0, 2.4), (-0.8, 0.1), yellow, bias=3)
        for z in (-0.8, 0.1):
            solid.panel("z", z if z < 0 else 0.1, [rectangle(-0.15, 0.55, 1.5, 2.25)], GLASS)
        solid.tube(
            [(0.6, 1.2, 0.4), (1.9, 2.7, 0.4), (2.9, 1.5, 0.4), (2.7, 0.7, 0.4)], [0.2, 0.17, 0.13, 0.2], yellow, bias=9
        )
        solid.tube([(2.8, 0.9, 0.0), (2.6, 0.45, 0.4), (2.8, 0.9, 0.8)], 0.22, (70, 66, 60), bias=10)
    return solid.figure()
