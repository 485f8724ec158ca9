"""What people do with a model keeps working when it is mined: copies, files, AMP, DDP, compiled parts, batch norm."""

import copy
import importlib
import io
import pickle
import warnings

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel, replicate
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models.detection.roi_heads import RoIHeads

import rcnn
from sohem import OHEM, SOHEM, Course, MiningError, Ramp, RandomSampler, StratifiedSOHEM, mine, unmine

GROWING = {"cls": 1.0, "loc": Ramp(start=0.0, end=0.5)}


MINERS = {
    "OHEM": OHEM(16),
    "SOHEM": SOHEM(16, 10),
    "SOHEM, growing": SOHEM(16, 10, GROWING),
    "StratifiedSOHEM": StratifiedSOHEM(16, 10),
    "StratifiedSOHEM, running": StratifiedSOHEM(16, 10, threshold="running"),
    "RandomSampler": RandomSampler(16),
}


@pytest.fixture(params=MINERS.values(), ids=MINERS)
def miner(request):
    """Each of the four; two of them also where they look back at recorded losses."""
    return request.param


def step(model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    sum(rcnn.losses(model).values()).backward()
    optimiser.step()


def test_state_dict_and_evaluation_do_not_change():
    plain, model = rcnn.model(), rcnn.model()
    mine(model, SOHEM(16, 10))
    assert list(model.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(model.state_dict())
    images, _ = rcnn.batch()
    for ours, theirs in zip(model.eval()(images), plain.eval()(images), strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def through_a_file(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, through_pickle, through_a_file])
def test_a_copy_goes_on_from_the_same_step_with_a_course_of_its_own(copied):
    model = rcnn.model()
    course = mine(model, SOHEM(16, 10, GROWING)).roi_heads.course
    rcnn.losses(model)
    twin = copied(model)
    assert twin.roi_heads.course is not course
    assert twin.roi_heads.course.miner == course.miner
    ours, theirs = rcnn.losses(model), rcnn.losses(twin)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert twin.roi_heads.course.step == course.step == 2
    assert unmine(twin).beta == course.beta
    assert type(twin.roi_heads) is RoIHeads


class OwnHeads(RoIHeads):
    """Somebody's subclass."""

    def check_targets(self, targets):
        self.checked = len(targets)
        super().check_targets(targets)


def test_a_subclass_of_the_heads_keeps_its_methods_through_pickle():
    model = rcnn.model()
    model.roi_heads.__class__ = OwnHeads
    model = through_pickle(mine(model, OHEM(16)))
    rcnn.losses(model)
    assert isinstance(model.roi_heads, OwnHeads)
    assert model.roi_heads.checked == 2
    unmine(model)
    assert type(model.roi_heads) is OwnHeads


def test_a_saved_course_resumes():
    def trained(steps, state=None):
        model = rcnn.model()
        course = mine(model, SOHEM(16, 6, GROWING)).roi_heads.course
        optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        if state is not None:
            model.load_state_dict(state["model"])
            optimiser.load_state_dict(state["optimiser"])
            course.load_state_dict(state["course"])
        for _ in range(steps):
            step(model, optimiser)
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "course": course.state_dict()}
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        return torch.load(file)  # weights only: a course's state is numbers and strings

    whole, resumed = trained(5), trained(3, trained(2))
    assert whole["course"] == resumed["course"]
    assert whole["course"]["step"] == 5
    assert len(whole["course"]["history"]["cls_selected"]) == 5
    assert all(torch.equal(whole["model"][name], resumed["model"][name]) for name in whole["model"])


@pytest.mark.parametrize(
    "other",
    [
        OHEM(16),
        SOHEM(16, 10, {"loc": 1.0, "cls": 1.0}),
        StratifiedSOHEM(16, 10),
        SOHEM(16, 10, {"cls": 1.0, "loc": 1.0}),
    ],
    ids=["OHEM", "order", "strata", "history"],
)
def test_the_state_of_another_miner_is_refused(other):
    with pytest.raises(MiningError, match="of another miner"):
        Course(SOHEM(16, 10)).load_state_dict(Course(other).state_dict())
    with pytest.raises(MiningError, match="miner is missing"):
        Course(OHEM(16)).load_state_dict({"step": 1, "losses": [], "history": {}})


def test_under_autocast_every_parameter_gets_its_gradient(miner):
    """The read-only pass casts the head's weights first; the standard one must not get that cast without a graph."""
    model = mine(rcnn.model(), miner)
    scaler = torch.amp.GradScaler("cpu")
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    before = copy.deepcopy(model.state_dict())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = rcnn.losses(model)
    scaler.scale(sum(losses.values())).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    scaler.step(optimiser)
    assert not torch.equal(before["roi_heads.box_head.fc6.weight"], model.roi_heads.box_head.fc6.weight)


@pytest.fixture
def one_process():
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("first", ["mine", "wrap"])
def test_distributed_data_parallel(one_process, first):
    plain = rcnn.model()
    expected = rcnn.losses(mine(plain, OHEM(16)))
    sum(expected.values()).backward()
    model = rcnn.model()
    if first == "mine":
        mine(model, OHEM(16))
    wrapped = DistributedDataParallel(model)
    if first == "wrap":
        mine(wrapped, OHEM(16))
    for _ in range(2):
        wrapped.zero_grad()
        sum(rcnn.losses(wrapped).values()).backward()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)
    assert unmine(wrapped).step == 2


def test_data_parallel_is_refused_in_training_and_evaluates(monkeypatch):
    """Its replicas would share one course. Copying to several devices is left out: there is only one here."""
    copies = importlib.import_module("torch.nn.parallel.replicate")
    monkeypatch.setattr(copies, "_broadcast_coalesced_reshape", lambda values, devices, detach=False: [values] * 2)
    monkeypatch.setattr(copies, "_get_device_index", lambda device, optional: device)
    model = mine(rcnn.model(), OHEM(16))
    with pytest.raises(MiningError, match=r"nn\.DataParallel trains replicas.*use DistributedDataParallel"):
        replicate(model, [0, 1])
    model.eval()
    images, _ = rcnn.batch()
    expected = model(images)
    for replica in replicate(model, [0, 1]):
        assert all(torch.equal(a["boxes"], b["boxes"]) for a, b in zip(replica(images), expected, strict=True))
    alone = nn.DataParallel(model.train())  # no GPU: it calls the model itself
    if not alone.device_ids:
        rcnn.losses(alone)
        assert model.roi_heads.course.step == 1


def test_a_compiled_backbone():
    plain, model = rcnn.model(), rcnn.model()
    expected = rcnn.losses(mine(plain, OHEM(16)))
    model.backbone = torch.compile(model.backbone, backend="aot_eager")
    losses = rcnn.losses(mine(model, OHEM(16)))
    sum(losses.values()).backward()
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-4)


class NormHead(nn.Module):
    """A box head with batch normalisation, as in fasterrcnn_resnet50_fpn_v2, and with dropout."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(rcnn.CHANNELS * 9, 16)
        self.norm, self.dropout = nn.BatchNorm1d(16), nn.Dropout()

    def forward(self, x):
        return self.dropout(self.norm(self.hidden(x.flatten(1))))


def test_running_statistics_know_only_the_chosen_rois():
    model = rcnn.model(box_head=NormHead())
    norm, inputs = model.roi_heads.box_head.norm, []
    norm.register_forward_pre_hook(lambda _, args: inputs.append(args[0].detach()))
    mine(model, OHEM(16))
    rcnn.losses(model)
    read_only, standard = inputs
    assert len(read_only) > len(standard) == 32
    assert norm.num_batches_tracked == 1
    assert torch.allclose(norm.running_mean, 0.1 * standard.mean(0), atol=1e-6)
    assert norm.track_running_stats


class Waits(TorchDispatchMode):
    """Counts the operations whose result has a size, or is a number, that the host must wait for on a GPU.

    aten::equal is not counted: older versions of torch call it in a quantile, on a CPU only.
    """

    NAMES = ("aten::nonzero", "aten::_local_scalar_dense", "aten::masked_select", "aten::is_nonzero",
             "aten::unique", "aten::_unique2", "aten::bincount", "torchvision::nms")  # fmt: skip

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().split(".")[0]
        masks = name == "aten::index" and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        self.count += masks or name in self.NAMES
        return func(*args, **(kwargs or {}))


@pytest.fixture
def lists(monkeypatch):
    """How often a tensor was made a list, which no dispatch mode sees on a CPU."""
    counted = []
    tolist = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: counted.append(1) or tolist(self))
    return counted


@pytest.mark.parametrize("objects", [(2,), (2, 3)], ids=str)
def test_the_host_waits_no_more_often_than_without_mining(miner, objects, lists):
    data, counts = rcnn.batch(objects), []
    for model in (rcnn.model(), mine(rcnn.model(), miner)):
        rcnn.losses(model, data)  # the first step finds out the scales of the feature maps
        lists.clear()
        with Waits() as waits:
            rcnn.losses(model, data)
        counts.append(waits.count + len(lists))
    plain, mined = counts
    assert mined <= plain
    assert plain > 10  # torchvision itself does wait: the count counts


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_host_waits_no_more_often(miner):
    images, targets = rcnn.batch()
    data = [i.cuda() for i in images], [{k: v.cuda() for k, v in t.items()} for t in targets]
    counts = []
    for model in (rcnn.model().cuda(), mine(rcnn.model().cuda(), miner)):
        for _ in range(2):
            rcnn.losses(model, data)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            rcnn.losses(model, data)
            torch.cuda.set_sync_debug_mode("default")
        counts.append(sum("synchroniz" in str(w.message) for w in caught))
    assert counts[1] <= counts[0]
