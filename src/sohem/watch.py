"""A line about the whole pipeline every half minute, while Snakemake runs it. ``sohem.time_left`` words it.

A thread of Snakemake's own process looks at its list of jobs and at the end of the logs of those that run. It writes
nothing else, and whatever goes wrong in it ends the lines, not the run. Snakemake's objects are no public interface:
what is used of them stands here alone.
"""

import atexit
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

from sohem import progress, time_left
from sohem.time_left import Job, Kind

EVERY = "SOHEM_PROGRESS"  # environment variable: seconds between two lines, 0 for none
TAIL = 4096  # bytes at the end of a log in which its last line of progress is looked for


def start(workflow: Any) -> None:
    """Begin to report on ``workflow``, as Snakemake's onstart calls it: its jobs are known, none has begun.

    Nothing is said where a job calls Snakemake for itself, or DVC for one of its stages; with ``--touch``, which does
    nothing; with ``--quiet progress``.
    """
    from snakemake.logging import logger
    from snakemake.settings.enums import Quietness

    def say(text: str) -> None:
        logger.info(text, extra={"quietness": Quietness.PROGRESS})

    try:
        every = float(os.environ.get(EVERY) or 30)
        if workflow.is_main_process and not workflow.touch and not workflow.dag_settings.allowed_rules and every > 0:
            run(Watch(workflow), say, every)
    except Exception as error:
        say(_failed(error))


def run(watch: "Watch", say: Callable[[str], None], every: float) -> None:
    """Look each second and report each ``every`` seconds, in a thread that ends with the jobs or with this process."""
    over = threading.Event()

    def loop() -> None:
        try:
            reported = time.monotonic()
            while not over.wait(min(1.0, every)) and watch.look():
                if time.monotonic() - reported >= every:
                    reported = time.monotonic()
                    say(watch.report())
        except Exception as error:
            say(_failed(error))

    thread = threading.Thread(target=loop, name="progress", daemon=True)
    thread.start()

    @atexit.register
    def end() -> None:  # it must not hold stderr while Python shuts down
        over.set()
        thread.join(2)


def _failed(error: Exception) -> str:
    return f"sohem: no progress over the whole pipeline is shown ({type(error).__name__}: {error}); the run goes on"


class Watch:
    """The jobs of a run that Snakemake has planned, and where each is."""

    def __init__(self, workflow: Any) -> None:
        dag, self.workflow = workflow.dag, workflow
        order = [rule.name for rule in workflow.rules]  # as they are written down: by stage
        self.planned = sorted(dag.needrun_jobs(), key=lambda job: order.index(job.rule.name))
        self.limits = {"cores" if name == "_cores" else name: most
                       for name, most in workflow.scheduler.global_resources.items()
                       if isinstance(most, int) and most < sys.maxsize}  # fmt: skip
        self.jobs = [
            Job(
                name_of(job),
                kind_of(job),
                frozenset(name_of(other) for other in dag.dependencies[job] if dag.needrun(other)),
                {"cores": job.threads, **{name: job.resources.get(name, 0) for name in self.limits if name != "cores"}},
            )
            for job in self.planned
        ]
        self.earlier = earlier(dag.jobs, set(self.planned))
        self.began: dict[str, float] = {}

    def look(self) -> bool:
        """Bring the states up to date; False when no job runs or waits any more."""
        scheduler, dag, now = self.workflow.scheduler, self.workflow.dag, time.time()
        running, failed = set(scheduler.running), set(scheduler.failed)
        for job, planned in zip(self.jobs, self.planned, strict=True):
            before = job.state
            if dag.finished(planned):
                job.state = "done"
            else:
                job.state = "running" if planned in running else "failed" if planned in failed else "waiting"
            if job.state != before and job.state == "running":
                self.began[job.name], job.seconds, job.seen = now, 0.0, None
            if job.state == "running" or before == "running":
                job.seconds = now - self.began[job.name]
            if job.state != before and job.state == "done":
                self._read(job, planned)
        return any(job.state in ("running", "waiting") for job in self.jobs)

    def report(self) -> str:
        """The line about the run as it is now."""
        for job, planned in zip(self.jobs, self.planned, strict=True):
            if job.state == "running":
                self._read(job, planned)
        return time_left.report(self.jobs, self.earlier, self.limits if self.workflow.local_exec else None)

    def _read(self, job: Job, planned: Any) -> None:
        """Look for the job's last line of progress; a log that is older than the job is of another run."""
        for log in map(Path, planned.log):
            written = log.stat().st_mtime if log.exists() else 0.0
            if written >= self.began.get(job.name, 0.0) - 1:
                job.seen, job.age = last_line(log), time.time() - written


def name_of(job: Any) -> str:
    """``train voc/ohem/seed0``: a job as it is called here; a number says what it counts."""
    values = [f"{name}{value}" if value.isdigit() else value for name, value in job.wildcards_dict.items()]
    return " ".join(filter(None, [job.rule.name, "/".join(values)]))


def kind_of(job: Any) -> Kind:
    return job.rule.name, job.wildcards_dict.get("dataset", "")


def earlier(jobs: Iterable[Any], planned: set[Any]) -> dict[Kind, float]:
    """Seconds that a job of each kind took before: those that are up to date, else those that are made anew."""
    measured: dict[bool, dict[Kind, list[float]]] = {True: defaultdict(list), False: defaultdict(list)}
    result: dict[Kind, float] = {}
    for job in jobs:
        if job.is_norun:  # it only asks for others
            result[kind_of(job)] = 0.0
        elif job.benchmark is not None and (seconds := benchmarked(Path(job.benchmark))) is not None:
            seen = next(filter(None, map(last_line, map(Path, job.log))), None)
            measured[job in planned][kind_of(job)].append(time_left.whole(seconds, seen, kind_of(job)))
    for made_anew in (True, False):
        result |= {kind: fmean(seconds) for kind, seconds in measured[made_anew].items()}
    return result


def benchmarked(path: Path) -> float | None:
    """The seconds in a file of a rule's ``benchmark:``, None if there is none."""
    try:
        head, row = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[:2])
        return float(row[head.index("s")])
    except (OSError, ValueError, IndexError):
        return None


def last_line(log: Path) -> progress.Progress | None:
    """The last line of progress at the end of a log; None if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - TAIL, 0))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    return next(filter(None, map(progress.parse, reversed(lines))), None)
