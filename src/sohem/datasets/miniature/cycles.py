"""Bicycles and motorcycles: rigid, mostly thin tubes.

Each function returns one figure; y = 0 is the ground, units are metres.
"""

import numpy as np

from sohem.datasets.miniature.figure import Figure, Solid, hsv
from sohem.datasets.miniature.vehicles import HUB

Generator = np.random.Generator


def bicycle(rng: Generator, yaw: float | None = None) -> Figure:
    """A bicycle: open wheels, a frame of thin tubes, saddle and handlebars."""
    solid = Solid(rng.uniform(-50, 50) if yaw is None else yaw, rng.uniform(2, 12))
    frame, r = hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.95)), 0.34
    wheels = ((-0.52, r), (0.52, r))
    for x, y in wheels:
        solid.hoop(x, y, r - 0.02, 0.03, (28, 28, 30), bias=-1)
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
    for x in (-0.7, 0.72):
        solid.hoop(x, r, 0.27, 0.07, (24, 24, 26), bias=-1)
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
