import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sohem.datasets import voc
from sohem.datasets.annotation import Annotation, Object, label_of
from sohem.errors import DataError
from trees import PARAMS, voc_object, voc_xml

LABELS = label_of(PARAMS["datasets"]["voc"]["classes"])


@pytest.fixture
def read(tmp_path):
    """Read one annotation from its text, as file 000007.xml."""

    def reader(text: str | bytes, **more) -> Annotation:
        path = tmp_path / "000007.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return voc.read_annotation(path, LABELS, key="datasets.voc.classes", **more)

    return reader


def test_boxes_become_half_open_from_zero(read):
    # Pixels 3 to 10 counted from 1 are pixels 2 to 9 counted from 0: half-open 2 to 10, 8 pixels wide.
    assert read(voc_xml(voc_object("dog", (3, 4, 10, 12)))) == ((20, 16), [Object("dog", (2, 3, 10, 12))], ["dog"])


def test_the_whole_image_is_a_valid_box(read):
    assert read(voc_xml(voc_object("dog", (1, 1, 20, 16)))).objects[0].box == (0, 0, 20, 16)


def test_flags_decimals_and_unknown_elements(read):
    extra = (
        "<pose>Left</pose><truncated>1</truncated><difficult>1</difficult><occluded>0</occluded>"
        "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part><actions><jumping>1</jumping></actions>"
    )
    found = read(voc_xml("<source><x/></source>", voc_object("person", (3.7, 4, "10.25", " 12\n"), extra)))
    assert found.objects == [Object("person", (2.7, 3, 10.25, 12), difficult=True, truncated=True)]


@pytest.mark.parametrize("depth", ["", "<depth/>", "<depth></depth>", "<depth>3</depth>"])
def test_depth_does_not_matter(read, depth):
    xml = voc_xml(voc_object(), size=f"<size><width>20</width><height>16</height>{depth}</size>")
    assert read(xml).size == (20, 16)


def test_optional_flags_may_be_missing_or_empty(read):
    first, second = read(voc_xml(voc_object(), voc_object(extra="<truncated/><difficult></difficult>"))).objects
    assert first == second == Object("dog", (2, 3, 10, 12))


def test_an_image_may_hold_no_object_and_state_no_size(read):
    assert read("<annotation/>") == (None, [], [])
    assert read(voc_xml(size="<size><width>0</width><height>0</height></size>")).size is None


@pytest.mark.parametrize(
    ("width", "height"),
    [("-20", "16"), ("0", "16"), ("20", "0"), ("20.5", "16"), ("0.2", "0.2"), ("1e300", "16"), ("2147483648", "16")],
)
def test_a_size_that_no_image_has_is_refused(read, width, height):
    with pytest.raises(DataError, match=r"000007.xml: <size> is .* expected whole numbers of pixels from 1"):
        read(voc_xml(size=f"<size><width>{width}</width><height>{height}</height></size>"))


def test_a_number_is_one_to_everybody(read):
    assert read(voc_xml(size="<size><width> 2e1 </width><height>16.0</height></size>")).size == (20, 16)
    with pytest.raises(DataError, match="<width> is '2_0', not a number"):
        read(voc_xml(size="<size><width>2_0</width><height>16</height></size>"))


def test_a_stray_click_is_a_box_of_one_pixel(read):
    assert read(voc_xml(voc_object(box=(5, 6, 5, 6)))).objects[0].box == (4, 5, 5, 6)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((0, 4, 10, 12), "lies outside the image (20x16 pixels, counted from 1)"),
        ((3, 4, 21, 12), "lies outside the image"),
        ((3, 4, 10, 16.5), "lies outside the image"),
        ((10, 4, 3, 12), "has xmax <= xmin"),
        ((10, 4, 10, 12), "has xmax <= xmin"),
        ((3, 12, 10, 4), "has ymax <= ymin"),
        (("three", 4, 10, 12), "xmin is 'three', not a number"),
        (("nan", 4, 10, 12), "xmin is 'nan', not a number"),
        (("", 4, 10, 12), "xmin is '', not a number"),
    ],
)
def test_a_wrong_box_names_file_and_object(read, box, message):
    with pytest.raises(DataError) as error:
        read(voc_xml(voc_object(), voc_object("cat", box)))
    assert "000007.xml: object 2 (cat): " in str(error.value)
    assert message in str(error.value)


def test_the_image_decides_what_lies_outside(read):
    with pytest.raises(DataError, match="outside the image"):
        read(voc_xml(voc_object(box=(1, 1, 20, 16))), size=(19, 16))


def test_an_unknown_class_names_the_parameter_to_change(read):
    with pytest.raises(DataError, match=r"object 1 \(dragon\): class 'dragon' .* add it to datasets.voc.classes"):
        read(voc_xml(voc_object("dragon")))


def test_missing_parts_are_named(read):
    with pytest.raises(DataError, match=r"object 1 \(without a name\)"):
        read(voc_xml("<object/>"))
    with pytest.raises(DataError, match=r"object 1 \(dog\): <bndbox> is missing"):
        read(voc_xml("<object><name>dog</name></object>"))
    with pytest.raises(DataError, match=r"object 1 \(dog\): xmax is missing"):
        read(voc_xml("<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin></bndbox></object>"))
    with pytest.raises(DataError, match=r"object 1 \(dog\): difficult is 'maybe', expected 0 or 1"):
        read(voc_xml(voc_object(extra="<difficult>maybe</difficult>")))


@settings(deadline=None)
@given(st.integers(0, len(voc_xml(voc_object())) - 1))
def test_xml_cut_anywhere_is_one_message(tmp_path_factory, length):
    path = tmp_path_factory.getbasetemp() / "000007.xml"
    path.write_text(voc_xml(voc_object())[:length])
    with pytest.raises(DataError, match=r"000007.xml: XML cut off or damaged"):
        voc.read_annotation(path, LABELS)


def test_other_files_are_refused(read):
    with pytest.raises(DataError, match="expected <annotation>"):
        read("<html/>")
    with pytest.raises(DataError, match="cut off or damaged"):
        read(b"\xff\xd8\xff\xe0 a photograph")
    with pytest.raises(DataError, match="cut off or damaged"):
        read('<?xml version="1.0" encoding="no-such"?><annotation/>')


def test_a_missing_annotation_is_named(tmp_path):
    with pytest.raises(DataError, match=r"9.xml: cannot be read \(No such file"):
        voc.read_annotation(tmp_path / "9.xml", LABELS)


@pytest.mark.parametrize(
    "definition",
    ['<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">', '<!ENTITY b SYSTEM "file:///etc/passwd">'],
)
def test_entities_are_refused(read, definition):
    with pytest.raises(DataError, match=r"000007.xml: declares XML entities"):
        read(f"<!DOCTYPE annotation [{definition}]><annotation><folder>&b;</folder></annotation>")


def test_image_sets_with_windows_line_ends(tmp_path):
    folder = tmp_path / "ImageSets" / "Main"
    folder.mkdir(parents=True)
    (folder / "trainval.txt").write_bytes(b"\xef\xbb\xbf000002\r\n000001 \r\n\r\n")
    (folder / "test.txt").write_text("000003")
    assert voc.read_image_sets(tmp_path) == {"train": ["000002", "000001"], "test": ["000003"]}
    (folder / "test.txt").unlink()
    with pytest.raises(
        DataError, match=r"test.txt: cannot be read .*; it lists the test subset, one image name a line$"
    ):
        voc.read_image_sets(tmp_path)


def test_without_a_public_test_set_one_makes_lists_of_ones_own(tmp_path):
    """As VOC2012 is unpacked: ``trainval.txt`` with its two halves, and no ``test.txt``."""
    folder = tmp_path / "ImageSets" / "Main"
    folder.mkdir(parents=True)
    for name in ("train", "val", "trainval"):
        (folder / f"{name}.txt").write_text("2008_000002\n")
    message = r"test.txt: cannot be read .* From VOC2008 on .* not public: write trainval.txt and test.txt yourself"
    with pytest.raises(DataError, match=message):
        voc.read_image_sets(tmp_path)
