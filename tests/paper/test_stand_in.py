"""A data set that stands for one of the paper's: three of its classes, held against what is claimed of VOC07."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from clones import merged
from sohem import cli, params, schema
from sohem.errors import ParamsError
from sohem.paper import claims_file, setting
from sohem.paper.claims_verdicts import INCONCLUSIVE, NO_LARGER, SUPPORTED

ROOT = Path(__file__).parents[2]
CLAIMS = claims_file.load(ROOT / "claims.yaml")
PLAIN = params.load(ROOT / "params.yaml")
PETS: dict[str, Any] = {
    "title": "Pets", "format": "voc", "detector": "fast_rcnn", "beta_target": 1.9, "stands_for": "voc",
    "classes": ["cat", "dog", "sofa"], "rigid": ["sofa"],
    "laptop": {"root": "data/pets", "short_side": 300, "long_side": 500},
}  # fmt: skip
SEEDS = [0, 1, 2]


def given(*datasets: str, scale: str = "laptop", **changed: Any) -> params.Params:
    """Parameters of a run; ``changed``: keys of the pets."""
    pets = {key: value for key, value in {**PETS, **changed}.items() if value is not None}
    run = {"name": "pets", "datasets": list(datasets), "methods": ["ohem", "sohem", "random"], "seeds": SEEDS}
    return merged(PLAIN, {"scale": scale, "run": run, "datasets": {"pets": pets}})


def held(of: params.Params) -> tuple[dict[str, Any], dict[str, str]]:
    claims, left_out = claims_file.held_against(CLAIMS, of)
    return claims["claims"], {claim["id"]: claim["reason"] for claim in left_out}


def test_claims_whose_classes_are_there_are_about_the_data_set_and_the_others_are_left_out() -> None:
    kept, left_out = held(given("pets"))
    about_voc = [name for name, claim in CLAIMS["claims"].items() if claim["statement"]["dataset"] == "voc"]
    assert list(kept) == [f"{name}-pets" for name in about_voc if not name.startswith("ap-falls")]
    assert {claim["statement"]["dataset"] for claim in kept.values()} == {"pets"}
    assert kept["cat-voc-0.6-pets"]["statement"] == {**CLAIMS["claims"]["cat-voc-0.6"]["statement"], "dataset": "pets"}
    assert kept["cat-voc-0.6-pets"]["artifact"] == "pets_ap_table"
    assert left_out["ap-falls"] == "Pets has no class bird, boat, chair, train"
    assert left_out["map-kitti-0.6"] == "the run has no data set kitti, nor one that stands for it"
    assert len(kept) + len(left_out) == len(CLAIMS["claims"])


def test_without_rigid_classes_claims_about_them_do_not_apply() -> None:
    kept, left_out = held(given("pets", rigid=None))
    assert not any("rigid" in name for name in kept)
    assert left_out["most-rigid-voc"] == left_out["trend-rigid-voc"] == "Pets names no rigid classes"


def test_beside_the_paper_s_own_data_set_both_are_judged() -> None:
    kept, left_out = held(given("voc", "pets"))
    assert kept["map-voc-0.5"] == CLAIMS["claims"]["map-voc-0.5"]
    assert kept["map-voc-0.5-pets"]["statement"]["dataset"] == "pets"
    assert "ap-falls" in kept
    assert "ap-falls" not in left_out
    assert all("kitti" in name for name in left_out)


def test_where_nothing_stands_for_another_one_the_list_stays_as_it_is() -> None:
    assert claims_file.held_against(CLAIMS, given("kitti")) == (CLAIMS, [])


def test_what_the_runs_are_is_said_for_each_scale() -> None:
    assert setting.words(given("voc", scale="paper")) is None
    assert setting.mark(given("voc", scale="paper"), "voc") == ""
    demo = setting.words(given("voc", scale="demo"))
    assert demo is setting.DEMONSTRATION
    laptop, pets = setting.words(given("voc")), setting.words(given("pets"))
    assert laptop is not None
    assert "small networks" in laptop.text
    assert "stands for" not in laptop.text
    assert setting.mark(given("voc"), "voc") == "laptop scale"
    assert pets is not None
    assert "small networks" in pets.text
    assert "Pets stands for VOC07: 3 of its 20 classes (1 of its 12 rigid ones), on other images" in pets.text
    assert setting.mark(given("pets"), "pets") == "held against Pets, laptop scale"
    own = setting.words(given("pets", scale="paper", paper=PETS["laptop"], classes=["cat", "dog", "fox"], rigid=None))
    assert own is not None
    assert own.text.startswith("Pets stands for VOC07: 2 of its 20 classes and 1 more, on other images")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Results in which nothing differs by more than 0.2 points, but S-OHEM ends with the lower localisation loss."""
    folder = tmp_path / "pets"
    statistics = folder / "paper/statistics/pets"
    statistics.mkdir(parents=True)
    split = folder / "data/pets/split.json"
    split.parent.mkdir(parents=True)
    split.write_text(json.dumps({"subsets": {"test": {"images": 300}}}))
    rows = [
        {"scope": scope, "kind": "mean" if scope in ("mAP", "rigid", "nonrigid") else "class", "iou": iou,
         "difference": 0.1, "low": -0.1, "high": 0.3, "seeds": 3, "se_images": 0.1, "se_run": 0.0, "se_seeds": 0.0,
         "se": 0.1, "df": np.inf}
        for scope in ("mAP", "rigid", "nonrigid", *PETS["classes"]) for iou in (0.5, 0.6, 0.7)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(statistics / "difference_ohem_sohem.csv", index=False)
    for method, loc in (("ohem", 0.2), ("sohem", 0.1)):
        for seed in SEEDS:
            run = folder / f"runs/pets/{method}/seed{seed}"
            run.mkdir(parents=True)
            losses = {"cls_all": 0.5, "cls_selected": 0.5, "loc_all": loc + seed / 1000, "loc_selected": loc}
            pd.DataFrame({"iteration": range(1, 41), **losses}).to_parquet(run / "log.parquet")
    return folder


def test_the_step_marks_every_verdict_and_lists_what_does_not_apply(finished: Path) -> None:
    part = params.dumps(params.select(given("pets"), "claims"))
    words = ["--claims", str(ROOT / "claims.yaml"), "--results", str(finished), "--out", str(finished / "claims")]
    assert cli.main(["claims", "--params", part, *words]) == 0
    written = json.loads((finished / "claims.json").read_text())
    by_id = {claim["id"].removesuffix("-pets"): claim for claim in written["claims"]}

    # The paper's sizes count, +0.5 of mAP at IoU 0.6 and +0.1 at 0.5: 0.1 is 4 standard errors from the first.
    assert by_id["map-voc-0.6"]["verdict"] == NO_LARGER
    assert by_id["map-voc-0.6"]["numbers"]["size"] == 0.5
    assert by_id["map-voc-0.6"]["numbers"]["printed"]["Table 2"] == 0.5
    assert by_id["map-voc-0.5"]["verdict"] == INCONCLUSIVE
    assert "for the printed +0.1" in by_id["map-voc-0.5"]["reason"]
    assert by_id["loc-loss-voc"]["verdict"] == by_id["loss-double-voc"]["verdict"] == SUPPORTED
    assert by_id["map-voc-0.6"]["statement"] == "Pets: S-OHEM minus OHEM in mAP at IoU 0.6 is above 0"
    assert by_id["map-voc-0.6"]["artifact"] == "pets_ap_table.md"
    assert by_id["loc-loss-voc"]["artifact"] == "pets_loss_figure.svg"
    assert not any(claim["demonstration"] for claim in written["claims"])
    assert {claim["setting"] for claim in written["claims"]} == {"held against Pets, laptop scale"}

    page = (finished / "claims.md").read_text()
    assert "**No verdict here is about the paper's own setting.** These are small networks" in page
    assert "Pets stands for VOC07: 3 of its 20 classes" in page
    count = len(written["claims"])
    assert f"Of {count} claims that apply" in page
    assert page.count("** (held against Pets, laptop scale): ") == count  # each verdict, in its table
    assert "  - S-OHEM raises mAP at IoU 0.6 on VOC07 (held against Pets, laptop scale)\n" in page
    assert "\n- Pets has no class bird, boat, chair, train: AP falls fast once the IoU threshold passes 0.5" in page
    assert page.count("the run has no data set kitti") + page.count("The run has no data set kitti") == 1
    assert len(written["not_applicable"]) == len(CLAIMS["claims"]) - count


def test_the_power_is_that_to_see_what_the_paper_prints_of_the_other(finished: Path, capsys) -> None:
    part = params.dumps(params.select(given("pets"), "power", dataset="pets"))
    difference = finished / "paper/statistics/pets/difference_ohem_sohem.csv"
    words = ["--split", str(finished / "data/pets/split.json"), "--difference", str(difference)]
    assert cli.main(["power", "--params", part, "--dataset", "pets", *words, "--out", str(finished / "power.csv")]) == 0
    table = pd.read_csv(finished / "power.csv").set_index(["scope", "iou"])
    printed = {iou: table.loc[("mAP", iou), "printed"] for iou in (0.5, 0.6, 0.7)}
    assert printed == {0.5: 0.1, 0.6: 0.5, 0.7: 0.3}
    assert set(table.index.get_level_values("scope")) == {"mAP", "rigid", "nonrigid", "cat", "dog", "sofa"}
    assert "the paper prints +0.1, +0.5 and +0.3 for voc. If those differences were true here" in " ".join(
        capsys.readouterr().out.split()
    )


def test_what_stands_for_nothing_has_no_power(finished: Path, capsys) -> None:
    part = params.dumps(params.select(given("pets", stands_for=None), "power", dataset="pets"))
    words = ["--split", "x", "--difference", "x"]
    assert cli.main(["power", "--params", part, "--dataset", "pets", *words]) == 2
    assert "--dataset pets: the paper has no numbers for it, only for voc, kitti" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stands_for": "vco"}, 'datasets.pets.stands_for: "vco" is not defined; expected one of voc, kitti'),
        ({"stands_for": "pets"}, 'stands_for: the paper has no claims about "pets"; expected one of voc, kitti'),
        ({"stands_for": "kitti"}, "datasets.pets.stands_for: pets has none of the classes of kitti"),
        ({"stands_for": 7}, "datasets.pets.stands_for: 7 is not allowed; expected a value of type string"),
    ],
)
def test_a_stand_in_for_nothing_is_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError) as caught:
        schema.validate(given("pets", **changed))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_paper_s_own_data_set_stands_for_no_other() -> None:
    with pytest.raises(ParamsError, match=r"datasets.voc.stands_for: the paper has claims about voc itself"):
        schema.validate(merged(PLAIN, {"datasets": {"voc": {"stands_for": "kitti"}}}))


def test_the_experiment_on_photographs_stands_for_voc() -> None:
    animals = merged(PLAIN, yaml.safe_load((ROOT / "examples/animals.yaml").read_text()))
    schema.validate(animals)
    kept, left_out = held(animals)
    assert {"map-voc-0.5-animals", "most-rigid-voc-animals", "cat-voc-0.6-animals"} <= set(kept)
    assert left_out["ap-falls"] == "VOC12 animals has no class bird, boat, train"
