"""What Snakemake and DVC run after a change, and what brings them back in step.

In temporary clones, with a stand-in for the steps: it tells which of them ran, and starts in no time.
"""

import json

import pytest

from clones import Clone, stages_cached, stages_run, standin

SHEETS = ("detections-sheet", "differences-sheet", "mined-sheet")
OF_ALL_RUNS = {
    **{f"artifact {name}": 1 for name in ("fig2a", "fig2b", "fig3", "table2", "table3", "table4a", "table4b")},
    **{f"artifact {name}": 1 for name in ("strata", "ratio", "intervals", "improvement")},
    **{f"{step} {dataset}": 1 for step in SHEETS for dataset in ("voc", "kitti")},
    **{f"difference {dataset}": 1 for dataset in ("voc", "kitti")},
    "claims": 1,
    "report": 1,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A fresh clone after `snakemake all`, `make record` and a commit. Tests take a copy."""
    folder = tmp_path_factory.mktemp("records")
    clone = Clone.new(folder / "finished", standin(folder / "bin"))
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
    planned = {"train": 2, "detect": 2, "evaluate": 2, "figure": 7, "table": 4, "detections_sheet": 2,
               "differences_sheet": 2, "mined_sheet": 2,
               "difference": 2, "interval": 2, "claims": 1, "report_page": 1}  # fmt: skip
    assert copy.planned() == planned
    assert "nothing was recorded" in copy.make("record", status=2)
    assert "dvc repro" in copy.make("sync", status=2)

    copy("dvc repro")
    runs = [("train", " ohem"), ("detect", " ohem"), ("evaluate", ""), ("interval", "")]
    assert copy.calls() == {f"{step} {d}{m}": 1 for step, m in runs for d in ("voc", "kitti")} | OF_ALL_RUNS
    copy.commit("second run")

    assert changed_parameters(copy("dvc params diff HEAD~1 --json")) == {"methods.ohem.nms.iou"}
    metrics = json.loads(copy("dvc metrics diff HEAD~1 --json"))
    assert set(metrics) == {f"results/demo/runs/{dataset}/ohem/seed0/metrics.json" for dataset in ("voc", "kitti")}
    assert all(set(numbers) == {"mAP@0.1", "mAP@0.2", "mAP@0.3"} for numbers in metrics.values())
    copy(f"dvc plots diff HEAD~1 --out {copy.path.parent / 'plots'}")
    page = (copy.path.parent / "plots" / "index.html").read_text()
    assert [
        name for name in ("fig2a.png", "fig3.png", "kitti, ohem, seed 0", "HEAD~1", "workspace") if name not in page
    ] == []

    copy("git checkout --quiet HEAD~1")
    copy.make("sync")
    copy.assert_in_step()
    assert copy.calls() == {}


def test_another_threshold_trains_nothing_and_back_comes_from_the_cache(copy):
    copy.set("evaluation.ious", [0.1, 0.2, 0.4])
    assert copy.planned() == {
        "evaluate": 4,
        "difference": 2,
        "interval": 4,
        "figure": 7,
        "table": 4,
        "claims": 1,
        "report_page": 1,
        "differences_sheet": 2,
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


def test_another_method_and_seed_need_no_change_of_the_ledger(copy):
    copy.set("run", {"datasets": ["voc", "kitti"], "methods": ["ohem", "sohem", "random"], "seeds": [0]})
    copy("dvc repro train_kitti evaluate@kitti-random-0")
    assert copy.calls() == {"train kitti random": 1, "detect kitti random": 1, "evaluate kitti": 1}


def test_a_changed_source_file_reruns_the_steps_that_import_it(copy):
    for module, planned in {
        "evaluation/metrics.py": {
            "evaluate": 4,
            "difference": 2,
            "interval": 4,
            "figure": 7,
            "table": 4,
            "published": 4,
            "claims": 1,
            "differences_sheet": 2,
            "report_page": 1,
        },
        "evaluation/bootstrap.py": {
            "interval": 4,
            "difference": 2,
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
        file.write_text(before + "\n# changed\n")
        assert copy.planned() == planned
        file.write_text(before)


def test_a_deleted_tree_of_generated_images_is_made_again(copy):
    copy("rm -r data/demo/kitti results/demo/paper/contact_kitti.png")
    copy("dvc repro contact_sheet@kitti --force --single-item")
    assert copy.calls() == {"fetch kitti": 1, "contact-sheet kitti": 1}
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
    assert stages_run(copy("dvc repro")) == {"claims", "report"}
    assert copy.calls() == {"claims": 1, "report": 1}
    file.write_text(file.read_text().replace("iou: 0.6", "iuo: 0.6", 1))
    shown = copy("snakemake --cores 1 all", status=2)
    assert "claims.yaml: claims.map-voc-0.6.statement.iuo: unknown key, did you mean iou?" in shown
    assert "Traceback" not in shown
