"""A backbone is one entry: an invented one is added, and everything that knows backbones follows."""

import pytest
import torch
from torch import nn

from sohem import checkpoint, schema
from sohem import settings as typed
from sohem.detectors import backbones, imagenet, weights
from sohem.detectors.architectures import ARCHITECTURES
from sohem.detectors.architectures.architecture import TORCHVISION, Architecture, Published, Weights
from sohem.detectors.detector import build
from sohem.download.catalogue import File
from sohem.errors import CheckpointError, ParamsError
from sohem.training.samples import SMALL
from toy import parameters


def published_model():
    """What somebody trained: two convolutions, the first with batch normalisation, and a classifier."""
    model = nn.Module()
    model.first, model.norm = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
    model.second = nn.Conv2d(4, 6, 3, padding=1)
    model.classes = nn.Linear(6, 10)
    return model


def layers():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU()
    )


INVENTED = Architecture(
    layers,
    stride=4,
    channels=6,
    weights={"torchvision": Weights(TORCHVISION, File("invented.pth", (), sha256="12345678"))},
    published=Published(
        "Invented",
        published_model,
        names=({"backbone.0": "first", "backbone.3": "second"},),  # no hidden layers: the head's are drawn
        folded={"backbone.0": "norm"},
        unused=("classes.",),
    ),
)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_images_of_32_pixels_are_large_enough(name):
    """`SampleReader.check_sizes` tries smaller ones only."""
    features = backbones.build(name, "none", 0)(torch.zeros(1, 3, SMALL, SMALL))
    assert min(features.shape) > 0


@pytest.fixture
def invented(monkeypatch, tmp_path):
    """The parameters of a run that uses it."""
    monkeypatch.setitem(ARCHITECTURES, "invented", INVENTED)
    given = parameters(tmp_path)
    at = given["scales"]["demo"]
    at.update(backbone="invented", weights="torchvision", pretrain={"file": None, "folder": "weights"})
    return given


def trained():
    torch.manual_seed(0)
    model = published_model().eval()
    nn.init.uniform_(model.norm.weight, 0.5, 1.5)
    nn.init.normal_(model.norm.bias)
    model.norm.running_mean.normal_()
    model.norm.running_var.uniform_(0.5, 2)
    return model


def test_the_schema_knows_it_and_what_goes_with_it(invented):
    schema.validate(invented)  # any number of hidden units: its weights bring no hidden layers
    invented["scales"]["demo"]["weights"] = "caffe"
    with pytest.raises(ParamsError, match="backbone: invented does not go with weights: caffe; expected vgg16"):
        schema.validate(invented)
    invented["scales"]["demo"].update(weights="crops", pretrain=parameters(".")["scales"]["paper"]["pretrain"])
    with pytest.raises(ParamsError, match=r"pretrain\.seed: missing"):
        schema.validate(invented)
    invented["scales"]["demo"]["backbone"] = "resnet"
    with pytest.raises(ParamsError, match=r'"resnet" is not allowed; expected one of small, vgg16, .*, invented'):
        schema.validate(invented)


def test_its_weights_are_read_and_batch_statistics_folded(invented, tmp_path):
    model = trained()
    torch.save(model.state_dict(), tmp_path / "w.pth")
    made = imagenet.read(tmp_path / "w.pth", INVENTED, "torchvision", "0" * 64)
    assert made["hidden"] == {}
    backbone = backbones.build("invented", "torchvision", frozen=1)
    backbone.layers.load_state_dict(made["backbone"])
    images = torch.rand(1, 3, 16, 24) * 255
    with torch.no_grad():
        normal = (images - backbone.mean) / backbone.std
        expected = model.second(nn.functional.max_pool2d(model.norm(model.first(normal)).relu(), 4)).relu()
        torch.testing.assert_close(backbone(images), expected, rtol=1e-4, atol=1e-4)


def test_a_detector_takes_over_its_layers_and_draws_the_hidden_ones(invented, tmp_path):
    torch.save(trained().state_dict(), tmp_path / "w.pth")
    made = imagenet.read(tmp_path / "w.pth", INVENTED, "torchvision", "0" * 64)
    checkpoint.save(tmp_path / "w.pt", weights.content("torchvision", TORCHVISION, made))
    scale = typed.of(typed.Scale, invented["scales"]["demo"])
    drawn, started = (build("fast_rcnn", 2, scale, seed=0) for _ in range(2))
    weights.start_from(started.backbone, started.head, tmp_path / "w.pt", "torchvision")
    assert torch.equal(started.backbone.layers[3].weight, made["backbone"]["3.weight"])
    assert not torch.equal(started.backbone.layers[0].weight, drawn.backbone.layers[0].weight)
    assert torch.equal(started.head.fc6.weight, drawn.head.fc6.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("norm.running_var"), "holds no norm.running_var; give Invented weights"),
        (lambda s: s.update({"third.weight": torch.zeros(1)}), "holds third.weight, which Invented does not have"),
        (lambda s: s.update({"norm.bias": torch.zeros(5)}), r"norm.bias has the shape \[5\], Invented's has \[4\]"),
        (lambda s: s["second.bias"].fill_(torch.nan), "second.bias holds values that are not finite"),
    ],
)
def test_what_is_not_its_weights_is_refused(tmp_path, change, message):
    state = trained().state_dict()
    change(state)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=message):
        imagenet.read(tmp_path / "w.pth", INVENTED, "torchvision", "0" * 64)


def test_a_kind_of_weights_that_is_published_fits_several_backbones_or_one():
    """The schema asks for a file by kind, whichever the backbone: no kind may have one for some of them alone."""
    entries = [pair for architecture in ARCHITECTURES.values() for pair in architecture.weights.items()]
    assert {kind for kind, one in entries if one.file is None} == {"crops"}
    assert [kind for kind, _ in entries].count("torchvision") > 1


def places_seen(architecture, cell):
    """The columns of an image, [first, end), that a column of the feature map depends on."""
    with torch.device("meta"):  # its own weights are not needed
        made = architecture.layers()
    made.to_empty(device="cpu")
    for weight in made.parameters():
        nn.init.constant_(weight, 1 / weight[0].numel())
    for place, layer in enumerate(made):
        if isinstance(layer, nn.MaxPool2d):  # all of a window counts, not only its largest value
            made[place] = nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode)
    image = torch.ones(1, 3, architecture.stride, 2 * cell * architecture.stride, requires_grad=True)
    made(image)[..., cell].sum().backward()
    columns = image.grad[0, 0].abs().sum(dim=0).nonzero()
    return columns.min().item(), columns.max().item() + 1


@pytest.mark.parametrize(
    ("name", "beside"),
    [("small", -0.5), ("vgg16", 0), ("squeezenet", -0.5), ("resnet18", -7.5)],  # ResNets look half a cell to the left
)
def test_a_cell_looks_where_roi_pooling_takes_it_to_be(name, beside):
    """Cell k stands for pixels stride * k to stride * (k + 1)."""
    first, end = places_seen(ARCHITECTURES[name], cell=12)
    assert (first + end) / 2 - ARCHITECTURES[name].stride * 12.5 == beside


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_entry_says_what_its_layers_are(name):
    architecture = ARCHITECTURES[name]
    made = architecture.layers()
    with torch.no_grad():
        features = made(torch.zeros(1, 3, 2 * architecture.stride, 3 * architecture.stride))
    assert features.shape == (1, architecture.channels, 2, 3)
    assert any(kind.file is not None for kind in architecture.weights.values()) == (architecture.published is not None)
    if architecture.published is not None:
        convolutions = {f"backbone.{n}" for n, layer in made.named_modules() if isinstance(layer, nn.Conv2d)}
        for names in architecture.published.names:
            assert {ours for ours in names if ours.startswith("backbone")} == convolutions
