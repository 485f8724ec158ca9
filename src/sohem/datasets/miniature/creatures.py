"""Animals and a plant: articulated or deformed figures. Each function returns one figure; y = 0 is the ground."""

import math

import numpy as np

from sohem.datasets.miniature.figure import Colour, Figure, hsv, polar, shade

Generator = np.random.Generator
Point = tuple[float, float]

DARK: Colour = (26, 22, 22)


def _legs(
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


def _curve(start: Point, angle: float, bend: float, length: float, steps: int = 5) -> list[Point]:
    """A chain of points from ``start`` that turns by ``bend`` degrees altogether (a tail, a stem)."""
    points = [start]
    for k in range(steps):
        points.append(polar(points[-1], angle + bend * k / steps, length / steps))
    return points


def _taper(first: float, last: float, count: int) -> list[float]:
    return np.linspace(first, last, count).tolist()


def _coat(rng: Generator, kinds: list[tuple[float, float, float]]) -> Colour:
    h, s, v = kinds[int(rng.integers(len(kinds)))]
    return hsv(
        h + rng.uniform(-0.015, 0.015), min(1, max(0, s + rng.uniform(-0.1, 0.1))), min(1, v * rng.uniform(0.8, 1.15))
    )


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
    coat = _coat(rng, [(0.07, 0.7, 0.85), (0.08, 0.2, 0.5), (0, 0.0, 0.16), (0.09, 0.1, 0.92), (0.08, 0.4, 0.4)])
    light, stripe = shade(coat, 1.35), shade(coat, 0.62)
    striped, pose = rng.random() < 0.55, int(rng.integers(3))
    if pose == 0:
        tail = _curve((0.35, 0.12), rng.uniform(-10, 30), rng.uniform(60, 150), 1.0)
        figure.limb(tail, _taper(0.1, 0.06, len(tail)), coat)
        figure.limb([(0, 0.32), (0, 1.05)], [0.44, 0.26], coat)
        figure.limb([(0, 0.35), (0, 0.95)], [0.2, 0.14], light)
        for side in (-1, 1):
            figure.ellipse(side * 0.34, 0.14, 0.2, 0.14, coat)
            figure.limb([(side * 0.14, 0.8), (side * 0.13, 0.08)], [0.11, 0.09], shade(coat, 0.92))
            if striped:
                for y in (0.4, 0.6, 0.8):
                    figure.limb([(side * 0.38 * (1.1 - y * 0.5), y), (side * 0.2, y + 0.05)], 0.035, stripe)
        _cat_head(figure, (rng.uniform(-0.1, 0.1), 1.42), 0.34, coat, light, rng)
        return figure
    low = pose == 2
    hip, shoulder = (-0.7, 0.3 if low else 0.66), (0.5, 0.28 if low else 0.66)
    tail = _curve((-0.92, hip[1] + 0.05), rng.uniform(110, 200), rng.uniform(-110, 90), rng.uniform(0.8, 1.1))
    figure.limb(tail, _taper(0.085, 0.06, len(tail)), coat)
    if not low:
        _legs(figure, rng, [(-0.6, 0.55), (0.42, 0.55)], 0.52, 0.075, shade(coat, 0.72), shade(coat, 0.72), 22)
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
        _legs(figure, rng, [(-0.72, 0.55), (0.5, 0.55)], 0.52, 0.08, coat, light, 22)
    _cat_head(figure, (0.78, shoulder[1] + rng.uniform(0.18, 0.42)), 0.29, coat, light, rng)
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
    coat = _coat(rng, [(0.08, 0.6, 0.62), (0.1, 0.45, 0.85), (0, 0.0, 0.14), (0.08, 0.08, 0.9), (0.05, 0.6, 0.38)])
    ear = shade(coat, 0.6) if rng.random() < 0.6 else coat
    muzzle = shade(coat, 1.3) if rng.random() < 0.5 else coat
    collar = hsv(rng.random(), 0.9, 0.8) if rng.random() < 0.4 else None
    leg, floppy = rng.uniform(0.4, 0.72), rng.random() < 0.6
    if rng.random() < 0.7:
        y = leg + 0.12
        tail = _curve((-0.78, y + 0.12), rng.uniform(95, 160), rng.uniform(-60, 60), rng.uniform(0.35, 0.6), 4)
        figure.limb(tail, _taper(0.08, 0.04, len(tail)), coat)
        swing = float(rng.choice([10.0, 38.0]))
        _legs(figure, rng, [(-0.5, y), (0.48, y)], leg, 0.075, shade(coat, 0.7), shade(coat, 0.7), swing)
        figure.limb([(-0.6, y + 0.05), (-0.1, y + 0.08), (0.5, y + 0.04)], [0.23, 0.21, 0.29], coat)
        if rng.random() < 0.3:
            figure.ellipse(-0.25, y + 0.1, 0.26, 0.16, ear)
        _legs(figure, rng, [(-0.66, y), (0.56, y)], leg, 0.08, coat, muzzle, swing)
        neck = (0.6, y + 0.14)
        head = polar(neck, rng.uniform(20, 75), 0.45)
    else:
        tail = _curve((-0.42, 0.12), rng.uniform(150, 190), rng.uniform(-80, 10), 0.55, 4)
        figure.limb(tail, _taper(0.08, 0.05, len(tail)), coat)
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


def horse(rng: Generator) -> Figure:
    """A horse: long legs, long neck held up or down to graze, mane and hanging tail."""
    figure = Figure()
    coat = _coat(rng, [(0.06, 0.65, 0.5), (0.05, 0.6, 0.3), (0, 0.0, 0.16), (0.08, 0.08, 0.88), (0.08, 0.5, 0.68)])
    mane = DARK if rng.random() < 0.6 else shade(coat, 0.6)
    y, leg, swing = 1.1, 1.02, float(rng.choice([8.0, 34.0]))
    tail = _curve((-0.92, y + 0.2), rng.uniform(190, 235), rng.uniform(20, 80), 0.8, 4)
    figure.limb(tail, _taper(0.07, 0.12, len(tail)), mane)
    _legs(figure, rng, [(-0.6, y), (0.5, y)], leg, 0.075, shade(coat, 0.68), DARK, swing)
    figure.limb([(-0.66, y + 0.14), (-0.05, y + 0.06), (0.56, y + 0.12)], [0.29, 0.28, 0.3], coat)
    _legs(figure, rng, [(-0.76, y), (0.58, y)], leg, 0.08, coat, DARK, swing)
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
    coat = _coat(rng, [(0.08, 0.05, 0.94), (0.08, 0.05, 0.94), (0.05, 0.65, 0.5), (0, 0, 0.15), (0.09, 0.45, 0.8)])
    patch = DARK if rng.random() < 0.5 else hsv(0.05, 0.65, 0.4)
    y, leg = 0.82, 0.68
    tail = _curve((-1.0, y + 0.35), rng.uniform(235, 275), rng.uniform(-30, 30), 0.75, 3)
    figure.limb(tail, 0.035, coat)
    figure.ellipse(*tail[-1], 0.07, 0.11, patch)
    _legs(figure, rng, [(-0.62, y - 0.1), (0.56, y - 0.1)], leg, 0.085, shade(coat, 0.7), DARK, 14)
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
    _legs(figure, rng, [(-0.8, y - 0.1), (0.7, y - 0.1)], leg, 0.09, coat, DARK, 14)
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
    _legs(figure, rng, [(-0.35, y - 0.1), (0.35, y - 0.1)], 0.48, 0.05, shade(face, 0.7), DARK, 12)
    _legs(figure, rng, [(-0.48, y - 0.1), (0.46, y - 0.1)], 0.48, 0.055, face, DARK, 12)
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


def bird(rng: Generator) -> Figure:
    """A bird: perched, or flying with raised or lowered wings."""
    figure = Figure()
    body = hsv(rng.random(), rng.uniform(0.1, 0.85), rng.uniform(0.25, 0.95))
    belly = shade(body, 1.35) if rng.random() < 0.6 else hsv(rng.random(), 0.6, 0.9)
    beak = hsv(rng.uniform(0.03, 0.13), 0.9, rng.uniform(0.4, 0.95))
    wing = shade(body, 0.66)
    flying = rng.random() < 0.45
    tilt = rng.uniform(-25, 25) if flying else rng.uniform(15, 55)
    tail_end = polar((0, 0.6), 180 + tilt + rng.uniform(-12, 12), rng.uniform(0.75, 1.15))
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
    long_neck = rng.random() < 0.2
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
        up = rng.uniform(50, 120) if rng.random() < 0.65 else rng.uniform(-110, -60)
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
        stem = _curve((rng.uniform(-0.15, 0.15), high), 90 - spread, -spread * rng.uniform(0.2, 1.3), length, 3)
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
