"""The wheel: built from a copy of the sources, installed where there is nothing but torch and torchvision."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXAMPLE = """
import torch
from sohem import SOHEM, mine
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

model = fasterrcnn_mobilenet_v3_large_320_fpn(
    weights=None, weights_backbone=None, num_classes=3, rpn_post_nms_top_n_train=50, min_size=96, max_size=96)
miner = SOHEM(batch_size=16, total_steps=10)
mine(model, miner)
target = {"boxes": torch.tensor([[10.0, 10, 60, 60]]), "labels": torch.tensor([1])}
sum(model([torch.rand(3, 96, 96)], [target]).values()).backward()
print(model.roi_heads.course)
"""


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement).group().lower().replace("_", "-")


def needs(name: str, found: set[str]) -> set[str]:
    """``name`` and all distributions that it needs here, extras left out."""
    if name in found:
        return found
    try:
        required = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:  # of another platform
        return found
    found.add(name)
    for requirement in required:
        if "extra ==" not in requirement:
            needs(name_of(requirement), found)
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built without a download, outside the tree, where setuptools would leave its folders."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    skipped = shutil.ignore_patterns("*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "src", source / "src", ignore=skipped)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-build-isolation", "--no-deps",
        "-w", folder, source)  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of a new environment that holds the wheel, torch, torchvision and what these two need."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in sorted(needs("torch", set()) | needs("torchvision", set())):
        here = importlib.metadata.distribution(name)
        for top in {Path(file).parts[0] for file in here.files or []} - {"..", "__pycache__"}:
            origin, link = Path(here.locate_file(top)), packages / top
            if not link.exists():
                link.symlink_to(origin)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel)
    return python


def test_the_library_needs_torch_and_torchvision_only():
    assert sorted(map(name_of, PROJECT["dependencies"])) == ["torch", "torchvision"]


def test_the_extra_holds_every_package_that_the_sources_import():
    imported = set()
    for file in (ROOT / "src").rglob("*.py"):
        imported |= set(re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    imported -= {*sys.stdlib_module_names, "sohem"}
    of_module = importlib.metadata.packages_distributions()
    listed = {name_of(r) for r in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["pipeline"]}
    for module in sorted(imported & of_module.keys()):
        assert {d.lower().replace("_", "-") for d in of_module[module]} & listed, module
    assert {"pandas", "cv2", "yaml"} <= imported  # the search finds something


def test_requirements_name_the_same_packages():
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").split("# Tests")[0].splitlines()
    listed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["pipeline"]
    assert {name_of(line) for line in lines if line and line[0] != "#"} == {name_of(r) for r in listed}


def test_the_wheel_holds_types_and_tables_and_nothing_but_the_package(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "sohem/py.typed" in names
    assert {"sohem/paper/published/table2.csv", "sohem/paper/measured/voc07_test.yaml"} <= set(names)
    assert {name.split("/")[0] for name in names} == {"sohem", f"sohem-{PROJECT['version']}.dist-info"}
    assert sum(name.endswith(".py") for name in names) == sum(1 for _ in (ROOT / "src").rglob("*.py"))


def test_the_wheel_works_where_only_torch_and_torchvision_are(python, tmp_path):
    missing = "import importlib.util as u; print([m for m in ('pandas', 'cv2', 'yaml', 'pyarrow') if u.find_spec(m)])"
    assert run(python, "-c", missing, cwd=tmp_path, env={}).strip() == "[]"
    printed = run(python, "-W", "error", "-c", EXAMPLE, cwd=tmp_path, env={}).strip()
    assert printed == "Course(SOHEM(batch_size=16), step=1)"


def test_the_command_line_says_what_is_missing(python, tmp_path):
    command = [str(python.with_name("sohem")), "split", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={})
    assert done.returncode == 2
    assert re.search(
        r"steps of the pipeline need \w+, which is not installed: pip install 'sohem\[pipeline\]'", done.stderr
    )
    assert "Traceback" not in done.stderr
    assert "fetch" in run(python.with_name("sohem"), "--help", cwd=tmp_path, env={})
