"""Street scenes in perspective, after KITTI's camera scaled to 320x96 pixels."""

import math

import numpy as np

from sohem.datasets.miniature import craft, people, vehicles
from sohem.datasets.miniature.background import distractor, fill, noise
from sohem.datasets.miniature.figure import Array, Figure, hsv, render, shade
from sohem.datasets.miniature.scene import Item, Scene, finish, light, soften

Generator = np.random.Generator

WIDTH, HEIGHT = 320, 96
FOCAL = 186.0  # pixels: KITTI's 721 at 1242 pixels of width
CAMERA = 1.65  # metres above the road
CENTRE = (160.0, 40.0)  # the vanishing point

OBJECTS = (1, 3)  # at least, fewer than
DEPTHS = (4.5, 13.0)  # metres
WEIGHTS = {"Car": 0.3, "Van": 0.13, "Truck": 0.1, "Tram": 0.08, "Misc": 0.09, "Pedestrian": 0.14,
           "Person_sitting": 0.04, "Cyclist": 0.12}  # fmt: skip
HIDDEN = 0.25  # of an object's part inside the image: with less of it visible it becomes a DontCare region
NEAREST = {"Tram": 11.0, "Truck": 8.0}  # metres, for what would fill the image
FARTHEST = {"Pedestrian": 13.0, "Person_sitting": 11.0, "Cyclist": 13.0}  # and for what would be a few pixels wide
GRAIN = (2.0, 7.0)
BLUR = 0.18
HEIGHTS = {"Car": 1.55, "Van": 2.15, "Truck": 3.3, "Tram": 3.6, "Misc": 2.2, "Pedestrian": 1.75, "Person_sitting": 1.3,
           "Cyclist": 1.75}  # fmt: skip
LENGTHS = {"Car": 4.2, "Van": 5.0, "Truck": 7.2, "Tram": 13.0, "Misc": 4.0, "Pedestrian": 0.8, "Person_sitting": 0.9,
           "Cyclist": 1.75}  # fmt: skip
WIDTHS = {"Car": 1.7, "Van": 1.9, "Truck": 2.4, "Tram": 2.4, "Misc": 1.9, "Pedestrian": 0.6, "Person_sitting": 0.6,
          "Cyclist": 0.6}  # fmt: skip

_DRAW = {
    "Car": vehicles.car,
    "Van": vehicles.van,
    "Truck": vehicles.truck,
    "Tram": craft.tram,
    "Misc": vehicles.misc,
}


def _street(rng: Generator) -> Array:
    """Sky, a road towards the vanishing point, pavements, houses or trees on both sides."""
    canvas = np.empty((HEIGHT, WIDTH, 3), np.float32)
    horizon = int(CENTRE[1])
    sky = hsv(rng.uniform(0.54, 0.62), rng.uniform(0.0, 0.4), rng.uniform(0.65, 0.98))
    fill(canvas[:horizon], sky, noise(rng, horizon, WIDTH, 0), 0.05)
    side = hsv(rng.uniform(0.08, 0.34), rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.6))
    fill(canvas[horizon:], side, noise(rng, HEIGHT - horizon, WIDTH, 3), 0.12)
    rows = np.arange(horizon, HEIGHT)[:, None]
    reach = (rows - horizon + 0.5) / CAMERA  # pixels for each metre on the ground
    across = (np.arange(WIDTH)[None] - CENTRE[0]) / np.maximum(reach, 0.2)
    road = (across > -rng.uniform(4, 8)) & (across < rng.uniform(4, 8))
    grey = np.float32(rng.uniform(70, 140)) * (1 + 0.06 * noise(rng, HEIGHT - horizon, WIDTH, 2))
    canvas[horizon:][road] = grey[road][:, None]
    line = (
        road
        & (np.abs(across - rng.uniform(-2.5, 2.5)) < 0.09)
        & ((FOCAL * CAMERA / np.maximum(rows - horizon, 1)) % 6 < 3)
    )
    canvas[horizon:][line] = 215
    for sign in (-1, 1):
        x, kind = CENTRE[0] + sign * rng.uniform(8, 20), rng.random()
        while 0 <= x < WIDTH:
            w = 10 + abs(x - CENTRE[0]) * rng.uniform(0.2, 0.55)
            h = 6 + abs(x - CENTRE[0]) * rng.uniform(0.3, 0.6)
            a, b = sorted((int(x), int(x + sign * w)))
            a, b = max(a, 0), min(b, WIDTH)
            top, foot = max(0, horizon - int(h)), min(HEIGHT, horizon + 2 + int(abs(x - CENTRE[0]) * 0.1))
            if b - a < 2 or foot - top < 2:
                break
            if kind < 0.55 or rng.random() < 0.3:
                wall = hsv(rng.uniform(0, 0.14), rng.uniform(0.05, 0.4), rng.uniform(0.35, 0.85))
                fill(canvas[top:foot, a:b], wall, noise(rng, foot - top, b - a, 3), 0.06)
                step, pane = max(5, (b - a) // 4), shade(wall, rng.uniform(0.4, 0.7))
                for y in range(top + 3, foot - 8, 9):
                    for left in range(a + 2, b - step // 2, step):
                        canvas[y : y + 5, left : left + max(2, step // 2)] = pane
            elif rng.random() < 0.7:
                _tree(canvas[top:foot, a:b], rng)
            x += sign * w
    return canvas


def _tree(canvas: Array, rng: Generator) -> None:
    """A ragged crown that fills ``canvas`` (a view), over a trunk."""
    height, width = canvas.shape[:2]
    green = np.asarray(hsv(rng.uniform(0.2, 0.36), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.5)), np.float32)
    grain = noise(rng, height, width, 3)
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / width * 2 - 1
    canvas[(np.abs(x) < 0.12) & (y > 0.5)] = (62, 48, 38)
    crown = x**2 + ((y - 0.42) / 0.42) ** 2 < 1 + 0.25 * grain
    canvas[crown] = green * (1 + 0.3 * grain[crown])[:, None]


def _figure(name: str, rng: Generator, yaw: float, pitch: float) -> Figure:
    if name in _DRAW:
        return _DRAW[name](rng, (yaw, pitch))
    return {"Pedestrian": people.standing, "Person_sitting": people.sitting, "Cyclist": people.cyclist}[name](rng)


def _heading(name: str, rng: Generator) -> float:
    """The direction of travel in degrees: 90 away from the camera, -90 towards it, 0 to the right."""
    if rng.random() < (0.2 if name in ("Car", "Van", "Truck", "Misc") else 0.1):
        return float(rng.choice([0.0, 180.0])) + rng.uniform(-25, 25)
    return float(rng.choice([90.0, -90.0])) + rng.uniform(-14, 14)


def kitti_scene(rng: Generator, index: int) -> tuple[Array, list[Item], Array]:
    """One miniature KITTI image: uint8 [96, 320, 3] (RGB), its objects and DontCare regions, the pixels' owners.

    Args:
        index: the image's number; its first object's type is ``index`` modulo the 8 types, so that all occur.
    """
    scene = Scene(_street(rng))
    types = list(WEIGHTS)
    count = int(rng.integers(*OBJECTS))
    names = [types[index % len(types)], *rng.choice(types, count - 1, p=np.array(list(WEIGHTS.values())))]
    regions = _far_clutter(scene, rng)
    for _ in range(int(rng.integers(0, 4))):
        drawn = light(distractor(rng, rng.uniform(10, 42)), rng)
        h, w = drawn.cover.shape
        scene.paste(drawn, int(rng.integers(-w // 2, WIDTH - w // 2)), int(CENTRE[1] + rng.uniform(2, 16)) - h)
    near, far = math.log(DEPTHS[0]), math.log(DEPTHS[1])
    depths = np.exp(rng.uniform(near, far, count))
    clamped = [max(NEAREST.get(n, 0.0), min(FARTHEST.get(n, math.inf), z)) for n, z in zip(names, depths, strict=True)]
    used: list[tuple[float, float]] = []
    for k in np.argsort(clamped)[::-1]:
        name, z = str(names[k]), float(clamped[k])
        x = _free_place(rng, z, used, walker=name in ("Pedestrian", "Person_sitting"))
        if x is None:
            continue
        heading = _heading(name, rng)
        bearing = math.degrees(math.atan2(x, z))
        pitch = math.degrees(math.atan2(CAMERA - HEIGHTS[name] * 0.5, z))
        figure = _figure(name, rng, heading + bearing, max(pitch, 1.0))
        unit = FOCAL / z
        drawn = light(render(figure, unit, rng.uniform(-1, 1), by="unit"), rng)
        if rng.random() < 0.12:
            drawn = soften(drawn, rng.uniform(0.5, 1.0))
        h, w = drawn.cover.shape
        left, foot = CENTRE[0] + unit * x - w / 2, CENTRE[1] + unit * CAMERA
        _shadow(scene, left, foot, w, unit)
        scene.paste(drawn, round(left), round(foot) - h + 1, name, {"heading": heading, "x": x, "z": z})
        used.append((CENTRE[0] + unit * x, w * 0.5))
    seen = scene.items()
    items = [item for item in seen if item.visible >= HIDDEN * item.inside]
    hidden = [Item("DontCare", item.box, 1.0, 1.0, 0) for item in seen if item.visible < HIDDEN * item.inside]
    # A region that nearer objects cover mostly has nothing left to be ignored.
    clear = [r for r in regions if _covered(scene, r) < 0.5]
    return finish(scene.picture, rng, GRAIN, BLUR), items + clear + hidden, scene.owners


def _covered(scene: Scene, region: Item) -> float:
    """Share of a region's pixels that belong to objects."""
    x0, y0, x1, y1 = region.box
    return float(np.mean(scene.owners[y0:y1, x0:x1] > 0))


def _free_place(rng: Generator, z: float, used: list[tuple[float, float]], walker: bool) -> float | None:
    """A sideways position in metres at depth ``z`` that does not fall right onto an earlier object's middle."""
    half = min(WIDTH * 0.52 * z / FOCAL, 14.0)
    for _ in range(8):
        x = rng.uniform(-half, half)
        pixel = CENTRE[0] + FOCAL * x / z
        if all(abs(pixel - other) > 0.55 * reach + (4 if walker else 8) for other, reach in used):
            return x
    return None


def _shadow(scene: Scene, left: float, foot: float, width: int, unit: float) -> None:
    """Darken the ground under an object, most in the middle."""
    reach = max(1, round(0.22 * unit))
    y0, y1 = max(0, round(foot) - reach), min(HEIGHT, round(foot) + reach)
    x0, x1 = max(0, int(left - reach)), min(WIDTH, int(left + width + reach))
    if x0 >= x1 or y0 >= y1:
        return
    down = (np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5 - foot) / reach
    across = (np.arange(x0, x1, dtype=np.float32)[None] + 0.5 - left - width / 2) / (width / 2 + reach)
    dark = np.clip(1.5 * (1 - down**2) * (1 - across**4), 0, 1)
    scene.picture[y0:y1, x0:x1] *= (1 - 0.55 * dark)[..., None]


def _far_clutter(scene: Scene, rng: Generator) -> list[Item]:
    """Tiny crowds of vehicles and people near the horizon, with the DontCare regions around them."""
    regions = []
    for _ in range(int(rng.integers(0, 3))):
        x = rng.uniform(20, WIDTH - 30)
        boxes = []
        for _ in range(int(rng.integers(1, 5))):
            name = ("Car", "Car", "Van", "Pedestrian", "Truck")[int(rng.integers(5))]
            z = rng.uniform(30, 60)
            drawn = light(render(_figure(name, rng, _heading(name, rng), 2.0), FOCAL / z, by="unit"), rng)
            h, w = drawn.cover.shape
            left, top = int(x), int(CENTRE[1] + FOCAL * CAMERA / z) - h + 1
            scene.paste(drawn, left, top)
            boxes.append((max(0, left), max(0, top), min(WIDTH, left + w), min(HEIGHT, top + h)))
            x += w * rng.uniform(0.5, 1.3)
        whole = np.array(boxes)
        box = (int(whole[:, 0].min()), int(whole[:, 1].min()), int(whole[:, 2].max()), int(whole[:, 3].max()))
        if box[2] - box[0] >= 4 and box[3] - box[1] >= 4:
            regions.append(Item("DontCare", box, 1.0, 1.0, 0))
    return regions
