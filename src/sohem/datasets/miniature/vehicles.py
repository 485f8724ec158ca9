"""Vehicles: rigid solids seen under a yaw and a pitch. Each function returns one figure; y = 0 is the ground."""

import math

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, Solid, hsv, shade

Generator = np.random.Generator

GLASS: Colour = (52, 66, 80)
HUB: Colour = (150, 152, 158)


def _paint(rng: Generator) -> Colour:
    """A car's colour: often a grey, black or white, else something saturated."""
    if rng.random() < 0.4:
        v = rng.choice([45.0, 110.0, 165.0, 225.0]) + rng.uniform(-15, 15)
        return v, v, v + rng.uniform(0, 12)
    return hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.9))


def _view(rng: Generator) -> tuple[float, float]:
    """Yaw and pitch: mostly oblique, sometimes the side, the front or the back."""
    yaw = float(rng.choice([0.0, 28.0, -28.0, 52.0, -52.0, 84.0, -84.0], p=[0.2, 0.18, 0.18, 0.14, 0.14, 0.08, 0.08]))
    return yaw + rng.uniform(-10, 10), rng.uniform(3, 16)


def _rectangle(x0: float, x1: float, y0: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _row(x0: float, x1: float, y0: float, y1: float, count: int, gap: float) -> list[list[tuple[float, float]]]:
    """``count`` rectangles side by side (windows)."""
    step = (x1 - x0) / count
    return [_rectangle(x0 + k * step + gap / 2, x0 + (k + 1) * step - gap / 2, y0, y1) for k in range(count)]


def _lights(solid: Solid, front: float, back: float, y: float, z: float, size: float) -> None:
    """White lamps in front, red ones behind, on the sides x = front and x = back."""
    for side in (-1, 1):
        lamp = _rectangle(side * z - size, side * z + size, y - size * 0.6, y + size * 0.6)
        solid.panel("x", front, [lamp], (250, 246, 214), bias=56)
        solid.panel("x", back, [lamp], (196, 22, 26), bias=56)


def car(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A passenger car: one of three outlines (saloon, hatchback, estate)."""
    yaw, pitch = view or _view(rng)
    solid, paint = Solid(yaw, pitch), _paint(rng)
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
        solid.panel("z", z, [_rectangle(-0.42, -0.32, 0.35, top - 0.06)], shade(paint, 0.8), bias=52)
        for x in (-1.35, 1.32):
            solid.wheel(x, 0.33, 0.34, z, 0.22, HUB)
    _lights(solid, 2.15, back, 0.68, 0.62, 0.16)
    solid.panel("x", back, [_rectangle(-0.3, 0.3, 0.45, 0.6)], (225, 222, 200), bias=56)
    return solid.figure()


def van(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A delivery van: taller than a car, with a short sloping bonnet."""
    yaw, pitch = view or _view(rng)
    solid = Solid(yaw, pitch)
    paint = _paint(rng) if rng.random() < 0.5 else (228.0, 228.0, 224.0)
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
            solid.panel("z", z, _row(-2.3, 0.2, 1.25, top - 0.22, 2, 0.15), GLASS)
        for x in (-1.6, 1.6):
            solid.wheel(x, 0.36, 0.37, z, 0.24, HUB)
    solid.panel("x", -2.5, _row(-0.8, 0.8, 1.25, top - 0.2, 2, 0.12), GLASS)
    _lights(solid, 2.45, -2.5, 0.8, 0.74, 0.15)
    return solid.figure()


def truck(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A lorry: a cab with a gap behind it and a high box or a flat bed."""
    yaw, pitch = view or _view(rng)
    solid, paint = Solid(yaw, pitch), _paint(rng)
    cargo = hsv(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.6, 0.95))
    solid.box((-3.6, 3.3), (0.5, 0.75), (-0.8, 0.8), (50, 50, 54), bias=-20)
    kind = int(rng.integers(3))
    if kind < 2:
        solid.box((-3.7, 1.5), (0.8, 3.3), (-1.2, 1.2), cargo)
        if kind == 1:
            for z in (-1.2, 1.2):
                solid.panel("z", z, [_rectangle(-3.3, 1.1, 1.5, 2.5)], hsv(rng.random(), 0.6, 0.75))
        solid.panel("x", -3.7, [_rectangle(-0.03, 0.03, 0.85, 3.2)], shade(cargo, 0.4), bias=51)
    else:
        solid.box((-3.7, 1.5), (0.8, 1.5), (-1.2, 1.2), cargo)
        solid.box((-3.2, 1.0), (1.5, 2.1), (-0.9, 0.9), (120, 92, 60), bias=0.1)
    cab = [(1.8, 0.5), (3.5, 0.5), (3.5, 1.5), (3.25, 2.6), (1.8, 2.6)]
    solid.extrude(cab, -1.15, 1.15, [paint, paint, paint, GLASS, paint, paint])
    for z in (-1.15, 1.15):
        solid.panel("z", z, [[(2.4, 1.55), (3.3, 1.55), (3.1, 2.4), (2.4, 2.4)]], GLASS, bias=70)
        for x in (-2.8, -1.9, 2.6):
            solid.wheel(x, 0.48, 0.48, z, 0.3, HUB)
    _lights(solid, 3.5, -3.7, 0.82, 0.9, 0.16)
    return solid.figure()


def bus(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A city bus or coach, sometimes a double-decker: a long box with a row of large windows."""
    yaw, pitch = view or _view(rng)
    solid = Solid(yaw, pitch)
    paint = hsv(rng.random(), rng.uniform(0.45, 0.95), rng.uniform(0.5, 0.9))
    half, tall = rng.choice([3.6, 4.4]), rng.random() < 0.25
    top = 4.1 if tall else 2.9
    solid.box((-half, half), (0.35, top), (-1.2, 1.2), paint)
    for z in (-1.2, 1.2):
        solid.panel("z", z, [_rectangle(-half, half, 0.35, 0.8)], shade(paint, 0.6))
        solid.panel("z", z, _row(-half + 0.2, half - 0.9, 1.45, 2.4, int(half * 1.6), 0.16), GLASS)
        solid.panel("z", z, [_rectangle(half - 0.85, half - 0.15, 0.5, 2.4)], shade(GLASS, 1.25))
        if tall:
            solid.panel("z", z, _row(-half + 0.2, half - 0.2, 3.0, 3.8, int(half * 1.6), 0.16), GLASS)
        for x in (-half * 0.58, half * 0.55):
            solid.wheel(x, 0.48, 0.48, z, 0.3, HUB)
    for x in (-half, half):
        solid.panel("x", x, [_rectangle(-1.08, 1.08, 1.2 if x > 0 else 1.5, 2.35)], shade(GLASS, 1.1))
        solid.panel("x", x, [_rectangle(-0.7, 0.7, top - 0.4, top - 0.12)], (240, 178, 50) if x > 0 else GLASS)
        if tall:
            solid.panel("x", x, [_rectangle(-1.05, 1.05, 2.9, 3.6)], GLASS)
    _lights(solid, half, -half, 0.75, 0.9, 0.16)
    return solid.figure()


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
            lamp = _rectangle(z - 0.17, z + 0.17, 1.05, 1.32)
            solid.panel("x", 4.25, [lamp], (252, 248, 210), bias=56)
    for z in (-1.4, 1.4):
        solid.panel("z", z, [_rectangle(-length, 4.1, 1.3, 1.65)], stripe)
        solid.panel("z", z, _row(-length + 0.2, min(3.0, windscreen - 1.0), 2.1, 2.9, int(length * 1.1), 0.3), GLASS)
        solid.panel("z", z, [_rectangle(x, x + 0.08, 0.7, 3.3) for x in (-length + 3.6, -length + 8)], roof, bias=52)
        for x in (-length + 1.2, -length + 2.2, 1.8, 2.8):
            solid.wheel(x, 0.35, 0.36, z, 0.25, (96, 92, 90))
    solid.box((-length + 0.4, 3.4), (0.25, 0.6), (-1.1, 1.1), (40, 38, 38), bias=-25)
    return solid.figure()


def tram(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """A tram: two jointed cars, large windows low down, a pantograph on the roof."""
    yaw, pitch = view or _view(rng)
    solid = Solid(yaw, pitch)
    paint = hsv(
        rng.choice([0.0, 0.12, 0.35, 0.6]) + rng.uniform(-0.04, 0.04), rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.9)
    )
    cream: Colour = (232, 226, 206)
    for x0, x1 in ((-6.5, -0.3), (0.3, 6.5)):
        solid.box((x0, x1), (0.3, 3.1), (-1.2, 1.2), cream)
        for z in (-1.2, 1.2):
            solid.panel("z", z, [_rectangle(x0, x1, 0.3, 1.15)], paint)
            solid.panel("z", z, _row(x0 + 0.2, x1 - 0.2, 1.3, 2.6, 4, 0.25), GLASS)
            solid.panel("z", z, [_rectangle(x0 + 2.7, x0 + 3.6, 0.4, 2.6)], shade(GLASS, 1.4), bias=52)
    solid.box((-0.3, 0.3), (0.4, 2.9), (-1.05, 1.05), (60, 60, 64), bias=-5)
    for x in (-6.5, 6.5):
        solid.panel("x", x, [_rectangle(-1.2, 1.2, 0.3, 1.2)], paint)
        solid.panel("x", x, [_rectangle(-1.0, 1.0, 1.3, 2.6)], GLASS)
    _lights(solid, 6.5, -6.5, 0.75, 0.85, 0.15)
    mast = (40.0, 40.0, 44.0)
    solid.tube([(1.6, 3.1, 0), (2.6, 3.7, 0), (1.8, 4.25, 0)], 0.07, mast, bias=30)
    solid.tube([(1.8, 4.25, -0.8), (1.8, 4.25, 0.8)], 0.07, mast, bias=30)
    for x in (-5.2, -1.6, 1.6, 5.2):
        for z in (-1.2, 1.2):
            solid.wheel(x, 0.3, 0.3, z, 0.2, (90, 90, 92))
    return solid.figure()


def misc(rng: Generator, view: tuple[float, float] | None = None) -> Figure:
    """What else rolls: a caravan, a cargo trailer or a digger."""
    yaw, pitch = view or _view(rng)
    solid, kind = Solid(yaw, pitch), int(rng.integers(3))
    if kind == 0:
        profile = [(-1.9, 0.5), (1.5, 0.5), (1.95, 1.1), (1.7, 2.3), (-1.7, 2.4), (-2.0, 1.6)]
        solid.extrude(profile, -0.95, 0.95, (236, 234, 226))
        for z in (-0.95, 0.95):
            solid.panel("z", z, _row(-1.5, 1.3, 1.4, 2.0, 2, 0.5), GLASS)
            solid.panel("z", z, [_rectangle(-1.9, 1.7, 0.85, 1.0)], hsv(rng.random(), 0.7, 0.7))
            solid.wheel(-0.2, 0.32, 0.33, z, 0.2, HUB)
        solid.panel("x", -2.0, [_rectangle(-0.7, 0.7, 1.5, 2.1)], GLASS)
        solid.tube([(1.6, 0.5, 0), (2.7, 0.45, 0)], 0.06, (60, 60, 60))
    elif kind == 1:
        wood = hsv(rng.uniform(0.04, 0.4), rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.75))
        solid.box((-1.6, 1.4), (0.55, 1.15), (-0.9, 0.9), wood)
        solid.box((-1.4, 1.2), (1.15, 1.6), (-0.75, 0.75), (110, 116, 70), bias=0.2)
        for z in (-0.9, 0.9):
            solid.panel("z", z, _row(-1.55, 1.35, 0.65, 1.05, 3, 0.12), shade(wood, 0.7))
            solid.wheel(-0.1, 0.36, 0.37, z, 0.2, HUB)
        solid.tube([(1.4, 0.6, 0), (2.6, 0.45, 0)], 0.06, (60, 60, 60))
    else:
        yellow = hsv(rng.uniform(0.08, 0.15), 0.85, rng.uniform(0.75, 0.95))
        solid.box((-1.5, 1.2), (0.1, 0.75), (-0.95, 0.95), (44, 44, 46))
        solid.box((-1.5, 0.4), (0.8, 1.5), (-0.8, 0.8), yellow, bias=2)
        solid.box((-0.3, 0.7), (1.0, 2.4), (-0.8, 0.1), yellow, bias=3)
        for z in (-0.8, 0.1):
            solid.panel("z", z if z < 0 else 0.1, [_rectangle(-0.15, 0.55, 1.5, 2.25)], GLASS)
        solid.tube(
            [(0.6, 1.2, 0.4), (1.9, 2.7, 0.4), (2.9, 1.5, 0.4), (2.7, 0.7, 0.4)], [0.2, 0.17, 0.13, 0.2], yellow, bias=9
        )
        solid.tube([(2.8, 0.9, 0.0), (2.6, 0.45, 0.4), (2.8, 0.9, 0.8)], 0.22, (70, 66, 60), bias=10)
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
        solid.panel("z", at, _row(-2.4, 3.2, 0.08, 0.3, 9, 0.3), (58, 70, 88), bias=0.4)
        solid.panel("z", at, [[(3.6, 0.05), (4.3, 0.0), (4.1, 0.28), (3.6, 0.3)]], (40, 50, 64), bias=0.4)
        solid.panel("z", at, [_rectangle(-3.0, 3.8, -0.2, -0.08)], tail, bias=0.35)
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
            solid.panel("z", z, _row(-0.85, 1.1, 1.25, 1.6, 3, 0.15), GLASS)
        solid.panel("x", 1.2, [_rectangle(-0.5, 0.5, 1.25, 1.65)], GLASS)
        solid.tube([(-0.6, 1.7, 0), (-0.9, 2.7, 0)], 0.05, (80, 80, 80), bias=6)
    else:
        solid.box((-3.6, 1.6), (1.2, 2.0), (-0.62, 0.62), (236, 234, 228), bias=5)
        solid.box((-2.4, 0.6), (2.0, 2.75), (-0.5, 0.5), (236, 234, 228), bias=6)
        for z in (-0.62, 0.62):
            solid.panel("z", z, _row(-3.4, 1.4, 1.45, 1.75, 7, 0.35), GLASS)
        for z in (-0.5, 0.5):
            solid.panel("z", z, _row(-2.2, 0.5, 2.25, 2.55, 4, 0.3), GLASS)
        solid.tube([(-1.2, 2.7, 0), (-1.3, 3.9, 0)], 0.32, hsv(rng.random(), 0.8, 0.7), bias=7)
        solid.tube([(0.9, 2.0, 0), (0.9, 4.4, 0)], 0.05, (70, 70, 70), bias=7)
    return solid.figure()


def bicycle(rng: Generator, squeeze: float | None = None, yaw: float | None = None) -> Figure:
    """A bicycle: open wheels, a frame of thin tubes, saddle and handlebars."""
    solid = Solid(rng.uniform(-50, 50) if yaw is None else yaw, rng.uniform(2, 12))
    frame, r = hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.95)), 0.34
    wheels = ((-0.52, r), (0.52, r))
    turns = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 21)]
    for x, y in wheels:
        rim = [(x + (r - 0.02) * c, y + (r - 0.02) * s, 0.0) for c, s in turns]
        solid.tube(rim, 0.03, (28, 28, 30), bias=-1)
        solid.tube([(x - r * 0.9, y, 0), (x + r * 0.9, y, 0)], 0.006, (150, 150, 150), bias=-1)
        solid.tube([(x, y - r * 0.9, 0), (x, y + r * 0.9, 0)], 0.006, (150, 150, 150), bias=-1)
    hub, axle, seat, head = (-0.02, 0.28, 0.0), (-0.52, r, 0.0), (-0.17, 0.72, 0.0), (0.36, 0.74, 0.0)
    solid.tube([axle, hub, seat, axle], 0.022, frame)
    solid.tube([seat, head, hub], 0.026, frame)
    solid.tube([(0.52, r, 0), head, (0.33, 0.92, 0)], 0.022, frame)
    solid.tube([seat, (-0.2, 0.86, 0)], 0.02, (60, 60, 60))
    solid.tube([(-0.31, 0.88, 0), (-0.08, 0.86, 0)], [0.05, 0.025], (26, 26, 28), bias=1)
    if rng.random() < 0.5:
        solid.tube([(0.4, 0.97, -0.24), (0.32, 0.93, 0), (0.4, 0.97, 0.24)], 0.024, (40, 40, 42), bias=1)
    else:
        solid.tube(
            [(0.33, 0.92, 0), (0.46, 0.93, 0.1), (0.5, 0.84, 0.1), (0.42, 0.78, 0.1)], 0.024, (40, 40, 42), bias=1
        )
    solid.tube([(-0.1, 0.18, 0.07), (0.06, 0.38, -0.07)], 0.02, (70, 70, 72), bias=1)
    return solid.figure()


def motorbike(rng: Generator) -> Figure:
    """A motorcycle: fat wheels, a tank, an engine block, a seat, an exhaust."""
    solid = Solid(rng.uniform(-52, 52), rng.uniform(2, 12))
    paint, r = hsv(rng.random(), rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.9)), 0.32
    turns = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 15)]
    for x in (-0.7, 0.72):
        solid.tube([(x + 0.27 * c, r + 0.27 * s, 0) for c, s in turns], 0.07, (24, 24, 26), bias=-1)
        solid.tube([(x, r, -0.03), (x, r, 0.03)], 0.1, HUB, bias=-1)
    solid.tube([(0.72, r, 0.05), (0.42, 0.98, 0.05)], 0.045, HUB)
    solid.tube([(-0.7, r, 0), (-0.2, 0.38, 0)], 0.06, (60, 60, 64))
    solid.box((-0.32, 0.28), (0.2, 0.6), (-0.14, 0.14), (86, 88, 92))
    solid.tube([(-0.1, 0.27, 0.17), (-0.95, 0.3, 0.17)], [0.05, 0.075], (176, 178, 182), bias=1)
    solid.tube([(-0.08, 0.78, 0), (0.36, 0.84, 0)], [0.14, 0.17], paint, bias=1)
    solid.tube([(-0.15, 0.74, 0), (-0.62, 0.76, 0), (-0.85, 0.84, 0)], [0.1, 0.1, 0.05], (30, 28, 28), bias=1.2)
    solid.tube([(-0.85, 0.66, 0), (-1.02, 0.52, 0)], 0.05, paint)
    solid.tube([(0.45, 0.7, 0), (0.72, 0.72, 0), (0.92, 0.62, 0)], 0.05, paint, bias=0.5)
    solid.tube([(0.3, 1.1, -0.33), (0.4, 1.0, 0), (0.3, 1.1, 0.33)], 0.035, (40, 40, 42), bias=1.5)
    solid.tube([(0.5, 0.94, 0), (0.56, 0.93, 0)], 0.11, (246, 240, 200), bias=1.5)
    if rng.random() < 0.4:
        solid.face(
            [(0.52, 0.95, 0.14), (0.52, 0.95, -0.14), (0.32, 1.35, -0.1), (0.32, 1.35, 0.1)],
            (150, 170, 184),
            bias=2,
            double=True,
        )
    return solid.figure()
