"""The object classes: name to figure, with how each is turned and how large it may get."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sohem.datasets.miniature import cattle, craft, cycles, furniture, nature, people, pets, vehicles
from sohem.datasets.miniature.figure import Figure, Sprite, render


class Shape(NamedTuple):
    """How a class is drawn: its figure, the largest tilt in the image plane (degrees), its smallest long side."""

    draw: Callable[[np.random.Generator], Figure]
    tilt: float
    smallest: float


SHAPES: dict[str, Shape] = {
    "aeroplane": Shape(craft.aeroplane, 14, 44),
    "bicycle": Shape(cycles.bicycle, 5, 34),
    "bird": Shape(nature.bird, 8, 38),
    "boat": Shape(craft.boat, 5, 36),
    "bottle": Shape(furniture.bottle, 6, 44),
    "bus": Shape(vehicles.bus, 3, 34),
    "car": Shape(vehicles.car, 4, 34),
    "cat": Shape(pets.cat, 5, 42),
    "chair": Shape(furniture.chair, 4, 42),
    "cow": Shape(cattle.cow, 4, 36),
    "diningtable": Shape(furniture.diningtable, 3, 48),
    "dog": Shape(pets.dog, 5, 42),
    "horse": Shape(cattle.horse, 5, 38),
    "motorbike": Shape(cycles.motorbike, 6, 32),
    "person": Shape(people.person, 4, 46),
    "pottedplant": Shape(nature.pottedplant, 3, 34),
    "sheep": Shape(cattle.sheep, 4, 32),
    "sofa": Shape(furniture.sofa, 2, 46),
    "train": Shape(craft.train, 2, 34),
    "tvmonitor": Shape(furniture.tvmonitor, 3, 30),
    "Car": Shape(vehicles.car, 1, 14),
    "Van": Shape(vehicles.van, 1, 16),
    "Truck": Shape(vehicles.truck, 1, 18),
    "Tram": Shape(craft.tram, 1, 22),
    "Misc": Shape(vehicles.misc, 1, 14),
    "Pedestrian": Shape(people.standing, 2, 14),
    "Person_sitting": Shape(people.sitting, 2, 14),
    "Cyclist": Shape(people.cyclist, 2, 14),
}

VOC_CLASSES = [name for name in SHAPES if name[0].islower()]
KITTI_CLASSES = [name for name in SHAPES if name[0].isupper()]


def sprite(name: str, rng: np.random.Generator, size: float, by: str = "long") -> Sprite:
    """Draw one object of a class with a chance pose, view and colours."""
    shape = SHAPES[name]
    figure = shape.draw(rng)
    return render(figure, size, rng.uniform(-shape.tilt, shape.tilt), rng.random() < 0.5, by)
