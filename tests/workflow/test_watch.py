"""The line about the whole run, from Snakemake itself on a workflow of a few rules that sleep."""

import re
import time
from types import SimpleNamespace

import pytest

from clones import ROOT, Clone, tools
from sohem import watch
from sohem.progress import Progress

SRC = ROOT / "src"

SNAKEFILE = """
onstart:
    from sohem import watch

    watch.start(workflow)


rule all:
    input:
        expand("{dataset}-{seed}.txt", dataset=["voc"], seed=[0, 1, 2]),


rule train:
    output:
        "{dataset}-{seed}.txt",
    wildcard_constraints:
        seed="[0-9]",
    log:
        "{dataset}-{seed}.log",
    shell:
        "echo '{wildcards.dataset}/seed{wildcards.seed}: 3/4 (75%), 2/s, 0:02 left, loss 1' > {log};"
        " ACTION; touch {output}"
"""
# What a job does: it waits until it was reported on (Snakemake keeps what it prints), or only long enough for that.
REPORTED = "for i in $(seq 300); do sleep 0.1; grep -q 'voc/seed{wildcards.seed} 75 %' .snakemake/log/* && break; done"
SHORT = "sleep 0.4"


@pytest.fixture
def folder(tmp_path, server):
    """A folder with that workflow, in which tools are run as in a clone."""
    clone = Clone(tmp_path / "run", tools(tmp_path / "bin", server))
    clone.path.mkdir()
    clone.env |= {"PYTHONPATH": str(SRC), "SOHEM_PROGRESS": "0.1"}
    (clone.path / "Snakefile").write_text(SNAKEFILE.replace("ACTION", SHORT))
    return clone


def lines(text):
    return [line for line in text.splitlines() if line.startswith("sohem: ")]


def test_a_run_says_how_far_it_is(folder):
    (folder.path / "Snakefile").write_text(SNAKEFILE.replace("ACTION", REPORTED))
    said = lines(folder("snakemake --cores 1 --nocolor"))
    found = [
        re.fullmatch(r"sohem: (\d) of 4 jobs done; train voc/seed\d 75 %; about 1 min left", line) for line in said
    ]
    assert {match[1] for match in found if match} == {"0", "1", "2"}, said


@pytest.mark.parametrize("option", ["--dry-run", "--touch", "--quiet progress", "--allowed-rules all train"])
def test_nothing_is_said(folder, option):
    if option == "--touch":
        folder("snakemake --cores 3 --quiet all")
    assert lines(folder(f"snakemake --cores 1 --nocolor {option} -- all")) == []


def test_it_can_be_turned_off_and_a_mistake_in_it_stops_nothing(folder):
    folder.env["SOHEM_PROGRESS"] = "0"
    assert lines(folder("snakemake --cores 3 voc-0.txt")) == []
    folder.env["SOHEM_PROGRESS"] = "often"
    (said,) = lines(folder("snakemake --cores 3 --nocolor voc-1.txt"))
    assert "no progress over the whole pipeline is shown (ValueError: could not convert string" in said
    assert (folder.path / "voc-1.txt").exists()


def test_a_failed_run_ends_as_without_it(folder):
    (folder.path / "Snakefile").write_text(SNAKEFILE.replace("ACTION", f"{SHORT}; false"))
    assert "no progress" not in folder("snakemake --cores 3 --nocolor --keep-going", status=1)


def test_what_goes_wrong_later_ends_the_lines_after_one():
    said = []
    broken = SimpleNamespace(look=lambda: True, report=lambda: 1 / 0)
    watch.run(broken, said.append, every=0.01)
    end = time.monotonic() + 10
    while not said and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    (text,) = said
    assert "ZeroDivisionError" in text


class Planned:
    """What is looked at of a job of Snakemake's."""

    def __init__(self, benchmark=None, log=(), **wildcards):
        self.rule, self.wildcards_dict, self.is_norun = SimpleNamespace(name="train"), wildcards, False
        self.benchmark, self.log = benchmark, log


def test_jobs_are_called_by_their_rule_and_what_they_are_about():
    assert watch.name_of(Planned(dataset="voc", method="ohem", seed="0")) == "train voc/ohem/seed0"
    assert watch.name_of(Planned()) == "train"
    assert watch.kind_of(Planned(dataset="voc", seed="0")) == ("train", "voc")


def test_earlier_runs_are_a_first_guess(tmp_path):
    def measured(name, seconds, dataset="voc"):
        (tmp_path / name).write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:10\t5\n")
        return Planned(tmp_path / name, [tmp_path / f"{name}.log"], dataset=dataset)

    up_to_date = [measured("a", 10.0), measured("b", 20.0)]
    anew = [measured("c", 99.0), measured("d", 99.0, dataset="kitti"), Planned(tmp_path / "absent", dataset="coco")]
    assert watch.earlier(up_to_date + anew, set(anew)) == {("train", "voc"): 15.0, ("train", "kitti"): 99.0}
    (tmp_path / "b.log").write_text("voc/ohem/seed0: 80/80 (100%), 2/s, 0:00 left\n")  # resumed: 40 s as a whole
    assert watch.earlier(up_to_date, set()) == {("train", "voc"): 25.0}


def test_the_last_line_of_a_log_counts(tmp_path):
    log = tmp_path / "a.log"
    assert watch.last_line(log) is None
    log.write_text("x: 1/4 (25%), 1/s, 0:03 left\n" + "warning\n" * 3)
    assert watch.last_line(log) == Progress("x", 1, 4, 1.0)
    log.write_text("x: 1/4 (25%), 1/s, 0:03 left\n" + "y" * 5000)  # too far from the end to be looked for
    assert watch.last_line(log) is None
