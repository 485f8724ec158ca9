"""Whole trees: what is read from them, what is checked, and the counts of the genuine data sets."""

import json

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from sohem import cli, params
from sohem.datasets import ground_truth, images, stored
from sohem.errors import DataError
from sohem.files import read_json, read_table
from trees import (
    PARAMS,
    coco_content,
    coco_tree,
    kitti_line,
    kitti_tree,
    settings,
    unpacked,
    voc_object,
    voc_tree,
    voc_xml,
)


def read(dataset, root, **more):
    return ground_truth.read(settings(dataset, root, **more), dataset)


def test_tables_of_a_voc_tree(tmp_path):
    root = voc_tree(tmp_path / "voc")
    (root / "Annotations/000002.xml").write_text(
        voc_xml(voc_object("cat", (1, 1, 20, 16), "<difficult>1</difficult>"), voc_object("dog"))
    )
    table, objects = read("voc", root)
    assert table.to_numpy().tolist() == [
        ["000001", "JPEGImages/000001.jpg", 20, 16, "train"],
        ["000002", "JPEGImages/000002.jpg", 20, 16, "train"],
        ["000003", "JPEGImages/000003.jpg", 20, 16, "test"],
    ]
    assert objects.iloc[1].to_dict() == {
        "image_id": "000002", "class": "cat", "x1": 0, "y1": 0, "x2": 20, "y2": 16,
        "difficult": True, "truncated": False, "ignore": False,
    }  # fmt: skip
    split = ground_truth.summary(table, objects, "voc", ["cat", "dog", "cow"])
    assert split == {
        "dataset": "voc",
        "subsets": {
            "train": {"images": 2, "objects": {"cat": 1, "dog": 2, "cow": 0}, "difficult": 1, "ignored": 0,
                      "ids": ["000001", "000002"]},
            "test": {"images": 1, "objects": {"cat": 0, "dog": 1, "cow": 0}, "difficult": 0, "ignored": 0,
                     "ids": ["000003"]},
        },
    }  # fmt: skip


def test_ignore_regions_are_counted_apart(tmp_path):
    root = kitti_tree(tmp_path / "kitti", 3)
    (root / "label_2/000002.txt").write_text(kitti_line() + "\n" + kitti_line("DontCare"))
    table, objects = read("kitti", root, first=2)
    assert table["subset"].tolist() == ["train", "train", "test"]
    test = ground_truth.summary(table, objects, "kitti", ["car"])["subsets"]["test"]
    assert (test["objects"], test["ignored"]) == ({"car": 1}, 1)
    assert objects["class"].tolist() == ["car", "car", "car", ""]


def test_images_without_objects_stay(tmp_path):
    root = voc_tree(tmp_path / "voc")
    (root / "Annotations/000001.xml").write_text(voc_xml())
    table, objects = read("voc", root)
    assert len(table) == 3
    assert objects["image_id"].tolist() == ["000002", "000003"]


def test_a_missing_image_or_annotation_is_named(tmp_path):
    root = voc_tree(tmp_path / "voc")
    (root / "JPEGImages/000003.jpg").rename(tmp_path / "away.jpg")
    with pytest.raises(
        DataError, match=r"JPEGImages/000003: no such image .* the test subset lists it \(Image.*test.txt\)"
    ):
        read("voc", root)
    (tmp_path / "away.jpg").rename(root / "JPEGImages/000003.png")  # another ending will do
    (root / "Annotations/000001.xml").unlink()
    with pytest.raises(DataError, match=r"000001.xml: no such annotation, but image 000001 is in the train"):
        read("voc", root)


def test_kitti_images_and_labels_go_together(tmp_path):
    root = kitti_tree(tmp_path / "kitti")
    (root / "image_2/000001.png").unlink()
    with pytest.raises(DataError, match=r"image_2/000001.png: no such file, but there is a .*label_2/000001.txt"):
        read("kitti", root, first=2)
    (root / "label_2/000001.txt").unlink()
    (root / "label_2/000002.txt").unlink()
    with pytest.raises(DataError, match=r"label_2/000002.txt: no such file, but there is a .*image_2/000002.png"):
        read("kitti", root, first=2)


@pytest.mark.parametrize("kept", [0, 100, -2])
def test_a_truncated_image_is_named(tmp_path, kept):
    path = voc_tree(tmp_path / "voc") / "JPEGImages/000002.jpg"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"000002.jpg: truncated or no image"):
        read("voc", tmp_path / "voc")
    with pytest.raises(DataError, match=r"000002.jpg: truncated or no image"):
        images.load(path)


def test_a_truncated_png_is_named(tmp_path):
    path = kitti_tree(tmp_path / "kitti") / "image_2/000003.png"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"000003.png: truncated or no image"):
        read("kitti", tmp_path / "kitti", first=2)


@pytest.mark.parametrize("kind", ["EPS", "GIF", "BMP"])
def test_an_image_of_another_format_is_never_opened(tmp_path, monkeypatch, kind):
    """Pillow hands an EPS to Ghostscript, whatever the file is called."""
    path = voc_tree(tmp_path / "voc") / "JPEGImages/000002.jpg"
    Image.new("RGB", (20, 16)).save(path, format=kind)
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *given, **more: pytest.fail("Ghostscript was started"))
    for call in (images.load, images.check):
        with pytest.raises(
            DataError, match=r"000002.jpg: truncated or no image \(by its contents neither JPEG nor PNG"
        ):
            call(path)


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    path = tmp_path / "000001.png"
    Image.fromarray(np.array([[0, 255, 256, 0x8000, 65535]], np.uint16)).save(path)
    assert images.check(path) == (5, 1)
    loaded = images.load(path)
    assert loaded.dtype == np.uint8
    assert loaded.tolist() == [[[grey] * 3 for grey in (0, 0, 1, 128, 255)]]


def test_names_are_ordered_as_numbers_however_long():
    long = "1" + "0" * 5000
    assert images.in_order(["b", long, "10", "9" * 5000, "9", "002", "2", "a", "²"]) == [
        "002", "2", "9", "10", "9" * 5000, long, "a", "b", "²",
    ]  # fmt: skip


def test_a_name_that_no_disk_takes_is_no_such_file(tmp_path):
    voc_tree(tmp_path / "voc", test=["000003"])
    (tmp_path / "voc/ImageSets/Main/test.txt").write_text("7" * 500)
    with pytest.raises(DataError, match=r"7\.xml: no such annotation, but image 7"):
        ground_truth.read(settings("voc", tmp_path / "voc"), "voc", with_images=False)
    coco_tree(tmp_path / "coco")
    content = json.dumps(coco_content(["7" * 500 + ".jpg"]))
    (tmp_path / "coco/annotations/instances_test.json").write_text(content)
    chosen = settings("voc", tmp_path / "coco")
    chosen["datasets"]["voc"]["format"] = "coco"
    with pytest.raises(DataError, match=r"7\.jpg: no such image, but "):
        ground_truth.read(chosen, "voc")


def test_an_image_of_another_size_than_annotated_is_named(tmp_path):
    root = voc_tree(tmp_path / "voc")
    Image.new("RGB", (16, 20)).save(root / "JPEGImages/000001.jpg")
    (root / "Annotations/000001.xml").write_text(voc_xml(voc_object(box=(1, 1, 5, 5))))
    with pytest.raises(DataError, match=r"000001.xml: <size> says 20x16 pixels, but the image has 16x20"):
        read("voc", root)


@pytest.mark.parametrize(
    ("trainval", "test", "message"),
    [
        (["1", "2"], ["2"], "image 2 is listed both in train and in test"),
        (["1", "1"], ["2"], "image 1 is listed twice in train"),
        ([], ["2"], r"Main/trainval.txt: lists no image, so the train subset is empty"),
        (["1"], [], r"Main/test.txt: lists no image, so the test subset is empty"),
    ],
)
def test_subsets_do_not_overlap(tmp_path, trainval, test, message):
    root = voc_tree(tmp_path / "voc", trainval, test)
    with pytest.raises(DataError, match=message):
        read("voc", root)


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_a_missing_root_says_what_is_expected_and_which_key_names_it(tmp_path, scale):
    with pytest.raises(DataError) as error:
        read("kitti", tmp_path / "nowhere", scale=scale)
    for part in ("nowhere: no such folder (data root missing)", "label_2/<index>.txt", f"datasets.kitti.{scale}.root",
                 f"name a folder in datasets.kitti.{scale}.archives; or get", "data_object_image_2.zip"):  # fmt: skip
        assert part in str(error.value)


def test_for_generated_images_no_download_is_advised(tmp_path):
    chosen = settings("kitti", tmp_path / "nowhere")
    chosen["datasets"]["kitti"]["demo"]["miniature"] = {"seed": 1, "train": 1, "test": 1}
    with pytest.raises(DataError, match="data root missing") as error:
        ground_truth.read(chosen, "kitti")
    assert "data_object_image_2.zip" not in str(error.value)


@pytest.mark.parametrize("root", ["VOCdevkit/VOC2012", "VOCdevkit", "VOCdevkit/VOC2007/JPEGImages", ".", "VOC2007"])
def test_another_years_devkit_is_named(tmp_path, root):
    data = tmp_path / "data"  # a folder by itself: beside tmp_path lie the trees of other tests
    voc_tree(data / "VOCdevkit/VOC2007")
    (data / "VOCdevkit/lost+found").mkdir(mode=0)  # of a disk's root, which nobody may enter
    with pytest.raises(DataError, match="no such folder") as error:
        read("voc", data / root)
    found = f"Such a tree was found in {data}/VOCdevkit/VOC2007. "
    assert (found in str(error.value)) == (root != "VOC2007")  # from there it is not looked for that far
    assert "datasets.voc.demo.root" in str(error.value)


def test_the_split_step(tmp_path, capsys):
    root = voc_tree(tmp_path / "voc")
    selected = params.dumps(params.select(settings("voc", root), "split", dataset="voc"))
    (tmp_path / "m.json").write_text(json.dumps({"root": str(root)}))
    files = {"manifest": "m.json", "split": "s.json", "images": "i.parquet", "ground-truth": "g.parquet"}
    out = [f"--{name}={tmp_path / file}" for name, file in files.items()]
    assert cli.main(["split", "--params", selected, "--dataset", "voc", *out]) == 0
    assert read_json(tmp_path / "s.json")["subsets"]["train"]["ids"] == ["000001", "000002"]
    types = {name: str(kind) for name, kind in read_table(tmp_path / "g.parquet").dtypes.items()}
    assert types == stored.OBJECTS
    before = (tmp_path / "s.json").read_bytes()

    (root / "Annotations/000003.xml").write_text(voc_xml(voc_object())[:-20])
    assert cli.main(["split", "--params", selected, "--dataset", "voc", *out]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("sohem: error: ")
    assert "000003.xml: XML cut off or damaged" in message
    assert (tmp_path / "s.json").read_bytes() == before

    (tmp_path / "m.json").write_text(json.dumps({"root": "elsewhere"}))
    assert cli.main(["split", "--params", selected, "--dataset", "voc", *out]) == 2
    assert "run sohem fetch --dataset voc" in capsys.readouterr().err


def test_the_genuine_voc07_annotations():
    with unpacked("voc07_annotations.tar.gz") as folder:
        chosen = settings("voc", folder / "VOCdevkit/VOC2007")
        table, objects = ground_truth.read(chosen, "voc", with_images=False)
    split = ground_truth.summary(table, objects, "voc", params.class_names(PARAMS, "voc"))["subsets"]
    counts = {k: (v["images"], sum(v["objects"].values()), v["difficult"]) for k, v in split.items()}
    assert counts == {"train": (5011, 15662, 15662 - 12608), "test": (4952, 14976, 14976 - 12032)}
    # Published with the challenge: objects of a few classes in trainval.
    assert [split["train"]["objects"][c] for c in ("aeroplane", "person", "sheep")] == [331, 5447, 353]


def test_the_genuine_kitti_labels():
    types = ["Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc"]
    with unpacked("kitti_labels.tar.gz") as folder:
        chosen = settings("kitti", folder / "kitti/training", first=5000)
        chosen["datasets"]["kitti"]["classes"] = types  # each type by itself
        table, objects = ground_truth.read(chosen, "kitti", with_images=False)
    assert table["subset"].value_counts().to_dict() == {"train": 5000, "test": 2481}
    assert table["image_id"].iloc[[0, 4999, 5000, 7480]].tolist() == ["000000", "004999", "005000", "007480"]
    assert objects["class"].value_counts().to_dict() == {
        "Car": 28742, "Van": 2914, "Truck": 1094, "Pedestrian": 4487, "Person_sitting": 222, "Cyclist": 1627,
        "Tram": 511, "Misc": 973,
    }  # fmt: skip
