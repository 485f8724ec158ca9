"""What the tests of the workflow share: tools that start fast."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import preloaded


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a process that has the tools' libraries imported, see tests/helpers/preloaded.py."""
    with tempfile.TemporaryDirectory(prefix="tools-") as folder:  # short: the name of a socket has at most 107 letters
        address = str(Path(folder, "socket"))
        command = [sys.executable, preloaded.__file__, "serve", address]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield address
            process.terminate()
