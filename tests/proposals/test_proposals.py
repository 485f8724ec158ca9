import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from box_tables import IMAGES, table
from sohem import cli
from sohem.errors import DataError, ParamsError
from sohem.files import read_table, write_table
from sohem.proposals import chunks, recall, selective_search
from trees import settings

BOX = ["x1", "y1", "x2", "y2"]


def picture(height=48, width=64) -> np.ndarray:
    """A blue background with a red and a green rectangle."""
    image = np.full((height, width, 3), (30, 60, 200), np.uint8)
    image[8:24, 10:40] = (220, 30, 20)
    image[30:44, 36:60] = (20, 200, 40)
    return image


def find(image, image_id="a", mode="fast", resize=1.0, min_size=2):
    return selective_search.find(image, image_id, mode, 150, resize, min_size)


def has(boxes, box, within=1.0) -> bool:
    return bool((np.abs(boxes - np.array(box)) <= within).all(axis=1).any())


@pytest.mark.parametrize("mode", ["fast", "quality"])
def test_rectangles_are_found_half_open(mode):
    boxes = find(picture(192, 256), mode=mode)
    assert boxes.dtype == np.float32
    assert has(boxes, (10, 8, 40, 24))
    assert has(boxes, (36, 30, 60, 44))


def test_boxes_are_scaled_back_and_stay_inside():
    large = picture(49, 65).repeat(4, axis=0).repeat(4, axis=1)[:195, :259]
    boxes = find(large, resize=0.5)
    assert has(boxes, (40, 32, 160, 96), within=3)
    assert boxes.min() >= 0
    assert (boxes.max(axis=0) <= [259, 195, 259, 195]).all()


def test_the_same_boxes_whatever_ran_before():
    first = find(picture())
    find(picture()[::-1], "b")
    assert find(picture()).tobytes() == first.tobytes()
    other = find(picture(), "c")  # the order depends on the image's name, the set does not
    assert np.array_equal(np.unique(other, axis=0), np.unique(first, axis=0))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (8, 8), (5, 200)])
def test_an_image_without_structure_gives_at_least_itself(shape):
    height, width = shape
    assert find(np.zeros((height, width, 3), np.uint8), min_size=1).tolist() == [[0, 0, width, height]]


boxes_strategy = st.lists(
    st.tuples(*[st.integers(0, 6)] * 2, *[st.integers(0, 6)] * 2).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])),
    max_size=30,
)  # fmt: skip


@hypothesis_settings(deadline=None)
@given(boxes_strategy, st.integers(0, 4))
def test_each_box_once_and_none_too_small(boxes, min_size):
    found = selective_search.distinct(np.array(boxes, np.float32).reshape(-1, 4), min_size)
    least = max(min_size, 1)
    assert [tuple(b) for b in found] == sorted({b for b in boxes if b[2] - b[0] >= least and b[3] - b[1] >= least})


def test_iou_of_half_open_boxes():
    one = np.array([[0, 0, 10, 10]])
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [3, 3, 3, 3]])
    assert recall.iou(one, others).tolist() == [[1, 50 / 150, 0, 0]]


def test_recall_by_hand():
    truth = table(
        ("a", (0, 0, 10, 10)), ("a", (0, 0, 4, 4)), ("b", (0, 0, 10, 10)), ("c", (0, 0, 10, 10)),
        **{"class": ["dog", "cat", "dog", "dog"], "difficult": [False, False, False, True], "ignore": False},
    )  # fmt: skip
    # Overlaps: 6/10 with a's dog, 16/60 with its cat, nothing near b's dog; c's dog is difficult.
    proposals = table(("a", (0, 0, 10, 6)), ("b", (50, 50, 60, 60)), ("c", (0, 0, 10, 10)))
    found = recall.table(IMAGES, truth, proposals).set_index(["subset", "class", "iou"])
    assert found.loc[("train", "all", 0.5), ["recall", "objects"]].tolist() == [round(1 / 3, 4), 3]
    assert found.loc[("train", "dog", 0.5), ["recall", "objects"]].tolist() == [0.5, 2]
    assert found.loc[("train", "dog", 0.7), "recall"] == 0
    assert found.loc[("train", "cat", 0.5), "recall"] == 0
    assert math.isnan(found.loc[("test", "dog", 0.5), "recall"])
    assert found.loc[("train", "all", 0.5), "proposals_per_image"] == 1


def test_an_overlap_of_exactly_the_threshold_counts():
    truth = table(("a", (0, 0, 10, 10)), **{"class": "dog", "difficult": False, "ignore": False})
    found = recall.table(IMAGES, truth, table(("a", (0, 0, 10, 5))))
    assert found["recall"].tolist()[:2] == [1, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_chunks_are_a_partition(count):
    parts = [chunks.part(IMAGES, k, count) for k in range(1, count + 1)]
    assert sorted(pd.concat(parts)["image_id"]) == ["a", "b", "c"]


def test_there_is_no_chunk_beyond_the_last():
    for chunk in (0, 5):
        with pytest.raises(ParamsError, match=rf"--chunk {chunk}: expected 1 to 4"):
            chunks.part(IMAGES, chunk, 4)


def test_chunks_join_in_the_order_of_the_images():
    one, two = table(("c", (0, 0, 1, 1)), ("a", (0, 0, 9, 9)), ("a", (0, 0, 2, 2))), table(("b", (0, 0, 3, 3)))
    joined = chunks.join(IMAGES, {"1": one, "2": two}, "voc")
    assert joined[["image_id", "x2"]].to_numpy().tolist() == [["a", 9], ["a", 2], ["b", 3], ["c", 1]]


def test_wrong_chunks_are_named():
    a, b, c, d = (table((i, (0, 0, 1, 1))) for i in "abcd")
    with pytest.raises(DataError, match="no proposals for image b and 1 more; run sohem propose --dataset voc"):
        chunks.join(IMAGES, {"1": a}, "voc")
    with pytest.raises(DataError, match="2: image a is in 1 too"):
        chunks.join(IMAGES, {"1": a, "2": a}, "voc")
    with pytest.raises(DataError, match="4: proposals for image d, which is not in the split"):
        chunks.join(IMAGES, {"1": a, "2": b, "3": c, "4": d}, "voc")
    with pytest.raises(DataError, match=r"1: columns x1, .*expected image_id"):
        chunks.join(IMAGES, {"1": a.drop(columns="image_id")}, "voc")


def test_the_steps_give_the_same_file_for_any_number_of_chunks(tmp_path, capsys):
    images = IMAGES.assign(file=[f"{i}.png" for i in "abc"], width=64, height=48)
    write_table(tmp_path / "images.parquet", images)
    truth = table(("a", (10, 8, 40, 24)), **{"class": "dog", "difficult": False, "ignore": False})
    write_table(tmp_path / "truth.parquet", truth)
    for index, name in enumerate("abc"):
        Image.fromarray(np.roll(picture(), 7 * index, axis=1)).save(tmp_path / f"{name}.png")
    results = []
    for count in (1, 4):  # with four, one chunk is empty
        chosen = settings("voc", tmp_path)
        chosen["scales"]["demo"]["selective_search"].update(chunks=count, resize=1.0)
        paths = [str(tmp_path / f"{count}-{k}.parquet") for k in range(1, count + 1)]
        common = ["--params", json.dumps(chosen), "--dataset", "voc", "--images", str(tmp_path / "images.parquet")]
        for k, path in reversed(list(enumerate(paths, 1))):
            assert cli.main(["propose", *common, "--chunk", str(k), "--out", path]) == 0
        out, csv = tmp_path / f"{count}.parquet", tmp_path / f"{count}.csv"
        merge = ["merge-proposals", *common, "--ground-truth", str(tmp_path / "truth.parquet")]
        assert cli.main([*merge, "--out", str(out), "--recall", str(csv), *paths]) == 0
        results.append((out.read_bytes(), csv.read_bytes()))
    assert results[0] == results[1]
    assert read_table(tmp_path / "1.parquet").columns.tolist() == chunks.COLUMNS
    assert "voc train: recall 1.000 at IoU 0.5" in capsys.readouterr().out
    (tmp_path / "b.png").write_bytes(b"")
    assert cli.main(["propose", *common, "--chunk", "2", "--out", str(tmp_path / "x.parquet")]) == 2
    assert not (tmp_path / "x.parquet").exists()


def test_an_image_in_which_nothing_is_found_is_named(tmp_path, capsys):
    Image.new("RGB", (5, 4)).save(tmp_path / "a.png")
    images = pd.DataFrame({"image_id": ["a"], "file": ["a.png"], "width": [5], "height": [4], "subset": ["train"]})
    write_table(tmp_path / "images.parquet", images)
    words = ["propose", "--params", json.dumps(settings("voc", tmp_path)), "--dataset", "voc", "--chunk", "1"]
    assert cli.main([*words, f"--images={tmp_path / 'images.parquet'}", f"--out={tmp_path / 'p.parquet'}"]) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path / 'a.png'}: selective search finds no box in its 5x4 pixels." in error
    assert "lower scales.demo.selective_search.min_size" in error
