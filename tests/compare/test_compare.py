"""Two commits side by side, in small repositories of git and DVC with results made by hand.

Eight cars stand in eight test images. A run that finds the first n of them, and nothing else, has precision 1 up to a
recall of n/8: with n = 4 six of the eleven recalls 0, 0.1, ... 1 are reached, so its AP is 6/11 = 54.55 %.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from dvc.repo import Repo

import browser
from sohem import files
from sohem.cli import main
from sohem.compare import comparison
from sohem.datasets.annotation import BOX

ROOT = Path(__file__).parents[2]
IMAGES = [f"{n:06}" for n in range(10)]  # the last two train
DATA, OHEM, SOHEM = (
    "results/demo/data/kitti",
    "results/demo/runs/kitti/ohem/seed0",
    "results/demo/runs/kitti/sohem/seed0",
)


class Project:
    """A repository with the parameters of this one and runs on KITTI."""

    def __init__(self, path: Path):
        self.path = path

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(["git", *identity, *words], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def set(self, old: str, new: str) -> None:
        text = (self.path / "params.yaml").read_text()
        assert old in text
        (self.path / "params.yaml").write_text(text.replace(old, new, 1))

    def split(self, test: list[str]) -> None:
        subset = ["test" if name in test else "train" for name in IMAGES]
        images = {"image_id": IMAGES, "file": IMAGES, "width": 100, "height": 50, "subset": subset}
        files.write_table(self.path / DATA / "images.parquet", pd.DataFrame(images))
        files.write_table(self.path / DATA / "ground_truth.parquet", cars(IMAGES).assign(
            difficult=False, truncated=False, ignore=False))  # fmt: skip

    def run(self, folder: str, found: int) -> None:
        """A run that found so many of the cars, evaluated by the real step."""
        files.write_table(self.path / folder / "detections.parquet", cars(IMAGES[:found]).assign(score=0.9))
        tables = {"images": DATA, "ground-truth": DATA, "detections": folder}
        outputs = {"metrics": "metrics.json", "per-class": "per_class.json", "curve": "ap.csv"}
        words = [f"--{name}={self.path / where / name.replace('-', '_')}.parquet" for name, where in tables.items()]
        words += [f"--{name}={self.path / folder / file}" for name, file in outputs.items()]
        assert main(["evaluate", f"--params={self.path}/params.yaml", "--dataset=kitti", *words]) == 0

    def commit(self, message: str, record: bool = True) -> None:
        """Record in dvc.lock all tables that there are, and commit."""
        if record:
            tables = [path.relative_to(self.path).as_posix() for path in sorted(self.path.glob("results/**/*.parquet"))]
            stage = {"cmd": "true", "params": ["scales.demo.test"], "outs": tables}
            (self.path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"detect": stage}}))
            with Repo(str(self.path)) as repo:
                repo.commit(force=True)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)


def cars(images: list[str]) -> pd.DataFrame:
    box = dict(zip(BOX, [10.0, 10.0, 40.0, 30.0], strict=True))
    return pd.DataFrame({"image_id": images, "class": "car", **box})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """OHEM finds 4 cars; then, with another NMS, 6."""
    folder = tmp_path_factory.mktemp("compare")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
        }.items():
            patch.setenv(name, value)
        project = Project(folder / "project")
        project.path.mkdir()
        patch.chdir(project.path)  # where DVC looks for stages
        project.git("init", "--quiet", "--initial-branch", "main")
        Repo.init(str(project.path)).close()
        shutil.copy(ROOT / "params.yaml", project.path)
        project.set("resamples: 1000", "resamples: 100")
        (project.path / ".gitignore").write_text("*.parquet\n/compare.html\n")
        project.git("add", "--all")
        project.git("commit", "--quiet", "--message", "No results yet")
        project.split(test=IMAGES[:8])
        project.run(OHEM, found=4)
        project.commit("First")
        project.set("test: {score: 0.01, nms: 0.3", "test: {score: 0.01, nms: 0.5")
        project.run(OHEM, found=6)
        project.commit("Second")
        yield project


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    subprocess.run(["cp", "-a", str(made.path), str(tmp_path / "project")], check=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return Project(tmp_path / "project")


def compare(capsys, *words, status=0):
    """What is printed; stdout, or stderr if it is to fail."""
    capsys.readouterr()
    assert main(["compare", *words]) == status
    captured = capsys.readouterr()
    return captured.err if status else captured.out


def line(text, *cells):
    """The cells of the row that begins with these."""
    start = "".join(f"| {cell} " for cell in cells)
    rows = [row for row in text.splitlines() if row.startswith(start)]
    assert len(rows) == 1, (start, text)
    return [cell.strip() for cell in rows[0].strip("| ").split("|")]


def test_two_commits_with_one_changed_parameter(project, capsys):
    text = compare(capsys, "--revision", "HEAD~1", "--against", "HEAD")
    assert "- HEAD~1: `" in text
    assert "` First\n" in text
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert tables[0].splitlines()[2:] == ["| scales.demo.test.nms | 0.3 | 0.5 |"]
    # 4 of 8 reach the recalls up to 0.5, 6 of 8 those up to 0.7: 6/11 and 8/11.
    before, after, difference, interval, p = line(text, "OHEM", "mAP", "0.5")[3:]
    assert (before, after, difference) == ("54.55", "72.73", "+18.18")
    low, high = map(float, interval.split(" to "))
    assert low <= 18.18 <= high
    assert 0 < float(p) <= 1
    assert line(text, "OHEM", "nonrigid", "0.5")[3:] == ["n/a"] * 5  # no person, no cyclist in the images
    assert "KITTI12 (demo scale, generated data)" in text
    assert "OHEM | car" not in text
    assert line(compare(capsys, "--revision", "HEAD~1", "--classes"), "OHEM", "car", "0.5")[3:5] == ["54.55", "72.73"]


def test_the_page_shows_the_same_and_has_no_fault(project, capsys):
    compare(capsys, "--revision", "HEAD~1")
    page = (project.path / "compare.html").read_text()
    for text in ("scales.demo.test.nms", "+18.18", "72.73", "demo scale, generated data"):
        assert text in page
    with browser.browser() as chromium:
        for width in (browser.PHONE, browser.DESKTOP):
            assert chromium.faults(project.path / "compare.html", width) == []


def test_text_from_the_repository_does_not_become_markup(project, capsys):
    project.set("title: OHEM", "title: 'OHEM | <b>'")
    compare(capsys, "--revision", "HEAD~1")
    page = (project.path / "compare.html").read_text()
    assert "OHEM | &lt;b&gt;" in page
    assert "<b>'" not in page


def test_the_working_tree_is_said_to_be_unlike_its_commit(project, capsys):
    assert "not as committed" not in compare(capsys, "--revision", "HEAD~1")
    project.set("nms: 0.5, det", "nms: 0.4, det")
    text = compare(capsys, "--revision", "HEAD")
    assert "working tree is not as committed: params.yaml." in text
    # Changed, and nothing was run since.
    assert "dvc.lock has other values for scales.demo.test (stages detect)" in text
    assert line(text, "scales.demo.test.nms") == ["scales.demo.test.nms", "0.5", "0.4"]
    assert "OHEM, no intervals: both have the same detections" in text
    assert line(text, "OHEM", "mAP", "0.5")[3:] == ["72.73", "72.73", "0.00"]


def test_other_source_files_are_named(project, capsys):
    (project.path / "src").mkdir()
    (project.path / "src" / "miner.py").write_text("")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Code")
    assert "Not only parameters differ: src/miner.py" in compare(capsys, "--revision", "HEAD~1", "--against", "HEAD")
    assert "source code, the workflow and the pinned packages are the same" in compare(capsys, "--revision", "HEAD")


def test_runs_of_one_side_only(project, capsys):
    project.run(SOHEM, found=8)
    project.run(OHEM.replace("seed0", "seed1"), found=8)
    text = compare(capsys, "--revision", "HEAD")
    assert "S-OHEM, seed 0: only in working tree." in text
    assert "OHEM, seed 1: only in working tree." in text
    assert line(text, "S-OHEM", "mAP", "0.5")[3:] == ["n/a", "100.00", "n/a"]
    assert line(text, "OHEM", "mAP", "0.5")[3:5] == ["72.73", "72.73"]  # of the seed that both have


def test_means_over_the_seeds_of_both(project, capsys):
    project.run(OHEM.replace("seed0", "seed1"), found=4)
    project.commit("Two seeds")
    project.run(OHEM.replace("seed0", "seed1"), found=8)
    text = compare(capsys, "--revision", "HEAD")
    assert "OHEM: means over the seeds 0, 1." in text
    # (8/11 + 6/11) / 2 and (8/11 + 11/11) / 2, of values with two decimals
    shown = [float(cell) for cell in line(text, "OHEM", "mAP", "0.5")[3:6]]
    assert shown == pytest.approx([63.64, 86.36, 22.73], abs=0.011)


def test_another_scale_without_recorded_detections(project, capsys):
    shutil.copytree(project.path / OHEM, project.path / OHEM.replace("demo", "paper"))
    (project.path / OHEM.replace("demo", "paper") / "detections.parquet").unlink()
    text = compare(capsys, "--revision", "HEAD")
    assert "KITTI12 (paper scale, real data)" in text
    assert "OHEM, seed 0: only in working tree" in text
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Paper")
    text = compare(capsys, "--revision", "HEAD")
    assert "results/paper/data/kitti/images.parquet of HEAD: dvc.lock names no such file" in text


def test_detections_that_the_cache_has_lost(project, capsys):
    shutil.rmtree(project.path / ".dvc" / "cache")
    text = compare(capsys, "--revision", "HEAD~1")
    assert "OHEM, no intervals: " in text
    assert "neither DVC's cache nor its default remote has it" in text
    assert line(text, "OHEM", "mAP", "0.5")[3:] == ["54.55", "72.73", "+18.18"]


def test_detections_that_only_a_remote_has(project, capsys):
    (project.path.parent / "store").mkdir()
    shutil.move(project.path / ".dvc" / "cache" / "files", project.path.parent / "store")  # remotes have that layout
    (project.path / ".dvc" / "config").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {project.path.parent / 'store'}\n"
    )
    assert len(line(compare(capsys, "--revision", "HEAD~1", "--against", "HEAD"), "OHEM", "mAP", "0.5")) == 8


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p.split(test=IMAGES[:7]), "not the same test images (8 and 7, 7 of them in both)"),
        (lambda p: p.set("metric: 11point", "metric: area"), "evaluation.metric was changed"),
    ],
)
def test_what_cannot_be_paired(project, capsys, change, reason):
    change(project)
    project.run(OHEM, found=5)
    text = compare(capsys, "--revision", "HEAD")
    assert f"OHEM, no intervals: {reason}" in text
    assert len(line(text, "OHEM", "mAP", "0.5")) == 6


def test_metrics_committed_without_their_detections(project, capsys):
    project.run(OHEM, found=8)
    project.commit("Not recorded", record=False)
    project.run(OHEM, found=2)
    text = compare(capsys, "--revision", "HEAD")
    assert "OHEM, no intervals: the detections that DVC has are not those that were measured (mAP at IoU 0.5" in text


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nowhere", "nowhere: git knows no such commit; expected HEAD~1, a branch, a tag or a hash"),
        ("--help-me", "--help-me: git knows no such commit"),
        ("HEAD~2", "no results there (results/*/runs/*/*/seed*/metrics.json)"),
    ],
)
def test_a_revision_that_cannot_be_compared(project, capsys, revision, message):
    assert message in compare(capsys, f"--revision={revision}", status=2)
    assert not (project.path / "compare.html").exists()


def test_outside_a_repository(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "not in a git repository" in compare(capsys, "--revision", "HEAD", status=2)


def test_a_broken_file_of_a_commit_is_named(project, capsys):
    (project.path / OHEM / "metrics.json").write_text("{")
    assert f"{OHEM}/metrics.json of working tree: not a JSON file" in compare(capsys, "--revision", "HEAD", status=2)


def test_a_ledger_that_dvc_cannot_read(project, capsys):
    (project.path / "dvc.yaml").write_text("stages: [")
    assert "working tree: DVC cannot read it: " in compare(capsys, "--revision", "HEAD", status=2)


def test_changes_are_listed_by_key():
    before = {"a": {"b": 1, "c": [1, 2], "gone": None}, "same": {"x": {}}, "kind": 1}
    after = {"a": {"b": 1.5, "c": [2, 1], "new": True}, "same": {"x": {}}, "kind": {"of": "x"}}
    assert [tuple(change) for change in comparison.changes(before, after)] == [
        ("a.b", "1", "1.5"),
        ("a.c", "[1, 2]", "[2, 1]"),
        ("a.new", "(not there)", "true"),
        ("kind.of", "(not there)", "x"),
        ("a.gone", "null", "(not there)"),
        ("kind", "1", "(not there)"),
    ]


def test_a_mean_over_seeds_needs_all_of_them():
    key, other = ("mAP", "0.5"), ("car", "0.5")
    assert comparison.mean([{key: 50.0, other: 1.0}, {key: 51.02, other: None}]) == {key: 50.51, other: None}
