"""torchvision's Faster R-CNN with a small backbone learns on the demo's generated street scenes, with every miner.

It says nothing about which miner is better: six images, 180 steps, one class.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

from sohem import OHEM, SOHEM, RandomSampler, StratifiedSOHEM, mine, params
from sohem.datasets import ground_truth, miniature
from sohem.datasets.annotation import BOX
from sohem.evaluation.average_precision import evaluate
from toy import ROOT

STEPS, ROIS, TRAIN, TEST = 180, 48, 6, 8
MINERS = [OHEM(ROIS), SOHEM(ROIS, STEPS), StratifiedSOHEM(ROIS, STEPS), RandomSampler(ROIS)]


def detector() -> FasterRCNN:
    """For one class (object or not), on images of 64 x 213 pixels."""

    def layer(inputs, outputs, stride):
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = nn.Sequential(layer(3, 16, 2), layer(16, 24, 2), layer(24, 32, 2), layer(32, 32, 1))
        backbone.out_channels = 32
        return FasterRCNN(
            backbone, min_size=64, max_size=256, image_mean=[0.45] * 3, image_std=[0.25] * 3,
            rpn_anchor_generator=AnchorGenerator(((12, 24, 48),), ((0.5, 1.0, 2.0),)),
            box_roi_pool=MultiScaleRoIAlign(["0"], 4, 1), box_head=TwoMLPHead(32 * 16, 64),
            box_predictor=FastRCNNPredictor(64, 2), rpn_pre_nms_top_n_train=300, rpn_post_nms_top_n_train=100,
            rpn_post_nms_top_n_test=50,
        )  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Samples to train on; samples and ground-truth table to test on."""
    root = tmp_path_factory.mktemp("kitti")
    miniature.write("kitti", root, seed=3, train=TRAIN, test=TEST)
    given = params.load(ROOT / "params.yaml")
    given["datasets"]["kitti"]["demo"].update(root=str(root), first=TRAIN)
    images, objects = ground_truth.read(given, "kitti")
    objects = objects[~objects["ignore"]].assign(**{"class": "object"})
    samples = {"train": [], "test": []}
    for row in images.itertuples():
        pixels = torch.from_numpy(np.array(Image.open(root / row.file).convert("RGB"))).permute(2, 0, 1) / 255
        boxes = torch.tensor(objects.loc[objects["image_id"] == row.image_id, BOX].to_numpy())
        target = {"boxes": boxes, "labels": torch.ones(len(boxes), dtype=torch.long)}
        samples[row.subset].append((row.image_id, pixels, target))
    tested = [name for name, _, _ in samples["test"]]
    return samples["train"], samples["test"], objects[objects["image_id"].isin(tested)]


@torch.no_grad()
def average_precision(model, samples, truth) -> float:
    """Area under the curve at IoU 0.5 on the test scenes."""
    found = []
    for name, pixels, _ in samples:
        (detections,) = model.eval()([pixels])
        rows = pd.DataFrame(detections["boxes"].numpy(), columns=BOX)
        found.append(rows.assign(image_id=name, score=detections["scores"].numpy(), **{"class": "object"}))
    return evaluate(truth, pd.concat(found, ignore_index=True), ["object"], [0.5])["ap_area"].item()


@pytest.mark.parametrize("miner", MINERS, ids=lambda miner: type(miner).__name__)
def test_it_learns(miner, scenes):
    train, test, truth = scenes
    model = detector()
    untrained = average_precision(model, test, truth)
    course = mine(model.train(), miner).roi_heads.course
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.003)
    order = torch.Generator().manual_seed(0)
    torch.manual_seed(0)  # torchvision samples anchors, and the random sampler RoIs, by the global generator
    history = []
    for _ in range(STEPS):
        chosen = [train[k] for k in torch.randperm(len(train), generator=order)[:2]]
        losses = model([pixels for _, pixels, _ in chosen], [target for _, _, target in chosen])
        loss = sum(losses.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    first, last = np.mean(history[: STEPS // 5]), np.mean(history[-STEPS // 5 :])
    assert last < 0.95 * first
    assert average_precision(model, test, truth) > untrained
    assert course.step == STEPS
    if isinstance(miner, SOHEM):
        assert 0 < course.beta < 100  # the ratio that it measured
