"""SqueezeNet 1.0 and ResNet-18: they compute what torchvision's models do, from torchvision's files and no others."""

import json
import tarfile

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.nn import functional as F

import toy
from sohem import checkpoint, schema
from sohem.cli import main
from sohem.detectors import backbones, imagenet
from sohem.detectors.architectures import ARCHITECTURES
from sohem.detectors.architectures.architecture import TORCHVISION
from sohem.detectors.detector import build
from sohem.detectors.divided import Divided
from sohem.detectors.heads import pool
from sohem.download import catalogue, transfer
from sohem.errors import CheckpointError, ParamsError
from trees import SHARED

NAMES = ("squeezenet", "resnet18")


def trained(name):
    """torchvision's model with drawn weights and, where it has them, drawn statistics."""
    torch.manual_seed(0)
    model = ARCHITECTURES[name].published.model().eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.2)
            layer.running_mean.normal_(std=0.2)
            layer.running_var.uniform_(0.5, 2)
        elif isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.normal_(layer.bias, std=0.2)
    return model


def names_of(model):
    """A file with the names of a model, whose values are never looked at."""
    with torch.device("meta"):
        return {key: torch.zeros(1) for key in getattr(torchvision.models, model)(weights=None).state_dict()}


def read(path, name, content=None):
    if content is not None:
        torch.save(content, path)
    return imagenet.read(path, ARCHITECTURES[name], "torchvision", "0" * 64)


def loaded(path, name, content=None, frozen=0):
    backbone = backbones.build(name, "torchvision", frozen)
    found = read(path, name, content)
    assert found["hidden"] == {}
    backbone.layers.load_state_dict(found["backbone"])
    return backbone


@pytest.fixture
def image():
    return torch.rand(1, 3, 72, 104, generator=torch.Generator().manual_seed(1)) * 255


def normalised(image, backbone):
    return (image - backbone.mean) / backbone.std


def test_squeezenet_is_torchvisions_up_to_padding_and_size(tmp_path, image):
    model = trained("squeezenet")
    backbone = loaded(tmp_path / "w.pth", "squeezenet", model.state_dict())
    with torch.no_grad():
        before = model.features[:11](F.pad(normalised(image, backbone), [2] * 4))
        pooled = F.max_pool2d(before, 3, 2, padding=1, ceil_mode=True)
        expected = model.features[12](pooled) / 200
        torch.testing.assert_close(backbone(image), expected, rtol=1e-4, atol=1e-5)
    assert expected.shape == (1, 512, 5, 7)


def test_resnet18_is_torchvisions_with_its_statistics_folded(tmp_path, image):
    model = trained("resnet18")
    backbone = loaded(tmp_path / "w.pth", "resnet18", model.state_dict())
    stages = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool, model.layer1, model.layer2, model.layer3)
    with torch.no_grad():
        expected = stages(normalised(image, backbone))
        torch.testing.assert_close(backbone(image), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.1


def test_a_file_from_before_batches_were_counted_is_read(tmp_path):
    state = trained("resnet18").state_dict()
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    assert len(read(tmp_path / "w.pth", "resnet18", old)["backbone"]) == 2 * (1 + 6 * 2 + 2)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        # conv1 with its pooling, then fire2 to fire9: fire4 with the pooling behind it, fire9 with the division.
        ("squeezenet", [0, 3, 4, 5, 7, 8, 9, 10, 12, 14]),
        ("resnet18", [0, 3, 4, 5, 6, 7, 8, 9]),  # conv1 with its pooling, then two blocks for each of three layers
    ],
)
def test_a_block_is_frozen_as_one_layer(name, layers):
    made = ARCHITECTURES[name].layers()
    assert [backbones.leading(made, count) for count in range(len(layers))] == layers
    assert layers[-1] == len(made)
    with pytest.raises(ParamsError, match=f"this backbone has {len(layers) - 1} with weights"):
        backbones.leading(made, len(layers))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_frozen_stays_and_the_rest_learns(tmp_path, image, name):
    backbone = loaded(tmp_path / "w.pth", name, trained(name).state_dict(), frozen=2)
    still = backbone.still(image)
    features = backbone(still, still=True)
    assert torch.equal(features, backbone(image))
    features.square().mean().backward()
    learn = {key for key, weight in backbone.layers.named_parameters() if weight.grad is not None}
    assert learn == {key for key in backbone.layers.state_dict() if int(key.split(".")[0]) >= backbone.frozen}


@pytest.mark.parametrize("name", NAMES)
def test_drawn_layers_serve_as_well(image, name):
    first, second = (backbones.build(name, "none", frozen=0) for _ in range(2))
    for backbone in (first, second):
        backbone.initialise(torch.Generator().manual_seed(3))
    with torch.no_grad():
        features = first(image)
        assert torch.equal(features, second(image))
    assert features.isfinite().all()
    assert features.std() > 0


@pytest.mark.parametrize(
    ("name", "other", "message"),
    [
        ("squeezenet", "squeezenet1_1", "holds features.6.squeeze.weight, which SqueezeNet 1.0 does not have"),
        ("squeezenet", "resnet18", "holds conv1.weight, which SqueezeNet 1.0 does not have; another model"),
        ("squeezenet", "vgg16", "holds features.2.weight, which SqueezeNet 1.0 does not have"),
        ("resnet18", "squeezenet1_0", "holds features.0.weight, which ResNet-18 does not have; another model"),
        ("resnet18", "resnet34", "holds layer1.2.conv1.weight, which ResNet-18 does not have"),
        ("resnet18", "resnet50", "holds layer1.0.conv3.weight, which ResNet-18 does not have"),
    ],
)
def test_another_model_is_refused(tmp_path, name, other, message):
    with pytest.raises(CheckpointError, match=f"w.pth: {message}"):
        read(tmp_path / "w.pth", name, names_of(other))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("squeezenet", lambda s: s.pop("features.9.expand3x3.bias"), "holds no features.9.expand3x3.bias; give"),
        ("squeezenet", lambda s: s.update({"features.0.weight": torch.zeros(64, 3, 3, 3)}),
         r"features.0.weight has the shape \[64, 3, 3, 3\], SqueezeNet 1.0's has \[96, 3, 7, 7\]"),
        ("squeezenet", lambda s: s["features.12.squeeze.bias"].fill_(torch.inf),
         "features.12.squeeze.bias holds values that are not finite: the file is damaged"),
        ("resnet18", lambda s: s.pop("layer2.0.downsample.1.running_var"), "no layer2.0.downsample.1.running_var"),
        ("resnet18", lambda s: s.update({"conv1.weight": torch.zeros(64, 3, 3, 3)}), "conv1.weight has the shape"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(tmp_path, name, change, message):
    state = trained(name).state_dict()
    change(state)
    with pytest.raises(CheckpointError, match=message):
        read(tmp_path / "w.pth", name, state)


@pytest.mark.parametrize("content", ["cut", b"", b"<html>404</html>", b"\x0a\x05model", {"state_dict": {}}])
def test_a_file_that_is_no_state_dict_is_refused(tmp_path, content):
    """Also a Caffe model: there is none for SqueezeNet here, so the message does not speak of one."""
    path = tmp_path / "w.pth"
    if content == "cut":
        torch.save(names_of("squeezenet1_0"), path)
        content = path.read_bytes()[:-300]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"w\.pth: .*state dict of SqueezeNet 1\.0") as caught:
        read(path, "squeezenet")
    assert "Caffe" not in str(caught.value)


def settings(root, name, file=None, weights="torchvision"):
    """The toy's parameters for this backbone."""
    given = toy.parameters(root)
    pretrain = {"file": file and str(file), "folder": str(root)}
    given["scales"]["demo"].update(backbone=name, weights=weights, pretrain=pretrain)
    return given


def test_weights_of_one_kind_fit_several_backbones(tmp_path):
    for name in NAMES:
        schema.validate(settings(tmp_path, name))  # any pool and hidden: these weights bring no hidden layers
        with pytest.raises(ParamsError, match=f"{name} does not go with weights: caffe; expected vgg16$"):
            schema.validate(settings(tmp_path, name, weights="caffe"))
    wrong = settings(tmp_path, "small")
    with pytest.raises(
        ParamsError, match="small does not go with weights: torchvision; expected vgg16 or squeezenet or"
    ):
        schema.validate(wrong)


def pretrain(folder, given):
    out = ["--out", str(folder / "pretrained.pt"), "--report", str(folder / "pretrain.json")]
    return main(["pretrain", "--params", json.dumps(given), *out])


@pytest.mark.parametrize("name", NAMES)
def test_pretrain_takes_the_users_file_and_a_detector_starts_from_it(tmp_path, name, capsys):
    torch.save(trained(name).state_dict(), tmp_path / "mine.pth")
    assert pretrain(tmp_path, settings(tmp_path, name, tmp_path / "mine.pth")) == 0
    report = json.loads((tmp_path / "pretrain.json").read_text())
    assert (report["file"], report["kind"], report["preprocessing"]["order"]) == ("mine.pth", "torchvision", "rgb")
    made = checkpoint.load(tmp_path / "pretrained.pt", ["preprocessing", "backbone", "hidden"])
    assert made["preprocessing"] == TORCHVISION._asdict()
    detector = build("faster_rcnn", 2, toy.scale(settings(tmp_path, name)), seed=0)
    detector.backbone.layers.load_state_dict(made["backbone"])
    image = torch.rand(3, 48, 64) * 255
    features = detector.features(image)
    logits, _ = detector.classify(features, torch.tensor([[4.0, 4, 40, 40], [10, 2, 60, 46]]))
    assert logits.shape == (2, 3)

    other = NAMES[1 - NAMES.index(name)]
    assert pretrain(tmp_path, settings(tmp_path, other, tmp_path / "mine.pth")) == 2
    assert "another model" in capsys.readouterr().err


def test_each_backbone_downloads_its_own_file(tmp_path, monkeypatch):
    asked = []

    def obtain(file, folder):
        asked.append(file)
        torch.save(trained(NAMES[len(asked) - 1]).state_dict(), tmp_path / file.name)
        return tmp_path / file.name

    monkeypatch.setattr(transfer, "obtain", obtain)
    for name in NAMES:
        assert pretrain(tmp_path, settings(tmp_path, name)) == 0
    assert asked == [catalogue.SQUEEZENET_TORCHVISION, catalogue.RESNET18_TORCHVISION]
    urls = [
        torchvision.models.SqueezeNet1_0_Weights.IMAGENET1K_V1.url,
        torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url,
    ]
    assert [file.addresses for file in asked] == [(url,) for url in urls]
    assert all(file.name.endswith(f"-{file.sha256[:8]}.pth") for file in asked)


def test_kept_features_belong_to_what_they_were_divided_by(tmp_path):
    scale = toy.scale(settings(tmp_path, "squeezenet"))
    detector = build("fast_rcnn", 2, scale, seed=0)
    detector.backbone.frozen = len(detector.backbone.layers)
    before = detector.still_fingerprint()
    detector.backbone.layers[-1] = Divided(20)
    assert detector.still_fingerprint() != before


def test_what_roi_pooling_takes_of_a_photograph_is_around_a_fifth():
    weights, photographs = SHARED / "weights" / "squeezenet1_0_torchvision_rgb.pth", SHARED / "voc12_animals.tar"
    if not (weights.exists() and photographs.exists()):
        pytest.skip(f"{weights} or {photographs} is not there: real data is for trying only")
    backbone = loaded(weights, "squeezenet")
    with tarfile.open(photographs) as tar:
        member = next(member for member in tar if member.name.endswith(".jpg"))
        pixels = np.array(Image.open(tar.extractfile(member)).convert("RGB"))
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    height, width = image.shape[2:]
    with torch.no_grad():
        pooled = pool(backbone(image), [torch.tensor([[0.0, 0, width, height]])], 4, 16, "roi_align")
    assert 0.1 < pooled.square().mean().sqrt() < 0.4
