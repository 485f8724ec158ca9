"""Composition: objects are pasted from back to front, and their boxes are measured on what stays visible of them."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from sohem.datasets.miniature.background import background, distractor, noise
from sohem.datasets.miniature.figure import Array, Sprite
from sohem.datasets.miniature.shapes import SHAPES, VOC_CLASSES, sprite

Generator = np.random.Generator

# How hard the pictures are: these numbers (and those of street.py) tune the precision that a small network reaches.
OBJECTS = ([1, 2], [0.75, 0.25])  # objects of an image, with probabilities
SIZES = (50.0, 135.0)  # long side in pixels, logarithmically uniform
DISTRACTORS = (1, 6)  # at least, fewer than
OCCLUDERS = (0, 2)
BLUR = 0.18  # share of the images that are out of focus as a whole, and of the objects that are by themselves
GRAIN = (2.0, 7.0)  # deviation of the noise, in grey levels
PLENTY = {"aeroplane", "bird", "cat", "diningtable", "dog", "person", "sofa"}  # hard to learn: drawn twice as often
TINY = 0.06  # share of objects drawn 14 to 24 pixels long: most of them end up difficult
OVERLAP = 0.25  # largest share of the smaller of two boxes that another may cover when placed

HIDDEN = 0.08  # less visible than this: not annotated
DIFFICULT = 0.45  # less visible than this, or SMALL pixels at most on the short side: marked difficult
SMALL = 11
CUT = 0.9  # less visible than this: marked truncated


_DRAWN = VOC_CLASSES + [name for name in VOC_CLASSES if name in PLENTY]


@dataclass
class Item:
    """An annotated object.

    box: xyxy int, half-open, tight around the visible pixels. visible: share of the whole object, in and outside the
    image, that can be seen. inside: share that lies within the image. mask_id: its number in the scene's owners.
    """

    name: str
    box: tuple[int, int, int, int]
    visible: float
    inside: float
    mask_id: int
    difficult: bool = False
    extra: dict = field(default_factory=dict)

    @property
    def truncated(self) -> bool:
        return self.visible < CUT


class Scene:
    """A picture in the making, with the number of the object that owns each pixel (0: none)."""

    def __init__(self, picture: Array) -> None:
        self.picture = picture
        self.owners: Array = np.zeros(picture.shape[:2], np.int16)
        self.pasted: dict[int, tuple[str, int, int, dict]] = {}
        self.blurred: set[int] = set()

    def paste(self, drawn: Sprite, x: int, y: int, name: str | None = None, extra: dict | None = None) -> int:
        """Put a sprite's top left corner at (x, y); without a name it only hides what is behind it."""
        height, width = self.owners.shape
        h, w = drawn.cover.shape
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        if x0 >= x1 or y0 >= y1:
            return 0
        cover = drawn.cover[y0 - y : y1 - y, x0 - x : x1 - x]
        target = self.picture[y0:y1, x0:x1]
        target *= 1 - cover[..., None]
        target += drawn.rgb[y0 - y : y1 - y, x0 - x : x1 - x]
        number = len(self.pasted) + 1 if name is not None else 0
        solid = cover > 0.5
        self.owners[y0:y1, x0:x1][solid] = number
        if name is not None:
            self.pasted[number] = (
                name,
                int(np.count_nonzero(drawn.cover > 0.5)),
                int(np.count_nonzero(solid)),
                extra or {},
            )
        return number

    def items(self) -> list[Item]:
        """The objects that can still be seen, in the order in which they were pasted."""
        result = []
        for number, (name, whole, inside, extra) in self.pasted.items():
            mask = self.owners == number
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            if not len(rows):
                continue
            box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
            w, h = box[2] - box[0], box[3] - box[1]
            visible = int(np.count_nonzero(mask)) / whole
            if visible < HIDDEN or min(w, h) < 4:
                continue
            difficult = bool(visible < DIFFICULT or min(w, h) <= SMALL or number in self.blurred)
            result.append(Item(name, box, visible, inside / whole, number, difficult, extra))
        return result


def light(drawn: Sprite, rng: Generator) -> Sprite:
    """Give a sprite a surface: a chance gradient of light and a texture of its own."""
    h, w = drawn.cover.shape
    gx, gy = rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25)
    gain = np.linspace(1 - gx, 1 + gx, w, dtype=np.float32)[None] + np.linspace(-gy, gy, h, dtype=np.float32)[:, None]
    if max(h, w) <= 512:
        gain = gain + np.float32(rng.uniform(0.02, 0.13)) * noise(rng, h, w)
    rgb = drawn.rgb * (gain * rng.uniform(0.75, 1.15))[..., None]
    return Sprite(np.clip(rgb, 0, 255 * drawn.cover[..., None]), drawn.cover)


def soften(drawn: Sprite, sigma: float) -> Sprite:
    """Put a sprite out of focus."""
    return Sprite(cv2.GaussianBlur(drawn.rgb, (0, 0), sigma), cv2.GaussianBlur(drawn.cover, (0, 0), sigma))


def finish(picture: Array, rng: Generator, grain: tuple[float, float] = GRAIN, blur: float = BLUR) -> Array:
    """What a camera does: focus, exposure, colour cast, noise. uint8 [h, w, 3]."""
    if rng.random() < blur:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 1.3))
    cast = rng.uniform(0.88, 1.12, 3) * rng.uniform(0.75, 1.2)
    picture = picture * cast.astype(np.float32) + np.float32(rng.uniform(-18, 18))
    sigma = np.float32(rng.uniform(*grain))
    picture = picture + rng.standard_normal(picture.shape, dtype=np.float32) * sigma
    return np.clip(picture, 0, 255).astype(np.uint8)


def _crowded(box: tuple[int, int, int, int], others: list[tuple[int, int, int, int]]) -> bool:
    x0, y0, x1, y1 = box
    for a0, b0, a1, b1 in others:
        w, h = min(x1, a1) - max(x0, a0), min(y1, b1) - max(y0, b0)
        if w > 0 and h > 0 and w * h > OVERLAP * min((x1 - x0) * (y1 - y0), (a1 - a0) * (b1 - b0)):
            return True
    return False


def voc_scene(rng: Generator, index: int) -> tuple[Array, list[Item], Array]:
    """One miniature VOC image.

    Args:
        index: the image's number; its first object is of class ``index`` modulo 20, so that all classes occur.

    Returns:
        The image (uint8 [h, w, 3], RGB), its objects, and the owner of each pixel (int16 [h, w]).
    """
    long, short = 192, int(rng.choice([128, 144, 144, 160, 192]))
    height, width = (short, long) if rng.random() < 0.7 else (long, short)
    scene = Scene(background(rng, height, width))
    for _ in range(int(rng.integers(*DISTRACTORS))):
        drawn = light(distractor(rng, rng.uniform(12, 90)), rng)
        h, w = drawn.cover.shape
        scene.paste(drawn, int(rng.integers(-w // 3, width - w // 2)), int(rng.integers(-h // 3, height - h // 2)))
    first = VOC_CLASSES[index % len(VOC_CLASSES)]
    count = int(rng.choice(OBJECTS[0], p=OBJECTS[1]))
    names = [first] + [
        first if rng.random() < 0.3 else _DRAWN[int(rng.integers(len(_DRAWN)))] for _ in range(count - 1)
    ]
    taken: list[tuple[int, int, int, int]] = []
    low, high = np.log(SIZES)
    sizes = sorted(np.exp(rng.uniform(low, high, count)) * (1.0 if count < 4 else 0.85))
    order = rng.permutation(count)
    for k, size in enumerate(sizes):
        name = names[int(order[k])]
        tiny = rng.random() < TINY
        extent = rng.uniform(14, 24) if tiny else max(float(size), SHAPES[name].smallest)
        drawn = light(sprite(name, rng, extent), rng)
        far = rng.random() < BLUR * 0.6
        if far:
            drawn = soften(drawn, rng.uniform(0.6, 1.6))
        h, w = drawn.cover.shape
        for _ in range(8):
            x, y = (
                int(rng.integers(-w // 4, max(width - 3 * w // 4, 1))),
                int(rng.integers(-h // 4, max(height - 3 * h // 4, 1))),
            )
            box = (x, y, x + w, y + h)
            if not _crowded(box, taken):
                break
        else:
            continue
        taken.append(box)
        number = scene.paste(drawn, x, y, name)
        if far and max(w, h) < 36:
            scene.blurred.add(number)
    for _ in range(int(rng.integers(*OCCLUDERS))):
        drawn = light(distractor(rng, rng.uniform(10, 50)), rng)
        h, w = drawn.cover.shape
        scene.paste(drawn, int(rng.integers(-w // 2, width - w // 2)), int(rng.integers(-h // 2, height - h // 2)))
    return finish(scene.picture, rng), scene.items(), scene.owners


def crop_scene(rng: Generator, name: str, size: int) -> tuple[Array, Array]:
    """One object of a class on a square background with distractors, for pretraining.

    Returns:
        uint8 [size, size, 3], RGB, and its visible box, float32 [4], xyxy.
    """
    while True:
        scene = Scene(background(rng, size, size))
        for _ in range(int(rng.integers(0, 3))):
            drawn = distractor(rng, rng.uniform(0.15, 0.6) * size)
            h, w = drawn.cover.shape
            scene.paste(drawn, int(rng.integers(-w // 2, size - w // 2)), int(rng.integers(-h // 2, size - h // 2)))
        drawn = light(sprite(name, rng, size * rng.uniform(0.45, 1.05)), rng)
        if rng.random() < 0.2:
            drawn = soften(drawn, rng.uniform(0.5, 1.2))
        h, w = drawn.cover.shape
        slack = int(size * 0.12)
        x = int(rng.integers(min(0, size - w) - slack, max(0, size - w) + slack + 1))
        y = int(rng.integers(min(0, size - h) - slack, max(0, size - h) + slack + 1))
        scene.paste(drawn, x, y, name)
        if rng.random() < 0.25:
            cover = distractor(rng, rng.uniform(0.2, 0.4) * size)
            h, w = cover.cover.shape
            scene.paste(cover, int(rng.integers(-w // 2, size - w // 2)), int(rng.integers(-h // 2, size - h // 2)))
        items = scene.items()
        if items and items[0].visible > 0.4:
            return finish(scene.picture, rng), np.array(items[0].box, np.float32)
