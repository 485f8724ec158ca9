"""The controls of params.yaml do what they are named for; the ablation's table and figure show what was measured."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import toy
from sohem import artifacts, params, schema
from sohem.cli import main
from sohem.errors import DataError, ParamsError
from sohem.mining import miners
from sohem.mining.miner import Moment
from sohem.paper import ablation, plotting
from sohem.paper.kinds import ablation_figure
from sohem.randomness import stream

GIVEN = params.load(toy.ROOT / "params.yaml")
METHODS = {name: params.method(GIVEN, name, "kitti") for name in GIVEN["methods"]}
TOTAL = 80000
ABLATION = yaml.safe_load(re.search(r"(?m)^  # methods: (.*)$", (toy.ROOT / "params.yaml").read_text())[1])  # as listed


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("sohem", [(1, 0), (1, 0), (1, 0.95), (1, 1.9), (1, 1.9)]),
        ("cls_only", [(1, 0)] * 5),
        ("constant_beta", [(1, 1.9)] * 5),
        ("from_one", [(1, 1), (1, 1), (1, 1.45), (1, 1.9), (1, 1.9)]),
        ("falling_alpha", [(1, 0), (1, 0), (0.5, 0.95), (0, 1.9), (0, 1.9)]),
        ("sohem_no_nms", [(1, 0), (1, 0), (1, 0.95), (1, 1.9), (1, 1.9)]),
    ],
)
def test_alpha_and_beta_of_each_variant(method, expected):
    for dataset, target in (("voc", 1.9), ("kitti", 2.3)):
        miner = miners.build(method, METHODS[method], 64, TOTAL, params.beta_target(GIVEN, dataset))
        begin = METHODS[method]["beta"]["begin"]
        got = [miner.alpha_beta(Moment(i)) for i in (1, 40000, 50000, 60000, 80000)]
        scaled = [(a, begin + (b - begin) / (1.9 - begin) * (target - begin)) for a, b in expected]
        assert np.ravel(got) == pytest.approx(np.ravel(scaled))


@pytest.mark.parametrize("method", ["strata", "strata_literal"])
def test_the_quotas_of_both_readings_of_the_strata(method):
    miner = miners.build(method, METHODS[method], 64, TOTAL, 1.9)
    got = [tuple(miner.quotas_at(i).values()) for i in (1, 40000, 50000, 60000, 80000)]
    assert got == [(64, 0), (64, 0), (35, 29), (6, 58), (6, 58)]  # 0.9 x 0.5 x 64 = 28.8; 0.9 x 64 = 57.6


def test_every_schedule_of_formula_1_has_its_numbers_above():
    named = {name for name in ABLATION if METHODS[name]["miner"] == "sohem"}
    assert named == {"sohem", "cls_only", "constant_beta", "from_one", "falling_alpha", "sohem_no_nms"}


def test_what_each_shipped_variant_changes():
    assert ablation.changes({name: METHODS[name] for name in ABLATION}) == [
        "OHEM: the miner `ohem`.",
        "Random: the miner `random`.",
        "S-OHEM: the miner `sohem`.",
        "S-OHEM (L_cls only): as S-OHEM, but `beta.target` 0 instead of dataset.",
        "S-OHEM (beta constant): as S-OHEM, but `beta.start` 0 instead of 0.5, `beta.end` 0 instead of 0.75.",
        "S-OHEM (beta from 1): as S-OHEM, but `beta.begin` 1 instead of 0.",
        "S-OHEM (alpha falling): as S-OHEM, but `alpha.target` 0 instead of 1.",
        "S-OHEM (strata): the miner `strata`.",
        "S-OHEM (strata as printed): as S-OHEM (strata), but `s23` literal instead of localisation.",
        "OHEM (no NMS): as OHEM, but `nms.iou` null instead of 0.7.",
        "S-OHEM (no NMS): as S-OHEM, but `nms.iou` null instead of 0.7.",
    ]


# RoI:        0    1     2     3    4     5     6    7     8     1 and 2 are the same box, all others lie apart.
L_CLS = [1.0, 0.60, 0.57, 0.1, 0.05, 1.15, 0.0, 0.00, 0.59]
L_LOC = [0.0, 0.75, 0.75, 1.0, 0.00, 0.00, 0.7, 0.65, 0.45]
LABEL = [0, 1, 1, 2, 0, 0, 3, 4, 5]
# L_cls + L_loc:      1.0 1.35  1.32  1.1 0.05 1.15 0.7  0.65  1.04
# L_cls + 1.9 L_loc:  1.0 2.025 1.995 2.0 0.05 1.15 1.33 1.235 1.445
# The medians are 0.57 and 0.65: s_1 holds 1; s_2 0, 5, 8; s_3 2, 3, 6; s_4 4, 7.


def chosen(method: str, iteration: int) -> set[int]:
    """The three RoIs that a variant selects of the made-up ones, on VOC07."""
    miner = miners.build(method, METHODS[method], 3, TOTAL, params.beta_target(GIVEN, "voc"))
    corner = torch.tensor([0.0, 100, 100, 300, 400, 500, 600, 700, 800])[:, None]
    boxes = torch.cat([corner, corner, corner + 50, corner + 50], dim=1)
    losses = {"cls": torch.tensor(L_CLS), "loc": torch.tensor(L_LOC)}
    picked = miner.choose(losses, boxes, torch.tensor(LABEL), Moment(iteration, generator=stream(0)))
    return set(picked.tolist())


@pytest.mark.parametrize(
    ("method", "at_the_start", "at_the_end"),
    [
        ("ohem", {1, 5, 3}, {1, 5, 3}),
        ("ohem_no_nms", {1, 2, 5}, {1, 2, 5}),
        ("sohem", {5, 0, 1}, {1, 3, 8}),
        ("cls_only", {5, 0, 1}, {5, 0, 1}),
        ("constant_beta", {1, 3, 8}, {1, 3, 8}),
        ("from_one", {1, 5, 3}, {1, 3, 8}),
        ("falling_alpha", {5, 0, 1}, {3, 1, 6}),
        ("sohem_no_nms", {5, 0, 1}, {1, 3, 2}),
        ("strata", {5, 0, 1}, {3, 1, 6}),
        ("strata_literal", {5, 0, 1}, {3, 6, 8}),
    ],
)
def test_the_rois_that_each_variant_selects(method, at_the_start, at_the_end):
    assert chosen(method, 1) == at_the_start
    assert chosen(method, TOTAL) == at_the_end


def test_every_variant_selects_other_rois_than_the_baseline():
    others = [name for name in ABLATION if name != "ohem"]
    assert all(chosen(name, TOTAL) != chosen("ohem", TOTAL) for name in others)
    assert sum(LABEL[k] > 0 for k in chosen("random", 1)) == 1  # a quarter of three, rounded


def test_training_follows_the_target_of_the_method(tmp_path):
    paths = toy.make(tmp_path / "data", count=4)
    given = toy.write_params(tmp_path / "p.yaml", toy.parameters(tmp_path / "data", iterations=4))
    for method, beta in (("cls_only", 0), ("constant_beta", 2)):  # 2 is the toy data set's target
        assert main(toy.train_arguments(paths, given, tmp_path / method, method)) == 0
        log = pd.read_parquet(tmp_path / method / "log.parquet")
        assert set(log["beta"]) == {beta}
        assert set(log["alpha"]) == {1}


def test_the_list_in_the_comment_is_that_of_every_variant():
    assert set(ABLATION) == set(METHODS) - {"loc_only"}  # that is for the overlap alone
    assert ABLATION[0] == "ohem"  # what the others are compared with


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"methods": ["ohem", "sohem", "random"]}, []),
        ({"methods": ["ohem", "sohem", "random"], "shown": ["ohem", "sohem"]}, ["ohem", "sohem", "random"]),
        ({"methods": ["ohem", "sohem"], "shown": ["sohem", "ohem"]}, []),
    ],
)
def test_there_is_an_ablation_where_more_methods_run_than_are_shown(run, expected):
    given = {**GIVEN, "run": {"datasets": ["voc"], "seeds": [0], **run}}
    made = {name: list(artifacts.artifact(given, name).methods) for name in artifacts.artifacts(given)}
    assert made.get("ablation", []) == made.get("ablation_figure", []) == expected


def test_a_mistake_in_the_methods_that_are_shown_is_named():
    given = yaml.safe_load((toy.ROOT / "params.yaml").read_text())
    given["run"]["shown"] = ["ohem", "random"]
    with pytest.raises(ParamsError, match=re.escape('run.shown: "random" is not defined; expected one of ohem, sohem')):
        schema.validate(given)


def test_a_target_belongs_to_formula_1_only():
    given = yaml.safe_load((toy.ROOT / "params.yaml").read_text())
    given["methods"]["strata"]["schedule"]["target"] = 1
    with pytest.raises(ParamsError, match=r"methods\.strata\.schedule\.target: unknown key"):
        schema.validate(given)
    given = yaml.safe_load((toy.ROOT / "params.yaml").read_text())
    given["methods"]["sohem"]["beta"]["target"] = -1
    with pytest.raises(ParamsError, match=r"methods\.sohem\.beta\.target.*a number of at least 0, ratio, or dataset"):
        schema.validate(given)


def interval(ap: float, low: float, high: float, sd: float = np.nan, seeds: int = 1) -> pd.DataFrame:
    """A table of one threshold, as `sohem interval` writes it, with a class that must not be shown."""
    return pd.DataFrame(
        [["car", "class", 0.5, 1.0, sd, 0.0, 2.0, seeds], ["mAP", "mean", 0.5, ap, sd, low, high, seeds]],
        columns=["scope", "kind", "iou", "ap", "seed_sd", "low", "high", "seeds"],
    )


def difference(value: float, low: float, high: float, p: float, sd: float = np.nan, seeds: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        [["mAP", "mean", 0.5, "ohem", "x", value, sd, low, high, low, high, p, p, seeds]],
        columns=["scope", "kind", "iou", "first", "second", "difference", "seed_sd", "low", "high", "low_percentile",
                 "high_percentile", "p", "p_holm", "seeds"],
    )  # fmt: skip


TITLES = {"ohem": "OHEM", "random": "Random", "strata": "Strata"}
INTERVALS = {("voc", "ohem"): interval(60, 58, 62.25), ("voc", "random"): interval(55.04, 53, 57),
             ("voc", "strata"): interval(61, 59, 63)}  # fmt: skip
DIFFERENCES = {
    ("voc", "random"): difference(-4.96, -6, -3.5, 0.001),
    ("voc", "strata"): difference(1, -0.04, 2.5, 0.06),
}


def test_the_table_shows_value_interval_and_difference():
    rows = ablation.collect(INTERVALS, DIFFERENCES, TITLES, "ohem", [0.5])
    shown = ablation.shown(rows, {"voc": "VOC07"}, "OHEM")
    assert list(shown.columns) == ["variant", "data set", "mAP@0.5", "vs OHEM @0.5"]
    assert shown.to_numpy().tolist() == [
        ["OHEM", "VOC07", "60.0 [58.0, 62.2]", ""],
        ["Random", "VOC07", "55.0 [53.0, 57.0]", "-5.0 [-6.0, -3.5]"],
        ["Strata", "VOC07", "61.0 [59.0, 63.0]", "+1.0 [+0.0, +2.5]"],
    ]
    assert rows["p_holm"].tolist()[1:] == pytest.approx([0.002, 0.06])  # 0.001 x 2, 0.06 x 1
    assert ablation.apart(rows, 0.05) == (1, 1, 2)  # -0.04 is below 0, though it is printed as 0.0


def test_several_seeds_show_their_spread():
    intervals = {("voc", "ohem"): interval(60, 58, 62, 0.5, 3), ("voc", "random"): interval(55, 53, 57, 0.7, 3)}
    differences = {("voc", "random"): difference(-5, -6, -4, 0.001, 0.3, 3)}
    rows = ablation.collect(intervals, differences, {"ohem": "OHEM", "random": "Random"}, "ohem", [0.5])
    shown = ablation.shown(rows, {"voc": "VOC07"}, "OHEM")
    assert shown.iloc[1].tolist()[2:] == ["55.0 ± 0.7 [53.0, 57.0]", "-5.0 ± 0.3 [-6.0, -4.0]"]


def test_a_threshold_that_was_not_measured_is_named():
    with pytest.raises(DataError, match=r"voc, ohem: 0 rows of the mAP at IoU 0\.6, expected 1"):
        ablation.collect(INTERVALS, DIFFERENCES, TITLES, "ohem", [0.6])


def test_the_figure_has_a_dot_and_a_line_for_each_variant():
    rows = ablation.collect(INTERVALS, DIFFERENCES, TITLES, "ohem", [0.5])
    left, right = ablation_figure.figure(rows, {"voc": "VOC07"}, "ohem", "demo").axes
    dots = [line for line in left.lines if line.get_linestyle() == "None"]
    assert [dot.get_xdata().tolist() for dot in dots] == [[60, 55.04, 61]]
    assert dots[0].get_ydata().tolist() == [2, 1, 0]
    assert [label.get_text() for label in left.get_yticklabels()] == ["OHEM", "Random", "Strata"]
    lines = left.collections[0].get_segments()
    assert [line[:, 0].tolist() for line in lines] == [[58, 62.25], [53, 57], [59, 63]]
    dots = [line for line in right.lines if line.get_linestyle() == "None"]
    assert [dot.get_xdata().tolist() for dot in dots] == [[-4.96, 1]]
    assert dots[0].get_ydata().tolist() == [1, 0]


def test_an_interval_that_does_not_hold_its_value_is_drawn():
    rows = ablation.collect({("voc", "ohem"): interval(60, 61, 62)}, {}, {"ohem": "OHEM"}, "ohem", [0.5])
    figure = ablation_figure.figure(rows, {"voc": "VOC07"}, "ohem", "demo")
    assert plotting.to_files(figure)["svg"].startswith(b"<?xml")


@pytest.fixture
def results(tmp_path):
    """The tables that the ablation reads, of two variants and one threshold."""
    folder = tmp_path / "results" / "demo"
    statistics = folder / "paper/statistics/voc"
    statistics.mkdir(parents=True)
    INTERVALS["voc", "ohem"].to_csv(statistics / "interval_ohem.csv", index=False)
    INTERVALS["voc", "random"].to_csv(statistics / "interval_random.csv", index=False)
    DIFFERENCES["voc", "random"].to_csv(statistics / "difference_ohem_random.csv", index=False)
    return folder


@pytest.fixture
def given(tmp_path):
    settings = yaml.safe_load((toy.ROOT / "params.yaml").read_text())
    settings["run"] = {"datasets": ["voc"], "methods": ["ohem", "random"], "shown": ["ohem"], "seeds": [0]}
    settings["evaluation"]["ious"] = [0.5]
    return toy.write_params(tmp_path / "params.yaml", settings)


def make(given, results):
    for name in ("ablation", "ablation_figure"):
        words = ["--params", str(given), "--results", str(results), "--out", str(results / name)]
        if main(["artifact", "--artifact", name, *words]):
            return 2
    return 0


def test_the_step_writes_table_figure_and_provenance(given, results):
    assert make(given, results) == 0
    page = (results / "ablation.md").read_text()
    assert page.startswith("# Ablation: mAP (%) and its difference to OHEM (demo scale, generated data, one seed)\n")
    assert "| Random | VOC07 | 55.0 [53.0, 57.0] | -5.0 [-6.0, -3.5] |" in page
    assert "Of 1 differences, 1 have an interval without 0 (about 0 would if no variant differed)" in page
    assert "and 1 a p-value below 0.05 after Holm's correction" in page
    assert "- Random: the miner `random`." in page
    table = pd.read_csv(results / "ablation.csv").set_index("method")
    assert table.loc["random", ["ap", "difference_low", "p"]].tolist() == [55.04, -6, 0.001]
    assert table.loc["ohem", ["difference", "p"]].isna().all()
    assert r"Random & VOC07 & 55.0 [53.0, 57.0] & $-5.0$ [$-6.0$, $-3.5$] \\" in (results / "ablation.tex").read_text()
    own = {hashlib.sha256((results / "ablation.csv").read_bytes()).hexdigest()}
    for name in ("ablation", "ablation_figure"):
        record = json.loads((results / f"{name}.provenance.json").read_text())
        assert record["artifact"] == name
        read = {entry["sha256"] for entry in record["inputs"]}
        assert read == {hashlib.sha256(path.read_bytes()).hexdigest() for path in results.rglob("*.csv")} - own
    pictures = [results / "ablation_figure.svg", results / "png" / "ablation_figure.png"]
    written = [path.read_bytes() for path in pictures]
    assert make(given, results) == 0
    assert written == [path.read_bytes() for path in pictures]


def test_titles_may_hold_anything(given, results):
    settings = yaml.safe_load(given.read_text())
    settings["methods"]["ohem"]["title"] = "one|$\\frac$\ntwo"
    settings["datasets"]["voc"]["title"] = "VOC|\n\n# 07"
    toy.write_params(given, settings)
    assert make(given, results) == 0
    page = (results / "ablation.md").read_text().splitlines()
    assert page[0].startswith("# Ablation: mAP (%) and its difference to one|$\\frac$ two (demo scale")
    assert [line for line in page if line.startswith("#")] == [page[0], "## What each variant changes"]
    assert r"| one\|$\frac$ two | VOC\|  # 07 | 60.0" in "\n".join(page)
    assert "- one|$\\frac$ two: the miner `ohem`." in page


def test_a_missing_or_broken_table_is_named(given, results, capsys):
    (results / "paper/statistics/voc" / "interval_random.csv").write_text("")
    assert make(given, results) == 2
    assert "interval_random.csv: not a table of scope, iou, ap, seed_sd, low, high, seeds" in capsys.readouterr().err
    (results / "paper/statistics/voc" / "interval_random.csv").write_text("scope,iou,ap\nmAP,0.5,60\n")
    assert make(given, results) == 2
    assert "(\"['seed_sd', 'low', 'high', 'seeds'] not in index\"); run sohem interval again" in capsys.readouterr().err
    (results / "paper/statistics/voc" / "interval_ohem.csv").unlink()
    assert make(given, results) == 2
    shown = capsys.readouterr().err
    assert "interval_ohem.csv: no such file (1 of 2 runs lack it). Run sohem interval for data set voc" in shown
    assert "or make it with snakemake" in shown
    assert not (results / "ablation.csv").exists()


def planned(*words: str) -> subprocess.CompletedProcess:
    """What Snakemake would do for a target, from nothing."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["snakemake", "--dry-run", "--forceall", "--nolock", "--nocolor", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=toy.ROOT, env=env)


def test_the_ablation_trains_every_variant_and_is_part_of_all(tmp_path):
    listed = {"datasets": ["voc", "kitti"], "methods": ABLATION, "shown": ["ohem", "sohem"], "seeds": [0]}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"run": listed}))
    for target in ("ablation", "all"):
        done = planned(target, "--configfile", str(tmp_path / "p.yaml"))
        assert done.returncode == 0, done.stdout + done.stderr
        trained = set(re.findall(r"output: results/demo/runs/(\w+/\w+)/seed0/checkpoint.pt", done.stdout))
        assert trained == {f"{d}/{m}" for d in ("voc", "kitti") for m in ABLATION}
        assert "results/demo/paper/ablation.csv" in done.stdout


def test_without_more_methods_than_are_shown_the_ablation_says_what_to_write():
    done = planned("ablation")
    assert done.returncode == 2
    assert "params.yaml has its list of methods, and run.shown, as comments to put in" in done.stderr
    assert "Traceback" not in done.stderr
