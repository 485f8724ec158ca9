"""Things of a room: rigid solids. Each function returns one figure; y = 0 is the floor, units are metres."""

import math

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, Solid, hsv, shade

Generator = np.random.Generator


def _wood(rng: Generator) -> Colour:
    return hsv(rng.uniform(0.05, 0.1), rng.uniform(0.35, 0.75), rng.uniform(0.3, 0.8))


def _view(rng: Generator) -> tuple[float, float]:
    return float(rng.choice([-35, 0, 35, 145, -145])) + rng.uniform(-18, 18), rng.uniform(10, 28)


def bottle(rng: Generator) -> Figure:
    """A bottle: slim or stout, glass or plastic, with a label and a cap."""
    figure = Figure()
    tint = hsv(float(rng.choice([0.05, 0.1, 0.33, 0.38, 0.58])), rng.uniform(0.35, 0.9), rng.uniform(0.3, 0.75))
    outlines = (
        [(0.5, 0), (0.5, 2.0), (0.42, 2.3), (0.2, 2.7), (0.17, 3.5)],  # wine
        [(0.5, 0), (0.5, 1.4), (0.36, 1.9), (0.19, 2.3), (0.18, 2.7)],  # beer
        [(0.52, 0), (0.55, 0.2), (0.47, 0.9), (0.54, 1.6), (0.48, 1.9), (0.2, 2.25), (0.2, 2.4)],  # soft drink
    )
    outline = outlines[int(rng.integers(3))]
    right = np.array(outline)
    figure.polygon(np.concatenate([right, right[::-1] * (-1, 1)]), tint)
    dark = right * (0.98, 1)
    figure.polygon(np.concatenate([dark, dark[::-1] * (0.55, 1)]), shade(tint, 0.7))
    figure.polygon([(-0.38, 0.15), (-0.26, 0.15), (-0.26, 1.5), (-0.36, 1.4)], shade(tint, 1.6))
    label, neck = hsv(rng.random(), rng.uniform(0.05, 0.7), rng.uniform(0.7, 0.97)), outline[-1]
    low, high = 0.4, 0.4 + rng.uniform(0.5, 0.9)
    figure.polygon([(-0.5, low), (0.5, low), (0.5, high), (-0.5, high)], label)
    figure.polygon([(0.25, low), (0.5, low), (0.5, high), (0.25, high)], shade(label, 0.75))
    figure.polygon(
        [
            (-0.3, (low + high) / 2 - 0.08),
            (0.2, (low + high) / 2 - 0.08),
            (0.2, (low + high) / 2 + 0.1),
            (-0.3, (low + high) / 2 + 0.1),
        ],
        hsv(rng.random(), 0.8, 0.5),
    )
    w, top = neck[0] + 0.03, neck[1]
    figure.polygon([(-w, top - 0.05), (w, top - 0.05), (w, top + 0.22), (-w, top + 0.22)], hsv(rng.random(), 0.7, 0.6))
    return figure


def chair(rng: Generator) -> Figure:
    """A chair: four legs and a back of slats or a panel, or an office chair on a star base."""
    solid, kind = Solid(*_view(rng)), (0, 0, 0, 1, 1, 2)[int(rng.integers(6))]
    main = _wood(rng) if rng.random() < 0.6 else hsv(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.85))
    seat = main if rng.random() < 0.5 else hsv(rng.random(), rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.85))
    solid.box((-0.24, 0.24), (0.43, 0.49), (-0.23, 0.23), seat)
    if kind < 2:
        for x in (-0.21, 0.21):
            for z in (-0.2, 0.2):
                solid.box((x - 0.025, x + 0.025), (0, 0.44), (z - 0.025, z + 0.025), shade(main, 0.85), bias=-0.05)
        for z in (-0.2, 0.2):
            solid.box((-0.24, -0.2), (0.49, 0.98), (z - 0.025, z + 0.025), main)
    if kind == 0:
        for y in (0.62, 0.76, 0.9):
            solid.box((-0.235, -0.205), (y, y + 0.08), (-0.19, 0.19), main, bias=-0.005)
    elif kind == 1:
        solid.box((-0.24, -0.2), (0.6, 0.98), (-0.2, 0.2), seat)
    else:
        solid.box((-0.26, -0.2), (0.55, 1.05), (-0.21, 0.21), seat)
        solid.tube([(0, 0.45, 0), (0, 0.1, 0)], 0.03, (60, 60, 62), bias=-0.05)
        for k in range(5):
            a = 2 * math.pi * k / 5
            foot = (0.26 * math.cos(a), 0.03, 0.26 * math.sin(a))
            solid.tube([(0, 0.1, 0), foot], 0.022, (48, 48, 50), bias=-0.1)
        for z in (-0.25, 0.25):
            solid.tube([(-0.2, 0.68, z), (0.12, 0.68, z), (0.12, 0.47, z)], 0.022, (48, 48, 50))
    return solid.figure()


def diningtable(rng: Generator) -> Figure:
    """A dining table: a wide top on four legs or on a pedestal, bare, with a cloth, or laid."""
    solid = Solid(float(rng.choice([0, 28, -28])) + rng.uniform(-12, 12), rng.uniform(12, 32))
    wood, half = _wood(rng), rng.uniform(0.75, 1.05)
    if rng.random() < 0.3:
        turns = [(half * math.cos(a), half * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 19)[:-1]]
        for (ax, az), (bx, bz) in zip(turns, turns[1:] + turns[:1], strict=True):
            solid.face([(ax, 0.75, az), (bx, 0.75, bz), (bx, 0.66, bz), (ax, 0.66, az)], shade(wood, 0.8), bias=1)
        solid.face([(x, 0.75, z) for x, z in reversed(turns)], wood, bias=1)
        solid.tube([(0, 0.7, 0), (0, 0.1, 0)], [0.08, 0.12], shade(wood, 0.8))
        solid.tube([(-0.35, 0.04, 0), (0.35, 0.04, 0)], 0.05, shade(wood, 0.7), bias=-1)
    else:
        for x in (-half + 0.1, half - 0.1):
            for z in (-0.38, 0.38):
                solid.box((x - 0.045, x + 0.045), (0, 0.7), (z - 0.045, z + 0.045), shade(wood, 0.8), bias=-0.5)
        solid.box((-half, half), (0.7, 0.76), (-0.48, 0.48), wood, bias=1)
        if rng.random() < 0.35:
            cloth = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.75, 0.97))
            solid.box((-half - 0.01, half + 0.01), (0.5, 0.77), (-0.49, 0.49), cloth, bias=1.1)
    for _ in range(int(rng.integers(0, 4))):
        x, z = rng.uniform(-0.55, 0.55) * half, rng.uniform(-0.28, 0.28)
        turns = [(x + 0.13 * math.cos(a), z + 0.13 * math.sin(a)) for a in np.linspace(2 * math.pi, 0, 13)[:-1]]
        solid.face([(u, 0.775, w) for u, w in turns], (236, 236, 232), bias=3)
        if rng.random() < 0.5:
            glass = (x + 0.2, z)
            solid.tube([(glass[0], 0.8, glass[1]), (glass[0], 0.92, glass[1])], 0.035, (180, 200, 214), bias=4)
    return solid.figure()


def sofa(rng: Generator) -> Figure:
    """A sofa for two or three (seldom an armchair): base, back, arms, cushions."""
    solid = Solid(float(rng.choice([-90, -58, -122])) + rng.uniform(-14, 14), rng.uniform(8, 24))
    cloth = hsv(rng.random(), rng.uniform(0.1, 0.7), rng.uniform(0.3, 0.85))
    half, high = float(rng.choice([0.55, 0.85, 1.1], p=[0.15, 0.4, 0.45])), rng.uniform(0.78, 0.95)
    # Its front looks along +x, its width lies along z.
    solid.box((-0.42, 0.42), (0.1, 0.34), (-half, half), shade(cloth, 0.85), bias=-2)
    solid.box((-0.45, -0.2), (0.1, high), (-half, half), cloth, bias=-1)
    seats = max(1, round(half / 0.4))
    for k in range(seats):
        z0 = -half + 0.14 + (2 * half - 0.28) * k / seats
        z1 = z0 + (2 * half - 0.28) / seats - 0.02
        solid.box((-0.2, 0.44), (0.34, 0.48), (z0, z1), shade(cloth, 1.08))
        solid.box((-0.22, -0.1), (0.48, high - 0.04), (z0, z1), shade(cloth, 1.04), bias=-0.5)
    if rng.random() < 0.5:
        spot = rng.uniform(-half + 0.3, half - 0.3)
        solid.box((-0.1, 0.0), (0.48, 0.75), (spot - 0.16, spot + 0.16), hsv(rng.random(), 0.7, 0.8), bias=1)
    for side in (-1, 1):
        near, far = side * half, side * (half + 0.16)
        solid.box(
            (-0.45, 0.46),
            (0.1, 0.6),
            (min(near, far), max(near, far)),
            cloth,
            bias=2 if side * solid.near[2] > 0 else 0.2,
        )
        for x in (-0.38, 0.38):
            solid.box((x - 0.03, x + 0.03), (0, 0.1), (near - 0.03, near + 0.03), (50, 36, 26), bias=-3)
    return solid.figure()


def tvmonitor(rng: Generator) -> Figure:
    """A television or a monitor: a dark or lit screen in a frame, flat on a foot, or an old deep one."""
    yaw, flat = float(rng.choice([-90, -60, -120])) + rng.uniform(-14, 14), rng.random() < 0.65
    solid = Solid(yaw, rng.uniform(2, 14))
    case = hsv(0.6, rng.uniform(0, 0.15), float(rng.choice([0.12, 0.2, 0.62, 0.8])))
    half, high = (0.5, 0.6) if flat else (0.36, 0.58)
    base = 0.16 if flat else 0.03
    solid.box((-0.05 if flat else -0.45, 0.05), (base, base + high), (-half, half), case)
    edge = 0.05
    y0, y1 = base + edge + (0 if flat else 0.06), base + high - edge
    screen = [(-half + edge, y0), (half - edge, y0), (half - edge, y1), (-half + edge, y1)]
    lit = rng.random() < 0.55
    glow = hsv(rng.random(), rng.uniform(0.3, 0.8), rng.uniform(0.5, 0.95)) if lit else (26.0, 30.0, 38.0)
    solid.panel("x", 0.05, [screen], glow)
    inner = half - edge
    if lit:
        for _ in range(int(rng.integers(1, 4))):
            z, y = rng.uniform(-inner, inner * 0.4), rng.uniform(y0, y0 + (y1 - y0) * 0.6)
            w, h = rng.uniform(0.15, inner * 0.6), rng.uniform(0.05, (y1 - y0) * 0.4)
            solid.panel(
                "x",
                0.05,
                [[(z, y), (z + w, y), (z + w, y + h), (z, y + h)]],
                hsv(rng.random(), 0.6, rng.uniform(0.3, 1)),
                bias=51,
            )
    else:
        shine = [(-inner, y0), (-inner + 0.3, y0), (-inner + 0.55, y1), (-inner + 0.2, y1)]
        solid.panel("x", 0.05, [shine], (62, 70, 84), bias=51)
    if flat:
        solid.tube([(0, 0.02, 0), (0, 0.2, 0)], 0.035, shade(case, 0.8), bias=-1)
        solid.box((-0.12, 0.12), (0, 0.03), (-0.22, 0.22), shade(case, 0.9), bias=-2)
    else:
        for z in (-0.08, 0.0, 0.08):
            solid.panel(
                "x",
                0.05,
                [[(z + 0.2, 0.06), (z + 0.23, 0.06), (z + 0.23, 0.09), (z + 0.2, 0.09)]],
                (200, 60, 50),
                bias=52,
            )
    return solid.figure()
