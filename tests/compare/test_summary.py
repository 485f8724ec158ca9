"""The last lines of a demo: differences, and how a run agrees with the recorded one."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from sohem.cli import main
from sohem.compare import agreement, recorded

ROOT = Path(__file__).parents[2]


def table(*rows: tuple[str, str, float, float, float, float], seeds: int = 1) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["scope", "kind", "iou", "difference", "low", "high"])
    return frame.assign(seeds=seeds)


VOC = [
    ("mAP", "mean", 0.5, 1.0, -0.5, 2.0),
    ("mAP", "mean", 0.6, 0.5, -1.0, 1.5),
    ("mAP", "mean", 0.7, -2.0, -4.0, 0.0),
    ("rigid", "mean", 0.5, 3.0, 1.0, 5.0),
    ("cat", "class", 0.5, 9.0, 8.0, 10.0),
]


def test_headlines_show_map_at_the_thresholds_asked_for() -> None:
    lines = agreement.headlines({"VOC07": table(*VOC), "X": None}, [0.5, 0.7], 0.95)
    assert lines == [
        "points of mAP with 95 % intervals (over test images alone, one seed):",
        "  VOC07  at 0.5: +1.00 [-0.50, +2.00]   at 0.7: -2.00 [-4.00, +0.00]",
        "  X      no difference was measured",
    ]
    assert "over test images and 5 seeds" in agreement.headlines({"VOC07": table(*VOC, seeds=5)}, [0.5], 0.95)[0]
    assert agreement.headlines({"X": None}, [0.5], 0.95) == ["mAP: not measured yet"]


def test_means_are_held_against_the_recorded_intervals() -> None:
    other = [
        ("mAP", "mean", 0.5, 2.1, 0.0, 3.0),
        ("mAP", "mean", 0.6, 1.5, 0.0, 3.0),
        ("rigid", "mean", 0.5, 0.9, 0, 2),
        ("mAP", "mean", 0.8, 1.0, 0.0, 2.0),
        ("cat", "class", 0.5, 9.0, 8.0, 10.0),
        ("nonrigid", "mean", 0.5, float("nan"), float("nan"), float("nan")),
    ]
    # 2.1 lies outside [-0.5, 2], 1.5 on the edge of [-1, 1.5], 0.9 outside [1, 5]; 0.8 and non-rigid are not recorded.
    assert agreement.compared([(table(*other), table(*VOC))]) == (1, 3)
    assert agreement.compared([(table(*VOC), table(*VOC)), (None, table(*VOC)), (table(*VOC), None)]) == (4, 4)


def test_the_verdict_in_words() -> None:
    said = agreement.verdict(70, 0, "abc", agreement.Compared(0, 0))
    assert said == "Agreement with the recorded run (commit abc): the same bytes in all 70 files."
    said = agreement.verdict(70, 12, "abc", agreement.Compared(10, 12))
    assert said.endswith(
        ": other bytes in 12 of 70 files; 10 of 12 headline differences lie inside the recorded intervals."
    )
    assert "no differences to compare with" in agreement.verdict(70, 12, "abc", agreement.Compared(0, 0))


def machine(**changes: Any) -> dict[str, Any]:
    said = {"family": 25, "model": 17, "avx512f": True, **changes}
    return {"cpu": "AMD EPYC", "processor": said, "instructions": {"aten": "AVX2"}}


def test_a_processor_in_words() -> None:
    assert recorded.cpu(machine()) == "AMD EPYC (family 25, model 17, with AVX-512, torch used AVX2)"
    assert recorded.cpu({"cpu": "AMD EPYC", "cores": 2}) == "AMD EPYC"  # an older record
    assert recorded.cpu({}) == "unknown"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose last commit holds results of one data set and two methods."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    statistics = tmp_path / "results/demo/paper/statistics/voc"
    run = tmp_path / "results/demo/runs/voc/ohem/seed0"
    for made in (statistics, run):
        made.mkdir(parents=True)
    table(*VOC).to_csv(statistics / "difference_ohem_sohem.csv", index=False)
    (run / "metrics.json").write_text("{}\n")
    (run / "provenance.json").write_text(json.dumps(record()))
    return tmp_path


def record(**changes: Any) -> dict[str, Any]:
    return {"parameters": "1", "versions": {"torch": "2.15.0"}, "machine": machine(), **changes}


def commit(folder: Path) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def summary(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["summary", *arguments]) == 0
    return capsys.readouterr().out


def test_the_same_bytes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "results/demo/report.html").write_text("page")
    commit(folder)
    (folder / "results/demo/runs/voc/ohem/seed0/provenance.json").write_text(json.dumps(record(cost={"seconds": 1})))
    said = summary(capsys, "--scale", "demo")
    assert said.splitlines()[0] == "Report: results/demo/report.html"
    assert "S-OHEM minus OHEM, points of mAP" in said
    assert "at 0.5: +1.00 [-0.50, +2.00]   at 0.7: -2.00 [-4.00, +0.00]" in said
    assert said.splitlines()[-1].endswith("the same bytes in all 3 files.")


def test_other_bytes_with_what_tells_the_runs_apart_and_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(folder)
    moved = [(*row[:3], row[3] + 1.5, *row[4:]) for row in VOC]
    table(*moved).to_csv(folder / "results/demo/paper/statistics/voc/difference_ohem_sohem.csv", index=False)
    (folder / "results/demo/runs/voc/ohem/seed0/metrics.json").unlink()
    other = record(parameters="2", versions={"torch": "2.16.0"}, machine=machine(model=1, avx512f=False))
    (folder / "results/demo/runs/voc/ohem/seed0/provenance.json").write_text(json.dumps(other))
    said = summary(capsys)
    # 2.5 > 2, 2 > 1.5, -0.5 and 4.5 inside
    assert "other bytes in 2 of 2 files; 2 of 4 headline differences lie inside the recorded intervals" in said
    assert "other parameters than the recorded run's (params.yaml)" in said
    assert "torch 2.16.0 (recorded: 2.15.0)" in said
    assert "AMD EPYC (family 25, model 1, without AVX-512, torch used AVX2); recorded on AMD EPYC (family 25" in said
    assert "git restore results/demo" in said
    assert "make record" in said
    assert (folder / "results/demo/paper/statistics/voc/difference_ohem_sohem.csv").exists()


def test_nothing_tells_them_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(folder)
    (folder / "results/demo/runs/voc/ohem/seed0/metrics.json").write_text("{ }\n")
    assert "so that should not be" in summary(capsys)


def test_without_git_without_a_record_and_of_another_scale(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown, since there is no git repository here, or no git." in summary(capsys)
    commit(folder)
    said = summary(capsys, "--scale", "paper")
    assert "Report: results/paper/report.html is not there" in said
    assert "holds no results below results/paper" in said
    assert main(["summary", "--scale", "huge"]) == 2
    assert "--scale huge: not among the scales" in capsys.readouterr().err


def test_one_method_has_no_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = yaml.safe_load((folder / "params.yaml").read_text())
    given["run"].update(methods=["ohem"], datasets=["voc"])
    given["artifacts"] = {}
    (folder / "params.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    assert "One method: no difference to show." in summary(capsys)


def test_it_does_not_load_torch() -> None:
    said = "import sys; import sohem.commands.summary, sohem.compare.agreement, sohem.compare.recorded; "
    done = subprocess.run([sys.executable, "-c", said + "sys.exit('torch' in sys.modules)"], check=False)
    assert done.returncode == 0
