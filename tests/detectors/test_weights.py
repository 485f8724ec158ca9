"""Published VGG16 weights: read, checked, and loaded with their preprocessing. A tiny network stands in for VGG16."""

import hashlib
import json
import struct
from dataclasses import replace

import pytest
import torch
from torch import nn
from torchvision.models.vgg import make_layers

import toy
from sohem import checkpoint, files, schema
from sohem import settings as typed
from sohem.cli import main
from sohem.detectors import backbones, caffemodel, imagenet, weights
from sohem.detectors.architectures import ARCHITECTURES, vgg16
from sohem.detectors.architectures.architecture import CAFFE, TORCHVISION
from sohem.detectors.detector import build
from sohem.detectors.heads import RoIHead
from sohem.download import catalogue, transfer
from sohem.errors import CheckpointError, ParamsError

PLAN = [2, 2, "M", 3, 3, "M", 4, 4, 4, "M", 5, 5, 5, "M", 6, 6, 6, "M"]  # VGG16's with few channels


def tiny():
    model = nn.Module()
    model.features = make_layers(PLAN)
    model.classifier = nn.Sequential(nn.Linear(6 * 49, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 8), nn.ReLU(),
                                     nn.Dropout(), nn.Linear(8, 10))  # fmt: skip
    return model


TINY = replace(vgg16.ARCHITECTURE, published=replace(vgg16.ARCHITECTURE.published, model=tiny))


@pytest.fixture(autouse=True)
def small_vgg16(monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "vgg16", TINY)


@pytest.fixture
def state():
    torch.manual_seed(0)
    return {k: v.detach().clone() for k, v in tiny().state_dict().items()}


def read(folder, content, kind="torchvision", sha256="0" * 64):
    torch.save(content, folder / "w.pth")
    return imagenet.read(folder / "w.pth", TINY, kind, sha256)


def in_caffes_names(state):
    convolutions = ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3"]
    layers = [*(f"conv{name}" for name in convolutions), "fc6", "fc7", "fc8"]
    return dict(zip(layers, zip(*[iter(state.values())] * 2, strict=True), strict=True))


# A .caffemodel by hand, from the encoding of protocol buffers: (number << 3 | kind), then the value.


def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def field(number, payload):
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def blob(tensor, old):
    data = field(5, struct.pack(f"<{tensor.numel()}f", *tensor.flatten().tolist()))
    if old:
        sizes = [1] * (4 - tensor.ndim) + list(tensor.shape)
        return b"".join(field(k, size) for k, size in enumerate(sizes, start=1)) + data
    return data + field(7, field(1, b"".join(varint(size) for size in tensor.shape)))


def caffe_file(layers, old):
    """Old: ``layers`` = 2 with name 4 and blobs 6. New: ``layer`` = 100 with name 1 and blobs 7."""
    name, blobs, layer = (4, 6, 2) if old else (1, 7, 100)
    content = field(1, b"VGG_ILSVRC_16_layers")
    for key, tensors in {"data": [], **layers}.items():
        inside = field(name, key.encode()) + field(5 if old else 2, 4 if old else b"Convolution")
        content += field(layer, inside + b"".join(field(blobs, blob(t, old)) for t in tensors))
    return content


@pytest.mark.parametrize("old", [True, False])
def test_a_caffe_model_is_read_in_both_formats(tmp_path, old, state):
    (tmp_path / "w.caffemodel").write_bytes(caffe_file(in_caffes_names(state), old))
    found = imagenet.read(tmp_path / "w.caffemodel", TINY, "caffe", "0" * 64)
    for name, value in found["backbone"].items():
        assert torch.equal(value, state[f"features.{name}"])
    assert torch.equal(found["hidden"]["fc6.weight"], state["classifier.0.weight"])
    assert torch.equal(found["hidden"]["fc7.bias"], state["classifier.3.bias"])
    assert len(found["backbone"]) == 26
    assert sorted(found["hidden"]) == ["fc6.bias", "fc6.weight", "fc7.bias", "fc7.weight"]


def test_fc6_reads_channel_row_column():
    """Caffe's inner product flattens [C, H, W] in this order; so does the head, so fc6 needs no reordering."""
    head = RoIHead(channels=2, pool=3, hidden=1, classes=1, dropout=0.0)
    nn.init.zeros_(head.fc6.bias)
    pooled = torch.rand(1, 2, 3, 3)
    for c, y, x in ((0, 0, 1), (0, 1, 0), (1, 2, 0)):
        head.fc6.weight.data.zero_()[0, c * 9 + y * 3 + x] = 1
        assert head.fc6(pooled.flatten(1)).item() == pooled[0, c, y, x].item()


def test_the_names_of_the_first_pytorch_conversions_are_known(tmp_path, state):
    renamed = {
        k.replace("classifier.3", "classifier.4").replace("classifier.0", "classifier.1"): v for k, v in state.items()
    }
    assert torch.equal(read(tmp_path, renamed, "caffe")["hidden"]["fc6.weight"], state["classifier.0.weight"])


def changed(state, **changes):
    return {**state, **{name.replace("_", "."): value for name, value in changes.items()}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {k: v for k, v in s.items() if k.startswith("features")},
         "holds no classifier.0.weight; it holds the conv"),
        (lambda s: changed(s, classifier_0_weight=s["classifier.0.weight"] * torch.nan), "IMAGENET1K_FEATURES"),
        (lambda s: changed(s, features_2_bias=s["features.2.bias"] / 0),
         "features.2.bias holds values that are not finite"),
        (lambda s: changed(s, features_5_weight=torch.zeros(3, 2, 5, 5)),
         r"features.5.weight has the shape \[3, 2, 5, 5\], VGG16's has \[3, 2, 3, 3\]"),
        (lambda s: changed(s, features_1_running_mean=torch.zeros(2)),
         "holds features.1.running.mean, which VGG16 does not"),
        (lambda s: {k: v for k, v in s.items() if not k.startswith("features.28")}, "holds no features.28.weight"),
        (lambda s: {"epoch": 3, "state_dict": s}, "not a state dict .it holds epoch, state_dict"),
        (lambda s: [1, 2], "not a state dict"),
    ],
)  # fmt: skip
def test_what_is_not_the_whole_of_vgg16_is_refused(tmp_path, state, change, message):
    with pytest.raises(CheckpointError, match=message):
        read(tmp_path, change(state))


def test_a_known_file_under_another_kind_is_refused(tmp_path, state):
    with pytest.raises(CheckpointError, match=r"these are the weights of torchvision, but .* is caffe"):
        read(tmp_path, state, "caffe", sha256="397923af" + "0" * 56)
    with pytest.raises(CheckpointError, match="holds the convolutions alone"):
        read(tmp_path, state, "torchvision", sha256="88682ab5" + "0" * 56)
    (tmp_path / "w.caffemodel").write_bytes(caffe_file(in_caffes_names(state), True))
    with pytest.raises(CheckpointError, match=r"a Caffe model, but .* is torchvision"):
        imagenet.read(tmp_path / "w.caffemodel", TINY, "torchvision", "0" * 64)


def test_damaged_files_are_refused(tmp_path, state):
    torch.save(state, tmp_path / "w.pth")
    whole = {"pth": (tmp_path / "w.pth").read_bytes(), "caffemodel": caffe_file(in_caffes_names(state), True)}
    damaged = {"cut.pth": whole["pth"][:-300], "cut.caffemodel": whole["caffemodel"][:-7], "text": b"<html>404</html>",
               "empty": b"",
               "odd": field(2, field(4, b"fc6") + field(6, field(1, 3) + field(5, b"\0" * 8)))}  # fmt: skip
    middle = len(whole["pth"]) // 2
    damaged["bit.pth"] = whole["pth"][:middle] + bytes([whole["pth"][middle] ^ 1]) + whole["pth"][middle + 1 :]
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f"{name}: .*(cut short|damaged)"):
            imagenet.read(tmp_path / name, TINY, "caffe", "0" * 64)
    with pytest.raises(CheckpointError, match="absent: cannot be read"):
        imagenet.read(tmp_path / "absent", TINY, "caffe", "0" * 64)


def test_caffes_preprocessing_is_bgr_minus_the_mean():
    backbone = backbones.Backbone(nn.Sequential(nn.Identity()), 1, 3, 0, CAFFE)
    pixel = torch.tensor([122.7717 + 1, 115.9465 + 2, 102.9801 + 3]).view(1, 3, 1, 1)  # red, green, blue
    torch.testing.assert_close(backbone(pixel).flatten(), torch.tensor([3.0, 2.0, 1.0]), atol=1e-4, rtol=0)


def test_torchvisions_preprocessing_is_its_own():
    from torchvision.models import VGG16_Weights

    pixels = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    backbone = backbones.Backbone(nn.Sequential(nn.Identity()), 1, 3, 0, TORCHVISION)
    expected = VGG16_Weights.IMAGENET1K_V1.transforms(crop_size=224, resize_size=224)(pixels)
    torch.testing.assert_close(backbone(pixels.float()), expected)


def settings(root, kind, file=None):
    """The demo's parameters for VGG16 with tiny layers; unchecked, as Snakemake passes them."""
    given = toy.parameters(root)
    demo = given["scales"]["demo"]
    demo.update(weights=kind, backbone="vgg16", pretrain={"file": file and str(file), "folder": str(root)})
    return given


def pretrain(folder, given):
    out = ["--out", str(folder / "pretrained.pt"), "--report", str(folder / "pretrain.json")]
    return main(["pretrain", "--params", json.dumps(given), *out])


def test_pretrain_takes_the_users_file_and_says_where_it_comes_from(tmp_path, state, capsys):
    (tmp_path / "my.caffemodel").write_bytes(caffe_file(in_caffes_names(state), True))
    assert pretrain(tmp_path, settings(tmp_path, "caffe", tmp_path / "my.caffemodel")) == 0
    report = json.loads((tmp_path / "pretrain.json").read_text())
    assert report["file"] == "my.caffemodel"
    assert report["preprocessing"]["order"] == "bgr"
    made = checkpoint.load(tmp_path / "pretrained.pt", ["kind", "preprocessing", "backbone", "hidden"])
    assert made["kind"] == "caffe"
    assert made["preprocessing"] == CAFFE._asdict()
    assert torch.equal(made["backbone"]["0.weight"], state["features.0.weight"])

    assert pretrain(tmp_path, settings(tmp_path, "torchvision", tmp_path / "my.caffemodel")) == 2
    assert "set it to caffe" in capsys.readouterr().err
    assert pretrain(tmp_path, settings(tmp_path, "none")) == 0
    assert set(checkpoint.load(tmp_path / "pretrained.pt", ["kind"])) == {"format", "kind", "settings"}
    digest = hashlib.sha256((tmp_path / "pretrained.pt").read_bytes()).hexdigest()
    assert files.read_json(tmp_path / "pretrain.json") == {"kind": "none", "weights_sha256": digest}


def test_pretrain_downloads_without_a_file(tmp_path, state, monkeypatch):
    torch.save(state, tmp_path / "downloaded.pth")
    asked = []

    def obtain(file, folder):
        asked.append((file, folder))
        return tmp_path / "downloaded.pth"

    monkeypatch.setattr(transfer, "obtain", obtain)
    for kind in ("torchvision", "caffe"):
        assert pretrain(tmp_path, settings(tmp_path, kind)) == 0
    assert asked == [(catalogue.VGG16_TORCHVISION, tmp_path), (catalogue.VGG16_CAFFE, tmp_path)]


def test_the_files_that_are_downloaded_are_known_by_their_checksums(tmp_path):
    for file, kind in ((catalogue.VGG16_CAFFE, "torchvision"), (catalogue.VGG16_TORCHVISION, "caffe")):
        with pytest.raises(CheckpointError, match=f"these are the weights of .*, but .* is {kind}"):
            imagenet.read(tmp_path / "any", TINY, kind, file.sha256)


def stored(folder, state, kind):
    hidden = {n: state[f"classifier.{k}"] for n, k in (("fc6.weight", "0.weight"), ("fc6.bias", "0.bias"),
                                                       ("fc7.weight", "3.weight"), ("fc7.bias", "3.bias"))}  # fmt: skip
    backbone = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
    content = weights.content(kind, TINY.preprocessing(kind), {"backbone": backbone, "hidden": hidden})
    checkpoint.save(folder / "pretrained.pt", content)
    return folder / "pretrained.pt"


def network(kind="caffe", hidden=8):
    layers = tiny().features[:-1]
    return (
        backbones.Backbone(layers, 16, 6, frozen=10, preprocessing=TINY.preprocessing(kind)),
        RoIHead(6, 7, hidden, classes=2, dropout=0.5),
    )


def test_a_detector_takes_over_convolutions_and_hidden_layers(tmp_path, state):
    backbone, head = network()
    scores = head.scores.weight.clone()
    weights.start_from(backbone, head, stored(tmp_path, state, "caffe"), "caffe")
    assert torch.equal(backbone.layers[28].weight, state["features.28.weight"])
    assert torch.equal(head.fc7.weight, state["classifier.3.weight"])
    assert torch.equal(head.scores.weight, scores)


def test_weights_of_another_kind_preprocessing_or_shape_are_refused(tmp_path, state):
    file = stored(tmp_path, state, "caffe")
    with pytest.raises(CheckpointError, match=r"weights of the kind caffe, but .* is torchvision"):
        weights.start_from(*network("torchvision"), file, "torchvision")
    with pytest.raises(CheckpointError, match=r"prepared as Preprocessing\(order='bgr'.* prepares them as .*'rgb'"):
        weights.start_from(*network("torchvision"), file, "caffe")
    message = r"does not fit this head: fc6.weight: found \[8, 294\], expected \[9, 294\]"
    with pytest.raises(CheckpointError, match=message):
        weights.start_from(*network(hidden=9), file, "caffe")
    with pytest.raises(CheckpointError, match=r"3.bias: found no such layer, expected \[2\]"):
        weights.check_fit(file, {}, {"3.bias": torch.zeros(2)}, "backbone")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "caffe"}, "scales.demo.pretrain.file: missing"),
        ({"weights": "imagenet"}, 'scales.demo.weights: "imagenet" is not allowed; expected one of crops, caffe'),
        ({"weights": "crops", "backbone": "vgg16"},
         "scales.demo.backbone: vgg16 does not go with weights: crops; expected small"),
        ({"weights": "torchvision", "backbone": "vgg16", "pretrain": {"file": None, "folder": "x"}},
         "scales.demo.head.hidden: 16 does not go with weights: torchvision; expected 4096"),
    ],
)  # fmt: skip
def test_weights_that_do_not_go_with_the_network_are_refused(tmp_path, changes, message):
    given = toy.parameters(tmp_path)
    given["scales"]["demo"].update(changes)
    with pytest.raises(ParamsError) as caught:
        schema.validate(given)
    assert message in str(caught.value)


def test_folded_targets_give_the_same_detections(tmp_path):
    given = toy.parameters(tmp_path)
    scale = toy.scale(given)
    detector = build("fast_rcnn", 2, scale, seed=0)
    generator = torch.Generator().manual_seed(1)
    detector.head.offsets.weight.data.normal_(std=0.05, generator=generator)
    detector.head.offsets.bias.data.normal_(std=0.5, generator=generator)
    detector.head.box_mean.copy_(torch.randn(3, 4, generator=generator) * 0.05)
    detector.head.box_std.copy_(torch.rand(3, 4, generator=generator) * 0.2 + 0.05)
    corner = torch.rand(40, 2, generator=generator) * 30
    boxes = torch.cat([corner, corner + 8 + torch.rand(40, 2, generator=generator) * 16], dim=1)
    features = detector.features(torch.rand(3, 48, 64, generator=generator) * 255)
    test = replace(typed.of(typed.Test, given["scales"]["demo"]["test"]), score=0.0)
    before = detector.detect(features, (48, 64), boxes, 1.0, scale.rpn.test, test)
    detector.head.fold_targets()
    assert detector.head.box_mean.abs().max() == 0
    assert (detector.head.box_std == 1).all()
    after = detector.detect(features, (48, 64), boxes, 1.0, scale.rpn.test, test)
    assert len(before[0]) > 10
    torch.testing.assert_close(after[0], before[0], rtol=1e-5, atol=1e-4)
    assert torch.equal(after[1], before[1])  # the scores have no part in it
    assert torch.equal(after[2], before[2])


def test_both_formats_may_stand_in_one_program():
    """The description of Caffe's messages is private, so that another one (Caffe's own) does not collide with it."""
    assert caffemodel.NetParameter.DESCRIPTOR.full_name == "sohem.caffe.NetParameter"
