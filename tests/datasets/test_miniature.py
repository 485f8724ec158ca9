"""The generated data: genuine formats, the same bytes every time, tight boxes."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from defusedxml import ElementTree

from sohem.datasets import miniature
from sohem.datasets.miniature import figure, scene, shapes, tree
from sohem.errors import DataError

VOC_TRAIN, KITTI_TRAIN = 40, 40


@pytest.fixture(scope="module")
def voc(tmp_path_factory):
    root = tmp_path_factory.mktemp("voc")
    miniature.write("voc", root, seed=7, train=VOC_TRAIN, test=10)
    return root


@pytest.fixture(scope="module")
def kitti(tmp_path_factory):
    root = tmp_path_factory.mktemp("kitti")
    miniature.write("kitti", root, seed=7, train=KITTI_TRAIN, test=10)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("kind", ["voc", "kitti"])
def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(kind, tmp_path):
    trees = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        root = tmp_path / name
        root.mkdir()
        miniature.write(kind, root, seed=seed, train=4, test=2)
        trees.append(contents(root))
    assert trees[0] == trees[1]
    assert set(trees[0]) == set(trees[2])
    assert trees[0] != trees[2]


@pytest.mark.parametrize("kind", ["voc", "kitti"])
def test_an_image_does_not_depend_on_how_many_are_made(kind, tmp_path):
    few, more = tmp_path / "few", tmp_path / "more"
    few.mkdir()
    more.mkdir()
    miniature.write(kind, few, seed=3, train=2, test=1)
    miniature.write(kind, more, seed=3, train=5, test=2)
    few_files, more_files = contents(few), contents(more)
    images = [name for name in few_files if "ImageSets" not in name]
    assert len(images) == 6  # three images and their annotations
    assert all(few_files[name] == more_files[name] for name in images)


def test_unknown_format_is_refused(tmp_path):
    with pytest.raises(DataError, match="format coco; expected voc or kitti"):
        miniature.write("coco", tmp_path, seed=0, train=1, test=1)


def test_voc_image_sets(voc):
    sets = {p.stem: p.read_text().split() for p in (voc / "ImageSets" / "Main").glob("*.txt")}
    assert sets["trainval"] == [f"{i:06d}" for i in range(1, VOC_TRAIN + 1)]
    assert sets["train"] + sets["val"] == sets["trainval"]
    assert sets["test"] == [f"{i:06d}" for i in range(VOC_TRAIN + 1, VOC_TRAIN + 11)]


def test_voc_annotations(voc):
    classes, flags = Counter(), Counter()
    for path in sorted((voc / "Annotations").glob("*.xml")):
        root = ElementTree.parse(path).getroot()
        height, width, depth = cv2.imread(str(voc / "JPEGImages" / root.findtext("filename"))).shape
        assert [root.findtext(f"size/{key}") for key in ("width", "height", "depth")] == [
            str(width),
            str(height),
            str(depth),
        ]
        assert max(width, height) == 192
        for thing in root.iter("object"):
            x0, y0, x1, y1 = (int(thing.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax"))
            assert 1 <= x0 < x1 <= width
            assert 1 <= y0 < y1 <= height
            classes[thing.findtext("name")] += 1
            flags.update(key for key in ("difficult", "truncated") if thing.findtext(key) == "1")
    assert set(classes) == set(shapes.VOC_CLASSES)  # 40 training images are two rounds through the 20 classes
    assert 0 < flags["difficult"] < flags["truncated"] < sum(classes.values()) / 2


def test_kitti_labels(kitti):
    types = Counter()
    for path in sorted((kitti / "label_2").glob("*.txt")):
        height, width, _ = cv2.imread(str(kitti / "image_2" / f"{path.stem}.png")).shape
        assert (width, height) == (320, 96)
        for line in path.read_text().splitlines():
            fields = line.split(" ")
            assert len(fields) == 15
            types[fields[0]] += 1
            assert all(len(value.split(".")[1]) == 2 for value in fields[4:8])
            x0, y0, x1, y1 = map(float, fields[4:8])
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            if fields[0] == "DontCare":
                assert fields[1:4] == ["-1", "-1", "-10"]
                assert fields[8:] == ["-1", "-1", "-1", "-1000", "-1000", "-1000", "-10"]
            else:
                assert 0 <= float(fields[1]) <= 1
                assert fields[2] in {"0", "1", "2"}
                assert -3.15 < float(fields[3]) < 3.15
    assert set(types) == {*shapes.KITTI_CLASSES, "DontCare"}
    assert len(list((kitti / "label_2").iterdir())) == KITTI_TRAIN + 10


@pytest.mark.parametrize("image", [tree.voc_image, tree.kitti_image])
def test_boxes_are_tight_around_what_is_visible(image):
    for index in range(1, 13):
        picture, items, owners = image(5, index)
        assert picture.shape[:2] == owners.shape
        for item in items:
            if item.name == "DontCare":
                continue
            rows, columns = np.nonzero(owners == item.mask_id)
            assert item.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_what_lies_in_front_takes_pixels_away():
    """A 10x10 square, then a square of no class over its right half, then half of another one out of the image."""
    square = figure.Sprite(np.full((10, 10, 3), 200, np.float32), np.ones((10, 10), np.float32))
    picture = scene.Scene(np.zeros((30, 40, 3), np.float32))
    picture.paste(square, 4, 6, "car")
    picture.paste(square, 9, 6)
    picture.paste(square, 35, 0, "bus")
    car, bus = picture.items()
    assert (car.name, car.box, car.visible, car.inside) == ("car", (4, 6, 9, 16), 0.5, 1.0)
    assert (bus.name, bus.box, bus.visible, bus.inside) == ("bus", (35, 0, 40, 10), 0.5, 0.5)
    assert car.truncated
    assert bus.truncated


def test_hardly_visible_objects_are_difficult_or_left_out():
    square = figure.Sprite(np.full((20, 20, 3), 200, np.float32), np.ones((20, 20), np.float32))
    picture = scene.Scene(np.zeros((60, 60, 3), np.float32))
    picture.paste(square, 0, 0, "hidden")
    picture.paste(square, 1, 0)
    picture.paste(square, 0, 30, "partly")
    picture.paste(square, 6, 30)
    picture.paste(square, 30, 0, "whole")
    assert [(item.name, item.difficult) for item in picture.items()] == [("partly", True), ("whole", False)]


def test_rigid_outline_is_the_same_at_every_size():
    """The sides of one bus keep their ratio when it is drawn larger; its colours do too."""
    bus = shapes.SHAPES["bus"].draw(np.random.default_rng(0))
    small, large = figure.render(bus, 40), figure.render(bus, 120)
    ratio = [(s.cover.shape[1] - 2) / (s.cover.shape[0] - 2) for s in (small, large)]
    assert ratio[0] == pytest.approx(ratio[1], rel=0.05)


@pytest.mark.parametrize("index", range(len(miniature.CROP_CLASSES)))
def test_crops_of_every_class(index):
    picture, box = miniature.crop(miniature.crop_generator(11, index), index, 64)
    again, _ = miniature.crop(miniature.crop_generator(11, index), index, 64)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    assert box.dtype == np.float32
    x0, y0, x1, y1 = box
    assert 0 <= x0 < x1 <= 64
    assert 0 <= y0 < y1 <= 64
    assert np.array_equal(picture, again)


def test_crop_classes_are_those_of_both_data_sets():
    assert miniature.CROP_CLASSES == shapes.VOC_CLASSES + shapes.KITTI_CLASSES
    assert len(shapes.VOC_CLASSES) == 20
    assert set(shapes.KITTI_CLASSES) == {
        "Car", "Van", "Truck", "Tram", "Misc", "Pedestrian", "Person_sitting", "Cyclist"}  # fmt: skip
