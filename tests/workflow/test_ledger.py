"""dvc.yaml names nothing that params.yaml names, so that it fits any parameters. Held against the rules for several."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from dvc.repo import Repo

from clones import ROOT, merged, tools
from sohem import params, sources

CELLS = {"title": "Cells", "format": "voc", "detector": "faster_rcnn", "beta_target": "ratio",
         "classes": ["cat", "dog"], "stands_for": "voc",
         "demo": {"root": "data/cells", "short_side": 96, "long_side": 128}}  # fmt: skip
ABLATION = yaml.safe_load(re.search(r"(?m)^  # methods: (.*)$", (ROOT / "params.yaml").read_text())[1])
VARIANTS: dict[str, dict[str, Any]] = {  # laid over params.yaml
    "as it is": {},
    "a third method, two seeds": {"run": {"methods": ["ohem", "sohem", "random"], "seeds": [0, 3]}},
    "one method, one data set": {"run": {"methods": ["strata"], "datasets": ["kitti"]}},
    "a data set of one's own, another artifact": {
        "run": {"datasets": ["voc", "cells"]},
        "datasets": {"cells": CELLS},
        "artifacts": {"fig9": {"kind": "ap_figure", "datasets": ["voc"], "methods": ["sohem"]}},
    },
    "the ablation": {"run": {"methods": ABLATION, "shown": ["ohem", "sohem"]}},
    "paper scale": {"scale": "paper"},
    "no weights": {"scales": {"demo": {"weights": "none"}}},
}
# The stages whose parameters are listed one by one; of the others a step's key may lie in a section that is listed.
DEAR = ("proposals", "pretrain", "train", "detect")
RULES = "".join(path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
STEP_OF = dict(re.findall(r'(?s)rule (\w+):(?:(?!\nrule ).)*?cfg=cfg\("(\w+)"', RULES))  # whose parameters a rule gets
CODE_OF = dict(re.findall(r'(?s)rule (\w+):(?:(?!\nrule ).)*?code=code\("(\w+)"\)', RULES)) | {"fetch": "fetch"}
CODE_OF |= dict.fromkeys(("table", "sheet"), CODE_OF["figure"])  # made from that rule


class Job(NamedTuple):
    rule: str
    inputs: set[str]
    outputs: set[str]
    wildcards: dict[str, str]


class Ledger(NamedTuple):
    """What Snakemake plans and what dvc.yaml says, with the same parameters."""

    given: params.Params
    jobs: list[Job]
    stages: list[Any]
    root: Path

    def path(self, out):
        return Path(out.fs_path).relative_to(self.root).as_posix()

    def outs(self, stage):
        return {self.path(out) for out in stage.outs}

    def deps(self, stage):
        return {self.path(dep) for dep in stage.deps if not hasattr(dep, "params")}

    def keys(self, stage, file):
        """What a stage depends on in a file of parameters."""
        return {key for dep in stage.deps if dep.def_path == file for key in dep.params}

    def own(self, stage):
        """The jobs that make the results of a stage, with those that make temporary files for them."""
        made = [job for job in self.jobs if any(below(file, self.outs(stage)) for file in job.outputs)]
        read = set().union(*(job.inputs for job in made))
        return made + [job for job in self.jobs if job.rule == "propose" and job.outputs & read]


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def ledger(request, tmp_path_factory, server):
    folder = tmp_path_factory.mktemp("ledger")
    bin = tools(tmp_path_factory.mktemp("tools") / "bin", server)
    given = merged(yaml.safe_load((ROOT / "params.yaml").read_text()), VARIANTS[request.param])
    for name in ("src", "workflow", "claims.yaml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    (folder / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    env = {**os.environ, "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    command = ["snakemake", "--dry-run", "--forceall", "--nolock", "--nocolor", "all"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = []
    for block in re.split(r"(?m)^(?=rule \w+:)", done.stdout)[1:]:
        rule = re.match(r"rule (\w+):", block)[1]
        listed = dict(re.findall(r"(?m)^    (input|output|wildcards): (.*)$", block))
        names = dict(pair.split("=") for pair in listed.get("wildcards", "").split(", ") if pair)
        files = [set(filter(None, listed.get(key, "").split(", "))) for key in ("input", "output")]
        jobs.append(Job(rule, *files, names))
    with Repo.init(str(folder), no_scm=True) as repo:
        assert [stage.name for stage in repo.index.stages if not allowed(stage)] == ["code"]
        yield Ledger(given, [job for job in jobs if job.rule != "all"], repo.index.stages, folder)


def below(file, folders):
    return any(file == folder or file.startswith(f"{folder}/") for folder in folders)


def allowed(stage):
    found = re.search(r"--allowed-rules ([\w ]+?) --", stage.cmd)
    return set(found[1].split()) if found else set()


def test_every_result_belongs_to_one_stage(ledger):
    results = set().union(*(job.outputs for job in ledger.jobs if job.rule not in ("fetch", "propose")))
    owners = {file: [s.addressing for s in ledger.stages if below(file, ledger.outs(s))] for file in results}
    assert {file: names for file, names in owners.items() if len(names) != 1} == {}
    made = [out for stage in ledger.stages for out in ledger.outs(stage)]
    assert {out for out in made if not any(below(file, [out]) for file in results)} == {"workflow/code.json"}


def test_a_stage_allows_the_rules_that_make_its_results_and_fetch_where_images_are_read(ledger):
    possible = {"paper", "difference", "power", "claims", "published", "propose", "table", "figure", "fetch"}
    for stage in ledger.stages[1:]:
        own = ledger.own(stage)
        images = any(file.startswith("data/") for job in own for file in job.inputs)
        needed = {job.rule for job in own} | ({"fetch"} if images else set())
        assert needed <= allowed(stage) <= needed | possible, stage.addressing


def test_a_stage_depends_on_what_its_jobs_read(ledger):
    for stage in ledger.stages[1:]:
        own = ledger.own(stage)
        read = set().union(*(job.inputs for job in own)) - set().union(*(job.outputs for job in own))
        read = {file for file in read if not file.startswith("data/")}
        deps = ledger.deps(stage)
        assert {file for file in read if not below(file, deps)} == set(), stage.addressing
        idle = {Path(dep).name for dep in deps if not any(below(file, [dep]) for file in read)}
        some = {"claims.yaml", "measured", "published", "split.json"}  # of rules that some variants lack
        assert idle <= some, stage.addressing


def test_a_stage_depends_on_the_parameters_of_its_steps(ledger):
    for stage in ledger.stages[1:]:
        name, expected = stage.name.partition("@")[0], set()
        for job in ledger.own(stage):
            if step := STEP_OF.get(job.rule):
                fields = set(re.findall(r"\{(dataset|method|artifact)\}", " ".join(params.STEP_KEYS[step])))
                expected |= set(params.keys(ledger.given, step, **{f: job.wildcards[f] for f in fields}))
        if name == "detect":  # its checkpoint holds the settings of the training
            job = ledger.own(stage)[0]
            expected -= set(params.keys(ledger.given, "train", **job.wildcards))
        listed = ledger.keys(stage, "params.yaml")
        if name in DEAR:
            assert listed == expected, stage.addressing
        else:
            assert {key for key in expected if not any(f"{key}.".startswith(f"{k}.") for k in listed)} == set()


def test_a_stage_depends_on_the_code_of_its_steps(ledger):
    for stage in ledger.stages[1:]:
        expected = {CODE_OF[rule] for rule in allowed(stage) - {"paper"}}
        if stage.name.partition("@")[0] != "split":  # the checksum of the images is in split.json
            expected -= {"fetch"}
        assert ledger.keys(stage, "workflow/code.json") == expected, stage.addressing


def test_what_dvc_follows_exists(ledger):
    steps = set(sources.fingerprints())
    for stage in ledger.stages:
        assert ledger.keys(stage, "workflow/code.json") <= steps, stage.addressing
        for key in ledger.keys(stage, "params.yaml"):
            place = ledger.given
            for word in key.split("."):
                assert word in place, f"{stage.addressing}: {key}"
                place = place[word]


def test_every_rule_says_what_it_depends_on():
    rules = dict(re.findall(r'(?s)\nrule (\w+):\n    """(.*?)"""', RULES))
    assert set(STEP_OF) <= set(rules), "rules without a docstring"
    for rule, step in STEP_OF.items():
        _, _, listed = rules[rule].partition("Depends on: ")
        assert " ".join(listed.split()).rstrip(".").split(", ") == params.STEP_KEYS[step], rule
