"""Figures: flat lists of coloured polygons, from two-dimensional limbs or from small solids seen under a view.

A figure lives in its own units (metres or anything else, y upwards). ``render`` scales it to pixels: it is drawn
enlarged without anti-aliasing into colour and coverage together and then averaged down, which gives smooth edges, a
colour premultiplied by its coverage, and a coverage that can be cut into a mask.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

Array = np.ndarray
Colour = tuple[float, float, float]  # red, green, blue, 0 to 255
Points = Sequence[tuple[float, float]] | Array

_ARC = np.concatenate([math.pi / 2 + np.linspace(0, math.pi, 7), -math.pi / 2 + np.linspace(0, math.pi, 7)])
_CAPSULE = np.stack([np.cos(_ARC), np.sin(_ARC)], 1)  # both ends of a limb that points to the right
_CIRCLE = np.linspace(0, 2 * math.pi, 22, endpoint=False)
_UNIT = np.stack([np.cos(_CIRCLE), np.sin(_CIRCLE)], 1)
_LIGHT = (0.28, 0.86, 0.43)  # where the light comes from: slightly right, above, before the figure
_SHIFT = 4  # bits after the binary point in the coordinates given to OpenCV


def shade(colour: Colour, factor: float) -> Colour:
    """``colour`` made darker (factor < 1) or lighter (> 1)."""
    r, g, b = colour
    return min(255.0, r * factor), min(255.0, g * factor), min(255.0, b * factor)


def hsv(h: float, s: float, v: float) -> Colour:
    """A colour from hue (turns), saturation and value (0 to 1)."""
    sector, f = divmod(h % 1.0 * 6, 1)
    p, q, t = v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))
    rgb = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)][int(sector) % 6]
    return rgb[0] * 255, rgb[1] * 255, rgb[2] * 255


def polar(origin: tuple[float, float], degrees: float, length: float) -> tuple[float, float]:
    """The point ``length`` away from ``origin``; 0 degrees is to the right, 90 upwards."""
    a = math.radians(degrees)
    return origin[0] + length * math.cos(a), origin[1] + length * math.sin(a)


def capsule(p: tuple[float, float], q: tuple[float, float], rp: float, rq: float) -> Array:
    """Outline of a limb from ``p`` to ``q`` with a half circle of its own radius at each end."""
    dx, dy = q[0] - p[0], q[1] - p[1]
    length = math.hypot(dx, dy)
    c, s = (dx / length, dy / length) if length else (1.0, 0.0)
    points = _CAPSULE @ np.array([[c, s], [-s, c]])
    points[:7] = points[:7] * rp + p
    points[7:] = points[7:] * rq + q
    return points


def _normal(points: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Outward normal of a flat polygon, convex or not (Newell's sum over its edges)."""
    nx = ny = nz = 0.0
    ax, ay, az = points[-1]
    for bx, by, bz in points:
        nx += (ay - by) * (az + bz)
        ny += (az - bz) * (ax + bx)
        nz += (ax - bx) * (ay + by)
        ax, ay, az = bx, by, bz
    return nx, ny, nz


class Figure:
    """Polygons in the order in which they are painted."""

    def __init__(self) -> None:
        self.polygons: list[Array] = []
        self.colours: list[Colour] = []

    def polygon(self, points: Points, colour: Colour) -> None:
        """Add a polygon of [n, 2] points."""
        self.polygons.append(np.asarray(points, dtype=np.float64))
        self.colours.append(colour)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, degrees: float = 0.0) -> None:
        """Add an ellipse turned by ``degrees``."""
        points = _UNIT * (rx, ry)
        if degrees:
            c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            points = points @ np.array([[c, s], [-s, c]])
        self.polygon(np.add(points, (x, y)), colour)

    def limb(self, points: Sequence[tuple[float, float]], radii: Sequence[float] | float, colour: Colour) -> None:
        """Add a chain of tapering limbs through ``points``; ``radii`` is one number or one for each point."""
        r = [float(radii)] * len(points) if isinstance(radii, int | float) else list(radii)
        for k in range(len(points) - 1):
            self.polygon(capsule(points[k], points[k + 1], r[k], r[k + 1]), colour)

    def extend(self, other: "Figure", dx: float = 0.0, dy: float = 0.0, scale: float = 1.0) -> None:
        """Add the polygons of ``other``, scaled and then moved."""
        self.polygons += [p * scale + (dx, dy) for p in other.polygons]
        self.colours += other.colours


class Solid:
    """A rigid body put together from faces, seen from far away (no perspective).

    Its axes: x along the body (front to the right), y up, z towards the viewer. ``yaw`` turns it about y: 0 shows
    its side, 90 its back, -90 its front. ``pitch`` > 0 looks down on it. Degrees. Faces turned away from the viewer
    are dropped, the others painted from far to near and shaded by how they lie to the light.
    """

    def __init__(self, yaw: float, pitch: float) -> None:
        a, p = math.radians(yaw), math.radians(pitch)
        ca, sa, cp, sp = math.cos(a), math.sin(a), math.cos(p), math.sin(p)
        self.right = (ca, 0.0, sa)
        self.up = (sa * sp, cp, -ca * sp)
        self.near = (-sa * cp, sp, ca * cp)
        self.project = np.array([self.right, self.up]).T
        self.items: list[tuple[float, Array, Colour]] = []

    def depth(self, point: Sequence[float]) -> float:
        """How near a point is to the viewer."""
        (a, b, c), (x, y, z) = self.near, point
        return a * x + b * y + c * z

    def flat(self, point: Sequence[float]) -> tuple[float, float]:
        """Where a point appears."""
        (a, b, c), (d, e, f), (x, y, z) = self.right, self.up, point
        return a * x + b * y + c * z, d * x + e * y + f * z

    def face(self, points: Sequence[Sequence[float]], colour: Colour, bias: float = 0.0, double: bool = False) -> None:
        """Add a flat face; its points run counter-clockwise seen from outside. ``double``: seen from both sides."""
        n = _normal(points)
        facing = self.depth(n)
        if facing <= 0:
            if not double:
                return
            n = (-n[0], -n[1], -n[2])
        norm = math.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2) or 1.0
        lit = max(0.0, (n[0] * _LIGHT[0] + n[1] * _LIGHT[1] + n[2] * _LIGHT[2]) / norm)
        middle = [sum(c) / len(points) for c in zip(*points, strict=True)]
        self.items.append(
            (self.depth(middle) + bias, np.array(points) @ self.project, shade(colour, 0.66 + 0.42 * lit))
        )

    def box(
        self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], colour: Colour, bias: float = 0.0
    ) -> None:
        """Add a cuboid; its faces are painted together, at the depth of its middle."""
        (x0, x1), (y0, y1), (z0, z1) = x, y, z
        start = len(self.items)
        self.face([(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], colour)
        self.face([(x1, y0, z0), (x0, y0, z0), (x0, y1, z0), (x1, y1, z0)], colour)
        self.face([(x1, y0, z1), (x1, y0, z0), (x1, y1, z0), (x1, y1, z1)], colour)
        self.face([(x0, y0, z0), (x0, y0, z1), (x0, y1, z1), (x0, y1, z0)], colour)
        self.face([(x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)], colour)
        self.face([(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)], colour)
        middle = self.depth(((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2)) + bias
        self.items[start:] = [(middle, p, c) for _, p, c in self.items[start:]]

    def extrude(self, profile: Points, z0: float, z1: float, colours: Colour | Sequence[Colour]) -> None:
        """Add a body with one outline in x and y (counter-clockwise) between ``z0`` and ``z1``.

        ``colours`` is one colour, or the colour of both ends followed by that of each edge.
        """
        n = len(profile)
        colour: Sequence[Colour] = [colours] * (n + 1) if isinstance(colours[0], int | float) else colours  # type: ignore
        for k in range(n):
            (ax, ay), (bx, by) = profile[k], profile[(k + 1) % n]
            self.face([(ax, ay, z1), (ax, ay, z0), (bx, by, z0), (bx, by, z1)], colour[k + 1])
        self.face([(x, y, z1) for x, y in profile], colour[0], bias=20)
        self.face([(x, y, z0) for x, y in reversed(profile)], colour[0], bias=20)

    def panel(self, axis: str, at: float, shapes: Iterable[Points], colour: Colour, bias: float = 50.0) -> None:
        """Paint flat shapes onto a side: axis "z" takes (x, y) points, axis "x" takes (z, y) points.

        The side's outward direction is the sign of ``at``; nothing is painted on a side that is turned away.
        """
        sign = 1.0 if at >= 0 else -1.0
        if sign * self.near[2 if axis == "z" else 0] <= 0.02:
            return
        for shape in shapes:
            points = [(u, v, at) if axis == "z" else (at, v, u) for u, v in shape]
            middle = [sum(c) / len(points) for c in zip(*points, strict=True)]
            self.items.append((self.depth(middle) + bias, np.array(points) @ self.project, colour))

    def wheel(self, x: float, y: float, r: float, z: float, width: float, hub: Colour) -> None:
        """Add a wheel whose outer side lies at ``z`` (its sign says which side of the body)."""
        inner = z - math.copysign(width, z)
        disc = [(x + r * float(c), y + r * float(s)) for c, s in _UNIT]
        both = np.array([(u, v, w) for w in (z, inner) for u, v in disc]) @ self.project
        hull = cv2.convexHull(both.astype(np.float32))[:, 0].astype(np.float64)
        outside = z * self.near[2] > 0
        self.items.append((self.depth((x, y, z)) + (-50 if not outside else -30), hull, (22, 22, 24)))
        if outside:
            self.panel("z", z, [disc], (30, 30, 33), bias=60)
            self.panel("z", z, [[(x + (u - x) * 0.58, y + (v - y) * 0.58) for u, v in disc]], hub, bias=61)

    def tube(
        self, points: Sequence[Sequence[float]], radii: Sequence[float] | float, colour: Colour, bias: float = 0.0
    ) -> None:
        """Add a round bar through ``points``."""
        r = [float(radii)] * len(points) if isinstance(radii, int | float) else list(radii)
        flat = [self.flat(p) for p in points]
        for k in range(len(points) - 1):
            depth = (self.depth(points[k]) + self.depth(points[k + 1])) / 2 + bias
            self.items.append((depth, capsule(flat[k], flat[k + 1], r[k], r[k + 1]), colour))

    def hoop(self, x: float, y: float, r: float, half: float, colour: Colour, bias: float = 0.0) -> None:
        """Add an open tyre of radius ``r`` in the plane z = 0, ``half`` its thickness, round the point (x, y)."""
        closed = np.concatenate([_UNIT, _UNIT[:1]])
        middle = (closed * r + (x, y)) @ self.project[:2]
        outline = np.concatenate([middle + half * closed, (middle - half * closed)[::-1]])
        self.items.append((self.depth((x, y, 0.0)) + bias, outline, colour))

    def figure(self) -> Figure:
        """The picture, painted from far to near."""
        result = Figure()
        for _, points, colour in sorted(self.items, key=lambda item: item[0]):
            result.polygon(points, colour)
        return result


class Sprite(NamedTuple):
    """A drawn figure.

    rgb: float32 [h, w, 3], colour times coverage. cover: float32 [h, w], 0 to 1.
    """

    rgb: Array
    cover: Array


def render(figure: Figure, size: float, degrees: float = 0.0, mirror: bool = False, by: str = "long") -> Sprite:
    """Draw ``figure`` turned by ``degrees``, ``size`` pixels large.

    Args:
        by: what ``size`` measures: the "long" side, the "height", the "width", or the "unit" (pixels for each unit).
    """
    counts = [len(p) for p in figure.polygons]
    points = np.concatenate(figure.polygons)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[c, -s], [s, c]]) * ([[-1.0 if mirror else 1.0], [1.0]])
    points = points @ turn * (1.0, -1.0)
    low, high = points.min(0), points.max(0)
    w, h = (high - low).tolist()
    unit = size / max({"long": max(w, h), "height": h, "width": w, "unit": 1.0}[by], 1e-6)
    factor = 4 if max(w, h) * unit < 48 else 2
    width, height = math.ceil(w * unit) + 2, math.ceil(h * unit) + 2
    canvas = np.zeros((height * factor, width * factor, 4), np.uint8)
    scaled = ((points - low) * unit + 1.0) * (factor * (1 << _SHIFT))
    ends = np.cumsum(counts)
    whole = scaled.round().astype(np.int32)
    for part, colour in zip(np.split(whole, ends[:-1]), figure.colours, strict=True):
        cv2.fillPoly(canvas, [part], (*colour, 255), cv2.LINE_8, _SHIFT)
    drawn = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    return Sprite(drawn[:, :, :3], drawn[:, :, 3] / 255)
