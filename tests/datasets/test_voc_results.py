"""Results files of the VOC devkit, and annotations in a tree or an archive: what is read, and each mistake."""

import gzip
import tarfile
from pathlib import Path

import pytest

from sohem.datasets import voc_results
from sohem.errors import DataError
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS
from trees import voc_object, voc_tree, voc_xml

CLASSES = ["cat", "dog"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two dogs in two images, no cat."""
    folder = tmp_path / "Main"
    folder.mkdir()
    (folder / "comp4_det_test_cat.txt").write_text("")
    (folder / "comp4_det_test_dog.txt").write_text("000003 0.9 3 4 10 12\n000010 0.25 1.5 1 20 16\n\n")
    return folder


def test_results_become_half_open_from_zero(results: Path) -> None:
    table = voc_results.read_results(results, CLASSES)
    assert table.columns.tolist() == DETECTION_COLUMNS
    # Pixels 3 to 10 counted from 1 are pixels 2 to 9 counted from 0: half-open 2 to 10.
    assert table.to_numpy().tolist() == [
        ["000003", "dog", 0.9, 2, 3, 10, 12],
        ["000010", "dog", 0.25, 0.5, 0, 20, 16],
    ]


def test_results_in_which_nothing_was_found(results: Path) -> None:
    table = voc_results.read_results(results, ["cat"])
    assert table.columns.tolist() == DETECTION_COLUMNS
    assert table.empty


@pytest.mark.parametrize(
    "line", ["000003 0.9 3 4 10", "000003 0.9 3 4 10 12 7", "000003 x 3 4 10 12", "3 nan 3 4 10 12"]
)
def test_a_line_that_is_no_detection_is_named(results: Path, line: str) -> None:
    (results / "comp4_det_test_dog.txt").write_text(f"000003 0.9 3 4 10 12\n{line}\n")
    with pytest.raises(DataError, match=rf"comp4_det_test_dog\.txt, line 2: '{line}' is not <image> <score> <xmin>"):
        voc_results.read_results(results, CLASSES)


def test_a_file_that_is_no_text_is_named(results: Path) -> None:
    (results / "comp4_det_test_dog.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"comp4_det_test_dog\.txt: cannot be read as text"):
        voc_results.read_results(results, CLASSES)


def test_each_class_has_one_file(results: Path) -> None:
    with pytest.raises(DataError, match=r"no file for class cow; expected comp4_det_test_cow\.txt"):
        voc_results.read_results(results, [*CLASSES, "cow"])
    (results / "comp3_det_test_dog.txt").write_text("")
    with pytest.raises(DataError, match=r"both comp3_det_test_dog\.txt and comp4_det_test_dog\.txt for class dog"):
        voc_results.read_results(results, CLASSES)


def packed(tree: Path, archive: Path, name: str = "VOCdevkit/VOC2007") -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tree, name)
    return archive


def test_a_tree_and_an_archive_of_it_give_the_same_truth(tmp_path: Path) -> None:
    tree = voc_tree(tmp_path / "VOCdevkit" / "VOC2007", test=("000003", "000010"))
    difficult = voc_object("cat", (1, 1, 20, 16), "<difficult>1</difficult>")
    (tree / "Annotations/000010.xml").write_text(voc_xml(difficult))
    expected = [["000003", "dog", 2, 3, 10, 12, False, False], ["000010", "cat", 0, 0, 20, 16, True, False]]
    for source in (tree, tmp_path, packed(tree, tmp_path / "test.tar.gz")):
        images, truth = voc_results.read_truth(source, CLASSES)
        assert images.tolist() == ["000003", "000010"]
        assert truth.columns.tolist() == GROUND_TRUTH_COLUMNS
        assert truth.to_numpy().tolist() == expected


def test_ignored_labels_are_regions(tmp_path: Path) -> None:
    _, truth = voc_results.read_truth(voc_tree(tmp_path), ["cat"], ["dog"])
    assert truth.to_numpy().tolist() == [["000003", "", 2, 3, 10, 12, False, True]]


def test_images_without_objects_are_test_images(tmp_path: Path) -> None:
    tree = voc_tree(tmp_path)
    (tree / "Annotations/000003.xml").write_text(voc_xml())
    images, truth = voc_results.read_truth(tree, CLASSES)
    assert (images.tolist(), len(truth)) == (["000003"], 0)


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("Annotations/000003.xml", None, "000003.xml: no such annotation, but image 000003"),
        ("Annotations/000003.xml", voc_xml(voc_object("cow")), "000003.xml: object 1 (cow): class 'cow' is not"),
        ("Annotations/000003.xml", "<annotation>", "000003.xml: XML cut off or damaged"),
        ("ImageSets/Main/test.txt", None, "no ImageSets/Main/test.txt; expected one tree"),
        ("ImageSets/Main/test.txt", "", "lists no image"),
        ("ImageSets/Main/test.txt", "000003\n000003\n", "lists an image twice"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_tree_is_named(
    tmp_path: Path, file: str, content: str | None, message: str, archived: bool
) -> None:
    tree = voc_tree(tmp_path / "tree")
    (tree / file).unlink()
    if content is not None:
        (tree / file).write_text(content)
    source = packed(tree, tmp_path / "test.tar") if archived else tree
    with pytest.raises(DataError) as caught:
        voc_results.read_truth(source, CLASSES)
    assert str(caught.value).startswith(str(source))
    assert message in str(caught.value)


def test_two_trees_are_refused(tmp_path: Path) -> None:
    for name in ("VOC2007", "VOC2012"):
        voc_tree(tmp_path / name)
    with pytest.raises(DataError, match=r"both .*VOC2007/ImageSets/Main/test\.txt and .*VOC2012"):
        voc_results.read_truth(tmp_path, CLASSES)


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "test.tar").write_text("no archive")
    with pytest.raises(DataError, match=r"test\.tar: not a whole archive .*expected a tar archive of a VOC tree"):
        voc_results.read_truth(tmp_path / "test.tar", CLASSES)
    with pytest.raises(DataError, match=r"nowhere\.tar: cannot be read \(No such file"):
        voc_results.read_truth(tmp_path / "nowhere.tar", CLASSES)
    whole = packed(voc_tree(tmp_path / "tree"), tmp_path / "cut.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.tar\.gz: not a whole archive"):
        voc_results.read_truth(tmp_path / "cut.tar.gz", CLASSES)


def test_a_table_with_voc_corners(tmp_path: Path) -> None:
    path = tmp_path / "gt.csv"
    path.write_text("image_id,class,x1,y1,x2,y2,difficult\n000003,dog,3,4,10,12,0\n000010,cat,1,1,20,16,True\n")
    assert voc_results.read_csv(path, GROUND_TRUTH_COLUMNS).to_numpy().tolist() == [
        ["000003", "dog", 2, 3, 10, 12, False, False],
        ["000010", "cat", 0, 0, 20, 16, True, False],
    ]
    with pytest.raises(DataError, match=r"gt\.csv: no column score; expected a CSV table with VOC's corners"):
        voc_results.read_csv(path, DETECTION_COLUMNS)
    path.write_text("image_id,class,score,x1,y1,x2,y2\n000003,dog,high,3,4,10,12\n")
    with pytest.raises(DataError, match=r"gt\.csv: column score: could not convert string to float: 'high'"):
        voc_results.read_csv(path, DETECTION_COLUMNS)
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file; expected a CSV table"):
        voc_results.read_csv(tmp_path / "nowhere.csv", DETECTION_COLUMNS)


def test_a_damaged_compressed_table_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{k:06},dog,0.{k},3,4,10,{k}\n" for k in range(12, 200))
    whole = gzip.compress(f"image_id,class,score,x1,y1,x2,y2\n{rows}".encode())
    for damaged in (whole[: len(whole) // 2], whole[:40] + b"x" + whole[41:], whole[:-5] + b"xxxxx", b"x" + whole):
        (tmp_path / "det.csv.gz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"det\.csv\.gz: not a table .*expected a CSV table"):
            voc_results.read_csv(tmp_path / "det.csv.gz", DETECTION_COLUMNS)
