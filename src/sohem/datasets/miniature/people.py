"""People: articulated figures about 1.75 units tall. Each function returns one figure; y = 0 is the ground."""

import numpy as np

from sohem.datasets.miniature.cycles import bicycle
from sohem.datasets.miniature.figure import Colour, Figure, hsv, polar, shade

Generator = np.random.Generator
Point = tuple[float, float]

SKIN: list[Colour] = [(240, 205, 178), (222, 176, 140), (176, 124, 88), (112, 76, 54)]
HAIR: list[Colour] = [(30, 24, 20), (72, 46, 26), (190, 150, 84), (150, 150, 150)]


def _two_bones(origin: Point, first: float, second: float, lengths: Point) -> list[Point]:
    middle = polar(origin, first, lengths[0])
    return [origin, middle, polar(middle, second, lengths[1])]


class _Look:
    """Colours of one person, drawn once and shared by the parts."""

    def __init__(self, rng: Generator) -> None:
        self.skin = SKIN[int(rng.integers(4))]
        self.hair = HAIR[int(rng.integers(4))]
        self.top = hsv(rng.random(), rng.uniform(0.1, 0.95), rng.uniform(0.25, 0.95))
        self.legs = hsv(rng.uniform(0.5, 0.7), rng.uniform(0.05, 0.7), rng.uniform(0.12, 0.65))
        self.shoe: Colour = (34, 30, 30)
        self.sleeves = rng.random() < 0.6


def _head(figure: Figure, look: _Look, neck: Point, tilt: float, rng: Generator) -> None:
    centre = polar(neck, 90 + tilt, 0.2)
    figure.limb([neck, centre], 0.055, look.skin)
    figure.ellipse(centre[0], centre[1] + 0.025, 0.118, 0.145, look.hair, tilt)
    side = float(rng.choice([-0.03, 0.0, 0.03]))
    if rng.random() < 0.8:
        figure.ellipse(centre[0] + side, centre[1] - 0.025, 0.088, 0.11, look.skin, tilt)
        for x in (-0.035, 0.035):
            figure.ellipse(centre[0] + side * 1.5 + x, centre[1], 0.013, 0.016, (30, 24, 24))
    if rng.random() < 0.2:  # a cap
        figure.ellipse(centre[0], centre[1] + 0.09, 0.125, 0.07, look.top, tilt)


def _leg(figure: Figure, look: _Look, hip: Point, thigh: float, shin: float, colour: Colour, toe: float) -> None:
    chain = _two_bones(hip, thigh, shin, (0.44, 0.42))
    figure.limb(chain, [0.092, 0.07, 0.05], colour)
    figure.limb([chain[2], (chain[2][0] + toe, chain[2][1] - 0.02)], 0.045, look.shoe)


def _arm(figure: Figure, look: _Look, shoulder: Point, upper: float, lower: float, dim: float) -> None:
    chain = _two_bones(shoulder, upper, lower, (0.3, 0.27))
    figure.limb(chain, [0.062, 0.05, 0.04], shade(look.top if look.sleeves else look.skin, dim))
    figure.limb(chain[:2], [0.065, 0.055], shade(look.top, dim))
    figure.ellipse(*chain[2], 0.05, 0.05, look.skin)


def _torso(figure: Figure, look: _Look, hip: Point, lean: float, width: float) -> Point:
    """Paint the trunk; returns where the neck starts."""
    neck = polar(hip, 90 + lean, 0.54)
    figure.limb([hip, polar(hip, 90 + lean, 0.4)], [width * 0.82, width * 1.02], look.top)
    for side in (-1, 1):
        shoulder = polar(polar(hip, 90 + lean, 0.46), lean + (0 if side > 0 else 180), width * 0.85)
        figure.limb([polar(hip, 90 + lean, 0.36), shoulder, neck], [width * 0.7, 0.07, 0.06], look.top)
    return neck


def standing(rng: Generator) -> Figure:
    """A person on both feet: standing, walking, running or with raised arms."""
    figure, look = Figure(), _Look(rng)
    stride = (4.0, 4.0, 18.0, 18.0, 30.0)[int(rng.integers(5))] + rng.uniform(-3, 3)
    width, lean = rng.uniform(0.12, 0.19), rng.uniform(-9, 9)
    hip: Point = (0.0, 0.9)
    apart = width * 0.5
    bend = rng.uniform(0, 0.9) * stride
    toe = 0.1
    if rng.random() < 0.7:  # arms hanging and swinging
        angles = [
            (-90 + stride * 0.8, -90 + stride * 1.2 + rng.uniform(0, 30)),
            (-90 - stride * 0.8, -90 - stride * 0.2),
        ]
    else:
        angles = [(rng.uniform(-90, 60), rng.uniform(-90, 120)), (rng.uniform(-150, -80), rng.uniform(-200, -60))]
    shoulder = polar(hip, 90 + lean, 0.47)
    if width < 0.13:
        _arm(figure, look, shoulder, *angles[1], dim=0.75)
    _leg(
        figure,
        look,
        (hip[0] - apart, hip[1]),
        -90 - stride * 0.8,
        -90 - stride * 0.8 - bend,
        shade(look.legs, 0.8),
        toe,
    )
    _leg(figure, look, (hip[0] + apart, hip[1]), -90 + stride, -90 + stride * 0.5 - bend * 0.3, look.legs, toe)
    neck = _torso(figure, look, hip, lean, width)
    if rng.random() < 0.2:  # a skirt
        figure.polygon([(-width, 0.98), (width, 0.98), (width * 1.7, 0.5), (-width * 1.7, 0.5)], shade(look.top, 0.8))
    _head(figure, look, neck, lean * 0.4, rng)
    if width < 0.13:
        _arm(figure, look, shoulder, *angles[0], dim=0.9)
    else:
        across = width * 0.98
        _arm(figure, look, (shoulder[0] + across, shoulder[1]), *angles[0], dim=0.9)
        mirrored = [180 - a if k else a for k, a in enumerate(angles[1])]
        _arm(
            figure,
            look,
            (shoulder[0] - across, shoulder[1]),
            angles[1][0],
            mirrored[1] if rng.random() < 0.3 else angles[1][1],
            dim=0.9,
        )
    return figure


def sitting(rng: Generator) -> Figure:
    """A person who sits, seen from the side, on a stool, a bench or the ground."""
    figure, look = Figure(), _Look(rng)
    lean, low = rng.uniform(-16, 16), rng.random() < 0.3
    hip: Point = (0.0, 0.15 if low else 0.5)
    thigh = rng.uniform(10, 40) if low else rng.uniform(-12, 8)
    shin = rng.uniform(-60, -35) if low else rng.uniform(-110, -70)
    if not low and rng.random() < 0.5:
        figure.polygon([(-0.22, 0.4), (0.2, 0.4), (0.2, 0.32), (-0.22, 0.32)], (96, 70, 46))
        figure.polygon([(-0.17, 0.35), (-0.11, 0.35), (-0.11, 0), (-0.17, 0)], (80, 58, 38))
        figure.polygon([(0.1, 0.35), (0.15, 0.35), (0.15, 0), (0.1, 0)], (80, 58, 38))
    shoulder = polar(hip, 90 + lean, 0.46)
    _arm(figure, look, shoulder, -60 + rng.uniform(-20, 30), rng.uniform(-30, 60), dim=0.72)
    _leg(figure, look, hip, thigh + 8, shin + 10, shade(look.legs, 0.75), 0.1)
    neck = _torso(figure, look, hip, lean, 0.13)
    _leg(figure, look, hip, thigh, shin, look.legs, 0.1)
    _head(figure, look, neck, lean * 0.4, rng)
    _arm(figure, look, shoulder, -75 + rng.uniform(-20, 30), rng.uniform(-40, 50), dim=0.9)
    return figure


def person(rng: Generator) -> Figure:
    """A person: standing more often than sitting."""
    return standing(rng) if rng.random() < 0.82 else sitting(rng)


def cyclist(rng: Generator) -> Figure:
    """A person riding a bicycle."""
    figure, look = Figure(), _Look(rng)
    yaw = float(rng.choice([0.0, 35.0, -35.0, 72.0])) + rng.uniform(-10, 10)
    narrow = float(np.cos(np.radians(yaw)))
    turn = rng.uniform(0, 360)

    def place(x: float, y: float) -> Point:
        return x * narrow, y

    hip = place(-0.2, 0.98)
    pedals = [
        (-0.02 + 0.17 * float(np.cos(np.radians(turn + k))), 0.28 + 0.17 * float(np.sin(np.radians(turn + k))))
        for k in (0, 180)
    ]
    lean = rng.uniform(18, 38)
    shoulder, neck = (
        place(-0.2 + 0.46 * float(np.sin(np.radians(lean))), 0.98 + 0.46 * float(np.cos(np.radians(lean)))),
        None,
    )
    grip = place(0.38, 0.97)
    spread = 0.1 * (1 - narrow) + 0.02

    def leg(pedal: Point, colour: Colour, side: float) -> None:
        x, y = pedal
        knee = ((-0.2 + x) / 2 + 0.26, (0.98 + y) / 2 + 0.1)
        chain = [(hip[0] + side, hip[1]), (knee[0] * narrow + side * 1.6, knee[1]), (x * narrow + side, y + 0.04)]
        figure.limb(chain, [0.09, 0.068, 0.05], colour)
        figure.limb([chain[2], (chain[2][0] + 0.12 * narrow, y + 0.01)], 0.045, look.shoe)

    leg(pedals[0], shade(look.legs, 0.7), -spread)
    figure.extend(bicycle(rng, yaw=yaw))
    width = 0.12 + 0.07 * (1 - narrow)
    neck = (shoulder[0] + 0.03, shoulder[1] + 0.07)
    figure.limb([hip, shoulder], [width * 0.9, width], look.top)
    elbow = ((shoulder[0] + grip[0]) / 2 + 0.02, (shoulder[1] + grip[1]) / 2 - 0.1)
    leg(pedals[1], look.legs, spread)
    for side in (-spread, spread):
        figure.limb(
            [
                (shoulder[0] + side * 1.4, shoulder[1]),
                (elbow[0] + side * 2.2, elbow[1]),
                (grip[0] + side * 1.8, grip[1]),
            ],
            [0.06, 0.05, 0.04],
            shade(look.top if look.sleeves else look.skin, 0.85),
        )
    _head(figure, look, neck, -8, rng)
    if rng.random() < 0.5:  # a helmet
        figure.ellipse(neck[0] + 0.02, neck[1] + 0.3, 0.14, 0.085, hsv(rng.random(), 0.8, 0.9))
    return figure
