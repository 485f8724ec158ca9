"""Images that are tiny, very narrow, or ignored as a whole: trained on and detected in, or named in one message."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import toy
from sohem import files, params, settings
from sohem.cli import main
from sohem.commands.detect import detections
from sohem.detectors.detector import build
from sohem.errors import TrainingError
from sohem.mining import miners
from sohem.mining.miner import Moment
from sohem.training.log import check_finite, log_row
from sohem.training.samples import Sample
from sohem.training.step import batch_loss

TRAIN, TEST = "000001", "000007"


@pytest.fixture
def data(tmp_path):
    """The toy data set; what it is called with becomes of one training and one test image: its size and one object."""

    def make(width, height, label="dark"):
        paths = toy.make(tmp_path)
        tables = {name: files.read_table(path) for name, path in paths.items()}
        for name in (TRAIN, TEST):
            Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(tmp_path / f"images/{name}.png")
            rows = tables["images"]["image_id"] == name
            tables["images"].loc[rows, ["width", "height"]] = width, height
            box = {"image_id": name, "x1": 0, "y1": 0, "x2": width, "y2": height}
            flags = {"class": label, "difficult": False, "truncated": False, "ignore": label == ""}
            for table, row in (("ground_truth", box | flags), ("proposals", box)):
                old = tables[table]
                new = pd.DataFrame([row])[old.columns].astype(old.dtypes)
                tables[table] = pd.concat([old[old["image_id"] != name], new], ignore_index=True)
        for name, table in tables.items():
            files.write_table(paths[name], table)
        return paths

    return make


def run(paths, folder, detector, method="sohem", **train):
    """The exit status of training, or else of detection; all images are seen in training."""
    given = toy.write_params(folder / "params.yaml", toy.parameters(folder, detector, iterations=3, **train))
    words = toy.train_arguments(paths, given, folder, method)
    if status := main([*words, "--cache", str(folder / "cache")]):
        return status
    external = ["--proposals", str(paths["proposals"])] if detector == "fast_rcnn" else []
    return main(
        ["detect", "--params", str(given), "--dataset", "toy", "--method", method, "--images", str(paths["images"]),
         "--checkpoint", str(folder / "checkpoint.pt"), "--out", str(folder / "detections.parquet"), *external]
    )  # fmt: skip


@pytest.mark.parametrize("detector", ["fast_rcnn", "faster_rcnn"])
def test_an_image_of_one_pixel_is_enlarged_like_any_other(data, tmp_path, detector):
    assert run(data(1, 1), tmp_path, detector) == 0
    assert files.read_table(tmp_path / "log.parquet")["cls_selected"].notna().all()


@pytest.mark.parametrize("method", ["ohem", "sohem", "strata", "random"])
def test_a_diverged_rpn_and_an_image_without_objects_leave_no_roi(method):
    """The iteration ends in the message about the RPN's loss, and detection in no detection."""
    given = params.load(toy.ROOT / "params.yaml")
    scale = settings.of(settings.Scale, params.at_scale(given))
    network = build("faster_rcnn", 3, scale, seed=0)
    torch.nn.init.constant_(network.rpn.offsets.bias, torch.nan)
    nothing = torch.zeros(0, 4)
    image = torch.zeros(3, 64, 96, dtype=torch.uint8)
    sample = Sample(image, (64, 96), nothing, torch.zeros(0, dtype=torch.long), nothing, None, 1.0)
    miner, moment = miners.build(method, params.method(given, method, "kitti"), 8, 10, 1.0), Moment(1, {})
    loss, sums = batch_loss(network, [sample, sample], miner, moment, scale.train, seed=0)
    loss.backward()
    row = np.array([1.0, 0.1, 1.0, 0.0, *log_row(sums, 2).numpy()])
    with pytest.raises(TrainingError, match=r"iteration 1: the loss rpn_box is nan|the loss rpn_objectness is nan"):
        check_finite(row, rpn=True, half=False)
    test = settings.of(settings.Test, params.at_scale(given)["test"])
    assert len(detections(network, sample, "1", scale.rpn.test, test, ["a", "b", "c"])) == 0


@pytest.mark.parametrize("cache", ["pixels", "features"])
@pytest.mark.parametrize(("width", "height", "resized"), [(500, 3, "64x1"), (3, 500, "1x64")])
def test_an_image_too_narrow_for_the_backbone_is_named(data, tmp_path, capsys, cache, width, height, resized):
    assert run(data(width, height), tmp_path, "fast_rcnn", cache=cache) == 2
    (message,) = [line for line in capsys.readouterr().err.splitlines() if "sohem: error: " in line]
    assert f"images/{TRAIN}.png: {resized} pixels once resized, too small for the backbone (" in message
    assert "raise short_side and long_side" in message


@pytest.mark.parametrize("method", ["ohem", "sohem", "strata", "random"])
def test_an_image_ignored_as_a_whole_adds_no_loss(data, tmp_path, method):
    """Nothing of it may be chosen: no RoI, and no anchor."""
    assert run(data(48, 64, label=""), tmp_path, "faster_rcnn", method) == 0
    log = files.read_table(tmp_path / "log.parquet")
    assert log[["cls_selected", "rpn_objectness"]].notna().all(axis=None)
    assert log["n_selected"].min() <= 8  # of the two images in that iteration the other alone
    assert log["n_selected"].max() > 8
