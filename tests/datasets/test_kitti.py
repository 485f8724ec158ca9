import pytest

from sohem.datasets import kitti
from sohem.datasets.annotation import Object, label_of
from sohem.errors import DataError
from trees import PARAMS, kitti_line

KITTI = PARAMS["datasets"]["kitti"]
LABELS = label_of(KITTI["classes"], KITTI["ignore"])


@pytest.fixture
def read(tmp_path):
    """Read one label file from its lines, as 000012.txt."""

    def reader(*lines: str, size=(20, 16)) -> list[Object]:
        path = tmp_path / "000012.txt"
        path.write_text("\n".join(lines))
        return kitti.read_annotation(path, LABELS, size, "datasets.kitti.classes").objects

    return reader


def test_corners_are_taken_as_they_are(read):
    assert read(kitti_line("Car", (1.5, 2, 10.25, 12))) == [Object("car", (1.5, 2, 10.25, 12))]


def test_every_type_has_its_class(read):
    types = ["Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc"]
    assert [o.label for o in read(*map(kitti_line, types))] == [
        "car", "van", "truck", "person", "person", "cyclist", "tram", "misc",
    ]  # fmt: skip


def test_dontcare_is_an_ignore_region_cut_to_the_image(read):
    dont_care = "DontCare -1 -1 -10 {} -1 -1 -1 -1000 -1000 -1000 -10"
    found = read(dont_care.format("-3 5 30 16"), dont_care.format("20 5 25 16"), kitti_line())
    assert found[0] == Object("", (0, 5, 20, 16), ignore=True)  # the second lies wholly outside
    assert found[1].label == "car"


def test_truncation_is_a_share_and_minus_one_is_unknown(read):
    lines = [kitti_line(truncated=t) for t in ("0.00", "0.35", "-1")]
    assert [o.truncated for o in read(*lines)] == [False, True, False]


def test_a_byte_order_mark_is_no_part_of_the_first_type(read):
    assert read("\ufeff" + kitti_line("Car")) == read(kitti_line("Car"))


def test_empty_files_and_lines_are_no_objects(read):
    assert read("") == []
    assert len(read("", kitti_line(), "")) == 1


@pytest.mark.parametrize("line", [kitti_line() + " 0.93", kitti_line().rsplit(" ", 1)[0], "Car"])
def test_a_wrong_number_of_fields_names_file_and_line(read, line):
    with pytest.raises(DataError, match=rf"000012.txt, line 2: {len(line.split())} fields, expected 15"):
        read(kitti_line(), line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (kitti_line("Lorry"), "class 'Lorry' is not in the list; add it to datasets.kitti.classes"),
        (kitti_line(box=(10, 2, 10, 12)), "right <= left"),
        (kitti_line(box=(1, 12, 10, 2)), "bottom <= top"),
        (kitti_line(box=(-1, 2, 10, 12)), "lies outside the image (20x16 pixels)"),
        (kitti_line(box=(1, 2, 10, 16.5)), "lies outside the image (20x16 pixels)"),
        (kitti_line(box=(1, "two", 10, 12)), "top is 'two', not a number"),
        (kitti_line(truncated="inf"), "truncated is 'inf', not a number"),
    ],
)
def test_a_wrong_object_names_file_line_and_type(read, line, message):
    with pytest.raises(DataError) as error:
        read(kitti_line(), line)
    assert f"000012.txt, line 2 ({line.split()[0]}): " in str(error.value)
    assert message in str(error.value)


def test_the_first_images_by_index_train():
    assert kitti.split(["10", "9", "000002", "1"], 3) == {"train": ["1", "000002", "9"], "test": ["10"]}
    with pytest.raises(DataError, match=r"datasets.kitti.demo.first: 4 images are to train, but there are 4"):
        kitti.split(["1", "2", "3", "4"], 4, "datasets.kitti.demo.first")
