"""What was mined: recorded without touching the training, resumed to the same bytes, true to the miner's choice."""

import numpy as np
import pandas as pd
import pytest
import torch

import toy
from sohem import checkpoint, files
from sohem.cli import main
from sohem.mining import miners
from sohem.mining.miner import Moment
from sohem.training import loop, probe


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    return root, toy.make(root)


def run_train(data, folder, detector="fast_rcnn", method="sohem", seed=0, **train):
    folder.mkdir(parents=True, exist_ok=True)
    given = toy.write_params(folder / "params.yaml", toy.parameters(data[0], detector, **train))
    return main(toy.train_arguments(data[1], given, folder, method, seed))


def test_moments_are_shares_of_the_iterations():
    assert probe.moments([0.01, 0.5, 1.0], 900) == [9, 450, 900]
    assert probe.moments([0, 0.5, 1.0], 80000) == [1, 40000, 80000]
    assert probe.moments([0.01, 0.5, 1.0], 1) == [1]


@pytest.mark.parametrize("detector", ["fast_rcnn", "faster_rcnn"])
def test_the_probe_does_not_change_the_training(data, tmp_path, detector):
    for name, probed in (("with", 3), ("without", 0)):
        assert run_train(data, tmp_path / name, detector, probed=probed, method="random") == 0
    assert (tmp_path / "with" / "log.parquet").read_bytes() == (tmp_path / "without" / "log.parquet").read_bytes()
    models = [checkpoint.load(tmp_path / name / "checkpoint.pt", ["model"])["model"] for name in ("with", "without")]
    assert all(torch.equal(value, models[1][key]) for key, value in models[0].items())
    assert len(files.read_table(tmp_path / "with" / "mined.parquet"))
    nothing = files.read_table(tmp_path / "without" / "mined.parquet")
    assert len(nothing) == 0
    assert list(nothing.columns) == probe.COLUMNS


def test_a_stopped_run_records_the_same_as_a_whole_one(data, tmp_path, monkeypatch):
    assert run_train(data, tmp_path / "whole") == 0
    real, calls = loop.batch_loss, []

    def memory_ends_in_the_ninth_iteration(*args):
        calls.append(1)
        if len(calls) == 9:
            raise torch.OutOfMemoryError("too much")
        return real(*args)

    monkeypatch.setattr(loop, "batch_loss", memory_ends_in_the_ninth_iteration)
    assert run_train(data, tmp_path / "cut") == 2
    (state,) = (tmp_path / "cut" / "state").rglob("state.pt")
    assert sorted(checkpoint.load(state, ["run"])["run"]["mined"]) == [1, 6]
    assert run_train(data, tmp_path / "cut") == 0
    assert (tmp_path / "cut" / "mined.parquet").read_bytes() == (tmp_path / "whole" / "mined.parquet").read_bytes()


def test_all_runs_are_probed_on_the_same_rois(data, tmp_path):
    tables = []
    for name, method, seed in (("a", "ohem", 0), ("b", "sohem", 1)):
        assert run_train(data, tmp_path / name, method=method, seed=seed, max_proposals=20) == 0
        tables.append(files.read_table(tmp_path / name / "mined.parquet"))
    where = ["iteration", "image_id", "x1", "y1", "x2", "y2", "class", "foreground"]
    pd.testing.assert_frame_equal(tables[0][where], tables[1][where])
    assert tables[0]["image_id"].unique().tolist() == ["000000", "000005"]
    assert tables[0].groupby(["iteration", "image_id"]).size().tolist() == [22] * 6  # 20 proposals, 2 objects


def test_the_table_tells_what_formula_1_chooses(data, tmp_path):
    """With NMS and all else equal, the selected RoIs are the hardest: the last rejected is no harder than they are."""
    assert run_train(data, tmp_path) == 0
    table = files.read_table(tmp_path / "mined.parquet")
    miner = miners.build("sohem", toy.parameters(data[0])["methods"]["sohem"], 8, 12, 2.0)
    assert table["iteration"].unique().tolist() == [1, 6, 12]
    for (iteration, _), rows in table.groupby(["iteration", "image_id"]):
        alpha, beta = miner.alpha_beta(Moment(iteration))
        assert (rows["alpha"] == alpha).all()
        assert (rows["beta"] == beta).all()
        assert rows["selected"].sum() == 8
        loss = alpha * rows["l_cls"] + beta * rows["l_loc"]
        assert loss.idxmax() in rows.index[rows["selected"]]
        assert (rows["l_loc"][~rows["foreground"]] == 0).all()
        high = rows["l_cls"] > rows["l_cls"].median()
        assert (high == rows["stratum"].isin([1, 2])).all()
    first = files.read_table(data[1]["ground_truth"]).iloc[0]
    hit = table[(table["image_id"] == "000000") & np.isclose(table["x1"], first["x1"], atol=0.01)]
    assert first["class"] in set(hit["class"])  # boxes are in original pixels
