"""The miners by their names in the parameters; a new one is one file."""

import copy

import pytest
import torch

import toy
from sohem import OHEM, SOHEM, Ramp, RandomSampler, StratifiedSOHEM, params
from sohem.errors import ParamsError
from sohem.mining import miners
from sohem.mining.miner import Moment

GIVEN = params.load(toy.ROOT / "params.yaml")

FASTIDIOUS = """
from dataclasses import dataclass
from sohem.mining.miner import Miner

@dataclass(frozen=True)
class Fastidious(Miner):
    \"\"\"Takes the RoI with the lowest L_cls.\"\"\"

    name = "fastidious"
    losses = ("cls",)

    @classmethod
    def from_settings(cls, method, batch_size, total_steps, beta_target):
        return cls(batch_size)

    def choose(self, losses, boxes, labels, moment):
        return losses["cls"].argsort()[: self.batch_size]
"""


def test_every_miner_stands_under_its_name():
    assert miners.registry() == {"ohem": OHEM, "random": RandomSampler, "sohem": SOHEM, "strata": StratifiedSOHEM}
    assert {method["miner"] for method in GIVEN["methods"].values()} == set(miners.registry())


def test_a_file_in_the_folder_is_a_miner(tmp_path, monkeypatch):
    (tmp_path / "fastidious.py").write_text(FASTIDIOUS)
    monkeypatch.setattr(miners, "__path__", [*miners.__path__, str(tmp_path)])
    miner = miners.build("mine", {"miner": "fastidious"}, 1, 10, "ratio")
    losses = {"cls": torch.tensor([2.0, 1.0, 3.0])}
    assert miner.choose(losses, torch.zeros(3, 4), torch.ones(3, dtype=torch.long), Moment(1)).tolist() == [1]
    assert miner.alpha_beta(Moment(1)) == (1, 1)


def test_the_settings_of_a_method_are_the_fields_of_its_miner():
    sohem = miners.build("sohem", GIVEN["methods"]["sohem"], 64, 900, 1.9)
    ramp = {"start": 0.5, "end": 0.75, "measured": "before"}
    assert sohem == SOHEM(64, 900, {"cls": Ramp(1, begin=1, **ramp), "loc": Ramp(1.9, **ramp)})
    assert miners.build("strata", GIVEN["methods"]["strata"], 64, 900, 1.9) == StratifiedSOHEM(64, 900)
    assert miners.build("ohem", GIVEN["methods"]["ohem"], 64, 900, 1.9) == OHEM(64)
    for dataset, background in (("voc", 0.1), ("kitti", 0.0)):
        random = miners.build("random", params.method(GIVEN, "random", dataset), 64, 900, 1.9)
        assert random == RandomSampler(64, 0.25, background)


@pytest.mark.parametrize(("target", "expected"), [("dataset", 2.3), (1.5, 1.5), ("ratio", "ratio")])
def test_one_key_says_what_beta_grows_to(target, expected):
    method = copy.deepcopy(GIVEN["methods"]["sohem"])
    method["beta"]["target"] = target
    miner = miners.build("sohem", method, 64, 900, params.beta_target(GIVEN, "kitti"))
    assert miner.coefficients["loc"].target == expected


def test_a_target_of_dataset_is_that_of_the_data_set():
    method = GIVEN["methods"]["sohem"]
    assert method["beta"]["target"] == "dataset"
    for dataset, target in (("voc", 1.9), ("kitti", 2.3)):
        miner = miners.build("sohem", method, 64, 900, params.beta_target(GIVEN, dataset))
        assert miner.coefficients["loc"].target == target
    assert miners.build("sohem", method, 64, 900, "ratio").coefficients["loc"].target == "ratio"


def test_a_mistake_is_named_with_its_key():
    with pytest.raises(ParamsError, match=r"methods\.x\.miner: 'hard' is no miner; expected one of ohem, random"):
        miners.build("x", {"miner": "hard"}, 64, 900, 1.9)
    method = copy.deepcopy(GIVEN["methods"]["sohem"])
    method["beta"]["end"] = 0.1
    with pytest.raises(ParamsError, match=r"methods\.x: beta: Ramp: start=0\.5, end=0\.1; expected 0 <= start <= end"):
        miners.build("x", method, 64, 900, 1.9)
