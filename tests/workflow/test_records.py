"""What Snakemake and DVC run after a change, and what brings them back in step.

In temporary clones, with a stand-in for the steps: it tells which of them ran, and starts in no time.
"""

import json
from collections import Counter

import pytest

from clones import Clone, stages_cached, stages_run, standin

DATASETS = ("voc", "kitti")
SHEETS = tuple(f"{kind}_{d}" for kind in ("contact", "detections", "differences", "mined") for d in DATASETS)
FIGURES = ("fig2a", "fig2b", "fig3", "strata", "ratio", "intervals", "improvement", "overlap")
TABLES = ("table2", "table3", "table4a", "table4b")
ABLATION = Counter(["artifact ablation", "artifact ablation_figure"])


def paper(methods=2):
    """The calls of the stages `paper` and `report`, which make everything anew."""
    calls = Counter(f"artifact {name}" for name in FIGURES + TABLES + SHEETS)
    calls.update(f"published {name}" for name in TABLES)
    for dataset in DATASETS:
        calls.update({f"interval {dataset}": methods, f"difference {dataset}": methods - 1})
        calls.update({f"overlap {dataset}": 1, f"power {dataset}": 1})
    return calls + Counter(["claims", "report"])


def runs(*methods, seeds=1):
    """The calls that make runs of some methods."""
    calls = Counter()
    for dataset in DATASETS:
        for method in methods:
            calls.update({f"train {dataset} {method}": seeds, f"detect {dataset} {method}": seeds})
            calls.update({f"evaluate {dataset}": seeds})
    return calls


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server):
    """A fresh clone after `snakemake all`, `make record` and a commit. Tests take a copy."""
    folder = tmp_path_factory.mktemp("records")
    clone = Clone.new(folder / "finished", standin(folder / "bin", server))
    clone("snakemake --cores 2 all")
    clone.make("record")
    clone.commit("first run")
    return clone


@pytest.fixture
def copy(finished, tmp_path):
    finished.calls()
    return finished.copy(tmp_path / "copy")


def changed_parameters(text):
    return set(json.loads(text).get("params.yaml", {}))


def test_a_method_s_parameter_reruns_that_method_and_an_older_commit_comes_back(copy):
    copy.set("methods.ohem.nms.iou", 0.5)
    planned = {"train": 2, "detect": 2, "evaluate": 2, "figure": 8, "table": 4, "sheet": 6,
               "difference": 2, "interval": 2, "overlap": 2, "power": 2, "claims": 1, "report_page": 1}  # fmt: skip
    assert copy.planned() == planned
    assert "nothing was recorded" in copy.make("record", status=2)
    assert "dvc repro" in copy.make("sync", status=2)

    copy("dvc repro")
    assert copy.calls() == runs("ohem") + paper()
    copy.commit("second run")

    assert changed_parameters(copy("dvc params diff HEAD~1 --json")) == {"methods.ohem.nms.iou"}
    metrics = json.loads(copy("dvc metrics diff HEAD~1 --json"))
    assert set(metrics) == {f"results/demo/runs/{dataset}/ohem/seed0/metrics.json" for dataset in ("voc", "kitti")}
    assert all(set(numbers) == {"mAP@0.1", "mAP@0.2", "mAP@0.3"} for numbers in metrics.values())
    copy(f"dvc plots diff HEAD~1 --out {copy.path.parent / 'plots'}")
    page = (copy.path.parent / "plots" / "index.html").read_text()
    figures = [f"static/{side}_results_demo_paper_png_fig3.png" for side in ("HEAD~1", "workspace")]
    assert [name for name in (*figures, "kitti, ohem, seed 0") if name not in page] == []

    copy("git checkout --quiet HEAD~1")
    copy.make("sync")
    copy.assert_in_step()
    assert copy.calls() == {}


def test_another_threshold_trains_nothing_and_back_comes_from_the_cache(copy):
    copy.set("evaluation.ious", [0.1, 0.2, 0.4])
    assert copy.planned() == {
        "evaluate": 4,
        "difference": 2,
        "power": 2,
        "interval": 4,
        "figure": 3,  # those of AP, not those of the training
        "table": 4,
        "sheet": 2,  # of the differences
        "claims": 1,
        "report_page": 1,
    }
    copy("git checkout params.yaml")

    targets = {"evaluate@voc-ohem-0", "evaluate@kitti-ohem-0"}
    text = copy(f"dvc exp run --set-param evaluation.ious=[0.1,0.2,0.4] {' '.join(targets)}")
    assert stages_run(text) == targets
    assert copy.calls() == {"evaluate voc": 1, "evaluate kitti": 1}
    assert "mAP@0.4" in (copy.path / "results/demo/runs/kitti/ohem/seed0/metrics.json").read_text()

    copy("git checkout params.yaml")
    text = copy("dvc repro")
    assert (stages_run(text), stages_cached(text)) == (set(), targets)
    assert copy.calls() == {}
    assert copy("git status --porcelain") == ""


def test_an_experiment_in_a_temporary_copy_runs_the_affected_stages_only(copy):
    target = "evaluate@kitti-sohem-0"
    copy(f"dvc exp run --temp --name wide --set-param methods.sohem.beta.end=0.9 {target}")
    calls = copy.calls()
    assert calls.pop("fetch kitti") == 1  # the images are not tracked: the copy makes its own
    assert calls == {"train kitti sohem": 1, "detect kitti sohem": 1, "evaluate kitti": 1}
    assert changed_parameters(copy("dvc params diff HEAD wide --json")) == {"methods.sohem.beta.end"}
    assert copy("git status --porcelain") == ""


def test_another_method_is_a_change_of_the_parameters_alone(copy):
    copy.set("run.methods", ["ohem", "sohem", "random"])
    copy("dvc repro")
    assert copy.calls() == runs("random") + paper(methods=3)
    copy.commit("another method")
    copy.make("sync")
    copy.assert_in_step()
    assert copy.calls() == {}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"seeds": [0, 1]}, runs("ohem", "sohem")),
        ({"methods": ["ohem", "sohem", "random"], "shown": ["ohem", "sohem"]}, runs("random") + ABLATION),
    ],
)
def test_more_runs_are_recorded_like_any(copy, run, expected):
    copy.set("run", run)
    copy("snakemake --cores 2 all")
    calls = copy.calls()
    assert {call: calls[call] for call in expected} == expected
    assert {call for call in calls if call.split()[0] in ("fetch", "split", "pretrain", "train")} <= set(expected)
    copy.make("record")
    copy.commit("more runs")
    copy.assert_in_step()
    assert stages_run(copy("dvc repro")) == set()
    assert copy.calls() == {}


def test_results_of_what_is_no_longer_run_are_not_recorded(copy):
    copy.set("run.datasets", ["kitti"])
    copy("snakemake --cores 2 all")
    shown = copy.make("record", status=2)
    assert "sohem: error: results/demo/data/voc, results/demo/paper/contact_voc, " in shown
    assert "results/demo/runs/voc/ohem/seed0" in shown
    assert "delete what is listed here" in shown
    copy("rm -r results/demo/data/voc results/demo/runs/voc")
    assert "sohem: error: results/demo/paper/contact_voc, " in copy.make("record", status=2)
    assert stages_run(copy("dvc repro")) == {"paper", "report"}  # DVC clears the folder of the paper itself
    copy.commit("kitti alone")
    copy.make("sync")
    copy.assert_in_step()
    assert not (copy.path / "results/demo/paper/contact_voc.png").exists()


def test_a_run_of_ones_own_leaves_the_recorded_results_alone(copy):
    cells = {"title": "Cells", "format": "voc", "detector": "faster_rcnn", "beta_target": 1, "classes": ["a", "b"],
             "demo": {"root": "data/cells", "short_side": 96, "long_side": 128}}  # fmt: skip
    own = {"run": {"name": "cells", "datasets": ["cells"]}, "datasets": {"cells": cells}}
    cells["demo"]["miniature"] = {"seed": 1, "train": 2, "test": 2}
    (copy.path / "cells.yaml").write_text(json.dumps(own))
    copy("snakemake --cores 2 all --configfile cells.yaml")
    calls = copy.calls()
    assert calls["train cells ohem"] == 1
    assert calls["pretrain"] == 0  # shared by all runs of a scale
    assert copy.planned("all", "--configfile", "cells.yaml") == {}
    assert copy.planned() == {}
    assert "up to date" in copy("dvc status")
    assert copy("git status --porcelain").split() == ["??", "cells.yaml", "??", "results/cells/"]
    copy.set("run.name", "cells")
    assert "params.yaml: run.name: not here, but in a file for --configfile" in copy("snakemake --cores 1", status=2)


def test_a_comment_in_the_code_runs_no_step_and_a_changed_line_those_that_reach_it(copy):
    file = copy.path / "src/sohem/training/loop.py"
    file.write_text(file.read_text() + "\n# a comment\n")
    assert copy.planned() == {}
    assert stages_run(copy("dvc repro")) == {"code"}
    assert copy.calls() == {}
    copy.commit("a comment")
    copy.assert_in_step()

    file.write_text(file.read_text() + "\nMORE = 1\n")
    assert copy.planned()["train"] == 4
    assert copy.planned("results/demo/pretrained.pt") == {}
    trained = {f"train@{d}-{m}-0" for d in DATASETS for m in ("ohem", "sohem")}
    assert stages_run(copy("dvc repro")) == {"code"} | trained  # which gives the same checkpoints here
    assert copy.calls() == {f"train {d} {m}": 1 for d in DATASETS for m in ("ohem", "sohem")}
    copy.commit("a changed line")
    copy.make("sync")
    copy.assert_in_step()


def test_changed_code_reruns_the_steps_that_import_it(copy):
    for module, planned in {
        "evaluation/metrics.py": {
            "evaluate": 4,
            "difference": 2,
            "power": 2,
            "interval": 4,
            "figure": 8,
            "table": 4,
            "published": 4,
            "claims": 1,
            "sheet": 8,
            "report_page": 1,
        },
        "evaluation/bootstrap.py": {
            "interval": 4,
            "difference": 2,
            "power": 2,
            "table": 4,
            "figure": 2,
            "claims": 1,
            "report_page": 1,
        },
        "paper/audit.py": {"claims": 1, "report_page": 1},
        "cli.py": {},
    }.items():
        file = copy.path / "src/sohem" / module
        before = file.read_text()
        file.write_text(before + "\nCHANGED = True\n")
        assert copy.planned() == planned
        file.write_text(before)


def test_a_deleted_tree_of_generated_images_is_made_again(copy):
    copy("rm -r data/demo/kitti")
    copy("dvc repro paper --force --single-item")
    assert copy.calls() == Counter({"fetch kitti": 1}) + paper() - Counter({"report": 1})
    assert stages_run(copy("dvc repro")) <= {"report"}
    copy.make("sync")
    copy.commit("made again")
    copy.assert_in_step()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("momentum:", "momentun:", "scales.demo.train.momentun: unknown key, did you mean momentum?"),
        ("scale: demo", "scale: [demo", "params.yaml: not YAML"),
    ],
)
def test_a_mistake_in_the_parameters_ends_with_one_message(copy, old, new, message):
    text = (copy.path / "params.yaml").read_text()
    (copy.path / "params.yaml").write_text(text.replace(old, new, 1))
    shown = copy("snakemake --cores 1 all", status=2)
    assert message in shown
    assert "Traceback" not in shown


def test_another_list_of_claims_is_judged_without_any_other_step(copy):
    file = copy.path / "claims.yaml"
    file.write_text(file.read_text().replace("difference: 2", "difference: 3"))
    assert copy.planned() == {"claims": 1, "report_page": 1}
    assert stages_run(copy("dvc repro")) == {"paper", "report"}
    assert copy.calls() == paper()
    file.write_text(file.read_text().replace("iou: 0.6", "iuo: 0.6", 1))
    shown = copy("snakemake --cores 1 all", status=2)
    assert "claims.yaml: claims.map-voc-0.6.statement.iuo: unknown key, did you mean iou?" in shown
    assert "Traceback" not in shown
