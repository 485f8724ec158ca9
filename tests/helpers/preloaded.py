"""The tools that the workflow's tests start hundreds of times, without importing their libraries each time.

    python preloaded.py serve SOCKET                   # imports them once, then forks a process for each call
    python -I -S preloaded.py call SOCKET TOOL [...]   # what stands for a tool: the same output and exit status

A call gets the working directory, the environment and the open files of its caller. Code of this project is never
imported before the fork, so that each call takes the one its PYTHONPATH names. A signal to the caller does not reach
the tool: who tests that takes the tool itself.
"""

import json
import os
import socket
import sys

TOOLS = ("snakemake", "dvc", "sohem")
LIBRARIES = (
    "numpy", "pandas", "pyarrow.parquet", "scipy.io", "scipy.optimize", "scipy.special", "torch", "torchvision", "cv2",
    "PIL.Image", "matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "jinja2",
    "jsonschema", "yaml", "tqdm", "defusedxml.ElementTree", "snakemake.cli", "snakemake.api", "snakemake.workflow",
    "dvc.cli.parser", "dvc.repo",
)  # fmt: skip
SIZE = 4  # bytes of a message's length


def call(address: str, tool: str, words: list[str]) -> int:
    """Have a tool run; returns its exit status, or 1 if it died."""
    message = json.dumps([tool, words, os.getcwd(), dict(os.environ)]).encode()  # noqa: PTH109 (pathlib takes long)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [len(message).to_bytes(SIZE, "big")], [0, 1, 2])
        connection.sendall(message)
        answer = connection.recv(1)
    return answer[0] if answer else 1


def serve(address: str) -> None:
    """Answer calls until the process that started this one has ended."""
    import gc
    import importlib

    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # what is shared stays shared
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(address)
        waiting.listen(64)
        waiting.settimeout(1)
        print("ready", flush=True)
        while os.getppid() == parent:
            try:
                connection, _ = waiting.accept()
            except TimeoutError:
                pass
            else:
                if os.fork() == 0:
                    waiting.close()
                    _answer(connection)
                connection.close()
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass


def _answer(connection: socket.socket) -> None:
    """Run one tool in this process, tell its exit status, and end."""
    import atexit
    import threading
    import traceback

    status = 1
    try:
        connection.settimeout(None)
        size, files, *_ = socket.recv_fds(connection, SIZE, 3)
        with connection.makefile("rb") as stream:
            tool, words, folder, environment = json.loads(stream.read(int.from_bytes(size, "big")))
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
        sys.argv = [tool, *words]
        status = _status(tool)
        threading._shutdown()
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([status & 255]))
        os._exit(status)


def _status(tool: str) -> int:
    from importlib.metadata import entry_points

    try:
        code = next(iter(entry_points(group="console_scripts", name=tool))).load()()
    except SystemExit as ended:
        code = ended.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
        return 1
    return int(code or 0)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(call(sys.argv[2], sys.argv[3], sys.argv[4:]))
