"""Frozen layers whose output is kept on disk, and weights averaged over the last iterations."""

import numpy as np
import pytest
import torch

import toy
from sohem import checkpoint, files
from sohem.cli import main
from sohem.detectors import backbones
from sohem.detectors.detector import build
from sohem.errors import ParamsError
from sohem.training import loop


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    return root, toy.make(root)


def run_train(data, folder, detector="fast_rcnn", method="sohem", seed=0, frozen=2, **train):
    folder.mkdir(parents=True, exist_ok=True)
    given = toy.parameters(data[0], detector, **train)
    given["scales"]["demo"]["frozen"] = {"fast_rcnn": frozen, "faster_rcnn": frozen}
    arguments = toy.train_arguments(data[1], toy.write_params(folder / "params.yaml", given), folder, method, seed)
    return main([*arguments, "--cache", str(folder / "cache")])


@pytest.mark.parametrize("frozen", [2, 6])
@pytest.mark.parametrize("mirror", [False, True])
def test_kept_features_are_those_of_the_image(data, tmp_path, frozen, mirror):
    given = toy.parameters(data[0])
    given["scales"]["demo"]["frozen"]["fast_rcnn"] = frozen
    detector, plain, kept = build("fast_rcnn", 2, toy.scale(given), 0), toy.reader(data), toy.reader(data)
    kept.keep_still(detector, tmp_path, mirrored=True)
    for index in range(len(plain)):
        pixels, still = plain(index, mirror), kept(index, mirror)
        assert still.size == pixels.size == tuple(pixels.image.shape[1:])
        torch.testing.assert_close(still.features(detector), pixels.features(detector), rtol=1e-5, atol=1e-5)
        assert torch.equal(still.boxes, pixels.boxes)
        assert torch.equal(still.proposals, pixels.proposals)


def test_shapes_are_worked_out_without_a_copy_of_the_weights(data, monkeypatch):
    detector = build("fast_rcnn", 2, toy.scale(toy.parameters(data[0])), 0)
    sizes = [(48, 64), (33, 47)]
    expected = {size: tuple(detector.still(torch.zeros(3, *size)).shape) for size in sizes}
    for kind in (torch.Tensor, torch.nn.Parameter):
        monkeypatch.setattr(kind, "__deepcopy__", lambda self, memo: pytest.fail(f"copies {tuple(self.shape)}"))
    assert detector.still_shapes(sizes) == expected
    assert all(weight.device.type == "cpu" for weight in detector.state_dict().values())


def test_a_training_on_kept_features_is_the_one_on_pixels(data, tmp_path):
    for cache in ("pixels", "features"):
        assert run_train(data, tmp_path / cache, "faster_rcnn", cache=cache, flip="coin") == 0
    pixels, features = (files.read_table(tmp_path / cache / "log.parquet") for cache in ("pixels", "features"))
    np.testing.assert_allclose(features.to_numpy(float), pixels.to_numpy(float), rtol=1e-3, atol=1e-4)


def test_the_file_of_features_belongs_to_the_weights_and_is_shared_by_the_methods(data, tmp_path):
    given = toy.scale(toy.parameters(data[0]))
    for seed in (0, 0, 1):  # weights are drawn with the seed
        toy.reader(data).keep_still(build("fast_rcnn", 2, given, seed), tmp_path, mirrored=False)
    assert len(list(tmp_path.glob("*.bin"))) == 2


def test_all_layers_can_be_frozen_and_no_more(data, tmp_path, capsys):
    assert run_train(data, tmp_path, "faster_rcnn", cache="features", frozen=6) == 0
    before = build("faster_rcnn", 2, toy.scale(toy.parameters(data[0])), 0).backbone.state_dict()
    after = checkpoint.load(tmp_path / "checkpoint.pt", ["model"])["model"]
    assert all(torch.equal(after[f"backbone.{name}"], weight) for name, weight in before.items())
    assert not torch.equal(
        after["rpn.scores.weight"],
        build("faster_rcnn", 2, toy.scale(toy.parameters(data[0])), 0).rpn.scores.weight,
    )
    assert run_train(data, tmp_path / "more", frozen=7) == 2
    assert "frozen: 7 layers, but this backbone has 6 with weights; give 0 to 6" in capsys.readouterr().err


def test_frozen_layers_are_counted_by_those_with_weights():
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Conv2d(4, 4, 3), torch.nn.ReLU()
    )
    assert [backbones.leading(layers, count) for count in (0, 1, 2)] == [0, 3, 5]
    with pytest.raises(ParamsError, match="has 2 with weights"):
        backbones.leading(layers, 3)


def weights_after_each_iteration(data, monkeypatch, folder, **train):
    """The model's weights before each iteration, and those of the finished checkpoint."""
    real, seen = loop.batch_loss, []

    def look(detector, *others):
        seen.append({name: value.clone() for name, value in detector.state_dict().items()})
        return real(detector, *others)

    monkeypatch.setattr(loop, "batch_loss", look)
    assert run_train(data, folder, **train) == 0
    monkeypatch.undo()
    return seen, checkpoint.load(folder / "checkpoint.pt", ["model"])["model"]


def test_the_last_weights_are_averaged(data, tmp_path, monkeypatch):
    plain, last = weights_after_each_iteration(data, monkeypatch, tmp_path / "plain")
    same, averaged = weights_after_each_iteration(data, monkeypatch, tmp_path / "averaged", average=0.25)
    name = "head.fc6.weight"
    assert all(torch.equal(a[name], b[name]) for a, b in zip(plain, same, strict=True))  # the training is the same
    # A quarter of 12 iterations: the weights after iterations 10, 11 and 12, which are those before 11 and 12 and last.
    expected = (plain[10][name] + plain[11][name] + last[name]) / 3
    torch.testing.assert_close(averaged[name], expected, rtol=1e-5, atol=1e-6)
    assert not torch.equal(averaged[name], last[name])


def test_a_run_stopped_while_averaging_goes_on_to_the_same_bytes(data, tmp_path, monkeypatch):
    settings = {"average": 0.5, "cache": "features"}
    assert run_train(data, tmp_path / "whole", **settings) == 0
    toy.stop_in(monkeypatch, 10)
    assert run_train(data, tmp_path / "cut", **settings) == 130
    assert run_train(data, tmp_path / "cut", **settings) == 0
    whole, cut = ((tmp_path / name / "checkpoint.pt").read_bytes() for name in ("whole", "cut"))
    assert cut == whole
