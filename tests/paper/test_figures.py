"""Figures: what they average and mark, equal bytes for equal data, and the step that makes them from runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sohem import artifacts, cli, files, params
from sohem.paper import logs, plotting
from sohem.paper.kinds import ap_figure, loss_figure

NOTICE = "demo scale, generated data"


def log(iterations: int = 12, beta: float | None = None, level: float = 1.0) -> pd.DataFrame:
    """A training log whose losses are ``level`` times 1, 2, 3 ...; beta grows from iteration 5 to 9."""
    iteration = np.arange(1, iterations + 1)
    grown = np.ones(iterations) if beta is None else np.clip((iteration - 5) / 4, 0, 1) * beta
    losses = {f"{loss}_{rois}": level * iteration for loss in ("cls", "loc") for rois in ("selected", "all")}
    shares = {"s1": 0.25, "s2": 0.5, "s3": 0.0, "s4": 0.25, "foreground_selected": 0.125 * level}
    return pd.DataFrame({"iteration": iteration, "alpha": 1.0, "beta": grown, **shares, **losses})


def ap(level: float = 0.8) -> pd.DataFrame:
    rows = [
        (name, iou, level * (1 - iou) * k, 0.0) for k, name in ((1, "dog"), (0.5, "cat")) for iou in (0.1, 0.5, 0.9)
    ]
    return pd.DataFrame(rows, columns=["class", "iou", "ap_11point", "ap_area"])


def test_windows_are_averaged_and_an_incomplete_one_is_dropped() -> None:
    means = logs.window_means(log(11), 5)
    assert means["iteration"].tolist() == [3, 8]
    assert means["cls_all"].tolist() == [3, 8]
    assert logs.window_means(log(4), 5)["iteration"].tolist() == [2.5]


def test_beta_is_marked_from_where_it_leaves_its_first_value_to_where_it_stays() -> None:
    assert logs.beta_span(log(12, beta=1.9)) == (5, 9, 1.9)
    assert logs.beta_span(log(12)) is None
    assert logs.beta_span(log(12).drop(columns="beta")) is None


def test_ap_figure_has_a_line_for_each_class_and_the_mean_over_all_classes() -> None:
    figure = ap_figure.figure([ap_figure.Panel("VOC07, OHEM", ap(), ["dog"])], "11point", NOTICE)
    (ax,) = figure.axes
    dog, mean = ax.get_lines()
    np.testing.assert_allclose(dog.get_ydata(), [72, 40, 8])
    np.testing.assert_allclose(mean.get_ydata(), [54, 30, 6])
    assert figure.get_suptitle() == NOTICE
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("IoU threshold", "AP (%)")
    assert figure.get_figwidth() == plotting.COLUMN_WIDTH


def test_seeds_are_averaged() -> None:
    both = pd.concat([ap(0.8), ap(0.4)])
    figure = ap_figure.figure([ap_figure.Panel("", both, ["dog"])], "11point", NOTICE)
    np.testing.assert_allclose(figure.axes[0].get_lines()[0].get_ydata(), [54, 30, 6])
    losses = loss_figure.figure({"VOC07": {"OHEM": [log(level=1), log(level=3)]}}, "all", 4, NOTICE)
    np.testing.assert_allclose(losses.axes[0].get_lines()[0].get_ydata(), [5, 13, 21])


def test_loss_figure_of_one_method_shows_both_losses_in_one_panel() -> None:
    figure = loss_figure.figure({"VOC07": {"OHEM": [log()]}}, "selected", 4, NOTICE)
    (ax,) = figure.axes
    assert [line.get_label() for line in ax.get_lines()] == ["classification", "localisation"]
    assert "selected" in ax.get_ylabel()


def test_loss_figure_of_two_methods_has_a_panel_for_each_data_set_and_loss() -> None:
    runs = {"OHEM": [log()], "S-OHEM": [log(beta=1.9)]}
    figure = loss_figure.figure({"VOC07": runs, "KITTI12": runs}, "all", 4, NOTICE)
    assert [ax.get_title() for ax in figure.axes] == [
        "VOC07, classification", "VOC07, localisation", "KITTI12, classification", "KITTI12, localisation",
    ]  # fmt: skip
    for ax in figure.axes:
        assert [line.get_label() for line in ax.get_lines()] == ["OHEM", "S-OHEM"]
        assert [text.get_text() for text in ax.texts] == ["β rises to 1.9"]


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_equal_data_give_equal_bytes_without_a_date(suffix: str) -> None:
    first, second = (
        plotting.to_files(loss_figure.figure({"VOC07": {"OHEM": [log()]}}, "all", 4, NOTICE))[suffix] for _ in "ab"
    )
    assert first == second
    assert b"Matplotlib" not in first
    assert b"date" not in first


# --- sohem artifact


KINDS = ("ap", "loss", "strata", "ratio", "interval", "improvement")
PARAMS = {
    "scale": "demo",
    "run": {"datasets": ["voc", "cells"], "methods": ["ohem", "sohem"], "seeds": [0, 1]},
    "datasets": {
        "voc": {"title": "VOC07", "classes": ["dog", "cat"], "rigid": ["dog"], "demo": {"miniature": {}}},
        "cells": {"title": "Cells", "classes": ["dog", "cat"], "demo": {}},
    },
    "methods": {"ohem": {"title": "OHEM", "miner": "ohem"}, "sohem": {"title": "S-OHEM", "miner": "sohem"}},
    "evaluation": {
        "ious": [0.5],
        "curve": [0.1, 0.5, 0.9],
        "metric": "11point",
        "bootstrap": {"resamples": 400, "seed": 0, "level": 0.9, "interval": "percentile"},
    },
    "artifacts": {
        "fig2a": {"kind": "ap_figure", "datasets": ["voc"], "methods": ["ohem"], "classes": ["dog"]},
        "fig3": {"kind": "loss_figure", "datasets": ["voc"], "methods": ["ohem", "sohem"], "rois": "all"},
        "table2": {"kind": "ap_table", "datasets": ["voc"]},
        "table4a": {"kind": "rigid_table", "datasets": ["voc"]},
    },
    "scales": {"demo": {"window": 4}},
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Finished runs of two data sets, two methods and two seeds."""
    monkeypatch.chdir(tmp_path)
    for dataset in ("voc", "cells"):
        for k, method in enumerate(["ohem", "sohem"]):
            for seed in (0, 1):
                run = Path("results") / "runs" / dataset / method / f"seed{seed}"
                files.write_text(run / "ap.csv", ap(0.8 + 0.1 * k).to_csv(index=False))
                files.write_table(run / "log.parquet", log(beta=1.9 if k else None))
        scopes = [("mAP", "mean"), ("rigid", "mean"), ("nonrigid", "mean"), ("dog", "class"), ("cat", "class")]
        for name, value in (("difference_ohem_sohem", "difference"), ("interval_ohem", "ap"), ("interval_sohem", "ap")):
            rows = [f"{scope},{kind},0.5,5.0,-1.25,11.5" for scope, kind in scopes]
            text = "\n".join([f"scope,kind,iou,{value},low,high", *rows])
            files.write_text(Path("results") / "paper/statistics" / dataset / f"{name}.csv", text + "\n")
    return Path("results")


def make(name: str, results: Path) -> int:
    """Run ``sohem artifact`` with the part of the parameters that the workflow passes."""
    part = json.dumps(artifacts.part(PARAMS, name))
    return cli.main(
        ["artifact", "--artifact", name, "--results", str(results), "--out", str(results / name), "--params", part]
    )


@pytest.mark.parametrize("name", ["fig2a", "fig3", *(f"cells_{kind}_figure" for kind in KINDS)])
def test_the_step_writes_figures_and_their_provenance(results: Path, name: str) -> None:
    assert make(name, results) == 0
    made = {path.relative_to(results).as_posix() for path in results.rglob(f"{name}.*")}
    assert made == {f"{name}.svg", f"png/{name}.png", f"{name}.provenance.json"}
    record = files.read_json(results / f"{name}.provenance.json")
    assert record["artifact"] == name
    assert record["parameters"] == params.fingerprint(artifacts.part(PARAMS, name))
    assert record["inputs"][0]["path"].startswith("results/")
    by_hand = ["--results", "results", "--out", "by_hand", "--params", json.dumps(PARAMS)]
    assert cli.main(["artifact", "--artifact", name, *by_hand]) == 0
    assert files.read_json("by_hand.provenance.json") == record
    assert Path("by_hand.svg").read_bytes() == (results / f"{name}.svg").read_bytes()


@pytest.mark.parametrize("name", ["table2", "table4a", "cells_ap_table"])
def test_the_step_writes_tables_that_say_what_they_are(results: Path, name: str) -> None:
    assert make(name, results) == 0
    made = {path.name for path in results.glob(f"{name}.*")}
    assert made == {f"{name}.csv", f"{name}.md", f"{name}.tex", f"{name}.provenance.json"}
    notice = "demo scale, real data" if name.startswith("cells") else NOTICE
    page = (results / f"{name}.md").read_text()
    assert notice + ", mean ± standard deviation of 2 seeds" in page.splitlines()[0]
    assert "90%, percentile bootstrap over 2 seeds and the test images, 400 resamples, from `results/" in page
    assert "| *90% interval* | *0.5* | *[-1.2, 11.5]* |" in page
    assert notice in (results / f"{name}.tex").read_text()
    assert ("published in Li et al. 2017" in page) == name.startswith("table")
    assert pd.read_csv(results / f"{name}.csv")["method"].tolist() == [
        "OHEM", "OHEM sd", "S-OHEM", "S-OHEM sd", "improv", "improv low", "improv high",
    ]  # fmt: skip
    record = files.read_json(results / f"{name}.provenance.json")
    assert record["inputs"][-1]["path"].endswith("difference_ohem_sohem.csv")


TITLES = [
    "a|b",
    "two\nlines\r\nand more",
    "$x_$ at $5",
    r"$\frac{1}$",
    "\\|",
    "<b>&amp;</b> # *x* `y` 100 %",
    "$",
    "{}",
]


def titled(monkeypatch: pytest.MonkeyPatch, method: str, *datasets: str) -> None:
    monkeypatch.setitem(PARAMS["methods"]["ohem"], "title", method)
    for name, title in zip(("voc", "cells"), datasets, strict=True):
        monkeypatch.setitem(PARAMS["datasets"][name], "title", title)


@pytest.mark.parametrize("name", ["fig2a", "fig3", *(f"cells_{kind}_figure" for kind in KINDS)])
def test_a_figure_s_titles_may_hold_anything(results: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    titled(monkeypatch, r"$\frac{1}$ two", "$x_$ at $5|", "$^{\nlines$")
    assert make(name, results) == 0


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("name", ["table2", "table4a"])
def test_a_table_s_titles_may_hold_anything(
    results: Path, monkeypatch: pytest.MonkeyPatch, name: str, title: str
) -> None:
    titled(monkeypatch, title, title, title)
    assert make(name, results) == 0
    heading, _, table, *_ = (results / f"{name}.md").read_text().split("\n\n")
    assert re.match(r"# [^\n]*$", heading)
    cells = [re.split(r" (?<!\\)\| ", row[2:-2]) for row in table.splitlines()]
    assert len({len(row) for row in cells}) == 1
    shown = {"a|b": r"a\|b", "\\|": r"\\\|", "two\nlines\r\nand more": "two lines and more"}
    assert cells[2][0] == shown.get(title, title)
    assert "\n" not in re.search(r"caption\{(.*test.*seeds\)\.)\}\n", (results / f"{name}.tex").read_text())[1]


def test_a_dollar_is_a_dollar() -> None:
    """Matplotlib would read what stands between two as a formula."""
    with plotting.style():
        figure = loss_figure.figure({"$5": {"to $6": [log()]}}, "all", 4, NOTICE)
        assert figure.axes[0].get_title() == "$5, to $6"
        assert not figure.axes[0].title.get_parse_math()


def test_a_missing_run_is_named_with_what_makes_it(results: Path, capsys: pytest.CaptureFixture) -> None:
    (results / "runs" / "voc" / "sohem" / "seed1" / "log.parquet").unlink()
    assert make("fig3", results) == 2
    message = capsys.readouterr().err
    assert "results/runs/voc/sohem/seed1/log.parquet: no such file (1 of 4 runs lack it)" in message
    assert "sohem train for data set voc, method sohem, seed 1" in message
    assert not (results / "fig3.svg").exists()


def test_an_unknown_artifact_is_named(results: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = ["artifact", "--artifact", "fig9", "--results", "r", "--out", "o", "--params", json.dumps(PARAMS)]
    assert cli.main(arguments) == 2
    assert "artifacts.fig9: not defined; expected one of fig2a, fig3, " in capsys.readouterr().err


def test_a_damaged_run_is_named(results: Path, capsys: pytest.CaptureFixture) -> None:
    (results / "runs" / "voc" / "ohem" / "seed0" / "ap.csv").write_text("iou\n0.5\n")
    assert make("table2", results) == 2
    assert "seed0/ap.csv: not a table of class, iou, ap_11point, ap_area" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "Run sohem difference for data set voc, method sohem, or make it"), ("iou\n0.5\n", "not a table")],
)
def test_differences_that_are_missing_or_damaged_are_named(
    results: Path, capsys: pytest.CaptureFixture, text: str | None, message: str
) -> None:
    path = results / "paper/statistics/voc" / "difference_ohem_sohem.csv"
    path.unlink() if text is None else path.write_text(text)
    assert make("table2", results) == 2
    assert f"{path}: " in (shown := capsys.readouterr().err)
    assert message in shown


def test_needs_no_torch() -> None:
    code = "import sys, sohem.commands.artifact, sohem.paper.plotting; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
