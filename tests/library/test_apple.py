"""Apple's MPS has no float64; the stand-in of `apple` refuses it as MPS does, so this runs on any machine."""

import pytest
import torch
from torch import Tensor

from apple import Apple
from sohem import OHEM, SOHEM, Course, Ramp, RandomSampler, StratifiedSOHEM, select
from sohem.mining.rois import Rois

MINERS = {
    "OHEM": OHEM(8),
    "OHEM, together": OHEM(8, together=True),
    "SOHEM, growing": SOHEM(8, 10, {"cls": 1.0, "loc": Ramp(start=0, end=0.5)}),
    "SOHEM, slope": SOHEM(8, 40, {"cls": 1.0, "loc": Ramp(stable="slope", windows=1, window=0.025, bound=9.0)}),
    "StratifiedSOHEM": StratifiedSOHEM(8, 10, start=0, end=0),
    "StratifiedSOHEM, running": StratifiedSOHEM(8, 10, start=0, end=0, threshold="running"),
    "RandomSampler": RandomSampler(8),
}


def image(seed: int) -> Rois:
    """60 RoIs, some ignored, of two classes and background."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(-1, 3, (60,), generator=g)
    corner = torch.rand(60, 2, generator=g) * 400
    losses = {"cls": torch.rand(60, generator=g) * 2, "loc": torch.rand(60, generator=g) * (labels > 0)}
    return Rois(losses, torch.cat([corner, corner + 120], 1), labels)


def moved(rois: Rois, device: str) -> Rois:
    losses = {name: loss.to(device) for name, loss in rois.losses.items()}
    return Rois(losses, rois.boxes.to(device), rois.labels.to(device))


def trained(miner, device: str) -> tuple[list[list[int]], dict[str, list[float]], dict]:
    """The choices of three steps with two images each, the history, and the state of the course."""
    course, choices = Course(miner), []
    for step in range(3):
        torch.manual_seed(step)
        images = [moved(image(2 * step + n), device) for n in range(2)]
        chosen = course.choose_each(images)
        assert all(rows.device.type == device for rows in chosen)
        choices += [rows.tolist() for rows in chosen]
        hard = {n: torch.cat([x.losses[n][r] for x, r in zip(images, chosen, strict=True)]) for n in ("cls", "loc")}
        course.advance(hard, {n: torch.cat([x.losses[n] for x in images]) for n in ("cls", "loc")})
        if step == 1:
            again = Course(miner)
            again.load_state_dict(course.state_dict())
            course = again
    return choices, {name: values.tolist() for name, values in course.history.items()}, course.state_dict()


@pytest.mark.parametrize("name", MINERS)
def test_on_mps_the_choice_is_that_on_a_cpu(name):
    expected, history, _ = trained(MINERS[name], "cpu")
    with Apple():
        found, theirs, state = trained(MINERS[name], "mps")
    assert found == expected
    assert {k: pytest.approx(v, rel=1e-6) for k, v in history.items()} == theirs
    assert state["step"] == 3


def test_select_on_mps():
    rois = image(0)
    expected = select(*rois[:3], batch_size=8, coefficients={"cls": 1.0, "loc": 2.0})
    with Apple():
        losses, boxes, labels, _ = moved(rois, "mps")
        found = select(losses, boxes, labels, batch_size=8, coefficients={"cls": 1.0, "loc": torch.tensor(2.0)})
        assert found.device.type == "mps"
        assert found.tolist() == expected.tolist()


def test_the_stand_in_refuses_what_mps_refuses():
    with Apple():
        here, there = torch.ones(2), torch.ones(2).to("mps")
        assert (here.device.type, there.device.type, (there + 1).device.type) == ("cpu", "mps", "mps")
        assert isinstance(there.cpu().double(), Tensor)
        for wrong in (there.double, lambda: there.to(torch.float64), lambda: here.double().to("mps")):
            with pytest.raises(TypeError, match="float64"):
                wrong()
        with pytest.raises(RuntimeError, match="same device"):
            here + there
