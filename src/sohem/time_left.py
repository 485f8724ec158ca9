"""How far a run of the pipeline is, and about how long it still takes: what ``sohem.watch`` says now and then.

Nothing is invented: jobs of whose kind nothing is known count as no time at all, and are named.
"""

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from sohem.progress import Progress

Kind = tuple[str, str]  # rule and data set ("" for none): jobs of a kind take about as long
NAMED = 4  # jobs, or rules, that a line names; the others are counted


@dataclass
class Job:
    """One job of a run.

    Attributes:
        name: rule and wildcards, once in a run: "train voc/ohem/seed0".
        needs: names of the jobs whose results it takes.
        uses: resource -> how much of it ("cores", "gpu").
        state: waiting, running, done or failed.
        seconds: for how long it has run.
        seen: the last line of progress in its log.
        age: seconds since that line was written.
    """

    name: str
    kind: Kind
    needs: frozenset[str] = frozenset()
    uses: Mapping[str, int] = field(default_factory=dict)
    state: str = "waiting"
    seconds: float = 0.0
    seen: Progress | None = None
    age: float = 0.0


def of_whole(seen: Progress | None, kind: Kind) -> bool:
    """Whether a line of progress is about the whole job, not about a phase of it like "caching images".

    Then its label begins with the job's data set: "voc/ohem/seed0", "voc/ohem: detecting", "voc proposals, chunk 1/2".
    """
    return seen is not None and bool(kind[1]) and re.match(rf"{re.escape(kind[1])}(?!\w)", seen.label) is not None


def whole(seconds: float, seen: Progress | None, kind: Kind) -> float:
    """Seconds of a finished job, all of it: one that was resumed took less, but its rate tells."""
    return max(seconds, seen.total / seen.rate) if seen and seen.rate > 0 and of_whole(seen, kind) else seconds


def typical(jobs: Iterable[Job], earlier: Mapping[Kind, float]) -> dict[Kind, float]:
    """Seconds that a job of each kind takes: as those done in this run, else as those running, else as ``earlier``."""
    done: dict[Kind, list[float]] = defaultdict(list)
    running: dict[Kind, list[float]] = defaultdict(list)
    for job in jobs:
        if job.state == "done":
            done[job.kind].append(whole(job.seconds, job.seen, job.kind))
        elif job.state == "running" and job.seen and job.seen.rate > 0 and of_whole(job.seen, job.kind):
            running[job.kind].append(job.seen.total / job.seen.rate)
    result = dict(earlier)
    for known in (running, done):
        result |= {kind: fmean(seconds) for kind, seconds in known.items()}
    return result


def remaining(job: Job, known: Mapping[Kind, float]) -> float | None:
    """Seconds that a job that is not done still takes; None if nothing is known of its kind (see ``typical``)."""
    seen = job.seen
    if job.state == "running" and seen and seen.rate > 0 and of_whole(seen, job.kind):
        return max((seen.total - seen.done) / seen.rate - job.age, 0.0)
    return max(known[job.kind] - job.seconds, 0.0) if job.kind in known else None


def time_left(jobs: Iterable[Job], left: Mapping[str, float | None], limits: Mapping[str, int]) -> float:
    """Seconds until the last job ends, if each starts as soon as what it needs is done and free.

    Args:
        left: name -> ``remaining`` seconds of the jobs that run or wait; unknown ones count as none.
        limits: resource -> how much of it there is; a job that wants more takes all.
    """
    unfinished = {job.name: job for job in jobs if job.state != "done"}
    uses = {name: {r: min(job.uses.get(r, 0), most) for r, most in limits.items()} for name, job in unfinished.items()}
    missing = {name: {n for n in job.needs if n in unfinished} for name, job in unfinished.items()}
    users: dict[str, list[str]] = defaultdict(list)
    for name, needs in missing.items():
        for need in needs:
            users[need].append(name)
    free: Counter[str] = Counter(limits)
    ends: list[tuple[float, str]] = []
    now = 0.0

    def begin(name: str) -> None:
        free.subtract(uses[name])
        heapq.heappush(ends, (now + (left.get(name) or 0.0), name))

    for name, job in unfinished.items():
        if job.state == "running":
            begin(name)
    ready = [name for name, job in unfinished.items() if job.state == "waiting" and not missing[name]]
    while True:
        for name in list(ready):
            if all(free[resource] >= amount for resource, amount in uses[name].items()):
                ready.remove(name)
                begin(name)
        if not ends:
            return now
        now, ended = heapq.heappop(ends)
        free.update(uses[ended])
        for name in users[ended]:
            missing[name].discard(ended)
            if not missing[name]:
                ready.append(name)


def report(jobs: list[Job], earlier: Mapping[Kind, float], limits: Mapping[str, int] | None) -> str:
    """The line: how many jobs are done, how far those are that run, and how long the whole still takes.

    Args:
        earlier: seconds of each kind in earlier runs, as a first guess.
        limits: see ``time_left``; None where jobs cannot be watched (on a cluster): then they are only counted.
    """
    states = Counter(job.state for job in jobs)
    parts = [f"sohem: {states['done']} of {len(jobs)} jobs done"]
    if states["failed"]:
        parts[0] += f", {states['failed']} failed"
    if limits is None:
        return f"{parts[0]}, {states['running']} submitted"
    if states["running"]:
        parts.append(_some([_running(job) for job in jobs if job.state == "running"]))
    known = typical(jobs, earlier)
    left = {job.name: remaining(job, known) for job in jobs if job.state in ("running", "waiting")}
    unknown = dict.fromkeys(job.kind[0] for job in jobs if job.name in left and left[job.name] is None)
    return "; ".join([*parts, _words(time_left(jobs, left, limits), list(unknown))])


def _running(job: Job) -> str:
    if job.seen is None:
        return job.name
    percent = f"{100 * job.seen.done // max(job.seen.total, 1)} %"
    return f"{job.name} {percent}" if of_whole(job.seen, job.kind) else f"{job.name} ({job.seen.label} {percent})"


def _words(seconds: float, unknown: list[str]) -> str:
    hours, minutes = divmod(max(math.ceil(seconds / 60), 1), 60)
    text = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    if not unknown:
        return f"about {text} left"
    if not seconds:
        return f"time left not known yet ({_some(unknown)})"
    return f"at least {text} left (not known yet: {_some(unknown)})"


def _some(names: list[str]) -> str:
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])
