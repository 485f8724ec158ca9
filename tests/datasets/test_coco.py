"""COCO's format: what is read from its files, what is refused, and that it gives the same tables as another format."""

import json

import pandas as pd
import pytest
import yaml
from PIL import Image

from clones import merged
from sohem import cli, schema
from sohem.datasets import coco, ground_truth
from sohem.datasets.annotation import Object
from sohem.errors import DataError, ParamsError
from sohem.files import read_json, read_table
from toy import parameters
from trees import PARAMS, ROOT, coco_content, coco_tree, settings, voc_object, voc_tree, voc_xml


def chosen(root, classes=("dog", "cat")):
    """params.yaml with a data set in COCO's format at ``root``."""
    result = settings("voc", root)
    result["datasets"]["voc"].update(format="coco", classes=list(classes))
    return result


def read(root, **more):
    return ground_truth.read(chosen(root, **more), "voc")


def objects(root, *boxes):
    """The objects of one training image whose annotations are (category, bbox, more keys)."""
    coco_tree(root, ["a.jpg"], ["b.jpg"], [("a.jpg", *box) for box in boxes])
    listed = coco.listing(root, {}, "datasets.voc.demo", with_images=True)["train"][0]
    return coco.read_annotation(listed.source, {"dog": "dog", "cat": "cat"}, (20, 16), "datasets.voc.classes").objects


def test_width_and_height_become_half_open_corners(tmp_path):
    assert objects(tmp_path, (3, [2, 3, 8, 9], {}), (7, [0, 0.25, 20, 15.5], {"area": 3, "segmentation": []})) == [
        Object("dog", (2, 3, 10, 12)),
        Object("cat", (0, 0.25, 20, 15.75)),
    ]


def test_a_crowd_is_an_ignore_region_cut_to_the_image(tmp_path):
    crowd = {"iscrowd": 1}
    found = objects(tmp_path, (7, [-3, 5, 40, 30], crowd), (7, [25, 5, 4, 4], crowd), (3, [2, 3, 8, 9], {}))
    assert found == [Object("", (0, 5, 20, 16), ignore=True), Object("dog", (2, 3, 10, 12))]  # the second lies outside


def test_half_a_pixel_outside_is_rounding(tmp_path):
    assert objects(tmp_path, (3, [-0.5, -0.25, 20.9, 16.7], {}))[0].box == (0, 0, 20, 16)


def test_the_iscrowd_key_may_be_missing(tmp_path):
    root = coco_tree(tmp_path)
    change(root, "train", lambda c: c["annotations"][0].pop("iscrowd"))
    assert not read(root)[1]["ignore"].any()


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((3, [-0.6, 3, 8, 9], {}), r"bbox \[-0.6, 3, 8, 9\] lies outside the image \(20x16 pixels\)"),
        ((3, [2, 3, 18.6, 9], {}), "lies outside the image"),
        ((3, [2, 16.1, 3, 0.2], {}), "lies outside the image"),
        ((3, [2, 3, 0, 9], {}), "has no extent"),
        ((3, [2, 3, 8, -9], {}), "has no extent"),
        ((3, [2, 3, 8], {}), r"bbox is \[2, 3, 8\], expected \[x, y, width, height\]"),
        ((3, [2, "3", 8, 9], {}), "bbox holds '3', not a number"),
        ((3, [2, float("nan"), 8, 9], {}), "bbox holds nan, not a number"),
        ((3, [2, 10**400, 8, 9], {}), "bbox holds 1000.*, not a number"),
        ((9, [2, 3, 8, 9], {}), "category_id 9 is the id of no category"),
        ((3, [2, 3, 8, 9], {"iscrowd": 2}), "iscrowd is 2, expected 0 or 1"),
    ],
)
def test_a_wrong_annotation_is_named_with_its_file(tmp_path, box, message):
    with pytest.raises(DataError, match=rf"instances_train.json: annotation 101: .*{message}"):
        objects(tmp_path, (3, [2, 3, 8, 9], {}), box)


def test_a_category_that_is_in_no_class_names_the_parameter_to_change(tmp_path):
    with pytest.raises(DataError, match=r"annotation 101: class 'dog' .* add it to datasets.voc.classes"):
        read(coco_tree(tmp_path), classes=["cat"])


def test_classes_may_gather_categories(tmp_path):
    given = chosen(coco_tree(tmp_path, train_boxes=[("000001.jpg", 7, [2, 3, 8, 9], {})]))
    given["datasets"]["voc"]["classes"] = {"pet": ["cat", "dog"]}
    assert ground_truth.read(given, "voc")[1]["class"].tolist() == ["pet", "pet"]


def change(root, subset, edit):
    path = root / f"annotations/instances_{subset}.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.pop("categories"), "not a COCO annotation file: it has no list 'categories'"),
        (lambda c: c.update(images={}), "it has no list 'images'"),
        (lambda c: c["images"].append(3), "images, entry 3: not an object with keys"),
        (lambda c: c["images"][1].pop("id"), "images, entry 2: id is missing"),
        (lambda c: c["images"][1].update(id=10), "images, entry 2: id 10 was there before"),
        (lambda c: c["images"][0].pop("file_name"), "image 10: file_name is missing"),
        (lambda c: c["images"][0].update(file_name=""), "image 10: file_name is '', expected some text"),
        (lambda c: c["images"][0].update(file_name="../x.jpg"), "file_name '../x.jpg' is no path below images/"),
        (lambda c: c["images"][0].update(file_name="x.gif"), r"image 10: file_name 'x.gif' ends on none of .jpg"),
        (lambda c: c["images"][0].update(width=16, height=20),
         r"image 10 \(000002.jpg\): width, height says 16x20 pixels, but the image has 20x16"),
        (lambda c: c["images"][0].update(width=0), r"width, height is 0 x 16, expected whole numbers of pixels from 1"),
        (lambda c: c["images"][0].update(width=20.5), r"width, height is 20.5 x 16, expected whole numbers"),
        (lambda c: c["images"][0].update(width="20"), "width holds '20', not a number"),
        (lambda c: c["annotations"][1].pop("bbox"), "annotation 101: bbox is missing"),
        (lambda c: c["annotations"][1].pop("category_id"), "annotation 101: category_id is missing"),
        (lambda c: c["annotations"][1].update(id=100), "annotations, entry 2: id 100 was there before"),
        (lambda c: c["annotations"][1].update(id=1.5), "annotations, entry 2: id is 1.5, expected a whole number"),
        (lambda c: c["annotations"][1].update(image_id=99), "annotation 101: image_id 99 is the id of no image"),
        (lambda c: c["categories"][1].update(id=3), "categories, entry 2: id 3 was there before"),
        (lambda c: c["categories"][1].pop("name"), "category 7: name is missing"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_the_place_in_it(tmp_path, edit, message):
    change(coco_tree(tmp_path), "train", edit)
    with pytest.raises(DataError, match=rf"instances_train.json: .*{message}"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '"x"', "\xff\xfe", "[" * 100_000])
def test_what_is_not_json_is_one_message(tmp_path, text):
    root = coco_tree(tmp_path)
    (root / "annotations/instances_test.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"instances_test.json: not (JSON, or cut off|a COCO annotation file)"):
        read(root)


def test_missing_files_are_named(tmp_path):
    root = coco_tree(tmp_path)
    (root / "images/000003.jpg").unlink()
    with pytest.raises(DataError, match=r"000003.jpg: no such image, but .*instances_test.json lists it \(image 10"):
        read(root)
    (root / "annotations/instances_train.json").unlink()
    with pytest.raises(DataError, match=r"instances_train.json: cannot be read \(No such file"):
        read(root)
    (root / "images").rename(root / "pictures")
    with pytest.raises(DataError, match=r"images: no such folder .* Expected under .*: annotations/instances_train"):
        read(root)


def test_images_in_sub_folders_have_names_of_their_own(tmp_path):
    root = coco_tree(tmp_path, ["train/1.jpg", "train/2.PNG"], ["test/1.jpg"])
    images, truth = read(root)
    assert images["image_id"].tolist() == ["train/1", "train/2", "test/1"]
    assert images["file"].tolist() == ["images/train/1.jpg", "images/train/2.PNG", "images/test/1.jpg"]
    assert truth["image_id"].tolist() == ["train/1", "train/2", "test/1"]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (["1.jpg", "1.png"], ["2.jpg"], "image 1 is listed twice in train"),
        (["1.jpg"], ["1.jpg"], "image 1 is listed both in train and in test"),
        (["1.jpg"], [], "the test subset is empty"),
    ],
)
def test_an_image_is_listed_once(tmp_path, train, test, message):
    with pytest.raises(DataError, match=message):
        read(coco_tree(tmp_path, train, test))


def test_images_need_not_exist_to_read_annotations(tmp_path):
    root = coco_tree(tmp_path)
    change(root, "test", lambda c: c["images"][0].update(width=0, height=None))
    for image in (root / "images").iterdir():
        image.unlink()
    (root / "images").rmdir()
    images, truth = ground_truth.read(chosen(root), "voc", with_images=False)
    assert images["width"].tolist() == [20, 20, 0]
    assert len(truth) == 3


def test_the_same_data_in_two_formats_give_the_same_ground_truth(tmp_path):
    boxes = {
        "000001": [("dog", (3, 4, 10, 12)), ("cat", (1, 1, 20, 16))],
        "000002": [],
        "000003": [("cat", (5, 6, 7, 8))],
    }
    voc, other = voc_tree(tmp_path / "voc"), coco_tree(tmp_path / "coco")
    ids = {"dog": 3, "cat": 7}
    in_coco = {
        name: [(f"{name}.jpg", ids[label], [x - 1, y - 1, r - x + 1, b - y + 1], {}) for label, (x, y, r, b) in found]
        for name, found in boxes.items()
    }
    for name, found in boxes.items():
        (voc / f"Annotations/{name}.xml").write_text(voc_xml(*(voc_object(*item) for item in found)))
    for subset, names in (("train", ["000002", "000001"]), ("test", ["000003"])):
        content = coco_content([f"{name}.jpg" for name in names], [box for name in names for box in in_coco[name]])
        (other / f"annotations/instances_{subset}.json").write_text(json.dumps(content))
    given = settings("voc", voc)
    given["datasets"]["voc"]["classes"] = ["dog", "cat"]
    (voc_images, voc_truth), (coco_images, coco_truth) = ground_truth.read(given, "voc"), read(other)
    pd.testing.assert_frame_equal(voc_truth, coco_truth)
    pd.testing.assert_frame_equal(voc_images.drop(columns="file"), coco_images.drop(columns="file"))


def test_from_the_files_to_the_tables(tmp_path, capsys):
    root = coco_tree(tmp_path / "data", ["train/1.jpg", "train/2.jpg"], ["test/1.jpg"])
    (root / "images/notes.txt").write_text("no image")
    (root / "images/test").rename(tmp_path / "elsewhere")
    (root / "images/test").symlink_to(tmp_path / "elsewhere")
    given = parameters(tmp_path)
    given["run"]["datasets"] = ["mine"]
    given["datasets"]["mine"] = {
        "title": "Mine", "format": "coco", "detector": "faster_rcnn", "beta_target": "ratio",
        "classes": ["dog", "cat"],
        "demo": {"root": str(root), "short_side": 16, "long_side": 20},
    }  # fmt: skip
    schema.validate(given)
    step = ["--dataset", "mine", "--params", json.dumps(given)]
    manifest, split = tmp_path / "m.json", tmp_path / "s.json"
    tables = [f"--images={tmp_path / 'i.parquet'}", f"--ground-truth={tmp_path / 'g.parquet'}"]
    assert cli.main(["fetch", *step, "--out", str(manifest)]) == 0
    assert "found 3 images and 2 annotation files" in capsys.readouterr().out
    first = read_json(manifest)
    assert cli.main(["split", *step, "--manifest", str(manifest), "--split", str(split), *tables]) == 0
    assert "mine train: 2 images, 2 objects (0 difficult), 0 ignore regions" in capsys.readouterr().out
    assert read_json(split)["subsets"]["test"]["ids"] == ["test/1"]
    assert read_json(split)["tree"] == first["sha256"]
    assert read_table(tmp_path / "g.parquet")["class"].tolist() == ["dog"] * 3
    Image.new("RGB", (20, 16)).save(root / "images/test/1.jpg")  # in a sub-folder elsewhere, but part of the data set
    assert cli.main(["fetch", *step, "--out", str(manifest)]) == 0
    assert read_json(manifest)["sha256"] != first["sha256"]


def test_the_example_is_valid():
    example = yaml.safe_load((ROOT / "examples/coco.yaml").read_text())
    schema.validate(merged(PARAMS, example))
    example["datasets"]["mine"]["format"] = "kitti"
    with pytest.raises(ParamsError, match=r"datasets.mine.demo.first: missing; KITTI's split is the first images"):
        schema.validate(merged(PARAMS, example))
    example["datasets"]["mine"]["format"] = "yolo"
    with pytest.raises(ParamsError, match='format: "yolo" is not allowed; expected one of voc, kitti, coco'):
        schema.validate(merged(PARAMS, example))


def test_miniatures_are_drawn_in_other_formats_only(tmp_path, capsys):
    given = chosen(tmp_path / "tree")
    given["datasets"]["voc"]["demo"]["miniature"] = {"seed": 7, "train": 1, "test": 1}
    command = ["fetch", "--dataset", "voc", "--params", json.dumps(given), "--out", str(tmp_path / "m.json")]
    assert cli.main(command) == 2
    assert "nothing is drawn in the format coco" in capsys.readouterr().err
