"""Downloads that arrive whole or not at all.

``requests`` does the HTTP: connections, redirects, proxies from the environment, certificates, timeouts, and noticing
that an answer ended early. Nothing among the kept libraries also resumes and verifies, so the rest stands here. A file
grows as ``<name>.part``; what was cut off is continued with a range request; only a verified file gets its name.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import requests
import urllib3

from sohem.download import answers, verify
from sohem.download.catalogue import File
from sohem.download.part import Part
from sohem.errors import DownloadError
from sohem.progress import track

CHUNK = 1 << 18  # bytes read at a time, at most: what has come is on disk before the connection breaks
PASSING = {408, 425, 429, 500, 502, 503, 504}  # states of a server that may be over in a moment
GONE = (
    requests.exceptions.SSLError,
    requests.exceptions.TooManyRedirects,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)  # what trying again does not mend


class Patience(NamedTuple):
    """How long to try, in seconds.

    Attributes:
        attempts: tries of one address in a row that bring nothing new.
        wait: before the second try; doubled before each further one, up to ``longest``.
        longest: of all waits, also of those that a server asks for.
        connect: until a server must have accepted the connection.
        stall: without a single byte until a connection counts as dead.
        least: bytes a second, over as long as ``stall`` and over a try; less counts as nothing.
    """

    attempts: int = 5
    wait: float = 1.0
    longest: float = 60.0
    connect: float = 20.0
    stall: float = 60.0
    least: float = 1000.0


class _Refused(Exception):
    """This address does not have the file."""


class _Passing(Exception):
    """This attempt failed; the next one may succeed. ``after`` is how long the server asks to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


def obtain(
    file: File, folder: Path, *, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep
) -> Path:
    """The path of ``file`` in ``folder``: the one that is there if it is right, else downloaded and verified.

    Raises:
        DownloadError: no address has it, it is not what the catalogue says, a file of that name is there already
            but is another one, or the disk is full. What has arrived stays in the part file and is used next time.
    """
    target = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            part = Part(file, folder)
            with part.opened():
                if not target.exists():  # else another process has finished it meanwhile
                    address = _from_any_address(part, patience or Patience(), sleep)
                    part.finish(target)
                    verify.remember(file, target, address)
                    return target
        verify.check_present(file, target)
    except OSError as error:
        raise DownloadError(f"{target}: cannot be read or written ({error.strerror or error})") from error
    return target


def _from_any_address(part: Part, patience: Patience, sleep: Callable[[float], None]) -> str:
    """Fill the part file from the first address that has the file; returns the address."""
    failures = []
    for address in part.file.addresses:
        try:
            # Bytes of several answers may not fit together, if the file was changed meanwhile. Then, but only then,
            # the same address may still have the right one.
            for _ in range(2):
                in_one_piece = _from_address(part, address, patience, sleep)
                wrong = verify.problem(part.file, part.path)
                if wrong is None:
                    return address
                part.clear()
                if in_one_piece:
                    break
            failures.append(f"{address}: what it sent is not the file, {wrong}; it was thrown away")
        except _Refused as error:
            failures.append(f"{address}: {error}")
        print(failures[-1], file=sys.stderr)
    kept = f" The {part.size / 1e6:.0f} MB that have arrived are kept for the next try." if part.size else ""
    raise DownloadError(
        "\n  ".join([f"{part.file.name}: no address has delivered it.", *failures])
        + f"\n  Try again later, or put the file into {part.path.parent} yourself: it is verified and used.{kept}"
    )


def _from_address(part: Part, address: str, patience: Patience, sleep: Callable[[float], None]) -> bool:
    """Fill the part file from one address, in as many attempts as it takes; returns whether it came in one piece."""
    tries, reached = 0, part.size
    while True:
        begun = time.monotonic()
        try:
            return _attempt(part, address, patience)
        except _Passing as error:
            new, lasted = part.size - reached, time.monotonic() - begun
            tries = 0 if new > 0 and new >= patience.least * lasted else tries + 1
            reached = max(reached, part.size)
            if tries >= patience.attempts:
                raise _Refused(f"{error}, {tries} times in a row") from None
            pause = min(max(error.after, patience.wait * 2 ** max(tries - 1, 0)), patience.longest)
            print(f"{part.file.name}: {error}; trying again in {pause:g} s", file=sys.stderr)
            sleep(pause)


def _attempt(part: Part, address: str, patience: Patience) -> bool:
    file = part.file
    known, version = part.origin()
    same = known == address and version is not None
    if part.size > (file.size or part.size) or (part.size and not verify.pinned(file) and not same):
        part.clear()  # too long, or nothing would show that the rest belongs to it
    start = part.size
    if start and start == file.size:
        return False
    part.check_room(file.size)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if same and version:
            headers["If-Range"] = version
    try:
        with _ask(address, headers, patience) as answer:
            another = same and answers.version(answer) not in (version, None)
            if answer.status_code == 416 and start and answers.total(answer) == start and not another:
                return False  # it had come to its end, and only the last step was missing
            total = _accept(part, address, answer, another)
            part.check_room(total)
            mark = part.size // verify.MEGABYTE
            steps = _receive(part, answer, patience)
            if total is not None:
                steps = track(steps, total // verify.MEGABYTE, f"{file.name}, MB", start=mark)
            for _ in steps:
                pass
    except GONE as error:
        raise _Refused(answers.words(error)) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _Passing(answers.words(error)) from None
    if total is not None and part.size < total:
        raise _Passing(f"the answer ended at {part.size} of {total} bytes")
    return start == 0 or answer.status_code == 200


def _ask(address: str, headers: dict[str, str], patience: Patience) -> requests.Response:
    """The answer to a request, redirects followed; its body is still to come."""
    try:
        return requests.get(address, headers=headers, stream=True, timeout=(patience.connect, patience.stall))
    except requests.RequestException:
        raise
    except ValueError as error:  # of urllib, about the address of a redirect
        raise _Refused(f"it leads to an address that is none ({' '.join(str(error).split())})") from None


def _accept(part: Part, address: str, answer: requests.Response, another: bool) -> int | None:
    """Check the head of an answer and make the part file fit its body; returns the length of the whole file.

    Args:
        another: whether the server says that its file is another version than the part file is of.
    """
    status, expected = answer.status_code, part.file.size
    if status in PASSING:
        after = answer.headers.get("Retry-After", "")
        raise _Passing(f"HTTP {status} {answer.reason}", float(after) if after.isdecimal() else 0.0)
    if status == 416:
        part.clear()
        raise _Passing("the server has no bytes after those that are here; beginning again")
    if status not in (200, 206):
        raise _Refused(f"HTTP {status} {answer.reason}")
    total = answers.total(answer)
    if total is not None and expected is not None and total != expected:
        raise _Refused(f"the file there has {total} bytes, expected {expected}")
    if status == 206:
        begin = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
        if begin is None or answers.length(begin[1]) != part.size:
            part.clear()
            raise _Passing("the server sent another range than was asked for; beginning again")
        if another:
            part.clear()
            raise _Passing("the file there is another version than the part that is here; beginning again")
        return total if total is not None else expected
    if total is None and expected is None and not verify.pinned(part.file) and not answers.chunked(answer):
        raise _Refused("the server does not say how long the file is, so nobody could tell whether it is whole")
    part.clear()  # the whole file comes: the server knows no ranges, or has another version than before
    part.came_from(address, answers.version(answer))
    return total if total is not None else expected


def _receive(part: Part, answer: requests.Response, patience: Patience) -> Iterator[None]:
    """Append the body to the part file as it comes; yields once for each megabyte of the file that is done."""
    raw: Any = answer.raw  # as sent: some servers mark an archive as a compressed page, which must not be undone
    mark, since, before = part.size // verify.MEGABYTE, time.monotonic(), part.size
    while data := raw.read1(CHUNK):
        part.append(data)
        if (lasted := time.monotonic() - since) >= patience.stall:
            if part.size - before < patience.least * lasted:
                raise _Passing(f"fewer than {patience.least:g} bytes a second came")
            since, before = time.monotonic(), part.size
        if part.file.size is not None and part.size > part.file.size:
            part.clear()
            raise _Refused(f"it sends more than the {part.file.size} bytes that are expected")
        while mark < part.size // verify.MEGABYTE:
            mark += 1
            yield
