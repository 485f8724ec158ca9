from dataclasses import replace

import pytest
import torch

import toy
from sohem import checkpoint, settings
from sohem.detectors import backbones, pretraining, rpn, weights
from sohem.detectors.architectures import small, vgg16
from sohem.detectors.detector import build
from sohem.detectors.heads import RoIHead, dropout
from sohem.errors import CheckpointError
from sohem.mining.losses import roi_losses
from sohem.randomness import epoch_order, stream


def test_folding_keeps_what_the_network_computes():
    torch.manual_seed(0)
    model = backbones.make(small.ARCHITECTURE, "crops", small.layers(batch_norm=True))
    for layer in model.layers:
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias)
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    image = torch.rand(1, 3, 40, 48) * 255
    with torch.no_grad():
        expected = model.eval()(image)
        folded = backbones.make(small.ARCHITECTURE, "crops", pretraining.fold(model.layers))
        torch.testing.assert_close(folded(image), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "stride", "channels"),
    [("small", 8, 128), ("vgg16", 16, 512), ("squeezenet", 16, 512), ("resnet18", 16, 256)],
)
def test_backbones_share_one_interface(name, stride, channels):
    backbone = backbones.build(name, "none", frozen=2)
    with torch.no_grad():
        features = backbone(torch.zeros(1, 3, 64, 96))
    assert features.shape == (1, channels, 64 // stride, 96 // stride)
    frozen = [p for layer in backbone.layers[: backbone.frozen] for p in layer.parameters()]
    assert frozen
    assert not any(p.requires_grad for p in frozen)
    assert all(p.requires_grad for layer in backbone.layers[backbone.frozen :] for p in layer.parameters())


def test_vgg16_pools_in_ceil_mode_and_freezes_conv1_and_conv2():
    backbone = backbones.make(vgg16.ARCHITECTURE, "caffe", frozen=4)
    assert isinstance(backbone.layers[backbone.frozen - 1], torch.nn.MaxPool2d)
    convolutions = [m for m in backbone.layers[: backbone.frozen] if isinstance(m, torch.nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [64, 64, 128, 128]
    assert backbone(torch.zeros(1, 3, 33, 33)).shape[2:] == (3, 3)  # 33 -> 17 -> 9 -> 5 -> 3


def test_dropout_draws_from_its_own_generator():
    head, state = RoIHead(4, 1, 8, 2, dropout=0.5), torch.get_rng_state()
    once, again = (torch.stack(head.masks(1000, stream(1, "mask"))) for _ in range(2))
    assert torch.equal(once, again)
    assert not torch.equal(once[0], once[1])  # fc6 and fc7 each have a mask
    assert once.float().mean().item() == pytest.approx(0.5, abs=0.02)
    x = torch.ones(1000, 8)
    assert set(dropout(x, once[0], 0.5).unique().tolist()) == {0.0, 2.0}
    assert torch.equal(torch.get_rng_state(), state)
    assert head.masks(1000, None) == (None, None)
    assert torch.equal(dropout(x, None, 0.5), x)


def gradients(precision, compile_backend=None):
    """Loss, gradient of the whole detector and scores of one image, with a backbone whose weights are drawn."""
    scale = replace(toy.scale(toy.parameters(toy.ROOT)), precision=precision)
    network = build("fast_rcnn", 3, scale, 0)
    if compile_backend:
        network.backbone.compile(backend=compile_backend, dynamic=True)
        network.head.compile(backend=compile_backend, dynamic=True)
    losses = []
    for height, width in ((48, 64), (64, 40)):  # two sizes, as real images have many
        generator = stream(3, "image", height)
        image = torch.rand(3, height, width, generator=generator) * 255
        corner = torch.rand(40, 2, generator=generator) * 30
        boxes = torch.cat([corner, corner + 4 + torch.rand(40, 2, generator=generator) * 20], dim=1)
        labels = torch.arange(40) % 4
        features = network.features(image)
        with torch.no_grad():  # autocast must not keep what this pass cast for the next one
            read_only = roi_losses(*network.classify(features, boxes), labels, torch.ones(40, 4))
        cls, loc = roi_losses(*network.classify(features, boxes), labels, torch.ones(40, 4))
        torch.testing.assert_close(torch.stack(read_only), torch.stack((cls, loc)).detach())
        losses.append(torch.stack((cls, loc)))
    torch.stack(losses).mean().backward()
    found = [p.grad for p in network.parameters() if p.requires_grad]
    assert all(g is not None and g.dtype == torch.float32 and g.abs().sum() > 0 for g in found)
    return torch.stack(losses).detach(), torch.cat([g.flatten() for g in found])


@pytest.mark.parametrize(
    ("precision", "backend", "bound"), [("bf16", None, 0.03), ("fp16", None, 0.004), ("fp32", "aot_eager", 1e-5)]
)
def test_the_fast_paths_losses_agree_with_eager_fp32(precision, backend, bound):
    """bf16 has 8 bits of mantissa: 0.4 % a rounding, some per cent after ten layers; fp16 has 11, an eighth of that.

    Compiling changes nothing.
    """
    expected, slope = gradients("fp32")
    losses, other = gradients(precision, backend)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, expected, rtol=bound, atol=bound)
    assert torch.nn.functional.cosine_similarity(other, slope, dim=0).item() > 1 - bound
    assert (other.norm() / slope.norm()).item() == pytest.approx(1, abs=bound)


def test_streams_differ_by_purpose_and_iteration():
    draws = [
        torch.rand(1, generator=stream(*key)).item() for key in ((0, "a", 1), (0, "a", 2), (0, "b", 1), (1, "a", 1))
    ]
    assert len(set(draws)) == 4
    assert sorted(epoch_order(0, 3, 10).tolist()) == list(range(10))


def test_anchors_by_hand():
    shapes = rpn.anchor_shapes([0.5, 2.0], [8.0])  # height / width
    torch.testing.assert_close(shapes, torch.tensor([[11.3137, 5.6569], [5.6569, 11.3137]]), atol=1e-4, rtol=0)
    # py-faster-rcnn's nine, (-84, -40, 99, 55) and so on in its inclusive corners around 7.5
    rounded = rpn.anchor_shapes([0.5, 1, 2], [128, 256, 512], base=16)
    assert rounded[:4].tolist() == [[184, 96], [128, 128], [88, 176], [368, 192]]
    assert rounded[8].tolist() == [352, 704]
    nearest = rpn.anchors(rounded[:1], height=1, width=1, stride=16)
    assert nearest.tolist() == [[-84, -40, 100, 56]]
    boxes = rpn.anchors(torch.tensor([[4.0, 2.0]]), height=1, width=2, stride=8)
    assert boxes.tolist() == [[2, 3, 6, 5], [10, 3, 14, 5]]


def test_anchor_labels():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 6], [0, 0, 10, 2], [40, 0, 50, 10], [20, 0, 30, 10]])
    inside = torch.tensor([True, True, True, True, False])
    targets = torch.tensor([[0.0, 0, 10, 10]])
    ignored = torch.tensor([[39.0, 0, 60, 20]])
    labels, _ = rpn.label_anchors(boxes, targets, ignored, inside, 0.7, 0.3)
    assert labels.tolist() == [1, -1, 0, -1, -1]  # object, between (0.6), background, ignored, across the border
    # The best anchor of an object is one however little it overlaps.
    labels, _ = rpn.label_anchors(boxes[1:], targets, ignored, inside[1:], 0.7, 0.3)
    assert labels.tolist() == [1, 0, -1, -1]
    # Without objects everything inside that is not ignored is background.
    labels, _ = rpn.label_anchors(boxes, targets[:0], ignored, inside, 0.7, 0.3)
    assert labels.tolist() == [0, 0, 0, -1, -1]


def test_an_image_that_is_ignored_as_a_whole_teaches_the_rpn_nothing(tmp_path):
    network = build("faster_rcnn", 2, toy.scale(toy.parameters(tmp_path)), seed=0)
    logits, offsets, anchors = network.objectness(network.features(torch.zeros(3, 48, 64)))
    everything, nothing = torch.tensor([[0.0, 0, 64, 48]]), torch.zeros(0, 4)
    losses = network.rpn.losses(logits, offsets, anchors, (48, 64), nothing, everything, stream(0, "anchors"))
    assert [loss.item() for loss in losses] == [0, 0]
    sum(losses).backward()
    assert not network.rpn.scores.weight.grad.any()


@pytest.mark.parametrize("detector", ["fast_rcnn", "faster_rcnn"])
def test_detections_lie_in_the_image_and_building_leaves_the_global_generator_alone(detector, tmp_path):
    given = toy.parameters(tmp_path)
    scale, test = toy.scale(given), settings.of(settings.Test, given["scales"]["demo"]["test"])
    state = torch.get_rng_state()
    network = build(detector, 2, scale, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    proposals = torch.tensor([[0.0, 0, 20, 20], [10, 10, 60, 40]]) if detector == "fast_rcnn" else None
    features = network.features(torch.rand(3, 48, 64) * 255)
    boxes, scores, labels = network.detect(features, (48, 64), proposals, 1.0, scale.rpn.test, replace(test, score=0.0))
    assert len(boxes) == len(scores) == len(labels) > 0
    assert set(labels.tolist()) <= {1, 2}
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 64
    assert boxes[:, 3].max() <= 48


def test_pretraining_learns_and_its_weights_fit_a_detector(tmp_path):
    torch.manual_seed(0)
    labels = torch.arange(64) % 2 + 1
    crops = (labels.view(-1, 1, 1, 1) * 90 + torch.randint(0, 40, (64, 3, 32, 32))).to(torch.uint8)
    boxes = torch.tensor([[4.0, 4, 28, 28]]).repeat(64, 1)
    crop = settings.Crops(threads=1, seed=0, images=64, size=32, rois=8, epochs=6, batch=16, lr=0.05, weight_decay=0.0)
    epochs = []
    scale = toy.scale(toy.parameters(tmp_path))
    model = pretraining.train(crops, boxes, labels, 2, scale.head, crop, lambda *epoch: epochs.append(epoch))
    assert [number for number, *_ in epochs] == [1, 2, 3, 4, 5, 6]
    assert epochs[-1][1] < 0.7 * epochs[0][1]  # L_cls
    checkpoint.save(
        tmp_path / "w.pt", weights.content("crops", model.backbone.preprocessing, pretraining.weights(model))
    )
    network = build("fast_rcnn", 2, scale, seed=0)
    weights.start_from(network.backbone, network.head, tmp_path / "w.pt", "crops")
    torch.testing.assert_close(network.head.fc6.weight, model.head.fc6.weight)
    other = build("fast_rcnn", 2, replace(scale, head=replace(scale.head, hidden=8)), seed=0)
    message = r"w.pt: does not fit this head: fc6.weight: found \[16, 1152\], expected \[8, 1152\]"
    with pytest.raises(CheckpointError, match=message):
        weights.start_from(other.backbone, other.head, tmp_path / "w.pt", "crops")
