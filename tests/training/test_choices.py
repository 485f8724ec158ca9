"""What was chosen from: recorded at every log_every, as the miner saw it, without touching the training."""

import pytest
import torch

import toy
from sohem import checkpoint, files
from sohem.cli import main
from sohem.training import choices
from sohem.training.step import Candidates


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    return root, toy.make(root)


def run_train(data, folder, detector="fast_rcnn", method="sohem", **train):
    folder.mkdir(parents=True, exist_ok=True)
    given = toy.write_params(folder / "params.yaml", toy.parameters(data[0], detector, **train))
    return main(toy.train_arguments(data[1], given, folder, method))


def judged(labels, cls, loc):
    n = len(labels)
    nothing = torch.zeros(())
    boxes = torch.arange(4.0).repeat(n, 1) + torch.arange(n)[:, None]
    losses = {"cls": torch.tensor(cls), "loc": torch.tensor(loc)}
    overlaps = torch.tensor(labels).clamp(0, 1) * 0.75
    return Candidates(
        nothing, boxes, torch.tensor(labels), overlaps, torch.zeros(n, 4), losses, nothing, [nothing, nothing]
    )


def test_every_roi_is_recorded_with_its_image_and_whether_it_was_taken():
    images = [judged([0, 2], [0.5, 1.5], [0.0, 0.25]), judged([-1], [0.0], [0.0])]
    table = choices.choices_table({4: choices.record(images, [torch.tensor([1]), torch.tensor([], dtype=torch.long)])})
    assert list(table.columns) == choices.COLUMNS
    assert dict(table.dtypes.astype(str)) == choices.TYPES
    assert table.to_numpy().tolist() == [
        [4, 0, 0, 1, 2, 3, 0, 0.0, 0.5, 0.0, False],
        [4, 0, 1, 2, 3, 4, 2, 0.75, 1.5, 0.25, True],
        [4, 1, 0, 1, 2, 3, -1, 0.0, 0.0, 0.0, False],
    ]
    assert list(choices.choices_table({}).columns) == choices.COLUMNS


def test_every_so_often_and_at_the_end():
    assert [k for k in range(1, 11) if choices.due(k, 10, 4)] == [4, 8, 10]


@pytest.mark.parametrize("detector", ["fast_rcnn", "faster_rcnn"])
def test_the_record_agrees_with_the_log_and_does_not_change_the_training(data, tmp_path, detector):
    for name, every in (("often", 1), ("seldom", 5)):
        assert run_train(data, tmp_path / name, detector, "random", log_every=every) == 0
    logs = [files.read_table(tmp_path / name / "log.parquet") for name in ("often", "seldom")]
    assert logs[0].equals(logs[1])
    models = [checkpoint.load(tmp_path / name / "checkpoint.pt", ["model"])["model"] for name in ("often", "seldom")]
    assert all(torch.equal(value, models[1][key]) for key, value in models[0].items())
    often, seldom = (files.read_table(tmp_path / name / "rois.parquet") for name in ("often", "seldom"))
    assert seldom["iteration"].unique().tolist() == [5, 10, 12]
    assert often[often["iteration"].isin([5, 10, 12])].reset_index(drop=True).equals(seldom)
    by_iteration = often.groupby("iteration")
    assert by_iteration.size().to_numpy() == pytest.approx(logs[0]["n_all"])  # none is ignored in the toy set
    assert by_iteration["selected"].sum().to_numpy() == pytest.approx(logs[0]["n_selected"])
    assert by_iteration["l_cls"].mean().to_numpy() == pytest.approx(logs[0]["cls_all"], rel=1e-5)
    assert by_iteration["l_loc"].mean().to_numpy() == pytest.approx(logs[0]["loc_all"], rel=1e-5)
    assert often.groupby(["iteration", "slot"]).ngroups == 24
