"""The tree of photographs, made from the official archive (here a small one of the same form); `make photographs`."""

import io
import random
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from sohem.datasets import ground_truth
from trees import ROOT, SHARED, settings, voc_object

sys.path.insert(0, str(ROOT / "examples"))
import animals_tree

SUBSETS = {"2008_000002": "trainval", "2008_000001": "test"}


def photograph(size, *objects):
    """The two files of a photograph, as VOC2012 has them: an object may have parts with boxes of their own."""
    stream = io.BytesIO()
    Image.effect_noise(size, 40).convert("RGB").save(stream, "JPEG")
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    things = "".join(voc_object(name, box, part + flags) for name, box, flags in objects)
    head = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return stream.getvalue(), f"<annotation>{head}{things}</annotation>".encode()


@pytest.fixture
def devkit(tmp_path, monkeypatch):
    """A folder with VOCdevkit/VOC2012 of two photographs, which stand for the 3,426 of the list."""
    monkeypatch.setattr(animals_tree, "listed", lambda path: SUBSETS)
    monkeypatch.chdir(tmp_path)
    flags = "<truncated>1</truncated><difficult>1</difficult>"
    files = {
        "2008_000001": photograph((500, 281), ("cat", (3, 1, 500, 281), "")),
        "2008_000002": photograph((500, 333), ("dog", (3, 1, 500, 333), ""), ("person", (11, 21, 30, 41), flags)),
        "2008_000003": photograph((500, 375), ("car", (3, 1, 500, 333), "")),  # not on the list
    }
    root = tmp_path / "given/VOCdevkit/VOC2012"
    for folder in ("Annotations", "JPEGImages", "SegmentationClass"):
        (root / folder).mkdir(parents=True)
    for name, (image, annotation) in files.items():
        (root / f"JPEGImages/{name}.jpg").write_bytes(image)
        (root / f"Annotations/{name}.xml").write_bytes(annotation)
    return tmp_path / "given"


def packed(devkit, name="VOCtrainval_11-May-2012.tar"):
    with tarfile.open(devkit.parent / name, "w") as tar:
        tar.add(devkit / "VOCdevkit", "VOCdevkit")
    return devkit.parent / name


def refused(capsys, *words):
    assert animals_tree.main([*map(str, words), "--out", "out"]) == 2
    assert not [path for path in Path("out").rglob("*") if path.is_file()]
    return capsys.readouterr().err


@pytest.mark.parametrize("form", ["tar", "folder", "devkit", "year"])
def test_the_tree_has_the_photographs_scaled_with_their_boxes(devkit, capsys, form):
    inside = {"folder": "", "devkit": "VOCdevkit", "year": "VOCdevkit/VOC2012"}
    archive = packed(devkit) if form == "tar" else devkit / inside[form]
    assert animals_tree.main([str(archive), "--out", "data/animals"]) == 0
    assert "1 photographs to train on, 1 to test on; difficult and truncated written as 0" in capsys.readouterr().out
    root = Path("data/animals/VOCdevkit/VOC2012")
    assert sorted(path.name for path in root.rglob("*.*")) == [
        "2008_000001.jpg", "2008_000001.xml", "2008_000002.jpg", "2008_000002.xml", "test.txt", "trainval.txt",
    ]  # fmt: skip
    assert (root / "ImageSets/Main/trainval.txt").read_text() == "2008_000002\n"
    chosen = settings("voc", root)
    chosen["datasets"]["voc"]["demo"].pop("first", None)
    images, boxes = ground_truth.read(chosen, "voc")
    assert images.set_index("image_id")[["subset", "width", "height"]].T.to_dict("list") == {
        "2008_000002": ["train", 450, 300],
        "2008_000001": ["test", 500, 281],  # its short side is below 300: it stays as it is
    }
    # 500 x 333 became 450 x 300: x times 0.9, y times 300/333; half-open, so that 3 to 500 is 2 to 500.
    rows = boxes.set_index(["image_id", "class"])
    assert rows.loc[("2008_000002", "dog"), ["x1", "y1", "x2", "y2"]].tolist() == pytest.approx([1.8, 0, 450, 300])
    assert rows.loc[("2008_000002", "person"), ["x1", "y1", "x2", "y2"]].tolist() == pytest.approx([9, 18, 27, 36.9])
    assert rows.loc[("2008_000001", "cat"), ["x1", "y1", "x2", "y2"]].tolist() == [2, 0, 500, 281]
    assert not rows["difficult"].any()


def test_the_official_flags_can_be_kept(devkit):
    assert animals_tree.main([str(devkit), "--out", "out", "--flags"]) == 0
    written = Path("out/VOCdevkit/VOC2012/Annotations/2008_000002.xml").read_text()
    assert written.count("<difficult>1</difficult>") == written.count("<truncated>1</truncated>") == 1


def test_what_is_not_the_archive_is_refused(devkit, capsys):
    assert "absent.tar: no such file or folder; it is to be VOCtrainval_11-May-2012.tar" in refused(
        capsys, "absent.tar"
    )
    other = devkit.rename(devkit.parent / "other")
    (other / "VOCdevkit/VOC2012").rename(other / "VOCdevkit/VOC2007")
    for archive in (other, packed(other, "VOCtrainval_06-Nov-2007.tar")):
        message = refused(capsys, archive)
        assert "lacks 4 of the 4 files that the tree is made from (the first is Annotations/2008_000001.xml)" in message
        assert "another year's devkit" in message


def test_an_archive_that_is_not_whole_is_refused(devkit, capsys):
    tar = packed(devkit)
    content = tar.read_bytes()
    tar.write_bytes(content[: len(content) // 2])
    assert "VOCtrainval_11-May-2012.tar: not a whole archive" in refused(capsys, tar)
    image = devkit / "VOCdevkit/VOC2012/JPEGImages/2008_000001.jpg"
    image.write_bytes(image.read_bytes()[:5000])
    assert "JPEGImages/2008_000001.jpg: truncated or no image" in refused(capsys, devkit)
    image.unlink()
    assert "lacks 1 of the 4 files" in refused(capsys, devkit)


def test_a_tree_that_is_there_is_left_as_it_is(devkit, capsys):
    there = Path("out/VOCdevkit/VOC2012/mine.txt")
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    assert animals_tree.main([str(devkit), "--out", "out"]) == 2
    assert "out/VOCdevkit/VOC2012: is there already, and is left as it is" in capsys.readouterr().err
    assert [path for path in Path("out").rglob("*") if path.is_file()] == [there]


def test_the_list_has_the_photographs_of_the_tar():
    found = animals_tree.listed(animals_tree.LIST)
    assert {subset: list(found.values()).count(subset) for subset in ("trainval", "test")} == {
        "trainval": 1697, "test": 1729,
    }  # fmt: skip
    tar = SHARED / "voc12_animals.tar"
    if not tar.exists():
        pytest.skip(f"{tar} is not there: real data is for trying only")
    with tarfile.open(tar) as archive:
        for subset in ("trainval", "test"):
            names = archive.extractfile(f"VOCdevkit/VOC2012/ImageSets/Main/{subset}.txt").read().decode().split()
            assert names == [name for name, its in found.items() if its == subset]


@pytest.mark.parametrize("size", [(500, 375), (500, 333), (333, 500), (500, 382), (300, 300), (500, 88), (182, 250)])
def test_sizes_and_boxes_of_the_tar(size):
    """A scaled photograph has a short side of 300; none grows, and a box of the whole photograph stays one."""
    new = animals_tree.scaled_size(size)
    assert min(new) == min(300, *size)
    assert new[0] / new[1] == pytest.approx(size[0] / size[1], rel=0.5 / 300)
    assert animals_tree.scaled_box((0, 0, *size), size, new) == (1, 1, *new)
    left = random.Random(0).randrange(size[0] - 1)
    assert animals_tree.scaled_box((left, 0, size[0], 9), size, new)[0] == round(1 + left * new[0] / size[0], 1)


# `make photographs`, with a stand-in for Snakemake that prints how it was called.


@pytest.fixture
def make(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/snakemake").write_text('#!/bin/sh\necho "called: $@"\n')
    (tmp_path / "bin/snakemake").chmod(0o755)

    def run():
        command = ["make", "--silent", "photographs", "BIN=bin", "CORES=3"]
        return subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return run


CALLED = "called: --cores 3 all --configfile examples/animals.yaml"


def test_make_unpacks_the_tar_once(make, tmp_path):
    (tmp_path / "in/VOCdevkit/VOC2012").mkdir(parents=True)
    (tmp_path / "data/animals").mkdir(parents=True)
    with tarfile.open(tmp_path / "data/animals/voc12_animals.tar", "w") as tar:
        tar.add(tmp_path / "in/VOCdevkit", "VOCdevkit")
    done = make()
    assert done.stdout.splitlines() == ["photographs: unpacking data/animals/voc12_animals.tar", CALLED]
    assert {path.name for path in (tmp_path / "data/animals").iterdir()} == {"voc12_animals.tar", "VOCdevkit"}
    assert make().stdout.splitlines() == [CALLED]


def test_make_says_what_is_missing_or_broken(make, tmp_path):
    missing = make()
    assert missing.returncode == 2
    assert "neither data/animals/voc12_animals.tar nor data/animals/VOCdevkit/VOC2012 is there" in missing.stdout
    assert "bin/python examples/animals_tree.py VOCtrainval_11-May-2012.tar --out data/animals" in missing.stdout
    (tmp_path / "data/animals").mkdir(parents=True)
    (tmp_path / "data/animals/voc12_animals.tar").write_text("not a tar")
    broken = make()
    assert broken.returncode == 2
    assert CALLED not in missing.stdout + broken.stdout
    assert not (tmp_path / "data/animals/VOCdevkit").exists()
