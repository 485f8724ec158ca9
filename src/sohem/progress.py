"""Progress of long loops: a live bar on a terminal, a plain line now and then in a log."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def track(
    iterable: Iterable[Item],
    total: int,
    label: str,
    note: Callable[[], str] | None = None,
    every: int | None = None,
    start: int = 0,
    seconds: float = 10.0,
) -> Iterator[Item]:
    """Yield the items of ``iterable`` and report on stderr how many of ``total`` are done.

    Args:
        iterable: what is gone through; an item counts as done when the next one is asked for.
        total: number of items, with those done before (``start``).
        label: what is being done, in a word or two.
        note: called for each report; its text is put at the end (losses, for instance).
        every: in a log, a line after each so many items, counted from 0; by default one every ``seconds``.
        start: items that were done before this call, as in a resumed training.
    """
    if sys.stderr.isatty():
        yield from _bar(iterable, total, label, note, start)
    else:
        yield from _lines(iterable, total, label, note, every, start, seconds)


def _bar(
    iterable: Iterable[Item], total: int, label: str, note: Callable[[], str] | None, start: int
) -> Iterator[Item]:
    with tqdm(total=total, initial=start, desc=label, dynamic_ncols=True, file=sys.stderr) as bar:
        for item in iterable:
            yield item
            if note is not None:
                bar.set_postfix_str(note(), refresh=False)
            bar.update()


def _lines(
    iterable: Iterable[Item],
    total: int,
    label: str,
    note: Callable[[], str] | None,
    every: int | None,
    start: int,
    seconds: float,
) -> Iterator[Item]:
    began = reported = time.monotonic()
    done = start
    for item in iterable:
        yield item
        done += 1
        now = time.monotonic()
        if done == total or (done % every == 0 if every else now - reported >= seconds):
            reported = now
            print(
                line(label, done, total, done - start, now - began, note() if note else ""),
                file=sys.stderr,
                flush=True,
            )


def line(label: str, done: int, total: int, counted: int, elapsed: float, note: str = "") -> str:
    """One plain line: how far, how fast, how long still. ``counted`` items took ``elapsed`` seconds."""
    rate = counted / elapsed if elapsed > 0 else float("inf")
    left = (total - done) / rate if rate > 0 else float("inf")
    text = f"{label}: {done}/{total} ({100 * done // max(total, 1)}%), {rate:.3g}/s, {duration(left)} left"
    return f"{text}, {note}" if note else text


class Progress(NamedTuple):
    """What a line of a log says; ``rate`` is items a second."""

    label: str
    done: int
    total: int
    rate: float


def parse(text: str) -> Progress | None:
    """What ``line`` wrote; None for any other line.

    >>> parse("voc/ohem/seed0: 400/3000 (13%), 2.1/s, 20:38 left, L_cls 0.4")
    Progress(label='voc/ohem/seed0', done=400, total=3000, rate=2.1)
    """
    found = re.match(r"(.*): (\d+)/(\d+) \(\d+%\), ([\d.e+-]+|inf)/s, [\d:]+ left(, |$)", text)
    if found is None:
        return None
    label, done, total, rate, _ = found.groups()
    return Progress(label, int(done), int(total), float(rate))


def duration(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``.

    >>> duration(75)
    '1:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
