"""dvc.yaml may only repeat what the Snakemake rules and the parameters say."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from dvc.repo import Repo

from sohem import params

ROOT = Path(__file__).parents[1]
STEPS = {
    "figure": ["artifact"],
    "table": ["artifact"],
    "merge_proposals": ["propose"],
    "report_page": ["report"],
    "published": [],
}


class Job(NamedTuple):
    rule: str
    inputs: set[str]
    outputs: set[str]


@pytest.fixture(scope="module")
def jobs():
    """Every job of `all`, as Snakemake plans it."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["snakemake", "--dry-run", "--forceall", "--nolock", "--nocolor", "all"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=env).stdout
    found = []
    for block in re.split(r"(?m)^(?=rule \w+:)", text)[1:]:
        rule = re.match(r"rule (\w+):", block)[1]
        files = {key: set(listed.split(", ")) for key, listed in re.findall(r"(?m)^    (input|output): (.*)$", block)}
        found.append(Job(rule, files.get("input", set()), files.get("output", set())))
    return [job for job in found if job.rule != "all"]


@pytest.fixture(scope="module")
def stages():
    with Repo(str(ROOT)) as repo:
        yield repo.index.stages


def path(out):
    return Path(out.fs_path).relative_to(ROOT).as_posix()


def made(stage):
    return {path(out) for out in stage.outs}


def allowed(stage):
    return set(re.search(r"--allowed-rules ([\w ]+?) --", stage.cmd)[1].split())


def jobs_of(stage, jobs):
    """The jobs that a stage stands for: those that make its results, with those that it may need to make in passing."""
    own = [job for job in jobs if job.outputs & made(stage)]
    read = set().union(*(job.inputs for job in own))
    return own + [job for job in jobs if job.rule in ("propose", "difference") and job.outputs & read]


def below(file, folders):
    return any(file == folder or file.startswith(f"{folder}/") for folder in folders)


def test_every_result_belongs_to_one_stage(jobs, stages):
    results = set().union(*(job.outputs for job in jobs if job.rule not in ("fetch", "propose")))
    listed = [out for stage in stages for out in made(stage)]
    assert len(listed) == len(set(listed))
    assert set(listed) == results


def test_a_stage_allows_the_rules_that_make_its_results_and_fetch_where_images_are_read(jobs, stages):
    for stage in stages:
        own = jobs_of(stage, jobs)
        images = any(file.startswith("data/") for job in own for file in job.inputs)
        assert allowed(stage) == {job.rule for job in own} | ({"fetch"} if images else set()), stage.addressing


def test_a_stage_names_a_target_for_each_of_its_jobs(jobs, stages):
    for stage in stages:
        targets = set(stage.cmd.split(" -- ")[1].split())
        assert targets <= made(stage), stage.addressing
        assert all(job.outputs & targets for job in jobs if job.outputs & made(stage)), stage.addressing


def test_a_stage_depends_on_what_its_jobs_read(jobs, stages):
    for stage in stages:
        own = jobs_of(stage, jobs)
        if "split" in allowed(stage):  # split.json holds the checksum of the images, so it depends on what draws them
            manifests = set().union(*(job.inputs for job in own))
            own += [job for job in jobs if job.outputs & manifests and job.rule == "fetch"]
        read = set().union(*(job.inputs for job in own)) - set().union(*(job.outputs for job in own))
        read = {file for file in read if not file.startswith("data/")}
        deps = {path(dep) for dep in stage.deps if dep.def_path != "params.yaml"}
        assert {file for file in read if not below(file, deps)} == set(), stage.addressing
        assert {dep for dep in deps if not any(below(file, [dep]) for file in read)} == set(), stage.addressing


def test_the_source_files_of_the_stages_are_up_to_date(monkeypatch):
    spec = importlib.util.spec_from_file_location("ledger", ROOT / "workflow" / "ledger.py")
    ledger = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ledger)
    monkeypatch.chdir(ROOT)
    text = Path("dvc.yaml").read_text()
    assert ledger.updated(text) == text, "imports have changed: run make ledger"


def test_a_stage_depends_on_the_parameters_of_its_steps(jobs, stages):
    given = params.load(ROOT / "params.yaml")
    for stage in stages:
        expected = set()
        for job in jobs_of(stage, jobs):
            names = wildcards(job, given)
            for step in STEPS.get(job.rule, [job.rule]):
                fields = re.findall(r"\{(dataset|method|artifact)\}", " ".join(params.STEP_KEYS[step]))
                expected |= set(params.keys(given, step, **{field: names[field] for field in fields}))
        listed = next((dep.params for dep in stage.deps if dep.def_path == "params.yaml"), [])
        assert set(listed) == expected, stage.addressing


def wildcards(job, given):
    """Data set, method and artifact of a job, from the names of what it makes."""
    sheets = "|".join(f"(?<={stem})_" for stem in ("contact", "detections", "interval", "mined", "differences"))
    words = set(re.split(rf"[/.]|{sheets}", " ".join(job.outputs).replace(" ", "/")))
    known = {
        "dataset": given["run"]["datasets"],
        "method": given["run"]["methods"],
        "artifact": params.artifacts(given),
    }
    return {field: next((name for name in names if name in words), None) for field, names in known.items()}
