import errno
import stat
import subprocess
import sys

import pandas as pd
import pytest

from sohem import files
from sohem.atomic import atomic
from sohem.errors import DataError, SohemError


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = tmp_path / "a.txt"
    files.write_text(target, "old")

    def fail_half_way():
        with atomic(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_gives_one_message_and_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    files.write_json(target, {"old": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SohemError, match=r"a.json: cannot be written \(No space left on device\)"):
        files.write_json(target, {"new": 2})
    assert files.read_json(target) == {"old": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_files_are_readable_by_others_as_usual(tmp_path):
    files.write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_equal_tables_give_equal_bytes(tmp_path):
    table = pd.DataFrame({"image_id": ["1", "2"], "x1": [0.5, 1.5]})
    files.write_table(tmp_path / "a.parquet", table)
    files.write_table(tmp_path / "b.parquet", table.copy())
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert files.read_table(tmp_path / "a.parquet").equals(table)


def test_missing_and_damaged_inputs_are_named(tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    (tmp_path / "bad.json").write_text("{")
    for read, name in ((files.read_table, "bad.parquet"), (files.read_json, "bad.json")):
        with pytest.raises(DataError, match=name):
            read(tmp_path / name)
        with pytest.raises(DataError, match="no such file"):
            read(tmp_path / "none")


def test_columns_of_a_csv_are_read_in_the_order_asked_for(tmp_path):
    (tmp_path / "a.csv").write_text("iou,class,ap\n0.5,007,1.5\n")
    assert files.read_csv(tmp_path / "a.csv", ["class", "iou"]).values.tolist() == [["007", 0.5]]
    assert files.read_csv(tmp_path / "a.csv").columns.tolist() == ["iou", "class", "ap"]
    assert files.read_csv(tmp_path / "a.csv", text=True).values.tolist() == [["0.5", "007", "1.5"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"a\.csv: no such file; run sohem evaluate"),
        ("", r"a\.csv: not a table of class, iou \(No columns .*\); run sohem evaluate"),
        ("iou\n0.5\n", r"a\.csv: not a table of class, iou \(\"\['class'\] not in index\"\); run sohem evaluate"),
    ],
)
def test_a_csv_that_is_missing_or_none_is_named_with_what_to_do(tmp_path, text, message):
    if text is not None:
        (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        files.read_csv(tmp_path / "a.csv", ["class", "iou"], "run sohem evaluate")


KILLED = """
import os, signal, sys
from sohem.atomic import atomic
with atomic(sys.argv[1]) as temporary:
    temporary.write_text("half")
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_writer_left_goes_with_the_next_write_and_a_living_one_is_left_alone(tmp_path):
    target = tmp_path / "state.pt"
    command = [sys.executable, "-c", KILLED, str(target)]
    subprocess.run([*command, "die"], check=False)
    (left,) = tmp_path.iterdir()
    living = subprocess.Popen([*command, "live"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert living.stdout.readline() == "writing\n"
    assert not left.exists()  # the next write, of another process
    (being_written,) = tmp_path.iterdir()
    own = tmp_path / ".state.20240101.pt"
    own.write_text("a file of the user's")
    files.write_text(target, "new")
    files.write_text(tmp_path / "state.json", "another target")
    assert being_written.exists()
    living.communicate("")
    assert sorted(path.name for path in tmp_path.iterdir()) == [own.name, "state.json", "state.pt"]
    assert target.read_text() == "half"
