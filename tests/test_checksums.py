"""One wrong bit in a file that a step reads is refused, or changes no value."""

import json
import random
import warnings
import zipfile

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from sohem import checkpoint, checksums, files
from sohem.errors import CheckpointError, DataError, SohemError

DRAW = np.random.default_rng(0)
TABLE = pd.DataFrame({
    "image_id": [f"{k:06}" for k in range(60)],
    "class": ["car", "dog", None] * 20,
    "score": DRAW.random(60, np.float32),
    "difficult": [True, False] * 30,
    "n": range(60),
})  # fmt: skip
CHECKPOINT = {
    "settings": '{"lr": 0.1}',
    "seed": 3,
    "model": {f"{k}.weight": torch.from_numpy(DRAW.random((3, 4), np.float32)) for k in range(3)},
    "preprocessing": {"mean": [1.0, 2.0], "order": "bgr"},
}
METRICS = {"mAP@0.5": 61.25, "mAP@0.7": None, "é": [1, 2, {"a": True}], "nested": {"x": -0.5, "y": "text"}}
CSV = 'class,iou,ap\ncar,0.5,61.25\n"a, b",0.5,\n007,0.7,1e-05\n'
FORMS = {
    "images.parquet": (files.write_table, files.read_table, TABLE),
    "checkpoint.pt": (checkpoint.save, lambda path: checkpoint.load(path, []), CHECKPOINT),
    "metrics.json": (files.write_json, files.read_json, METRICS),
    "ap.csv": (files.write_csv, files.read_csv, CSV),
}


def said(content):
    """A content in a form that compares, to the last bit."""
    if isinstance(content, pd.DataFrame):
        return content.to_csv(index=False), content.dtypes.tolist()
    if isinstance(content, dict):
        return [(key, said(value)) for key, value in content.items()]
    return (content.shape, content.numpy().tobytes()) if isinstance(content, torch.Tensor) else repr(content)


def outcomes(path, read, bits):
    """How often a reader refuses or gives the same values, each time with one bit flipped."""
    whole, expected = path.read_bytes(), said(read(path))
    counts, messages = {"refused": 0, "same": 0}, set()
    for bit in bits:
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        try:
            with warnings.catch_warnings(action="ignore"):  # zipfile's, about names that are there twice
                found = read(path)
        except SohemError as error:
            counts["refused"] += 1
            messages.add(str(error))
        else:
            assert said(found) == expected, bit
            counts["same"] += 1
    path.write_bytes(whole)
    assert all(path.name in text and "delete it and make it again (sohem " in text for text in messages)
    return counts


@pytest.mark.parametrize("name", FORMS)
def test_no_bit_changes_a_value_unnoticed(tmp_path, name):
    write, read, content = FORMS[name]
    path = tmp_path / name
    write(path, content)
    size = 8 * path.stat().st_size
    draw = random.Random(0)
    bits = range(size) if size < 4000 else sorted(draw.sample(range(size), 500))
    counts = outcomes(path, read, bits)
    assert counts["refused"] > 0.6 * len(bits)  # else the checksums have not been looked at


def test_the_parts_that_no_checksum_of_the_formats_covers(tmp_path):
    table, archive = tmp_path / "log.parquet", tmp_path / "checkpoint.pt"
    files.write_table(table, TABLE)
    files.write_table(tmp_path / "plain", TABLE)
    data = table.read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    tag = range(8 * (footer - 4 - len(checksums.TAG)), 8 * footer)
    ends = [bit for byte in (*range(4), *range(len(data) - 8, len(data))) for bit in range(8 * byte, 8 * byte + 8)]
    assert outcomes(table, files.read_table, [*tag, *ends])["same"] == 8 * len(checksums.TAG)

    checkpoint.save(archive, CHECKPOINT)
    data, bits, start = archive.read_bytes(), [], 0
    while (start := data.find(b"PK\x01\x02", start)) >= 0:  # the attributes of each entry: is it a folder?
        bits += range(8 * (start + 38), 8 * (start + 42))
        start += 4
    counts = outcomes(archive, lambda path: checkpoint.load(path, []), bits)
    assert counts["refused"] == len(zipfile.ZipFile(archive).namelist())


def test_other_programs_read_the_tables_as_before(tmp_path):
    files.write_table(tmp_path / "a.parquet", TABLE)
    plain = tmp_path / "plain.parquet"
    TABLE.to_parquet(plain, index=False, compression="zstd")
    assert pd.read_parquet(tmp_path / "a.parquet").equals(TABLE)
    assert pq.read_metadata(tmp_path / "a.parquet").equals(pq.read_metadata(plain))
    assert (tmp_path / "a.parquet").stat().st_size == plain.stat().st_size + len(checksums.TAG) + 4
    assert files.read_table(plain).equals(TABLE)  # written before, or by another program


def test_text_without_a_checksum_is_taken_as_it_is(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    (tmp_path / "a.csv").write_text(CSV)
    assert files.read_json(tmp_path / "a.json") == {"a": 1}
    assert files.read_csv(tmp_path / "a.csv").columns.tolist() == ["class", "iou", "ap"]


def test_neither_the_layout_nor_the_order_of_json_counts(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": 1, "a": {"y": 2.5, "x": None}, 7: 1})
    text = (tmp_path / "a.json").read_text()
    value = json.loads(text)
    (tmp_path / "a.json").write_text(json.dumps(value, sort_keys=True))
    assert files.read_json(tmp_path / "a.json") == {"b": 1, "a": {"y": 2.5, "x": None}, "7": 1}
    files.write_json(tmp_path / "list.json", [1, 2])
    assert files.read_json(tmp_path / "list.json") == [1, 2]


def test_a_change_by_hand_is_told_how_it_can_be_kept(tmp_path):
    files.write_json(tmp_path / "split.json", {"images": 10})
    files.write_csv(tmp_path / "ap.csv", CSV)
    for name, read, old in (("split.json", files.read_json, "10"), ("ap.csv", files.read_csv, "61.25")):
        path = tmp_path / name
        path.write_text(path.read_text().replace(old, "99"))
        with pytest.raises(DataError, match=rf"{name}: damaged: not as it was written.*to keep that, take out its"):
            read(path)


def test_csv_without_rows_and_with_awkward_cells(tmp_path):
    for text in ("a,b\n", 'a,b\n"x\ny","""q"""\n', "a,b\n,\n"):
        files.write_csv(tmp_path / "a.csv", text)
        (tmp_path / "b.csv").write_text(text)
        ours, plain = (files.read_csv(tmp_path / name, text=True) for name in ("a.csv", "b.csv"))
        assert ours.to_csv(index=False) == plain.to_csv(index=False)


def test_a_damaged_checkpoint_says_how_to_get_it_back(tmp_path):
    for name, step in (("checkpoint.pt", "train"), ("pretrained.pt", "pretrain")):
        (tmp_path / name).write_bytes(b"PK")
        with pytest.raises(CheckpointError, match=rf"{name}: .*make it again \(sohem {step} .*dvc checkout"):
            checkpoint.load(tmp_path / name, [])
