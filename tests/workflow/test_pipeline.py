"""The whole pipeline, for real, in temporary clones at a tiny scale. test_records.py has what DVC adds.

The tools are the real ones, but their libraries are imported once for all calls (tests/helpers/preloaded.py).
"""

import hashlib
import json
import os
import signal
import subprocess
import time

import pandas as pd
import pytest
import yaml

import browser
from clones import Clone, tools
from sohem import artifacts, files
from sohem.paper import published
from sohem.paper.tables import short


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server):
    """A fresh clone after `snakemake all`, `make record` and a commit. Tests that change anything take a copy."""
    folder = tmp_path_factory.mktemp("pipeline")
    clone = Clone.new(folder / "finished", tools(folder / "bin", server))
    clone("snakemake --cores 2 all")
    clone.make("record")
    clone.commit("first run")
    return clone


@pytest.fixture
def copy(finished, tmp_path):
    return finished.copy(tmp_path / "copy")


def test_a_finished_run_is_recorded_and_nothing_is_left_to_do(finished):
    finished.assert_in_step()
    results = finished.path / "results" / "demo"
    names = {"split.json", "images.parquet", "ground_truth.parquet", "proposals.parquet", "recall.csv"}
    for dataset in ("voc", "kitti"):
        assert {path.name for path in (results / "data" / dataset).iterdir()} == names
    assert {path.name for path in (results / "paper" / "statistics" / "voc").iterdir()} == {
        "interval_ohem.csv", "interval_sohem.csv", "difference_ohem_sohem.csv", "overlap.csv",
        "power.csv",
    }  # fmt: skip
    # KITTI's detector makes its own proposals: the table is there all the same, empty.
    assert len(pd.read_parquet(results / "data/voc/proposals.parquet")) > 0
    assert pd.read_parquet(results / "data/kitti/proposals.parquet").empty
    assert pd.read_csv(results / "data/kitti/recall.csv").empty


def test_every_artifact_is_there_and_says_what_its_run_produced(finished):
    given, results = finished.params(), finished.path / "results" / "demo"
    specs = artifacts.artifacts(given)
    assert len(specs) == 12 + 2 * 4
    for name, spec in specs.items():
        for file in artifacts.files(name, spec["kind"]):
            assert (results / file).stat().st_size > (10_000 if file.endswith(".png") else 100)
            if file.endswith((".md", ".tex")):
                assert "demo scale, generated data" in (results / file).read_text()
        record = json.loads((results / "paper" / f"{name}.provenance.json").read_text())
        expected = [f"results/demo/{path}" for path in artifacts.inputs(given, name)]
        assert [entry["path"] for entry in record["inputs"]] == expected
        for entry in record["inputs"]:
            assert hashlib.sha256((finished.path / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
    for dataset in ("voc", "kitti"):
        split, manifest = results / "data" / dataset / "split.json", finished.path / "data" / "demo" / f"{dataset}.json"
        assert json.loads(split.read_text())["tree"] == json.loads(manifest.read_text())["sha256"]
    for name in published.TITLES:
        shown = pd.read_csv(results / "paper" / "published" / f"{name}.csv", dtype="str", keep_default_na=False)
        assert shown.drop(columns="source").equals(published.read(name).fillna(""))


def test_the_report_is_whole_and_opens_in_a_browser(finished):
    page = finished.path / "results" / "demo" / "report.html"
    text = page.read_text()
    assert page.stat().st_size < 5e6
    assert "not there" not in text
    assert "other parameters than today's" not in text
    head = finished("git rev-parse HEAD~1").strip()  # what it was made at, before the results were committed
    assert f"commit <code>{head}</code>" in text
    for run in (finished.path / "results" / "demo").glob("runs/*/*/seed*/metrics.json"):
        assert all(f"{value:.2f}" in text for value in files.read_json(run).values())
    with browser.browser() as chromium:
        assert [chromium.faults(page, width) for width in (browser.PHONE, browser.DESKTOP)] == [[], []]


def test_the_claims_of_the_paper_are_judged_from_the_runs(finished):
    results = finished.path / "results" / "demo"
    written = json.loads((results / "paper" / "claims.json").read_text())
    claims = {claim["id"]: claim for claim in written["claims"]}
    assert set(claims) == set(yaml.safe_load((finished.path / "claims.yaml").read_text())["claims"])
    assert all(claim["demonstration"] for claim in claims.values())
    logs = [pd.read_parquet(results / f"runs/voc/{m}/seed0/log.parquet")["loc_all"] for m in ("ohem", "sohem")]
    measured = claims["loc-loss-voc"]["numbers"]
    assert measured["value"] == pytest.approx(logs[1].iloc[-1] - logs[0].iloc[-1], rel=1e-4)  # an eighth of 6 is one
    assert claims["loc-loss-voc"]["verdict"] == "inconclusive"
    assert "no mAP at IoU 0.6" in claims["map-voc-0.6"]["reason"]  # the tiny run has other thresholds
    assert (results / "paper" / "claims.md").read_text().count("(demonstration)") == len(claims)


@pytest.mark.parametrize(
    ("table", "dataset"), [("table2", "voc"), ("table3", "kitti"), ("table4a", "voc"), ("table4b", "kitti")]
)
def test_the_cells_of_a_table_follow_from_the_measured_precision(finished, table, dataset):
    given, results = finished.params(), finished.path / "results" / "demo"
    shown = pd.read_csv(results / "paper" / f"{table}.csv")
    rigid = given["datasets"][dataset]["rigid"]
    differences = pd.read_csv(results / "paper/statistics" / dataset / "difference_ohem_sohem.csv").set_index(
        ["scope", "iou"]
    )
    intervals = shown[shown["method"].isin(["improv low", "improv high"])].set_index("IoU")
    cells = 0
    for method, title in (("ohem", "OHEM"), ("sohem", "S-OHEM")):
        run = results / "runs" / dataset / method / "seed0"
        ap = pd.read_csv(run / "ap.csv")
        headline = json.loads((run / "metrics.json").read_text())
        for iou in given["evaluation"]["ious"]:
            here = ap[ap["iou"] == iou].set_index("class")["ap_11point"] * 100
            row = shown[(shown["method"] == title) & (shown["IoU"] == iou)].iloc[0]
            expected = {short(name): value for name, value in here.items()} | {
                "mAP": here.mean(),
                "rigid": here[here.index.isin(rigid)].mean(),
                "nonrigid": here[~here.index.isin(rigid)].mean(),
            }
            for column, value in row.drop(["method", "IoU"]).items():
                key = column.lower().replace("-", "").replace(" ", "") if table.startswith("table4") else column
                assert value == pytest.approx(expected[key], abs=0.006, nan_ok=True), (title, iou, column)
                cells += 1
                if method == "sohem":
                    scope = next((c for c in here.index if short(c) == key), key)
                    ends = differences.loc[(scope, iou), ["low", "high"]].tolist()
                    assert intervals.loc[iou, column].tolist() == pytest.approx(ends, abs=0.006, nan_ok=True)
            assert headline[f"mAP@{iou}"] == round(expected["mAP"], 2)
    assert cells >= 12


def test_the_log_of_a_run_has_a_row_for_each_iteration(finished):
    log = pd.read_parquet(finished.path / "results/demo/runs/kitti/sohem/seed0/log.parquet")
    assert log["iteration"].tolist() == [1, 2, 3, 4, 5, 6]
    assert (log["n_all"] >= log["n_selected"]).all()


def test_a_clone_takes_the_results_from_a_remote(finished, tmp_path):
    finished(f"git clone --quiet . {tmp_path / 'clone'}")
    clone = Clone(tmp_path / "clone", finished.bin)
    clone.identify()
    assert "dvc pull" in clone.make("sync", status=2)
    clone(f"dvc remote add --local --default store {finished.path / '.dvc' / 'cache'}")
    clone("dvc pull --quiet")
    clone.make("sync")
    clone.assert_in_step()
    assert (clone.path / "data/demo/kitti/image_2").is_dir()


def test_training_goes_on_after_a_kill(copy):
    copy.set("scales.demo.train.iterations", 40)
    target = "results/demo/runs/kitti/sohem/seed0/checkpoint.pt"
    log = copy.path / "logs/demo/train/kitti-sohem-seed0.log"
    log.unlink()
    # Its rules only: the changed parameter concerns other runs too, which are not what is tested here.
    command = ["snakemake", "--cores", "1", target]
    alone = Clone(copy.path)  # with tools that a signal reaches
    running = subprocess.Popen(command, cwd=alone.path, env=alone.env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    try:
        until(lambda: log.exists() and "/40" in log.read_text() and running.poll() is None)
        reached = iterations(log)[-1]
        until(lambda: iterations(log)[-1] > reached + 6)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert not (copy.path / target).exists()
    alone("snakemake --unlock")
    alone(" ".join(command))
    assert iterations(log)[0] > 4
    assert iterations(log)[-1] == 40
    assert (copy.path / target).exists()


def iterations(log):
    """The iterations that a training log reports."""
    return [int(line.split(": ")[1].split("/")[0]) for line in log.read_text().splitlines() if "/40 (" in line] or [0]


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_data_set_of_the_user_is_added_by_a_configfile(copy, tmp_path):
    (copy.path / "data/demo/voc").rename(tmp_path / "cells")
    classes = copy.params()["datasets"]["voc"]["classes"]
    own = {
        "run": {"name": "cells", "datasets": ["cells"], "methods": ["ohem"]},
        "datasets": {
            "cells": {
                "title": "Cells",
                "format": "voc",
                "detector": "fast_rcnn",
                "beta_target": "ratio",
                "classes": classes,
                "demo": {"root": str(tmp_path / "cells"), "short_side": 96, "long_side": 128, "iterations": 3},
            }
        },
    }
    (tmp_path / "cells.yaml").write_text(yaml.safe_dump(own))
    assert copy.planned("all", "--configfile", str(tmp_path / "cells.yaml")) == {
        "fetch": 1, "split": 1, "propose": 2, "merge_proposals": 1, "train": 1, "detect": 1, "evaluate": 1,
        "interval": 1, "overlap": 1, "figure": 6, "table": 1, "sheet": 3, "report_page": 1,
    }  # fmt: skip
    copy(f"snakemake --cores 2 results/cells/paper/cells_ap_table.csv --configfile {tmp_path / 'cells.yaml'}")
    page = (copy.path / "results/cells/paper/cells_ap_table.md").read_text()
    assert "demo scale, real data" in page
    assert "Cells" in page
    assert "up to date" in copy("dvc status")  # the run has results of its own
    assert (tmp_path / "cells" / "JPEGImages").is_dir()


def test_the_ablation_trains_what_is_missing_and_leaves_the_rest_in_step(copy):
    copy.set("run.methods", ["ohem", "sohem", "random"])
    copy.set("run.shown", ["ohem", "sohem"])
    assert copy.planned("ablation") == {
        "train": 2, "detect": 2, "interval": 2, "difference": 2, "figure": 1, "table": 1, "ablation": 1,
    }  # fmt: skip
    copy("snakemake --cores 2 all")
    assert copy.planned("ablation") == {}
    results = copy.path / "results" / "demo"
    shown = pd.read_csv(results / "paper" / "ablation.csv").set_index(["dataset", "method", "iou"])
    measured = files.read_json(results / "runs/kitti/random/seed0/metrics.json")
    for iou in copy.params()["evaluation"]["ious"]:
        assert shown.loc[("kitti", "random", iou), "ap"] == pytest.approx(measured[f"mAP@{iou}"], abs=0.011)
    assert "demo scale, generated data, one seed" in (results / "paper" / "ablation.md").read_text()
    assert "Ablation: each way to choose the RoIs" in (results / "report.html").read_text()
    assert "Random" not in (results / "paper" / "table3.md").read_text()
    copy.make("record")
    copy.commit("ablation")
    copy.assert_in_step()


def test_a_failed_step_shows_its_message(copy):
    copy("rm results/demo/runs/voc/ohem/seed0/metrics.json results/demo/runs/voc/ohem/seed0/per_class.json")
    (copy.path / "results/demo/runs/voc/ohem/seed0/detections.parquet").write_text("not a table")
    shown = copy("snakemake --cores 1 results/demo/runs/voc/ohem/seed0/metrics.json", status=1)
    assert "sohem: error: results/demo/runs/voc/ohem/seed0/detections.parquet: not a Parquet table" in shown
    assert "Traceback" not in shown


def test_the_workflow_is_clean_and_reports_with_captions(finished, tmp_path):
    assert "good condition" in finished("snakemake --lint")
    finished(f"snakemake --report {tmp_path / 'report.html'}")
    page = (tmp_path / "report.html").read_text()
    assert "stratified online hard example mining" in page
    assert "Average precision against the IoU threshold from which a detection counts as correct." in page
