"""How far a run is and how long it still takes, worked out by hand for a few jobs."""

import pytest

from sohem import time_left
from sohem.progress import Progress, line, parse
from sohem.time_left import Job, remaining, report, typical

TRAIN = ("train", "voc")


def train(seed, state="waiting", **more):
    return Job(f"train voc/ohem/seed{seed}", TRAIN, uses={"cores": 1}, state=state, **more)


def at(done, total=100, rate=0.5, label="voc/ohem/seed0"):
    return Progress(label, done, total, rate)


def left(jobs, limits, earlier=None):
    known = typical(jobs, earlier or {})
    return time_left.time_left(jobs, {job.name: remaining(job, known) for job in jobs if job.state != "done"}, limits)


@pytest.mark.parametrize("label", ["voc/ohem/seed0", "voc/ohem: detecting", "VOC.tar, MB"])
def test_what_a_log_says_is_read_as_it_was_written(label):
    assert parse(line(label, 250, 400, 50, 100.0, "L_cls 0.4, L_loc 1.2")) == Progress(label, 250, 400, 0.5)
    assert parse(line(label, 4, 40000, 1, 1e6)) == Progress(label, 4, 40000, 1e-06)
    assert parse(line(label, 4, 4, 4, 0.0)) == Progress(label, 4, 4, float("inf"))


@pytest.mark.parametrize(
    "text", ["", "sohem: error: voc: no such folder", "pretraining: epoch 1 of 4, L_cls 0.3", "4/8"]
)
def test_other_lines_are_no_progress(text):
    assert parse(text) is None


def test_a_running_job_tells_how_long_those_like_it_take():
    # 100 iterations at 0.5 a second take 200 s; 40 are done, so 120 s are left, of which 20 have passed since the line.
    jobs = [train(0, "running", seen=at(40), age=20.0), train(1), train(2)]
    assert typical(jobs, {TRAIN: 9.0}) == {TRAIN: 200.0}
    assert left(jobs, {"cores": 1}) == 100 + 200 + 200
    # Two cores: the second runs from 0 to 200, the third from 100, when the first ends, to 300.
    assert left(jobs, {"cores": 2}) == 300


def test_finished_jobs_tell_more_than_running_ones_and_these_more_than_earlier_runs():
    done, running = train(0, "done", seconds=150.0), train(1, "running", seen=at(50), seconds=100.0)
    assert typical([done, running], {TRAIN: 9.0}) == {TRAIN: 150.0}
    assert typical([running], {TRAIN: 9.0}) == {TRAIN: 200.0}
    assert typical([train(1, "running", seconds=5.0)], {TRAIN: 9.0}) == {TRAIN: 9.0}
    assert remaining(train(1, "running", seconds=5.0), {TRAIN: 9.0}) == 4.0
    assert remaining(train(1, "running", seconds=50.0), {TRAIN: 9.0}) == 0.0


def test_a_resumed_job_counts_from_where_it_was_and_as_a_whole_for_the_others():
    # It resumed at 80 of 100 and ended 40 s later: at 0.5 a second a whole one takes 200 s.
    assert typical([train(0, "done", seconds=40.0, seen=at(100))], {}) == {TRAIN: 200.0}
    assert remaining(train(0, "running", seconds=10.0, seen=at(85)), {}) == 30.0


def test_a_phase_is_not_the_job():
    jobs = [train(0, "running", seconds=3.0, seen=at(50, label="caching images")), train(1)]
    assert typical(jobs, {}) == {}
    assert "train voc/ohem/seed0 (caching images 50 %); time left not known yet (train)" in report(jobs, {}, {})
    assert not time_left.of_whole(at(1, label="voc2/ohem/seed0"), TRAIN)
    assert not time_left.of_whole(at(1, label="drawing crops"), ("pretrain", ""))


def test_a_job_waits_for_what_it_needs():
    detect = Job("detect voc", ("detect", "voc"), frozenset({"train voc/ohem/seed1"}), {"cores": 1})
    known = {TRAIN: 60.0, ("detect", "voc"): 7.0}
    assert left([train(0), train(1), detect], {"cores": 8}, known) == 67
    assert left([train(0), train(1, "done", seconds=60.0), detect], {"cores": 8}, known) == 60


def test_resources_limit_what_runs_side_by_side():
    jobs = [Job(f"train {n}", TRAIN, uses={"cores": 4, "gpu": 1}) for n in range(3)]
    assert left(jobs, {"cores": 8}, {TRAIN: 10.0}) == 20
    assert left(jobs, {"cores": 8, "gpu": 1}, {TRAIN: 10.0}) == 30
    assert left(jobs, {"cores": 2, "gpu": 3}, {TRAIN: 10.0}) == 30  # four threads on two cores: one after the other


def test_what_waits_for_a_failed_job_is_never_made():
    after = Job("detect voc", ("detect", "voc"), frozenset({"train voc/ohem/seed0"}))
    jobs = [train(0, "failed"), after, train(1)]
    known = {TRAIN: 60.0, ("detect", "voc"): 500.0}
    assert left(jobs, {"cores": 1}, known) == 60
    assert report(jobs, known, {"cores": 1}) == "sohem: 0 of 3 jobs done, 1 failed; about 1 min left"


def test_the_line():
    jobs = [train(0, "done", seconds=3.0), train(1, "running", seen=at(40)), train(2, "running", seen=at(38)), train(3)]
    jobs[0].seconds = 3600.0
    running = "sohem: 1 of 4 jobs done; train voc/ohem/seed1 40 %, train voc/ohem/seed2 38 %"
    assert report(jobs, {}, {"cores": 2}) == f"{running}; about 1 h 2 min left"  # 3600 s after 120 s
    jobs += [Job("interval voc", ("interval", "voc")), Job("report_page", ("report_page", ""))]
    unknown = "at least 1 h 2 min left (not known yet: interval, report_page)"
    assert report(jobs, {}, {"cores": 2}) == f"{running.replace('4 jobs', '6 jobs')}; {unknown}"
    assert report(jobs, {}, None) == "sohem: 1 of 6 jobs done, 2 submitted"  # on a cluster


def test_many_jobs_are_counted_not_listed():
    jobs = [train(seed, "running") for seed in range(6)] + [Job(f"figure {n}", (f"rule{n}", "")) for n in range(6)]
    text = report(jobs, {}, {"cores": 8})
    assert "seed3, 2 more; time left not known yet (train, rule0, rule1, rule2, 3 more)" in text
