"""Provenance: what it names, and what it leaves out so that equal results have equal records."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sohem import params, provenance
from sohem.errors import DataError


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "ap.csv").write_text("ap\n")
    return tmp_path


def test_names_code_parameters_versions_device_and_inputs(folder: Path) -> None:
    given = {"scale": "demo", "b": 1}
    record = provenance.record(given, [Path("results/ap.csv")], device="NVIDIA H200")
    assert record["git"] is None  # not a repository
    assert record["parameters"] == params.fingerprint(given)
    assert set(record["versions"]) == {"python", "sohem", "torch", "torchvision", "numpy", "pandas", "opencv"}
    assert all(record["versions"].values())
    assert record["device"] == "NVIDIA H200"
    assert record["inputs"] == [{"path": "results/ap.csv", "sha256": hashlib.sha256(b"ap\n").hexdigest()}]


def test_holds_nothing_that_depends_on_place_or_time(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("elsewhere") / "labels.txt"
    outside.write_text("dog\n")
    absolute = [folder / "results" / "ap.csv", outside]
    record = provenance.record({}, absolute)
    assert [entry["path"] for entry in record["inputs"]] == ["results/ap.csv", "labels.txt"]
    assert str(folder.parent) not in json.dumps(record)
    assert record == provenance.record({}, absolute)


def test_dirty_means_changed_code_not_changed_results(folder: Path) -> None:
    (folder / "code.py").write_text("a = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    clean = provenance.git_state()
    assert clean is not None
    assert len(clean["commit"]) == 40
    assert not clean["dirty"]
    (folder / "results" / "ap.csv").write_text("other\n")
    (folder / "untracked.txt").write_text("\n")
    assert provenance.git_state() == clean
    (folder / "code.py").write_text("a = 2\n")
    assert provenance.git_state(folder / "results") == {**clean, "dirty": True}


def test_a_missing_input_is_an_error(folder: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv: cannot be read"):
        provenance.record({}, [Path("absent.csv")])


def test_importing_it_does_not_import_torch() -> None:
    code = "import sys, sohem.provenance as p; p.record({}, []); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
