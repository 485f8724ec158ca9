"""Which figures, tables and sheets a run makes, from what, and that each kind of them is one file."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from clones import merged
from sohem import artifacts, params, schema
from sohem.errors import ParamsError
from sohem.paper import kinds
from sohem.report import plan

ROOT = Path(__file__).parents[2]
SHEETS = {"contact", "detections", "differences", "mined"}


@pytest.fixture
def given():
    return yaml.safe_load((ROOT / "params.yaml").read_text())


NEW = '''
"""How many objects of each class a data set has."""
from sohem.paper.kind import Kind
from sohem.paper.run_files import GROUND_TRUTH

KIND = Kind(
    title="objects of each class",
    caption=lambda artifact: f"Objects of {artifact.datasets[artifact.dataset]}, {artifact.options['bars']} bars.",
    draw=lambda artifact, inputs: {"svg": b"", "png": b""},
    sources={"truth": GROUND_TRUTH},
    options={"bars": {"enum": ["thin", "thick"]}},
    rank=9,
)
'''


@pytest.fixture
def one_more(tmp_path, monkeypatch):
    """A kind in a file beside the others."""
    (tmp_path / "count_figure.py").write_text(NEW)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])


def test_a_kind_is_one_file(given, one_more):
    given["artifacts"]["objects"] = {"kind": "count_figure", "datasets": ["voc"], "bars": "thin"}
    schema.validate(given)
    artifacts.check(given)
    assert artifacts.artifacts(given)["objects"]["kind"] == "count_figure"
    assert artifacts.inputs(given, "objects") == ["data/voc/ground_truth.parquet"]
    (part,) = (part for part in plan.parts(given) if part.name == "objects")
    assert (part.title, part.files[0]) == ("Objects of each class, VOC07", "paper/objects.svg")
    assert part.artifact.kind.caption(part.artifact) == "Objects of VOC07, thin bars."
    given["artifacts"]["objects"]["bars"] = "wavy"
    with pytest.raises(
        ParamsError, match=r'artifacts\.objects\.bars: "wavy" is not allowed; expected one of thin, thick'
    ):
        artifacts.check(given)
    given["artifacts"]["objects"]["kind"] = "pie_figure"
    with pytest.raises(ParamsError, match=r'artifacts\.objects\.kind: "pie_figure".*one of ap_figure.*, count_figure'):
        artifacts.check(given)


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("fig2a", "method", "ohem", "artifacts.fig2a.method: unknown key, did you mean methods?"),
        ("fig3", "classes", ["dog"], "artifacts.fig3.classes: unknown key Allowed: datasets, kind, methods, rois"),
        ("fig3", "rois", "most", 'artifacts.fig3.rois: "most" is not allowed; expected one of selected, all'),
        ("table2", "datasets", ["voc", "kitti"], "artifacts.table2.datasets: [\"voc\", \"kitti\"] is not allowed; "
                                                "expected a list of at most 1"),
        ("improvement", "methods", ["ohem"], "expected a list of at least 2"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_artifact_is_named(given, name, key, value, message):
    given["artifacts"][name][key] = value
    with pytest.raises(ParamsError) as caught:
        artifacts.check(given)
    assert message in str(caught.value)


def test_the_shipped_artifacts_are_right_and_the_command_line_checks_them(given, tmp_path):
    artifacts.load(ROOT / "params.yaml")
    given["artifacts"]["fig2a"]["kind"] = "ap_figrue"
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(given))
    with pytest.raises(ParamsError, match=r"p\.yaml: artifacts\.fig2a\.kind: \"ap_figrue\" is not allowed"):
        artifacts.load(tmp_path / "p.yaml")


def test_kinds_are_described_without_slow_packages():
    slow = {"matplotlib", "PIL", "scipy", "torch", "cv2", "jinja2"}
    code = f"import sys; from sohem.paper import kinds; kinds.all_kinds(); print({slow} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_data_set_of_ones_own_gets_artifacts_of_every_kind_that_makes_sense(given):
    given["datasets"]["cells"] = {"title": "Cells", "format": "voc", "detector": "fast_rcnn", "classes": ["a", "b"],
                                  "demo": {"root": "x", "short_side": 100, "long_side": 200}}  # fmt: skip
    given["run"]["datasets"] = ["cells"]
    kinds = ("ap", "loss", "strata", "ratio", "interval", "improvement", "overlap")
    figures = {f"cells_{kind}_figure" for kind in kinds}
    sheets = {f"{sheet}_cells" for sheet in SHEETS}
    assert set(artifacts.artifacts(given)) == figures | {"cells_ap_table"} | sheets
    given["run"]["methods"] = ["ohem"]  # nothing to compare
    compared = {"cells_improvement_figure", "differences_cells"}
    assert set(artifacts.artifacts(given)) == (figures | {"cells_ap_table"} | sheets) - compared
    given["scales"]["demo"]["probe"]["images"] = 0  # nothing recorded
    assert "mined_cells" not in artifacts.artifacts(given)
    given["datasets"]["cells"]["rigid"] = ["a"]
    assert "cells_rigid_table" in artifacts.artifacts(given)
    assert params.notice(given, ["cells"]) == "demo scale, real data"


def test_the_example_of_a_data_set_of_ones_own_is_valid(given):
    example = yaml.safe_load((ROOT / "examples" / "bccd.yaml").read_text())
    both = merged(given, example)
    schema.validate(both)
    artifacts.check(both)
    assert {spec["datasets"][0] for spec in artifacts.artifacts(both).values()} == {"bccd"}


def test_a_figure_of_two_data_sets_shows_the_one_that_runs(given):
    given["run"]["datasets"] = ["kitti"]
    assert artifacts.artifacts(given)["strata"]["datasets"] == ["kitti"]
    assert set(artifacts.artifacts(given)) & {"fig2a", "table2", "fig3"} == {"fig3"}


def test_some_of_the_methods_are_shown_and_all_are_in_the_ablation(given):
    assert "ablation" not in artifacts.artifacts(given)
    given["run"] |= {"methods": ["ohem", "random", "sohem"], "shown": ["ohem", "sohem"]}
    made = {name: list(artifacts.artifact(given, name).methods) for name in artifacts.artifacts(given)}
    assert made["ablation"] == made["ablation_figure"] == ["ohem", "random", "sohem"]
    assert made["table2"] == made["mined_voc"] == made["strata"] == ["ohem", "sohem"]
    assert made["fig2a"] == ["ohem"]
    del given["run"]["shown"]
    assert made["table2"] != list(artifacts.artifact(given, "table2").methods) == ["ohem", "random", "sohem"]
    assert list(artifacts.artifact(given, "differences_voc").methods) == ["ohem", "random"]  # the first two
    given["run"]["methods"] = ["sohem", "random"]
    assert "fig2a" not in artifacts.artifacts(given)  # of OHEM, which does not run


def test_what_an_artifact_is_made_from(given):
    sources = {name: artifacts.inputs(given, name) for name in artifacts.artifacts(given)}
    assert sources["fig2a"] == [f"runs/voc/ohem/seed{seed}/ap.csv" for seed in given["run"]["seeds"]]
    statistics = "paper/statistics"
    assert sources["improvement"] == [f"{statistics}/{d}/difference_ohem_sohem.csv" for d in ("voc", "kitti")]
    assert sources["intervals"] == [
        f"{statistics}/{d}/interval_{m}.csv" for d in ("voc", "kitti") for m in ("ohem", "sohem")
    ]
    given["run"]["seeds"] = [4, 5]
    assert artifacts.inputs(given, "table4b") == [
        *(f"runs/kitti/{m}/seed{s}/ap.csv" for m in ("ohem", "sohem") for s in (4, 5)),
        f"{statistics}/kitti/difference_ohem_sohem.csv",
    ]
    assert artifacts.inputs(given, "mined_voc") == [
        "data/voc/images.parquet", "runs/voc/ohem/seed4/mined.parquet", "runs/voc/sohem/seed4/mined.parquet",
    ]  # fmt: skip


def test_the_part_of_an_artifact_holds_what_it_shows_and_stays_the_same(given):
    given["run"] |= {"methods": ["ohem", "random", "sohem"], "shown": ["ohem", "sohem"]}
    for name in artifacts.artifacts(given):
        part = artifacts.part(given, name)
        assert artifacts.part(params.load(params.dumps(part)), name) == part
    part = artifacts.part(given, "fig2a")
    assert (set(part["datasets"]), set(part["methods"]), set(part["evaluation"])) == ({"voc"}, {"ohem"}, {"metric"})
    whole = params.select(given, "report")  # as the report cuts it, to see what is out of date
    assert all(artifacts.part(whole, name) == artifacts.part(given, name) for name in artifacts.artifacts(given))
    given["run"]["methods"].append("strata")
    given["methods"]["sohem"]["title"] = "S"
    assert artifacts.part(given, "fig2a") == part
