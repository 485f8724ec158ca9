"""Downloads against a server on this machine: whatever happens on the way, the file is whole or not there."""

import errno
import fcntl
import hashlib
import io
import json
import random
import shutil
from pathlib import Path

import pytest

from server import cutting, etag, failing, serving, slowly, stalling, trickling
from sohem.download import catalogue
from sohem.download.catalogue import File
from sohem.download.transfer import Patience, obtain
from sohem.errors import DownloadError

BODY = random.Random(5).randbytes(2_500_000)
QUICK = Patience(attempts=3, wait=0.5, connect=2, stall=0.3)


@pytest.fixture
def site():
    with serving() as running:
        running.files["/a.tar"] = BODY
        yield running


def wanted(site, *paths, body=BODY, **known):
    whole = {"size": len(body), "md5": hashlib.md5(body).hexdigest(), "sha256": hashlib.sha256(body).hexdigest()}
    return File("a.tar", tuple(site.url(path) for path in paths or ("/a.tar",)), **{**whole, **known})


def nothing_but(folder, *names):
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def get(tmp_path, pauses):
    return lambda file: obtain(file, tmp_path / "archives", patience=QUICK, sleep=pauses.append)


def test_a_file_arrives_and_is_recorded(site, get, tmp_path, capsys):
    path = get(wanted(site))
    assert path.read_bytes() == BODY
    assert nothing_but(path.parent, "a.tar", "a.tar.json")
    record = json.loads((path.parent / "a.tar.json").read_text())
    assert (record["bytes"], record["sha256"]) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert record["pinned"] is True
    assert "a.tar, MB: 2/2 (100%)" in capsys.readouterr().err


def test_a_file_that_is_there_is_verified_and_no_server_is_asked(site, get, tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/a.tar").write_bytes(BODY)
    assert get(wanted(site)).read_bytes() == BODY
    (tmp_path / "archives/a.tar").write_bytes(BODY[:-1] + b"x")
    with pytest.raises(DownloadError, match=r"a\.tar: not the file that is wanted: its md5 is .* It is left as it is"):
        get(wanted(site))
    assert (tmp_path / "archives/a.tar").read_bytes() == BODY[:-1] + b"x"
    assert site.requests == []


def test_a_cut_connection_is_resumed_with_a_range_request(site, get, pauses):
    site.faults["/a.tar"] = [cutting(site, 1_000_000), cutting(site, 700_000)]
    path = get(wanted(site))
    assert path.read_bytes() == BODY
    assert site.asked("/a.tar") == [(None, 200), ("bytes=1000000-", 206), ("bytes=1700000-", 206)]
    assert pauses == [0.5, 0.5]  # both attempts brought something
    assert nothing_but(path.parent, "a.tar", "a.tar.json")


def kill(seconds):
    raise KeyboardInterrupt


def test_a_killed_download_goes_on_in_the_next_run(site, get, tmp_path, monkeypatch):
    site.faults["/a.tar"] = [cutting(site, 600_000)]
    with pytest.raises(KeyboardInterrupt):
        obtain(wanted(site), tmp_path / "archives", patience=QUICK, sleep=kill)
    assert nothing_but(tmp_path / "archives", "a.tar.part", "a.tar.part.json")
    assert (tmp_path / "archives/a.tar.part").read_bytes() == BODY[:600_000]
    assert get(wanted(site)).read_bytes() == BODY
    assert site.asked("/a.tar")[1] == ("bytes=600000-", 206)


def test_a_part_that_is_already_whole_needs_no_request(site, get, tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/a.tar.part").write_bytes(BODY)
    assert get(wanted(site)).read_bytes() == BODY
    assert site.requests == []


def test_the_end_of_a_file_of_unknown_length_is_noticed(site, get, tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/a.tar.part").write_bytes(BODY)
    assert get(wanted(site, size=None)).read_bytes() == BODY
    assert site.asked("/a.tar") == [("bytes=2500000-", 416)]


def test_a_server_without_ranges_sends_the_whole_file_again(site, get):
    site.ranges = False
    site.faults["/a.tar"] = [cutting(site, 1_000_000)]
    assert get(wanted(site)).read_bytes() == BODY
    assert site.asked("/a.tar") == [(None, 200), ("bytes=1000000-", 200)]


def test_a_file_that_changes_between_two_parts_is_not_patched_together(site, get):
    new = bytes(reversed(BODY))
    site.files["/a.tar"] = new
    file = wanted(site, body=new)
    site.files["/a.tar"] = BODY

    def change(handler):
        cutting(site, 1_000_000)(handler)
        site.files["/a.tar"] = new

    site.faults["/a.tar"] = [change]
    assert get(file).read_bytes() == new
    assert site.asked("/a.tar") == [(None, 200), ("bytes=1000000-", 200)]  # If-Range: the tag was another


def test_a_wrong_part_is_thrown_away_and_the_same_address_tried_once_more(site, get, tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/a.tar.part").write_bytes(b"x" * 1000)  # from who knows where
    assert get(wanted(site)).read_bytes() == BODY
    assert site.asked("/a.tar") == [("bytes=1000-", 206), (None, 200)]


@pytest.mark.parametrize("status", [206, 416])
def test_the_rest_of_another_version_is_refused_where_no_checksum_is_known(site, get, tmp_path, status):
    """A server that pays no heed to If-Range, of a file that was replaced by one of the same length."""
    site.faults["/a.tar"] = [cutting(site, 1_000_000)]
    file = wanted(site, md5=None, sha256=None, size=None)
    with pytest.raises(KeyboardInterrupt):
        obtain(file, tmp_path / "archives", patience=QUICK, sleep=kill)
    new = site.files["/a.tar"] = bytes(reversed(BODY if status == 206 else BODY[:1_000_000]))
    start = 1_000_000

    def heedless(handler):
        rest = new[start:]
        handler.send_response(status)
        handler.send_header("ETag", etag(new))
        where = f"bytes {start}-{len(new) - 1}/{len(new)}" if rest else f"bytes */{len(new)}"
        handler.send_header("Content-Range", where)
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest)

    site.faults["/a.tar"] = [heedless]
    assert get(file).read_bytes() == new


@pytest.mark.parametrize("note", ["[1]", "1", '"x"', "{", "[" * 100_000, '{"address": 1}', '{"address": "x"}', "\xff"])
def test_a_damaged_note_of_a_part_counts_as_none(site, get, tmp_path, note):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/a.tar.part").write_bytes(BODY[:1000])
    (tmp_path / "archives/a.tar.part.json").write_bytes(note.encode("latin-1"))
    assert get(wanted(site, md5=None, sha256=None)).read_bytes() == BODY
    assert site.asked("/a.tar") == [(None, 200)]


def test_a_version_that_is_no_line_is_not_sent(site, get, tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/a.tar.part").write_bytes(BODY[:1000])
    note = json.dumps({"address": site.url("/a.tar"), "version": "x\r\nHost: y"})
    (tmp_path / "archives/a.tar.part.json").write_text(note)
    assert get(wanted(site)).read_bytes() == BODY
    assert site.asked("/a.tar") == [("bytes=1000-", 206)]


def test_a_record_that_is_none_is_no_proof(site, get, tmp_path):
    file = wanted(site, size=None, md5=None, sha256=None)
    path = get(file)
    path.with_name("a.tar.json").write_text("[1]")
    with pytest.raises(DownloadError, match=r"but a\.tar\.json recorded none\. It is left as it is"):
        get(file)


def test_a_part_of_a_file_without_checksum_goes_on_only_if_its_version_is_known(site, get, tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/a.tar.part").write_bytes(BODY[:1000])
    get(wanted(site, md5=None, sha256=None))
    assert site.asked("/a.tar") == [(None, 200)]


def test_wrong_bytes_are_thrown_away_and_the_mirror_is_asked(site, get):
    site.files["/bad.tar"] = b"x" * len(BODY)
    assert get(wanted(site, "/bad.tar", "/a.tar")).read_bytes() == BODY
    assert site.asked("/bad.tar") == [(None, 200)]
    assert site.asked("/a.tar") == [(None, 200)]


def test_wrong_bytes_everywhere_end_in_one_message(site, get, tmp_path):
    site.files["/bad.tar"] = b"x" * len(BODY)
    with pytest.raises(DownloadError) as error:
        get(wanted(site, "/bad.tar", "/missing.tar"))
    text = str(error.value)
    assert "a.tar: no address has delivered it" in text
    assert (
        f"/bad.tar: what it sent is not the file, its md5 is {hashlib.md5(site.files['/bad.tar']).hexdigest()}" in text
    )
    assert "/missing.tar: HTTP 404 Not Found" in text
    assert "put the file into" in text
    assert nothing_but(tmp_path / "archives")


def test_another_length_is_refused_before_anything_is_written(site, get, tmp_path):
    with pytest.raises(DownloadError, match=r"the file there has 2500000 bytes, expected 7"):
        get(wanted(site, size=7))
    assert nothing_but(tmp_path / "archives")


def test_a_missing_file_is_not_asked_for_twice_but_the_mirror_is(site, get, pauses):
    assert get(wanted(site, "/missing.tar", "/a.tar")).read_bytes() == BODY
    assert site.asked("/missing.tar") == [(None, 404)]
    assert pauses == []


def test_a_busy_server_is_asked_again_with_growing_pauses(site, get, pauses):
    site.faults["/a.tar"] = [failing(503), failing(500)]
    assert get(wanted(site)).read_bytes() == BODY
    assert pauses == [0.5, 1.0]


def test_a_server_may_say_when_to_come_back(site, get, pauses):
    site.faults["/a.tar"] = [failing(503, Retry_After="7"), failing(429, Retry_After="100000")]
    assert get(wanted(site)).read_bytes() == BODY
    assert pauses == [7, QUICK.longest]


def test_a_server_that_stays_busy_gives_way_to_the_mirror_with_what_has_arrived(site, get, pauses):
    site.files["/b.tar"] = BODY
    site.faults["/b.tar"] = [cutting(site, 900_000), *[failing(503)] * 3]
    assert get(wanted(site, "/b.tar", "/a.tar")).read_bytes() == BODY
    assert site.asked("/b.tar")[1:] == [("bytes=900000-", 503)] * 3
    assert site.asked("/a.tar") == [("bytes=900000-", 206)]
    assert pauses == [0.5, 0.5, 1.0]


def test_a_redirect_is_followed_also_when_resuming(site, get):
    site.faults["/old.tar"] = [failing(302, Location=site.url("/a.tar"))] * 2
    site.faults["/a.tar"] = [cutting(site, 1_000_000)]
    assert get(wanted(site, "/old.tar")).read_bytes() == BODY
    assert site.asked("/a.tar") == [(None, 200), ("bytes=1000000-", 206)]


def test_a_stall_counts_as_a_cut(site, get):
    site.faults["/a.tar"] = [stalling(site, 1_200_000)]
    assert get(wanted(site)).read_bytes() == BODY
    assert site.asked("/a.tar") == [(None, 200), ("bytes=1200000-", 206)]


def test_a_trickle_counts_as_nothing_and_gives_way_to_the_mirror(site, get):
    """Each byte comes long before the connection would count as dead."""
    site.files["/b.tar"] = BODY
    site.faults["/b.tar"] = [trickling(site)] * QUICK.attempts
    assert get(wanted(site, "/b.tar", "/a.tar")).read_bytes() == BODY
    assert len(site.asked("/b.tar")) == QUICK.attempts
    assert len(site.asked("/a.tar")) == 1


def test_bytes_that_come_one_a_connection_are_given_up(site, get, pauses):
    site.faults["/a.tar"] = [slowly(cutting(site, 1))] * 20
    with pytest.raises(DownloadError, match="the connection was cut in the middle, 3 times in a row"):
        get(wanted(site))
    assert len(pauses) == QUICK.attempts - 1


@pytest.mark.parametrize("place", ["http://[bad", "http://a]b/", "//[::1", "https://" + "x" * 70 + ".example/a"])
def test_an_address_that_is_none_gives_way_to_the_mirror(site, get, place):
    site.faults["/old.tar"] = [failing(302, Location=place)] * 5
    assert get(wanted(site, "/old.tar", "/a.tar")).read_bytes() == BODY
    assert len(site.asked("/old.tar")) == 1
    file = wanted(site)._replace(addresses=("http://[bad", "http://x\ny/"))
    with pytest.raises(DownloadError, match=r"http://\[bad: "):
        obtain(file, Path(get(wanted(site)).parent / "more"), patience=QUICK, sleep=lambda seconds: None)


@pytest.mark.parametrize("head", ["Content-Length", "Content-Range", "Retry-After"])
def test_thousands_of_digits_are_no_number(site, get, tmp_path, head):
    def odd(handler):
        handler.send_response({"Content-Length": 200, "Content-Range": 206, "Retry-After": 503}[head])
        handler.send_header(head, f"bytes {'9' * 5000}-{'9' * 5000}/{'9' * 5000}" if "Range" in head else "9" * 5000)
        if "Length" not in head:
            handler.send_header("Content-Length", "0")
        handler.end_headers()
        handler.close_connection = True

    site.faults["/a.tar"] = [odd]
    assert get(wanted(site)).read_bytes() == BODY


def test_a_server_that_is_not_there_is_given_up(site, tmp_path, pauses):
    file = File("a.tar", ("http://127.0.0.1:1/a.tar",), 10)
    with pytest.raises(DownloadError, match=r"the server refuses connections, 3 times in a row"):
        obtain(file, tmp_path, patience=QUICK, sleep=pauses.append)
    assert pauses == [0.5, 1.0]


def test_without_any_checksum_the_first_download_is_recorded_and_a_change_noticed(site, get, capsys):
    file = wanted(site, size=None, md5=None, sha256=None)
    path = get(file)
    assert "no checksum of this file is published" in capsys.readouterr().err
    assert get(file) == path
    path.write_bytes(BODY[:-1])
    with pytest.raises(DownloadError, match=r"but a\.tar\.json recorded"):
        get(file)


def test_the_first_digits_of_a_checksum_are_enough_to_refuse(site, get):
    first = hashlib.sha256(BODY).hexdigest()[:8]
    assert get(wanted(site, size=None, md5=None, sha256=first)).read_bytes() == BODY
    other = "0" * 8 if first != "0" * 8 else "1" * 8
    with pytest.raises(DownloadError, match=rf"expected {other}\.\.\."):
        get(wanted(site, size=None, md5=None, sha256=other))


def test_a_file_of_unknown_length_that_nothing_confirms_is_refused(site, get):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY[:1000])
        handler.close_connection = True

    site.faults["/a.tar"] = [endless]
    with pytest.raises(DownloadError, match="does not say how long the file is"):
        get(wanted(site, size=None, md5=None, sha256=None))
    site.faults["/a.tar"] = [endless]
    assert get(wanted(site)).read_bytes() == BODY  # with a checksum the cut is noticed and mended


def test_an_archive_marked_as_a_compressed_page_stays_as_it_is(site, get):
    def marked(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY)

    site.faults["/a.tar"] = [marked]
    assert get(wanted(site)).read_bytes() == BODY


def test_too_little_space_is_noticed_before_a_request(site, get, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 2_000_000))
    with pytest.raises(DownloadError, match=r"still to come are 0\.00 GB, but only 0\.00 GB are free"):
        get(wanted(site))
    assert site.requests == []
    with pytest.raises(DownloadError, match="still to come are"):
        get(wanted(site, size=None))  # the length is known from the answer
    (tmp_path / "archives/a.tar.part").write_bytes(BODY[:1_000_000])
    assert get(wanted(site)).read_bytes() == BODY  # 1.5 MB are missing, 2 MB are free


def test_a_disk_that_fills_up_keeps_what_has_arrived(site, get, tmp_path, monkeypatch):
    class Disk(io.FileIO):
        def write(self, data):
            if self.tell() >= 1_000_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data[: 1_000_000 - self.tell()])  # the last block only in part

    monkeypatch.setattr(Path, "open", lambda path, mode, buffering=-1: Disk(path, mode.replace("b", "")))
    with pytest.raises(DownloadError, match=r"a\.tar\.part: the disk is full after .* run the same command again"):
        get(wanted(site))
    monkeypatch.undo()
    assert (tmp_path / "archives/a.tar.part").read_bytes() == BODY[:1_000_000]
    assert get(wanted(site)).read_bytes() == BODY
    assert site.asked("/a.tar")[-1] == ("bytes=1000000-", 206)


def test_two_processes_do_not_write_one_file(site, get, tmp_path):
    (tmp_path / "archives").mkdir()
    with (tmp_path / "archives/a.tar.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="another process is downloading it"):
            get(wanted(site))


def test_the_catalogue_is_complete_and_well_formed():
    archives = [file for source in catalogue.DATASETS.values() for file in source.archives]
    weights = [value for value in vars(catalogue).values() if isinstance(value, File)]
    for file in [*archives, *weights]:
        assert file.md5 is None or len(file.md5) == 32
        assert file.sha256 is None or len(file.sha256) in (8, 64)
        assert all(address.split("?")[0].endswith(f"/{file.name}") for address in file.addresses)
    assert all(file.size and len(file.addresses) >= 2 and len(file.sha256) == 64 for file in archives)
    assert len(weights) == 6
    assert all(file.md5 or file.sha256 for file in weights)
