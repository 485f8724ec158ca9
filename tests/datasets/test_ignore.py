"""`datasets.<name>.ignore`: objects of these labels are neither background, nor found nor missed, in every format."""

import pytest

from sohem.datasets import coco, ground_truth, kitti, voc
from sohem.datasets.annotation import Object, label_of
from sohem.errors import DataError
from trees import coco_tree, kitti_line, kitti_tree, settings, voc_object, voc_tree, voc_xml

LABELS = label_of({"pet": ["dog"]}, ["cat"])


def of_voc(folder, *objects, labels=LABELS):
    """What is read of an annotation with these (name, box in VOC's corners, more XML)."""
    return voc_annotation(folder, objects, labels).objects


def voc_annotation(folder, objects, labels):
    path = folder / "1.xml"
    path.write_text(voc_xml(*(voc_object(*each) for each in objects)))
    return voc.read_annotation(path, labels, (20, 16))


def of_kitti(folder, *objects, labels=LABELS):
    """The same of (type, box, truncated)."""
    path = folder / "1.txt"
    path.write_text("\n".join(kitti_line(*each) for each in objects))
    return kitti.read_annotation(path, labels, (20, 16)).objects


def of_coco(folder, *objects, labels=LABELS):
    """The same of (id of the category, bbox, more keys)."""
    return coco_annotation(folder, objects, labels).objects


def coco_annotation(folder, objects, labels):
    root = coco_tree(folder / "coco", ["a.jpg"], ["b.jpg"], [("a.jpg", *each) for each in objects])
    (image,) = coco.listing(root, {}, "datasets.voc.demo", with_images=True)["train"]
    return coco.read_annotation(image.source, labels, (20, 16))


@pytest.mark.parametrize(
    ("read", "objects"),
    [
        (of_voc, [("dog", (3, 4, 10, 12)), ("cat", (1, 1, 20, 16))]),
        (of_kitti, [("dog", (2, 3, 10, 12)), ("cat", (0, 0, 20, 16))]),
        (of_coco, [(3, [2, 3, 8, 9], {}), (7, [0, 0, 20, 16], {})]),
    ],
)
def test_an_object_of_an_ignored_label_is_an_ignore_region(tmp_path, read, objects):
    assert read(tmp_path, *objects) == [Object("pet", (2, 3, 10, 12)), Object("", (0, 0, 20, 16), ignore=True)]


def test_an_ignored_object_is_neither_difficult_nor_truncated(tmp_path):
    flags = "<difficult>1</difficult><truncated>1</truncated>"
    assert of_voc(tmp_path, ("cat", (1, 1, 20, 16), flags)) == [Object("", (0, 0, 20, 16), ignore=True)]
    assert of_kitti(tmp_path, ("cat", (0, 0, 20, 16), "0.5")) == [Object("", (0, 0, 20, 16), ignore=True)]


@pytest.mark.parametrize(
    ("read", "object", "message"),
    [
        (of_voc, ("cat", (1, 1, 21, 16)), r"object 1 \(cat\): .* lies outside the image"),
        (of_voc, ("cat", (9, 1, 3, 16)), r"object 1 \(cat\): .* has xmax <= xmin"),
        (of_kitti, ("cat", (0, 0, 21, 16)), r"line 1 \(cat\): .* lies outside the image"),
        (of_coco, (7, [0, 0, 21, 16], {}), r"annotation 100: .* lies outside the image"),
    ],
)
def test_a_mistake_in_an_ignored_object_is_reported(tmp_path, read, object, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, object)


def test_a_label_that_is_neither_in_a_class_nor_ignored_is_a_mistake(tmp_path):
    message = r"class 'cow' is not in the list; add it to datasets.x.classes in params.yaml, or to ignore beside it"
    (tmp_path / "1.xml").write_text(voc_xml(voc_object("cow")))
    with pytest.raises(DataError, match=message):
        voc.read_annotation(tmp_path / "1.xml", LABELS, key="datasets.x.classes")


def test_dontcare_that_is_not_ignored_is_background(tmp_path):
    lines = [("DontCare", (0, 0, 20, 16)), ("dog", (2, 3, 10, 12))]
    assert of_kitti(tmp_path, *lines) == [Object("pet", (2, 3, 10, 12))]
    ignoring = label_of({"pet": ["dog"]}, ["DontCare"])
    assert of_kitti(tmp_path, *lines, labels=ignoring)[0] == Object("", (0, 0, 20, 16), ignore=True)


@pytest.mark.parametrize("box", [(-1, -1, -1, -1), (5, 5, 5, 9), (9, 5, 2, 8), (20, 0, 30, 16), (-9, -9, 0, 16)])
def test_nothing_remains_of_a_dontcare_region_outside_or_without_extent(tmp_path, box):
    assert of_kitti(tmp_path, ("DontCare", box), labels=label_of(["dog"], ["DontCare"])) == []


def of_tree(folder, kinds, ignore):
    """The objects of the first image of a KITTI tree with these types, where a car alone is a class."""
    root = kitti_tree(folder / "kitti", 2)
    (root / "label_2/000000.txt").write_text("\n".join(map(kitti_line, kinds)))
    given = settings("kitti", root, first=1)
    given["datasets"]["kitti"].update(classes={"car": ["Car"]}, ignore=ignore)
    del given["datasets"]["kitti"]["rigid"]
    _, objects = ground_truth.read(given, "kitti")
    return objects.loc[objects["image_id"] == "000000", "class"].tolist()


@pytest.mark.parametrize("mistyped", ["DontCaer", "dontcare", "Dont_Care", "Don't care"])
def test_a_mistyped_dontcare_is_refused_for_it_would_be_background(tmp_path, mistyped):
    message = (
        rf"datasets.kitti.ignore: no annotation has the label .{mistyped}., but there is 'DontCare', which is listed "
        "nowhere; correct the label or take it off the list"
    )
    with pytest.raises(DataError, match=message):
        of_tree(tmp_path, ["Car", "DontCare"], [mistyped])


def test_a_label_to_be_ignored_that_occurs_nowhere_is_named(tmp_path, capsys):
    assert of_tree(tmp_path, ["Car", "DontCare"], ["DontCare", "Tram"]) == ["car", ""]
    line = (
        "datasets.kitti.ignore: no annotation has the label 'Tram', which so does nothing; see that it is spelt right"
    )
    assert capsys.readouterr().err.splitlines()[-1] == line


def test_a_label_of_a_region_outside_the_image_occurs(tmp_path, capsys):
    root = kitti_tree(tmp_path / "kitti", 2)
    (root / "label_2/000000.txt").write_text(kitti_line("DontCare", (30, 0, 40, 16)))
    ground_truth.read(settings("kitti", root, first=1), "kitti")
    assert "no annotation has the label" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("read", "objects"),
    [
        (voc_annotation, [("dog", (3, 4, 10, 12)), ("cat", (1, 1, 20, 16))]),
        (coco_annotation, [(3, [2, 3, 8, 9], {}), (7, [0, 0, 20, 16], {})]),
    ],
)
def test_an_annotation_says_the_labels_as_they_stand_there(tmp_path, read, objects):
    assert list(read(tmp_path, objects, LABELS).labels) == ["dog", "cat"]


def test_what_the_tables_say(tmp_path):
    root = voc_tree(tmp_path / "voc", ["1", "2"], ["3"])
    difficult = voc_object("train", (1, 1, 20, 16), "<difficult>1</difficult>")
    (root / "Annotations/2.xml").write_text(voc_xml(difficult, voc_object("dog", (3, 4, 10, 12))))
    given = settings("voc", root)
    given["datasets"]["voc"].update(classes=["dog"], ignore=["train"])
    images, objects = ground_truth.read(given, "voc")
    assert objects[["image_id", "class", "ignore"]].to_numpy().tolist() == [
        ["1", "dog", False], ["2", "", True], ["2", "dog", False], ["3", "dog", False],
    ]  # fmt: skip
    train = ground_truth.summary(images, objects, "voc", ["dog"])["subsets"]["train"]
    assert (train["objects"], train["difficult"], train["ignored"]) == ({"dog": 2}, 0, 1)


@pytest.mark.parametrize(
    ("person", "ignore", "expected"),
    [
        (["Pedestrian", "Person_sitting"], ["DontCare"], ["", "person", "person"]),
        (["Pedestrian", "Person_sitting"], [], ["person", "person"]),
        (["Pedestrian"], ["DontCare", "Person_sitting"], ["", "person", ""]),
    ],
)
def test_the_readings_of_kitti(tmp_path, person, ignore, expected):
    root = kitti_tree(tmp_path / "kitti", 2)
    kinds = ("DontCare", "Pedestrian", "Person_sitting")
    (root / "label_2/000000.txt").write_text("\n".join(map(kitti_line, kinds)))
    given = settings("kitti", root, first=1)
    given["datasets"]["kitti"]["classes"]["person"] = person
    given["datasets"]["kitti"]["ignore"] = ignore
    _, objects = ground_truth.read(given, "kitti")
    assert objects.loc[objects["image_id"] == "000000", "class"].tolist() == expected
