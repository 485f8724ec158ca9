"""A small HTTP server on this machine that can misbehave on request."""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Site:
    """What is served, how it misbehaves, and what was asked for.

    ``files`` maps paths to contents. ``faults`` maps a path to a list of functions; each answers one request, in order,
    in place of the normal answer.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Callable[[Any], None]]] = {}
        self.ranges = True
        self.requests: list[tuple[str, dict[str, str], int]] = []  # path, headers, status of the answer
        self.released = threading.Event()

    def url(self, path: str) -> str:
        return self.address + path

    def asked(self, path: str) -> list[tuple[str | None, int]]:
        """(range asked for, status answered) of every request for ``path``."""
        return [(headers.get("Range"), status) for p, headers, status in self.requests if p == path]


@contextmanager
def serving() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            faults = site.faults.get(self.path)
            if faults:
                faults.pop(0)(self)
            elif self.path in site.files:
                whole(self)
            else:
                failing(404)(self)

        def send_response(self, code: int, message: str | None = None) -> None:
            site.requests.append((self.path, dict(self.headers), code))
            super().send_response(code, message)

        def log_message(self, *arguments: Any) -> None:
            pass

    def whole(handler: Any, cut: int | None = None) -> None:
        """The right answer; with ``cut`` only that many bytes of its body."""
        body, tag = site.files[handler.path], etag(site.files[handler.path])
        start = 0
        asked = re.match(r"bytes=(\d+)-$", handler.headers.get("Range", ""))
        if asked and site.ranges and handler.headers.get("If-Range", tag) == tag:
            start = int(asked[1])
            if start >= len(body):
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(body)}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            handler.send_response(200)
        handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(body) - start))
        handler.end_headers()
        handler.wfile.write(body[start:] if cut is None else body[start : start + cut])
        if cut is not None:
            handler.wfile.flush()
            handler.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hangs up is part of the tests

    with pytest.MonkeyPatch.context() as patch, Server(("127.0.0.1", 0), Handler) as server:
        patch.setenv("no_proxy", "127.0.0.1")
        site = Site(f"http://127.0.0.1:{server.server_port}")
        site.whole = whole  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.released.set()
            server.shutdown()
            thread.join()


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def cutting(site: Any, after: int) -> Callable[[Any], None]:
    """Answer rightly, but break off after so many bytes."""
    return lambda handler: site.whole(handler, cut=after)


def failing(status: int, **headers: str) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


def stalling(site: Any, after: int) -> Callable[[Any], None]:
    """Send so many bytes, then nothing until the test is over."""

    def answer(handler: Any) -> None:
        body = site.files[handler.path]
        handler.send_response(200)
        handler.send_header("ETag", etag(body))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:after])
        handler.wfile.flush()
        site.released.wait(10)
        handler.close_connection = True

    return answer


def trickling(site: Any) -> Callable[[Any], None]:
    """Send a byte now and then for as long as the client waits."""

    def answer(handler: Any) -> None:
        body = site.files[handler.path]
        start = int(re.match(r"bytes=(\d+)-$", handler.headers.get("Range", "bytes=0-"))[1])  # type: ignore[index]
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", etag(body))
        handler.send_header("Content-Length", str(len(body) - start))
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        handler.end_headers()
        for place in range(start, len(body)):
            handler.wfile.write(body[place : place + 1])
            handler.wfile.flush()
            if site.released.wait(0.05):
                break
        handler.close_connection = True

    return answer


def slowly(answer: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same after a moment."""

    def late(handler: Any) -> None:
        time.sleep(0.01)
        answer(handler)

    return late
