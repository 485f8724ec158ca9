"""SIGTERM and Ctrl-C ask a run to stop at the next iteration."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """False until a signal has come."""

    def __init__(self) -> None:
        self.received = False

    def __bool__(self) -> bool:
        return self.received


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Yield a flag that SIGTERM and SIGINT set; the handlers of before come back at the end."""
    request = StopRequest()

    def handle(number: int, frame: FrameType | None) -> None:
        request.received = True

    previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
