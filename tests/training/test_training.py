import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

import toy
from sohem import checkpoint, files, params, provenance, sources
from sohem.cli import main
from sohem.detectors.detector import build
from sohem.errors import CheckpointError, DataError
from sohem.mining import miners
from sohem.mining.miner import Moment
from sohem.mining.miners.ohem import OHEM
from sohem.mining.miners.random import RandomSampler
from sohem.settings import Images
from sohem.training import loop, optimiser, states
from sohem.training.log import LOG_COLUMNS
from sohem.training.samples import SampleReader, scale_factor
from sohem.training.step import SUMS, batch_loss, candidates
from sohem.training.targets import label_rois


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    return root, toy.make(root)


def run_train(data, folder, detector="fast_rcnn", method="sohem", seed=0, **train):
    folder.mkdir(parents=True, exist_ok=True)
    given = toy.write_params(folder / "params.yaml", toy.parameters(data[0], detector, **train))
    return main(toy.train_arguments(data[1], given, folder, method, seed))


def test_learning_rate_warms_up_and_drops(tmp_path):
    train = toy.scale(toy.parameters(tmp_path)).train
    settings = replace(train, lr=0.1, gamma=0.1, step=10, warmup=4)
    rates = [optimiser.learning_rate(i, settings) for i in (0, 1, 4, 9, 10, 20)]
    assert rates == pytest.approx([0.02, 0.04, 0.1, 0.1, 0.01, 0.001])


def test_biases_learn_twice_as_fast_and_head_biases_do_not_decay(tmp_path):
    scale = toy.scale(toy.parameters(tmp_path))
    network = build("faster_rcnn", 2, scale, 0)
    groups = optimiser.parameter_groups(network, scale.train)
    assert [(g["weight_decay"], g["multiplier"]) for g in groups] == [(0.0005, 1.0), (0.0005, 2.0), (0.0, 2.0)]
    assert sum(len(g["params"]) for g in groups) == sum(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize(("height", "width", "expected"), [(300, 400, 2.0), (375, 1242, 1000 / 1242), (600, 1000, 1.0)])
def test_short_side_600_unless_the_long_side_passes_1000(height, width, expected):
    assert scale_factor(height, width, 600, 1000) == pytest.approx(expected)


def test_a_mirrored_sample_shows_the_same_pixels_in_its_boxes(data):
    plain, mirrored = (toy.reader(data)(0, mirror=m) for m in (False, True))
    for a, b in zip(plain.boxes.int().tolist(), mirrored.boxes.int().tolist(), strict=True):
        crop = plain.pixels()[:, a[1] : a[3], a[0] : a[2]]
        assert torch.equal(crop.flip(2), mirrored.pixels()[:, b[1] : b[3], b[0] : b[2]])


def test_a_cached_image_equals_a_decoded_one(data, tmp_path):
    root, paths = data
    tables = [files.read_table(paths[name]) for name in ("images", "ground_truth", "proposals")]
    at = Images(str(root), 30, 64)
    plain, cached = (SampleReader(at, tables[0], "train", ["bright", "dark"], *tables[1:], c) for c in (None, tmp_path))
    for index in range(len(plain)):
        a, b = plain(index, mirror=True), cached(index, mirror=True)
        assert torch.equal(a.pixels(), b.pixels())
        assert a.size == b.size == (a.image.shape[1], a.image.shape[2])
        assert torch.equal(a.boxes, b.boxes)


def test_epochs_visit_every_image_once():
    seen = [index for i in range(6) for index in loop.batch_indices(3, i, 2, 4)]
    assert all(sorted(seen[k : k + 4]) == [0, 1, 2, 3] for k in (0, 4, 8))


def test_a_doubled_training_set_shows_every_image_both_ways_in_an_epoch(data):
    settings = toy.scale(toy.parameters(data[0], flip="doubled")).train
    images = toy.reader(data)
    seen = [sample for k in range(len(images)) for sample in loop.load_batch(images, settings, 0, k)]
    every = [images(i, mirror) for i in range(len(images)) for mirror in (False, True)]
    assert sorted(s.pixels().numpy().tobytes() for s in seen) == sorted(s.pixels().numpy().tobytes() for s in every)


def test_a_doubled_training_set_has_no_shift_to_one_side(data):
    scale = toy.scale(toy.parameters(data[0], flip="doubled"))
    network = build("fast_rcnn", 2, scale, 0)
    loop.normalise_targets(network, toy.reader(data), scale.train)
    both = network.head.box_mean.clone(), network.head.box_std.clone()
    loop.normalise_targets(network, toy.reader(data), replace(scale.train, flip="none"))
    mean, std = network.head.box_mean, network.head.box_std
    assert mean[1:, 0].abs().min() > 1e-3
    torch.testing.assert_close(both[0], mean * torch.tensor([0.0, 1, 1, 1]), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(both[1][1:, 0], (std[1:, 0] ** 2 + mean[1:, 0] ** 2).sqrt())
    torch.testing.assert_close(both[1][:, 1:], std[:, 1:])


def test_difficult_objects_are_left_out_so_that_proposals_on_them_are_background(data):
    root, paths = data
    images, truth, proposals = (files.read_table(paths[n]) for n in ("images", "ground_truth", "proposals"))
    truth["difficult"] = truth["class"] == "dark"
    at = Images(str(root), 48, 64)
    sample = SampleReader(at, images, "train", ["bright", "dark"], truth, proposals)(0)
    assert sample.labels.tolist() == [1]
    assert len(sample.ignored) == 0
    dark = torch.from_numpy(truth.loc[truth["difficult"], ["x1", "y1", "x2", "y2"]].to_numpy()[:1].copy())
    assert label_rois(dark, sample.boxes, sample.labels, sample.ignored, 0.5)[0].tolist() == [0]


def test_a_missing_proposal_or_image_is_named(data, tmp_path):
    root, paths = data
    images, truth, proposals = (files.read_table(paths[n]) for n in ("images", "ground_truth", "proposals"))
    at = Images(str(root), 48, 64)
    with pytest.raises(DataError, match="no proposals for image 000002"):
        SampleReader(at, images, "train", ["bright", "dark"], truth, proposals[proposals["image_id"] != "000002"])
    moved = SampleReader(replace(at, root=str(tmp_path)), images, "train", ["bright", "dark"], truth, proposals)
    with pytest.raises(DataError, match=r"000000.png: no such image"):
        moved(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "000000.png").write_bytes((root / "images" / "000000.png").read_bytes()[:200])
    with pytest.raises(DataError, match=r"000000.png"):
        moved(0)


@pytest.mark.parametrize("method", ["ohem", "sohem", "strata", "random"])
def test_the_loss_is_the_mean_over_the_selected(data, method):
    given = toy.parameters(data[0])
    scale = toy.scale(given)
    network = build("fast_rcnn", 2, scale, 0)
    miner = miners.build(method, params.method(given, method, "toy"), 8, 12, 2.0)
    loss, sums = batch_loss(network, [toy.reader(data)(0)], miner, Moment(1), scale.train, seed=0)
    value = dict(zip(SUMS, sums.tolist(), strict=True))
    assert value["n_selected"] == 8
    assert value["n_all"] == 36 + 2  # the proposals and the two objects
    assert loss.item() == pytest.approx((value["cls_selected"] + value["loc_selected"]) / 8, rel=1e-5)
    assert sum(value[f"s{k}"] for k in (1, 2, 3, 4)) == pytest.approx(8)
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


class OneAndThree(OHEM):
    """Chooses a RoI of the first image and three of the second."""

    def choose_each(self, images, moments):
        return [torch.tensor([36]), torch.tensor([0, 36, 37])]  # 36 and 37 are the objects


def test_the_loss_is_divided_by_the_rois_of_each_image_or_of_all_together(data):
    scale = toy.scale(toy.parameters(data[0]))
    network, images = build("fast_rcnn", 2, scale, 0), [toy.reader(data)(0), toy.reader(data)(1)]
    judged = [candidates(network, image, scale.train, 0, 1, slot) for slot, image in enumerate(images)]
    (first, *_), second = ((image.losses["cls"] + image.losses["loc"])[[36, 0, 37]] for image in judged)
    for together, expected in ((False, (first + second.sum() / 3) / 2), (True, (first + second.sum()) / 4)):
        miner = OneAndThree(2, together=together)
        loss, sums = batch_loss(network, images, miner, Moment(1), scale.train, 0)
        assert sums[SUMS.index("n_selected")] == 4
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


SETTINGS = {
    "nms by the sum": ("sohem", {"nms": {"by": "sum", "iou": 0.7, "per_label": True}}),
    "together": ("ohem", {"together": True}),
    "beta from 1": ("sohem", {"beta": {"begin": 1}}),
    "alpha to 0.5": ("sohem", {"alpha": {"target": 0.5}}),
    "running ratio": ("sohem", {"beta": {"target": "ratio", "measured": "running", "window": 0.25}}),
    "ratio of a window": ("sohem", {"beta": {"target": "ratio", "measured": "window", "over": "all", "shape": "step"}}),
    "s_23 against s_1": ("strata", {"rest": "s1"}),
    "running thresholds": ("strata", {"threshold": "running", "window": 0.25}),
    "a number": ("sohem", {"alpha": 0.5, "beta": 0.25}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_reading_can_be_trained_from_the_parameters(data, tmp_path, name):
    method, change = SETTINGS[name]
    given = toy.parameters(data[0])
    settings = given["methods"][method]
    for key, value in change.items():
        nested = isinstance(value, dict) and isinstance(settings[key], dict)
        settings[key] = settings[key] | value if nested else value
    file = toy.write_params(tmp_path / "params.yaml", given)
    assert main(toy.train_arguments(data[1], file, tmp_path, method)) == 0
    log = files.read_table(tmp_path / "log.parquet")
    history = {column: log[column].to_numpy() for column in log}
    miner = miners.build(method, settings, 8, 12, 2.0)
    assert [miner.alpha_beta(Moment(k, history)) for k in log["iteration"]] == [
        *zip(log["alpha"], log["beta"], strict=True)
    ]
    assert run_train(data, tmp_path / "plain", method=method) == 0
    assert (tmp_path / "log.parquet").read_bytes() != (tmp_path / "plain" / "log.parquet").read_bytes()


def test_the_read_only_pass_leaves_no_trace(data):
    """Mining by another rule changes nothing but the choice: with all RoIs selected, all miners give one loss."""
    given = toy.parameters(data[0])
    given["scales"]["demo"]["head"]["dropout"] = 0.5
    scale = toy.scale(given)
    network = build("fast_rcnn", 2, scale, 0)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    state = torch.get_rng_state()
    losses = []
    for miner in (OHEM(1000, nms_iou=None), RandomSampler(1000)):
        # Dropout masks go by row: order the choice, so that the same RoI gets the same mask.
        loss, sums = batch_loss(network, [toy.reader(data)(0)], miner, Moment(1), scale.train, 0)
        assert sums[SUMS.index("n_selected")] == sums[SUMS.index("n_all")]
        losses.append(loss.item())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    again = batch_loss(network, [toy.reader(data)(0)], miner, Moment(1), scale.train, 0)[0].item()
    assert again == losses[1]


def test_training_lowers_the_loss_and_logs_every_iteration(data, tmp_path):
    assert run_train(data, tmp_path, iterations=100, step=80, lr=0.05, method="random") == 0
    log = files.read_table(tmp_path / "log.parquet")
    assert list(log.columns) == LOG_COLUMNS
    assert log["iteration"].tolist() == list(range(1, 101))
    assert log["cls_all"][-10:].mean() < 0.7 * log["cls_all"][:10].mean()
    assert log[["s1", "s2", "s3", "s4"]].sum(axis=1).to_numpy() == pytest.approx(1)
    assert (log["n_selected"] <= 16).all()
    assert log["rpn_box"].isna().all()


def test_the_schedule_of_sohem_is_in_the_log(data, tmp_path):
    assert run_train(data, tmp_path) == 0
    log = files.read_table(tmp_path / "log.parquet").set_index("iteration")
    # Target 2, start 0.5 and end 0.75 of 12 iterations: from 6 to 9.
    assert log.loc[[6, 7, 8, 9, 12], "beta"].tolist() == pytest.approx([0, 2 / 3, 4 / 3, 2, 2])
    assert (log["alpha"] == 1).all()


def outputs(folder):
    return [(folder / name).read_bytes() for name in ("checkpoint.pt", "log.parquet", "rois.parquet")]


@pytest.mark.parametrize("detector", ["fast_rcnn", "faster_rcnn"])
def test_same_seed_same_bytes_other_seed_other_bytes(data, tmp_path, detector):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert run_train(data, tmp_path / name, detector, seed=seed) == 0
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")
    assert outputs(tmp_path / "a")[0] != outputs(tmp_path / "c")[0]


def test_a_stopped_run_goes_on_to_the_same_bytes(data, tmp_path, monkeypatch):
    assert run_train(data, tmp_path / "whole", "faster_rcnn") == 0
    calls = toy.stop_in(monkeypatch, 7)
    assert run_train(data, tmp_path / "cut", "faster_rcnn") == 130
    assert not (tmp_path / "cut" / "checkpoint.pt").exists()
    (state,) = (tmp_path / "cut" / "state").rglob("state.pt")
    kept = checkpoint.load(state, ["run"])["run"]
    assert kept["iteration"] == 7
    assert kept["model"]["head.box_std"].max() < 1  # only a finished detector predicts raw offsets
    assert run_train(data, tmp_path / "cut", "faster_rcnn") == 0
    assert len(calls) == 12
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")
    finished = checkpoint.load(tmp_path / "cut" / "checkpoint.pt", ["model"])["model"]
    assert finished["head.box_std"].eq(1).all()
    assert finished["head.box_mean"].eq(0).all()
    assert not state.exists()
    whole, cut = (files.read_json(tmp_path / name / "provenance.json")["cost"] for name in ("whole", "cut"))
    assert (whole["sessions"], cut["sessions"]) == (1, 2)
    assert whole["seconds"] > 0
    assert whole["joules"] is None  # a CPU has no counter


@pytest.mark.parametrize("detector", ["fast_rcnn", "faster_rcnn"])
def test_a_killed_run_goes_on_to_the_same_bytes(data, tmp_path, detector):
    settings = {"iterations": 40, "checkpoint_every": 3}
    assert run_train(data, tmp_path / "whole", detector, **settings) == 0
    folder = tmp_path / "killed"
    folder.mkdir()
    given = toy.write_params(folder / "params.yaml", toy.parameters(data[0], detector, **settings))
    command = [sys.executable, "-m", "sohem.cli", *toy.train_arguments(data[1], given, folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not list(folder.rglob("state.pt")):
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "checkpoint.pt").exists()
    assert run_train(data, folder, detector, **settings) == 0
    assert outputs(folder) == outputs(tmp_path / "whole")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_state(
    data, tmp_path, monkeypatch, capsys, precision
):
    real, calls = loop.batch_loss, []

    def poisoned(*args):
        calls.append(1)
        loss, sums = real(*args)
        return (loss * np.nan, sums * np.nan) if len(calls) == 7 else (loss, sums)

    monkeypatch.setattr(loop, "batch_loss", poisoned)
    assert run_train(data, tmp_path, precision=precision) == 2
    error = capsys.readouterr().err
    assert "iteration 7: the loss cls_selected is nan" in error
    assert ("or set scales.<scale>.precision: fp32 or bf16" in error) == (precision == "fp16")
    assert "done again" not in error  # no scale mends a loss
    assert "Traceback" not in error
    (state,) = (tmp_path / "state").rglob("state.pt")
    stored = checkpoint.load(state, ["run"])["run"]
    assert stored["iteration"] == 4
    assert all(torch.isfinite(v).all() for v in stored["model"].values())


def test_too_little_memory_is_said_and_the_run_goes_on(data, tmp_path, monkeypatch, capsys):
    assert run_train(data, tmp_path / "whole") == 0
    real, calls = loop.batch_loss, []

    def large(*args):
        calls.append(1)
        if len(calls) == 7:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "batch_loss", large)
        assert run_train(data, tmp_path / "cut") == 2
    error = capsys.readouterr().err
    assert "iteration 7: out of memory" in error
    assert "precision: bf16" in error
    assert "Traceback" not in error
    (state,) = (tmp_path / "cut" / "state").rglob("state.pt")
    assert checkpoint.load(state, ["run"])["run"]["iteration"] == 6
    assert run_train(data, tmp_path / "cut") == 0
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")


def test_a_disk_that_fills_up_is_said_and_the_run_goes_on(data, tmp_path, monkeypatch, capsys):
    assert run_train(data, tmp_path / "whole") == 0
    real, calls = os.fsync, []

    def full(handle):
        calls.append(1)
        if len(calls) == 2:  # the second state, after iteration 8
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert run_train(data, tmp_path / "cut") == 2
    error = capsys.readouterr().err
    assert "state.pt: cannot be written (No space left on device). Free some space" in error
    assert "Traceback" not in error
    (state,) = (tmp_path / "cut" / "state").rglob("state.pt")
    assert checkpoint.load(state, ["run"])["run"]["iteration"] == 4
    assert run_train(data, tmp_path / "cut") == 0
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")


def test_other_errors_of_torch_are_not_taken_for_a_lack_of_memory():
    with pytest.raises(RuntimeError, match="shapes"), loop.memory_errors(1):
        raise RuntimeError("shapes do not fit")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_breaks_during_a_run_is_named_and_the_run_goes_on_when_it_is_mended(
    tmp_path, monkeypatch, capsys, workers
):
    data = tmp_path / "toy", toy.make(tmp_path / "toy")
    settings = {"workers": workers, "iterations": 24}
    assert run_train(data, tmp_path / "whole", **settings) == 0
    image = data[0] / "images" / "000003.png"
    whole, real, calls = image.read_bytes(), loop.batch_loss, []

    def breaks(*args):
        calls.append(1)
        if len(calls) == 3:
            image.write_bytes(whole[:100])
        return real(*args)

    monkeypatch.setattr(loop, "batch_loss", breaks)
    # Batches read ahead were whole still: so many iterations that the broken image is met in any case.
    assert run_train(data, tmp_path / "cut", **settings) == 2
    error = capsys.readouterr().err
    assert "000003.png: truncated or no image" in error
    assert "Traceback" not in error
    (state,) = (tmp_path / "cut" / "state").rglob("state.pt")
    assert 3 <= checkpoint.load(state, ["run"])["run"]["iteration"] < 24
    image.write_bytes(whole)
    assert run_train(data, tmp_path / "cut", **settings) == 0
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")


def detect(data, folder, checkpoint_file, **changes):
    given = toy.parameters(data[0], **changes)
    file = toy.write_params(folder / "detect.yaml", given)
    files_in = ["--images", str(data[1]["images"]), "--proposals", str(data[1]["proposals"])]
    out = str(folder / "d.parquet")
    names = ["--dataset", "toy", "--method", "sohem", "--checkpoint", str(checkpoint_file), "--out", out]
    return main(["detect", "--params", str(file), *names, *files_in])


def test_detect_refuses_what_it_cannot_trust(data, tmp_path, capsys):
    assert run_train(data, tmp_path) == 0
    good = tmp_path / "checkpoint.pt"
    assert detect(data, tmp_path, good) == 0
    assert set(files.read_table(tmp_path / "d.parquet").columns) >= {"image_id", "class", "score", "x1"}

    kept = (tmp_path / "d.parquet").read_bytes()
    assert detect(data, tmp_path, good, lr=0.5) == 2
    assert "scales.demo.train.lr: trained with 0.01, wanted 0.5" in capsys.readouterr().err

    (tmp_path / "cut.pt").write_bytes(good.read_bytes()[:-100])
    (tmp_path / "text.pt").write_text("not a checkpoint")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pt")
    checkpoint.save(tmp_path / "pretrained.pt", {"settings": "{}", "backbone": {}, "hidden": {}})
    for name in ("cut.pt", "text.pt", "other.pt", "absent.pt", "pretrained.pt"):
        assert detect(data, tmp_path, tmp_path / name) == 2, name
        error = capsys.readouterr().err
        assert name in error
        assert "Traceback" not in error
    assert (tmp_path / "d.parquet").read_bytes() == kept


class Evil:
    def __reduce__(self):
        return (os.system, ("touch executed",))


def test_a_checkpoint_is_loaded_without_executing_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"format": checkpoint.FORMAT, "model": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError, match="nothing in it was executed"):
        checkpoint.load(tmp_path / "evil.pt", [])
    assert not (tmp_path / "executed").exists()


def test_equal_content_gives_equal_bytes_under_any_name(tmp_path):
    for name in ("a.pt", "b.pt"):
        checkpoint.save(tmp_path / name, {"x": torch.ones(3)})
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


@pytest.mark.parametrize(
    ("method", "word"), [("hoem", "--method hoem: not among the methods"), ("ohem", "no such file")]
)
def test_names_and_files_that_do_not_exist_are_named(data, tmp_path, capsys, method, word):
    given = toy.write_params(tmp_path / "params.yaml", toy.parameters(data[0]))
    paths = {**data[1], "images": tmp_path / "absent.parquet"}
    assert main(toy.train_arguments(paths, given, tmp_path, method)) == 2
    error = capsys.readouterr().err
    assert word in error
    assert "Traceback" not in error


def test_the_state_belongs_to_its_settings(data, monkeypatch):
    stored = {"settings": params.dumps({"lr": 1}), "seed": 0}
    inputs = list(data[1].values())
    before = states.name(stored, inputs)
    assert states.name(dict(stored), inputs) == before
    assert states.name({**stored, "seed": 1}, inputs) != before
    assert states.name(stored, inputs[:1]) != before
    for module, name, other in ((sources, "fingerprint", "other code"), (provenance, "versions", {"torch": "0"})):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, lambda *steps, other=other: other)
            assert states.name(stored, inputs) != before


def test_params_of_the_toy_are_valid_yaml(tmp_path):
    file = toy.write_params(tmp_path / "p.yaml", toy.parameters(tmp_path))
    assert params.load(file) == yaml.safe_load(file.read_text())
