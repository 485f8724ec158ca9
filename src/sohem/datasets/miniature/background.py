"""Backgrounds and distractors: everything in a picture that belongs to no class."""

from functools import lru_cache

import cv2
import numpy as np

from sohem.datasets.miniature.figure import Array, Colour, Figure, Sprite, hsv, polar, render, shade
from sohem.datasets.miniature.shapes import SHAPES

Generator = np.random.Generator

_TILE = 512


@lru_cache(maxsize=1)
def noise_bank() -> list[Array]:
    """Six float32 [512, 512] noise fields with mean 0 and deviation 1, from coarse clouds to fine grain."""
    rng = np.random.default_rng(20170)
    bank = []
    for cells in ((4, 4), (10, 10), (28, 28), (80, 80), (12, 120), (120, 12)):
        field = np.zeros((_TILE, _TILE), np.float32)
        rows, columns = cells
        for octave in range(3):
            grid = rng.standard_normal((rows << octave, columns << octave)).astype(np.float32)
            field += cv2.resize(grid, (_TILE, _TILE), interpolation=cv2.INTER_CUBIC) * 0.55**octave
        bank.append((field - field.mean()) / field.std())
    return bank


def noise(rng: Generator, height: int, width: int, kind: int | None = None) -> Array:
    """A chance cut of the noise bank, float32 [height, width], at most 512 on a side."""
    field = noise_bank()[int(rng.integers(6)) if kind is None else kind]
    y, x = int(rng.integers(_TILE - height + 1)), int(rng.integers(_TILE - width + 1))
    return field[y : y + height, x : x + width]


def fill(canvas: Array, colour: Colour, texture: Array, amount: float) -> None:
    """Fill ``canvas`` (a view, float32 [h, w, 3]) with a colour made lighter and darker by ``texture``."""
    np.multiply((1 + amount * texture)[..., None], np.asarray(colour, np.float32), out=canvas)


def _tinted(rng: Generator, hue: tuple[float, float], s: tuple[float, float], v: tuple[float, float]) -> Colour:
    return hsv(rng.uniform(*hue), rng.uniform(*s), rng.uniform(*v))


def _outdoor(canvas: Array, rng: Generator) -> None:
    """Sky over grass, sand, a road or water."""
    height, width = canvas.shape[:2]
    horizon = int(height * rng.uniform(0.25, 0.7))
    fill(canvas[:horizon], _tinted(rng, (0.54, 0.64), (0.08, 0.5), (0.65, 0.95)), noise(rng, horizon, width, 0), 0.09)
    ground = int(rng.integers(4))
    hue, s, v = [
        ((0.2, 0.36), (0.3, 0.75), (0.25, 0.6)),
        ((0.07, 0.13), (0.2, 0.5), (0.4, 0.8)),
        ((0.0, 1.0), (0.0, 0.1), (0.3, 0.6)),
        ((0.5, 0.62), (0.25, 0.7), (0.3, 0.65)),
    ][ground]
    kind, amount = [(3, 0.2), (3, 0.12), (2, 0.1), (5, 0.16)][ground]
    fill(canvas[horizon:], _tinted(rng, hue, s, v), noise(rng, height - horizon, width, kind), amount)
    if rng.random() < 0.6:  # hills or woods along the horizon
        ridge = noise(rng, 1, width, 1)[0] * rng.uniform(3, 9) + rng.uniform(0, 14)
        tops = np.clip(horizon - ridge, 0, height)
        mask = (np.arange(height)[:, None] >= tops) & (np.arange(height)[:, None] < horizon)
        far = np.asarray(_tinted(rng, (0.2, 0.55), (0.15, 0.5), (0.25, 0.6)), np.float32)
        canvas[mask] = far * (1 + 0.12 * noise(rng, height, width, 3)[mask])[:, None]


def _street(canvas: Array, rng: Generator) -> None:
    """House fronts with windows over a pavement."""
    height, width = canvas.shape[:2]
    base = int(height * rng.uniform(0.5, 0.8))
    fill(canvas[base:], _tinted(rng, (0, 1), (0, 0.1), (0.3, 0.6)), noise(rng, height - base, width, 2), 0.1)
    x = 0
    while x < width:
        w = int(rng.integers(40, 110))
        part = canvas[:base, x : x + w]
        wall = _tinted(rng, (0, 0.14), (0.1, 0.5), (0.35, 0.85))
        fill(part, wall, noise(rng, base, part.shape[1], 3), 0.07)
        step, size = int(rng.integers(18, 34)), rng.uniform(0.35, 0.6)
        pane, rows = shade(wall, rng.uniform(0.35, 0.7)), int(rng.integers(18, 36))
        for top in range(int(rng.integers(4, 16)), base - 8, rows):
            for left in range(5, part.shape[1], step):
                part[top : top + int(rows * 0.6), left : left + int(step * size)] = pane
        x += w


def _indoor(canvas: Array, rng: Generator) -> None:
    """A wall, plain, papered in stripes or tiled, over a floor of boards or carpet."""
    height, width = canvas.shape[:2]
    edge = int(height * rng.uniform(0.5, 0.85))
    wall = _tinted(rng, (0, 1), (0.02, 0.4), (0.45, 0.92))
    fill(canvas[:edge], wall, noise(rng, edge, width, 0), 0.06)
    paper = int(rng.integers(4))
    step = int(rng.integers(8, 26))
    if paper == 0:
        for x in range(int(rng.integers(step)), width, step):
            canvas[:edge, x : x + step // 2] *= 0.9
    elif paper == 1:
        for x in range(int(rng.integers(step)), width, step):
            canvas[:edge, x : x + 1] *= 0.75
        for y in range(int(rng.integers(step)), edge, step):
            canvas[y : y + 1] *= 0.75
    floor = (
        _tinted(rng, (0.03, 0.12), (0.2, 0.65), (0.25, 0.7))
        if rng.random() < 0.6
        else _tinted(rng, (0, 1), (0.05, 0.5), (0.25, 0.7))
    )
    fill(canvas[edge:], floor, noise(rng, height - edge, width, 4 if rng.random() < 0.5 else 3), 0.13)
    canvas[edge : edge + 3] *= 0.7
    if rng.random() < 0.45:  # a window or a picture on the wall
        w, h = int(rng.integers(24, 60)), int(rng.integers(20, 50))
        x, y = int(rng.integers(0, max(1, width - w))), int(rng.integers(0, max(1, edge - h)))
        canvas[y : y + h, x : x + w] = shade(wall, 0.6)
        canvas[y + 3 : y + h - 3, x + 3 : x + w - 3] = _tinted(rng, (0, 1), (0.1, 0.5), (0.5, 0.95))


def _abstract(canvas: Array, rng: Generator) -> None:
    """Two colours mixed by a noise field."""
    height, width = canvas.shape[:2]
    a, b = (np.asarray(_tinted(rng, (0, 1), (0.05, 0.6), (0.2, 0.9)), np.float32) for _ in range(2))
    mix = np.clip(0.5 + 0.4 * noise(rng, height, width), 0, 1)[..., None]
    canvas[:] = (a * mix + b * (1 - mix)) * (1 + 0.07 * noise(rng, height, width, 3))[..., None]


def background(rng: Generator, height: int, width: int) -> Array:
    """A background, float32 [height, width, 3] in 0 to 255."""
    canvas = np.empty((height, width, 3), np.float32)
    draw = (_outdoor, _outdoor, _street, _indoor, _indoor, _abstract)[int(rng.integers(6))]
    draw(canvas, rng)
    return canvas


def _clutter(rng: Generator) -> Figure:
    """Something of no class: a tree, a post, a house, a box ... or what resembles a class (a vase, a stool, a fish)."""
    figure, kind = Figure(), int(rng.integers(14))
    tone = hsv(rng.random(), rng.uniform(0.05, 0.8), rng.uniform(0.2, 0.9))
    if kind == 0:  # a tree
        green = hsv(rng.uniform(0.2, 0.38), rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.6))
        figure.limb([(0, 0), (rng.uniform(-0.1, 0.1), 1)], [0.12, 0.08], (84, 62, 44))
        for _ in range(7):
            figure.ellipse(
                rng.uniform(-0.4, 0.4),
                rng.uniform(0.9, 1.7),
                rng.uniform(0.25, 0.42),
                rng.uniform(0.2, 0.36),
                shade(green, rng.uniform(0.75, 1.2)),
            )
    elif kind == 1:  # a post, sometimes with a sign
        figure.limb([(0, 0), (0, 2.2)], 0.05, shade(tone, 0.6))
        if rng.random() < 0.6:
            figure.ellipse(0, 2.2, 0.3, 0.3, tone)
            figure.ellipse(0, 2.2, 0.2, 0.2, (236, 236, 236))
    elif kind == 2:  # a house
        figure.polygon([(0, 0), (2, 0), (2, 1.2), (0, 1.2)], tone)
        figure.polygon([(-0.2, 1.2), (2.2, 1.2), (1.6, 2), (0.4, 2)], shade(tone, 0.6))
        for x in (0.3, 1.2):
            figure.polygon([(x, 0.4), (x + 0.4, 0.4), (x + 0.4, 0.9), (x, 0.9)], (60, 70, 84))
    elif kind == 3:  # a box with a lit and a dark side
        w, h = rng.uniform(0.6, 1.6), rng.uniform(0.5, 1.4)
        figure.polygon([(0, 0), (w, 0), (w, h), (0, h)], tone)
        figure.polygon([(w, 0), (w + 0.4, 0.25), (w + 0.4, h + 0.25), (w, h)], shade(tone, 0.7))
        figure.polygon([(0, h), (w, h), (w + 0.4, h + 0.25), (0.4, h + 0.25)], shade(tone, 1.2))
    elif kind == 4:  # a ball or a wheel by itself
        figure.ellipse(0, 0, 1, 1, tone)
        figure.ellipse(-0.15, 0.15, 0.6, 0.6, shade(tone, rng.uniform(0.5, 1.4)))
    elif kind == 5:  # a rock or a bush
        for _ in range(6):
            figure.ellipse(
                rng.uniform(-0.6, 0.6),
                rng.uniform(0.1, 0.5),
                rng.uniform(0.25, 0.45),
                rng.uniform(0.2, 0.35),
                shade(tone, rng.uniform(0.8, 1.15)),
            )
    elif kind == 6:  # a shelf
        w, h = rng.uniform(0.8, 1.6), rng.uniform(1, 2)
        figure.polygon([(0, 0), (w, 0), (w, h), (0, h)], tone)
        for k in range(int(rng.integers(2, 5))):
            y = h * (k + 0.2) / 5
            figure.polygon(
                [(0.08, y), (w - 0.08, y), (w - 0.08, y + h * 0.14), (0.08, y + h * 0.14)], shade(tone, 0.55)
            )
    elif kind == 7:  # a bar or a branch
        figure.limb(
            [(0, 0), polar((0, 0), rng.uniform(0, 180), 1), polar((0.2, 0.2), rng.uniform(0, 180), 1.7)],
            rng.uniform(0.03, 0.14),
            tone,
        )
    elif kind == 8:  # a vase
        right = np.array([(0.3, 0), (0.55, 0.5), (0.5, 0.9), (0.2, 1.2), (0.34, 1.5)]) * (rng.uniform(0.7, 1.3), 1)
        figure.polygon(np.concatenate([right, right[::-1] * (-1, 1)]), tone)
        figure.polygon(np.concatenate([right, right[::-1] * (0.5, 1)]), shade(tone, 0.75))
    elif kind == 9:  # a stool or a trestle
        w, h = rng.uniform(0.4, 1.2), rng.uniform(0.5, 1.1)
        for x in (0.08, w - 0.08):
            figure.limb([(x + rng.uniform(-0.06, 0.06), 0), (x, h)], 0.05, shade(tone, 0.7))
        figure.polygon([(0, h), (w, h), (w, h + 0.12), (0, h + 0.12)], tone)
    elif kind == 10:  # a fish
        figure.ellipse(0, 0, 0.7, rng.uniform(0.22, 0.4), tone)
        figure.polygon([(-0.55, 0), (-1.05, 0.35), (-0.95, 0), (-1.05, -0.35)], shade(tone, 0.75))
        figure.ellipse(0.42, 0.08, 0.06, 0.06, (20, 20, 20))
    elif kind == 11:  # a cupboard or an oven: a front with doors or a dark pane
        w, h = rng.uniform(0.8, 1.7), rng.uniform(0.7, 1.6)
        figure.polygon([(0, 0), (w, 0), (w, h), (0, h)], tone)
        for x in (0.06, w / 2 + 0.03):
            door = [(x, 0.08), (x + w / 2 - 0.09, 0.08), (x + w / 2 - 0.09, h - 0.08), (x, h - 0.08)]
            figure.polygon(door, shade(tone, rng.choice([0.3, 0.8, 1.2])))
    else:  # a chance polygon
        angles = np.sort(rng.uniform(0, 360, int(rng.integers(3, 8))))
        figure.polygon([polar((0, 0), float(a), rng.uniform(0.4, 1)) for a in angles], tone)
    return figure


def _fragment(rng: Generator) -> Figure:
    """A few neighbouring pieces of some object: its colours and edges without the object."""
    whole = list(SHAPES.values())[int(rng.integers(len(SHAPES)))].draw(rng)
    count = int(rng.integers(1, 4))
    start = int(rng.integers(max(1, len(whole.polygons) - count)))
    part = Figure()
    part.polygons, part.colours = whole.polygons[start : start + count], whole.colours[start : start + count]
    return part


def distractor(rng: Generator, size: float) -> Sprite:
    """Draw something that belongs to no class, ``size`` pixels on its long side."""
    figure = _fragment(rng) if rng.random() < 0.2 else _clutter(rng)
    return render(figure, size, rng.uniform(-8, 8), rng.random() < 0.5)
