"""Training in float16: the loss is scaled, and an iteration whose gradients overflow is done again at a lower scale.

The runs are on a CPU. A gradient is made to overflow by hand, or by a first scale that is too large for float16.
"""

from functools import partial

import numpy as np
import pytest
import torch
from torch.amp import GradScaler

import toy
from sohem import checkpoint, files
from sohem.cli import main
from sohem.detectors import detector
from sohem.errors import TrainingError
from sohem.training import loop, scaling
from sohem.training.scaling import Scaling

HUGE = partial(GradScaler, init_scale=2.0**24, growth_interval=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    return root, toy.make(root)


def run_train(data, folder, method="sohem", **changes):
    folder.mkdir(parents=True, exist_ok=True)
    given = toy.write_params(folder / "params.yaml", toy.parameters(data[0], **changes))
    return main(toy.train_arguments(data[1], given, folder, method))


def origin(folder):
    return files.read_json(folder / "provenance.json")


def outputs(folder, names=("checkpoint.pt", "log.parquet", "rois.parquet", "mined.parquet")):
    return [(folder / name).read_bytes() for name in names]


def overflow_in(monkeypatch, calls):
    """Let the gradient of the loss be infinite in these passes (from 1) of the next training, the loss being fine."""
    real, done = loop.batch_loss, []

    def overflowing(*args):
        done.append(1)
        loss, sums = real(*args)
        if len(done) in calls:
            loss.register_hook(lambda gradient: gradient * torch.inf)
        return loss, sums

    monkeypatch.setattr(loop, "batch_loss", overflowing)
    return done


def weight_and_optimiser():
    weight = torch.ones(1, requires_grad=True)
    return weight, torch.optim.SGD([weight], lr=1.0)


def test_a_gradient_that_overflows_halves_the_scale_until_it_fits(capsys):
    weight, optimiser = weight_and_optimiser()
    made = Scaling(GradScaler("cpu", init_scale=8.0))
    assert made.backward(3 * weight.sum(), optimiser, 1)
    assert weight.grad.item() == 3  # without the scale
    ready = []
    for _ in range(3):  # float32 ends at 3.4e38: 8e38 and 4e38 are too much
        optimiser.zero_grad()
        ready.append(made.backward(1e38 * weight.sum(), optimiser, 2))
    assert ready == [False, False, True]
    assert weight.grad.item() == pytest.approx(1e38)
    assert made.scaler.get_scale() == 2
    assert made.skipped == [2, 2]
    assert (
        "iteration 2: a gradient is not finite in float16; done again with a loss scale of 4\n"
        in capsys.readouterr().err
    )


def test_a_loss_that_is_not_finite_is_no_matter_of_the_scale():
    weight, optimiser = weight_and_optimiser()
    made = Scaling(GradScaler("cpu", init_scale=8.0))
    assert made.backward(weight.sum() * torch.nan, optimiser, 1)
    assert weight.grad is None
    assert (made.scaler.get_scale(), made.skipped) == (8, [])


def test_no_scale_below_1_is_tried():
    weight, optimiser = weight_and_optimiser()
    weight.register_hook(lambda gradient: gradient * torch.inf)
    made = Scaling(GradScaler("cpu", init_scale=1.0))
    with pytest.raises(TrainingError, match="iteration 5: a gradient is not finite at a loss scale of 1 either"):
        made.backward(weight.sum(), optimiser, 5)


def test_a_restored_scale_grows_when_the_stored_one_would():
    weight, optimiser = weight_and_optimiser()
    first, second = (Scaling(GradScaler("cpu", init_scale=4.0, growth_interval=3)) for _ in range(2))
    first.skipped = [1]
    for _ in range(2):
        first.backward(weight.sum(), optimiser, 2)
    second.restore(first.state())
    assert (second.scaler.get_scale(), second.skipped) == (4, [1])
    second.backward(weight.sum(), optimiser, 3)
    assert second.scaler.get_scale() == 8


def test_a_skipped_step_does_not_move_the_schedule(data, tmp_path, monkeypatch, capsys):
    """Scales are powers of two, which change no digit. So without float16's own rounding a scaled training in which
    steps were skipped is the one without a scale, to the bit: rate, images, random numbers, log and averaged weights.
    """
    settings = {"average": 0.5, "checkpoint_every": 3, "log_every": 3}
    assert run_train(data, tmp_path / "plain", **settings) == 0
    monkeypatch.setitem(detector.COMPUTED_IN, "fp16", torch.float32)
    done = overflow_in(monkeypatch, {7, 11, 12})
    assert run_train(data, tmp_path / "scaled", precision="fp16", **settings) == 0
    assert len(done) == 12 + 3
    plain, scaled = tmp_path / "plain", tmp_path / "scaled"
    tables = ("log.parquet", "rois.parquet", "mined.parquet")
    assert outputs(scaled, tables) == outputs(plain, tables)
    weights, same = (checkpoint.load(folder / "checkpoint.pt", ["model"])["model"] for folder in (plain, scaled))
    assert all(torch.equal(same[name], value) for name, value in weights.items())
    # The 7th pass was that of iteration 7, done again by the 8th; the 11th and 12th were those of iteration 10.
    assert (origin(scaled)["precision"], origin(scaled)["skipped_steps"]) == ("fp16", [7, 10, 10])
    assert origin(plain)["precision"] == "fp32"
    assert "skipped_steps" not in origin(plain)
    assert "iteration 7: a gradient is not finite in float16" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [2, 12])
def test_a_run_stopped_at_a_skipped_step_or_later_goes_on_to_the_same_bytes(data, tmp_path, monkeypatch, stop):
    monkeypatch.setattr(scaling, "GradScaler", HUGE)
    assert run_train(data, tmp_path / "whole", precision="fp16") == 0
    skipped = origin(tmp_path / "whole")["skipped_steps"]
    assert skipped[:2] == [1, 1]  # the second pass, after which the run is stopped, is a repeated one
    assert max(skipped) > 1  # the scale grew again until it was too large
    with monkeypatch.context() as patch:
        toy.stop_in(patch, stop)
        assert run_train(data, tmp_path / "cut", precision="fp16") == 130
    assert run_train(data, tmp_path / "cut", precision="fp16") == 0
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")
    assert origin(tmp_path / "cut")["skipped_steps"] == skipped


def test_a_gradient_that_never_fits_ends_the_run_and_what_was_done_is_kept(data, tmp_path, monkeypatch, capsys):
    overflow_in(monkeypatch, range(7, 100))
    assert run_train(data, tmp_path, precision="fp16") == 2
    error = capsys.readouterr().err
    assert "iteration 7: a gradient is not finite at a loss scale of 1 either" in error
    assert "set scales.<scale>.precision: fp32 or bf16" in error
    assert "Traceback" not in error
    (state,) = (tmp_path / "state").rglob("state.pt")
    stored = checkpoint.load(state, ["run"])["run"]
    assert stored["iteration"] == 6
    assert all(torch.isfinite(value).all() for value in stored["model"].values())


def test_float16_trains_as_float32_does(data, tmp_path):
    for precision in ("fp32", "fp16"):
        assert run_train(data, tmp_path / precision, precision=precision, method="random") == 0
    exact, half = (files.read_table(tmp_path / name / "log.parquet") for name in ("fp32", "fp16"))
    np.testing.assert_allclose(half["cls_all"], exact["cls_all"], rtol=0.02)


def test_auto_is_resolved_for_training_and_for_detecting(data, tmp_path):
    for precision in ("fp32", "auto"):
        assert run_train(data, tmp_path / precision, precision=precision) == 0
    auto = tmp_path / "auto"
    assert outputs(auto, ["log.parquet"]) == outputs(tmp_path / "fp32", ["log.parquet"])
    files_in = ["--images", str(data[1]["images"]), "--proposals", str(data[1]["proposals"])]
    written = ["--out", str(auto / "d.parquet"), "--provenance", str(auto / "detections.json")]
    names = ["--dataset", "toy", "--method", "sohem", "--checkpoint", str(auto / "checkpoint.pt")]
    assert main(["detect", "--params", str(auto / "params.yaml"), *names, *files_in, *written]) == 0
    assert origin(auto)["precision"] == files.read_json(auto / "detections.json")["precision"] == "fp32"


def test_bf16_on_a_card_without_it_is_one_message(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    given = toy.parameters(data[0], precision="bf16")
    given["scales"]["demo"]["device"] = "cuda"
    file = toy.write_params(tmp_path / "params.yaml", given)
    assert main(toy.train_arguments(data[1], file, tmp_path)) == 2
    error = capsys.readouterr().err
    assert error.startswith("sohem: error: precision: bf16, but the Tesla T4 has no bfloat16")
    assert "fp16, or to auto" in error
