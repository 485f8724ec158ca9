"""Archives are unpacked whole or not at all, and nothing outside the root."""

import errno
import hashlib
import io
import json
import random
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import serving
from sohem import cli
from sohem.datasets import ground_truth
from sohem.download import catalogue, extract
from sohem.download.catalogue import DataSet, File
from sohem.download.extract import Member, unpack
from sohem.errors import DataError
from sohem.files import read_json, read_table
from trees import kitti_tree, settings, voc_tree


def tar_of(path, *members, mode="w"):
    """A tar of (name, contents) pairs, or of TarInfo objects as they are."""
    with tarfile.open(path, mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return path


def zip_of(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members:
            archive.writestr(name, contents)
    return path


def special(kind, name="data/x", target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def snapshot(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


GOOD = [("data/a.txt", b"one"), ("data/sub/b.txt", b"two"), ("other/c.txt", b"three")]


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.zip"])
def test_what_lies_inside_the_folder_becomes_the_root(tmp_path, name, capsys):
    make = zip_of if name.endswith("zip") else tar_of
    first = make(tmp_path / name, *GOOD, **({"mode": "w:gz"} if name.endswith("tgz") else {}))
    second = tar_of(tmp_path / "second.tar", ("data/d.txt", b"four"))
    unpack([first, second], "data", tmp_path / "root")
    (tmp_path / "root" / extract.MARKER).unlink()
    assert snapshot(tmp_path / "root") == {"a.txt": b"one", "sub/b.txt": b"two", "d.txt": b"four"}
    assert f"{name}: 1 files outside data/ not unpacked" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "root", "second.tar"])


def test_a_root_with_files_is_never_changed(tmp_path):
    archive = tar_of(tmp_path / "a.tar", *GOOD)
    (tmp_path / "root").mkdir()
    unpack([archive], "data", tmp_path / "root")  # an empty folder is no loss
    before = snapshot(tmp_path / "root")
    with pytest.raises(DataError, match="is there already, and is left as it is"):
        unpack([archive], "data", tmp_path / "root")
    assert snapshot(tmp_path / "root") == before


EVIL = {
    "parent": ("../evil.txt", b"x"),
    "parent inside": ("data/../../evil.txt", b"x"),
    "absolute": ("/tmp/sohem-evil.txt", b"x"),
    "backslash": ("data\\..\\..\\evil.txt", b"x"),
    "symbolic link out": special(tarfile.SYMTYPE, target="/etc"),
    "symbolic link inside": special(tarfile.SYMTYPE, target="a.txt"),
    "hard link out": special(tarfile.LNKTYPE, target="../../evil.txt"),
    "character device": special(tarfile.CHRTYPE),
    "block device": special(tarfile.BLKTYPE),
    "pipe": special(tarfile.FIFOTYPE),
    "outside of the folder": special(tarfile.SYMTYPE, name="other/x", target="/etc"),
}


@pytest.mark.parametrize("what", EVIL)
def test_a_malicious_tar_is_refused_before_anything_is_written(tmp_path, what):
    archive = tar_of(tmp_path / "a.tar", ("data/a.txt", b"one"), EVIL[what])
    with pytest.raises(DataError, match=r"a\.tar: .* (leads outside|is a link|is a device).* it is not unpacked"):
        unpack([archive], "data", tmp_path / "deep/root")
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()] == ["a.tar"]
    assert not (tmp_path / "deep/root").exists()
    assert not Path("/tmp/sohem-evil.txt").exists()


@pytest.mark.parametrize("what", ["parent", "parent inside", "absolute", "backslash"])
def test_a_zip_that_leads_outside_is_refused(tmp_path, what):
    archive = zip_of(tmp_path / "a.zip", ("data/a.txt", b"one"), EVIL[what])
    with pytest.raises(DataError, match="leads outside"):
        unpack([archive], "data", tmp_path / "root")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize(("kind", "word"), [(stat.S_IFLNK, "link"), (stat.S_IFIFO, "device"), (stat.S_IFCHR, "device")])
def test_a_zip_with_a_link_or_a_device_is_refused(tmp_path, kind, word):
    info = zipfile.ZipInfo("data/x")
    info.external_attr = (kind | 0o777) << 16
    archive = zip_of(tmp_path / "a.zip", ("data/a.txt", b"one"), (info, "/etc/passwd"))
    with pytest.raises(DataError, match=f"is a {word}"):
        unpack([archive], "data", tmp_path / "root")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@given(st.lists(st.sampled_from(["..", ".", "", "data", "a", "/"]), min_size=1, max_size=6))
def test_no_name_leads_outside(parts):
    name, inside = "/".join(parts), extract.PurePosixPath("data")
    try:
        place = extract._below(Path("a.tar"), Member(name, "file", 0, io.BytesIO), inside)
    except DataError:
        return
    if place is not None:
        assert (Path("/root") / place).resolve().is_relative_to("/root")


def test_a_truncated_archive_is_refused_wherever_it_was_cut(tmp_path):
    """A tar has a head of 512 bytes before each member; cut between two, only the missing end tells."""
    body = bytes(700)
    for suffix, mode in (("tar", "w"), ("tgz", "w:gz")):
        whole = tar_of(tmp_path / f"a.{suffix}", ("data/a", body), ("data/b", body), mode=mode).read_bytes()
        cuts = (
            [100, 512, 900, 1536, 1600, 2048, 3000, 3072] if suffix == "tar" else [5, len(whole) // 2, len(whole) - 4]
        )
        for cut in cuts:
            (tmp_path / f"a.{suffix}").write_bytes(whole[:cut])
            with pytest.raises(DataError, match="not a whole archive"):
                unpack([tmp_path / f"a.{suffix}"], "data", tmp_path / "root")
            assert not (tmp_path / "root").exists()
    whole = zip_of(tmp_path / "a.zip", ("data/a", body), ("data/b", body)).read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "a.zip").write_bytes(whole[:cut])
        with pytest.raises(DataError, match="not a whole archive"):
            unpack([tmp_path / "a.zip"], "data", tmp_path / "root")


def test_a_damaged_zip_leaves_nothing(tmp_path):
    archive = zip_of(tmp_path / "a.zip", ("data/a.txt", bytes(range(256)) * 8))
    content = bytearray(archive.read_bytes())
    content[80] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError, match="not a whole archive"):
        unpack([archive], "data", tmp_path / "root")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize(("suffix", "mode"), [("tgz", "w:gz"), ("tar.bz2", "w:bz2"), ("tar.xz", "w:xz")])
def test_damage_within_a_compressed_tar_is_not_blamed_on_the_disk(tmp_path, suffix, mode):
    body = random.Random(1).randbytes(3000)
    whole = tar_of(tmp_path / f"a.{suffix}", ("data/a", body), mode=mode).read_bytes()
    for place in range(20, len(whole), 29):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / f"a.{suffix}").write_bytes(damaged)
        with pytest.raises(DataError, match="not a whole archive"):
            unpack([tmp_path / f"a.{suffix}"], "data", tmp_path / "root")
        assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    "head",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "data/a"},
        {"GNU.sparse.map": "0,x", "GNU.sparse.size": "5"},
        {"GNU.sparse.map": "0,1", "GNU.sparse.size": "9" * 5000},
    ],
)
def test_a_malformed_head_of_a_sparse_file_is_refused(tmp_path, head):
    info = special(tarfile.REGTYPE)
    info.pax_headers = head
    archive = tar_of(tmp_path / "a.tar", ("data/a.txt", b"one"), info)
    with pytest.raises(DataError, match=r"a\.tar: not a whole archive .*; move it away, then run"):
        unpack([archive], "data", tmp_path / "root")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_an_archive_of_something_else_is_refused(tmp_path):
    archive = tar_of(tmp_path / "a.tar", *GOOD)
    with pytest.raises(DataError, match=r"a\.tar: holds no VOCdevkit/VOC2007/"):
        unpack([archive], "VOCdevkit/VOC2007", tmp_path / "root")


def test_too_little_space_is_noticed_first_and_a_bomb_with_it(tmp_path, monkeypatch):
    archive = zip_of(tmp_path / "a.zip", ("data/a", bytes(3_000_000)))
    assert archive.stat().st_size < 10_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 2_000_000))
    with pytest.raises(DataError, match=r"a\.zip: unpacks to 0\.00 GB, but only 0\.00 GB are free"):
        unpack([archive], "data", tmp_path / "root")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_disk_that_fills_up_leaves_nothing_and_the_next_run_does_it(tmp_path, monkeypatch):
    archive = tar_of(tmp_path / "a.tar", *GOOD)

    def full(source, target, length):
        target.write(b"o")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DataError, match=r"No space left on device.*Free some space.*the archives are kept"):
        unpack([archive], "data", tmp_path / "root")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]
    monkeypatch.undo()
    (tmp_path / ".root.sohem-partial/half").mkdir(parents=True)  # what a killed run leaves
    unpack([archive], "data", tmp_path / "root")
    assert (tmp_path / "root/a.txt").read_bytes() == b"one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "root"]


# From here on: `sohem fetch` from a server to a manifest, and `sohem split` after it.


def packed(site, tmp_path, dataset):
    """The data set in miniature, packed as the publisher packs it; returns its description with local addresses."""
    source = catalogue.DATASETS[dataset]
    archives = []
    if dataset == "voc":
        for subset, ids in (("trainval", ("000001", "000002")), ("test", ("000003",))):
            top = tmp_path / f"pack-{subset}"
            voc_tree(top / "VOCdevkit/VOC2007", ids if subset == "trainval" else (), ids if subset == "test" else ())
            other = "test" if subset == "trainval" else "trainval"
            (top / f"VOCdevkit/VOC2007/ImageSets/Main/{other}.txt").unlink()
            file = next(file for file in source.archives if subset in file.name.lower())
            with tarfile.open(tmp_path / file.name, "w") as tar:
                tar.add(top / "VOCdevkit", "VOCdevkit")
            archives.append(file)
    else:
        top = kitti_tree(tmp_path / "pack")
        for file in source.archives:
            folder = "image_2" if "image" in file.name else "label_2"
            members = [(f"training/{p.relative_to(top)}", p.read_bytes()) for p in (top / folder).iterdir()]
            if folder == "image_2":
                members.append(("testing/image_2/000000.png", b"not wanted"))
            zip_of(tmp_path / file.name, *members)
            archives.append(file)
    known = []
    for file in archives:
        site.files[f"/{file.name}"] = content = (tmp_path / file.name).read_bytes()
        addresses = (site.url(f"/missing/{file.name}"), site.url(f"/{file.name}"))
        known.append(File(file.name, addresses, len(content), None, hashlib.sha256(content).hexdigest()))
    return DataSet(tuple(known), source.inside, source.page, source.terms)


@pytest.mark.parametrize(("dataset", "count"), [("voc", 3), ("kitti", 4)])
def test_fetch_downloads_and_unpacks_and_split_reads_it(tmp_path, monkeypatch, capsys, dataset, count):
    with serving() as site:
        monkeypatch.setitem(catalogue.DATASETS, dataset, packed(site, tmp_path, dataset))
        root, archives, manifest = tmp_path / "data/root", tmp_path / "data/archives", tmp_path / "m.json"
        chosen = settings(dataset, root, scale="paper", archives=str(archives))
        chosen["datasets"][dataset]["paper"]["first"] = 3
        text = json.dumps(chosen)
        command = ["fetch", "--dataset", dataset, "--out", str(manifest), "--params", text]
        assert cli.main(command) == 0, capsys.readouterr().err
        assert f"found {count} images and {count} annotation files" in capsys.readouterr().out
        requests = len(site.requests)
        first = read_json(manifest)
        outputs = ["--split", "s.json", "--images", "i.parquet", "--ground-truth", "g.parquet"]
        outputs = [word if word.startswith("--") else str(tmp_path / word) for word in outputs]
        split = ["split", "--dataset", dataset, "--manifest", str(manifest), *outputs, "--params", text]
        assert cli.main(split) == 0
        assert read_table(tmp_path / "i.parquet")["subset"].tolist().count("test") == 1
        assert read_json(tmp_path / "s.json")["tree"] == first["sha256"]

        assert cli.main(command) == 0  # the tree is there: nothing is fetched
        shutil.rmtree(root)
        assert cli.main(command) == 0  # the archives are there: nothing is fetched
        assert len(site.requests) == requests
        assert read_json(manifest) == first

        image = root / ground_truth.read(chosen, dataset)[0]["file"][0]
        image.write_bytes(image.read_bytes()[::-1])
        assert cli.main(command) == 2
        message = capsys.readouterr().err
        assert f"not as it was unpacked (1 changed: {image.relative_to(root)})" in message
        assert "Delete this folder" in message


def test_archives_of_an_unknown_data_set_are_refused_in_words(tmp_path, capsys):
    chosen = settings("voc", tmp_path / "root", archives=str(tmp_path / "archives"))
    chosen["datasets"]["mine"] = chosen["datasets"].pop("voc")
    command = ["fetch", "--dataset", "mine", "--out", str(tmp_path / "m.json"), "--params", json.dumps(chosen)]
    assert cli.main(command) == 2
    assert "datasets.mine.demo.archives: nothing is known to download for mine" in capsys.readouterr().err
