"""Pages opened in a real headless browser, as a reader would: what is wrong with them, and pictures of them.

Debian's chromium, spoken to in its DevTools protocol: JSON messages, each ended by a zero byte, through a pair of
pipes that it finds as file descriptors 3 (to it) and 4 (from it). Nothing else is needed, no driver and no port.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
PHONE = 390  # CSS pixels
DESKTOP = 1280
TIMEOUT = 60  # seconds for one answer, on a busy machine

# Without a first-run page, sync or updates: the browser asks nobody for anything. The sandbox cannot be had as root.
FLAGS = ["--headless", "--hide-scrollbars", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--remote-debugging-pipe"]  # fmt: skip

# Resolves once every image is there or has failed, and a frame has been drawn; then what the layout looks like.
LOOK = """(async () => {
  for (const image of document.images) image.loading = 'eager';
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)));
  return {
    width: document.documentElement.scrollWidth,
    broken: [...document.images].filter(image => !image.complete || image.naturalWidth === 0)
      .map(image => image.alt || image.src.slice(0, 80)),
  };
})()"""


class Browser:
    """A running browser; close it, or use it in a ``with`` statement."""

    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        read, self.to = os.pipe()
        self.back, write = os.pipe()
        # Above 9, so that neither is in the way when the shell puts them at 3 and 4.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read, write)]
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [str(CHROMIUM), *FLAGS, *root, f"--user-data-dir={self.profile}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", *command],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (read, write, *ends):
            os.close(end)
        self.buffer, self.number = b"", 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.profile, ignore_errors=True)

    def faults(self, page: Path, width: int = PHONE, picture: Path | None = None) -> list[str]:
        """What is wrong with a page that is to be self-contained: empty if nothing is.

        An error on the console, a request for anything but the page itself, an image that does not load, or content
        wider than the window, so that the page as a whole scrolls sideways.

        Args:
            page: an HTML file.
            width: of the window, in CSS pixels; up to 500 with the manners of a phone.
            picture: where to save the whole page as PNG.
        """
        url = page.resolve().as_uri()
        target, session = self.visit(url, width)
        seen = self.run(session, LOOK)
        if picture:
            data = self.call("Page.captureScreenshot", session, captureBeyondViewport=True)["data"]
            picture.write_bytes(base64.b64decode(data))
        self.call("Target.closeTarget", targetId=target)
        found = [fault for event in self.events if event.get("sessionId") == session for fault in _faults(event, url)]
        found += [f"image does not load: {name}" for name in seen["broken"]]
        if seen["width"] > width:
            found.append(f"the page is {seen['width']} pixels wide in a window of {width}")
        return found

    def ask(self, page: Path, script: str, width: int = PHONE) -> Any:
        """What a piece of JavaScript gives when it is run in a page, the value of its last expression."""
        target, session = self.visit(page.resolve().as_uri(), width)
        answer = self.run(session, script)
        self.call("Target.closeTarget", targetId=target)
        return answer

    def visit(self, url: str, width: int) -> tuple[str, str]:
        """Load a page in a tab of its own; returns the names of tab and session. Earlier events are forgotten."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", session)
        screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width <= 500}
        self.call("Emulation.setDeviceMetricsOverride", session, **screen)
        self.events.clear()
        self.call("Page.navigate", session, url=url)
        self.wait("Page.loadEventFired", session)
        return target, session

    def run(self, session: str, script: str) -> Any:
        """The value of a script, waited for if it is a promise."""
        answer = self.call("Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; events that arrive meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def wait(self, event: str, session: str) -> None:
        while not any(e.get("method") == event and e.get("sessionId") == session for e in self.events):
            self.events.append(self.receive())

    def receive(self) -> dict[str, Any]:
        end = time.monotonic() + TIMEOUT
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.back], [], [], max(0, end - time.monotonic()))
            assert ready, f"no answer from {CHROMIUM} in {TIMEOUT} s"
            part = os.read(self.back, 1 << 16)
            assert part, f"{CHROMIUM} ended with {self.process.wait()}"
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)


def browser() -> Browser:
    """A browser; skips the test where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"pages are checked in a browser where there is one: no {CHROMIUM} here (apt-get install chromium)")
    return Browser()


def _faults(event: dict[str, Any], url: str) -> list[str]:
    """What an event of the browser tells against a page."""
    method, given = event.get("method"), event.get("params", {})
    if method == "Runtime.exceptionThrown":
        details = given["exceptionDetails"]
        return [f"script: {details.get('exception', {}).get('description', details['text'])}"]
    if method == "Runtime.consoleAPICalled" and given["type"] in ("error", "assert"):
        words = [str(a.get("value", a.get("description", ""))) for a in given["args"]]
        return [f"console: {' '.join(words)}"]
    if method == "Log.entryAdded" and given["entry"]["level"] == "error":
        return [f"console: {given['entry']['text']}"]
    if method == "Network.requestWillBeSent":
        wanted = given["request"]["url"]
        return [] if wanted == url or wanted.startswith(("data:", "blob:")) else [f"request: {wanted}"]
    return []
