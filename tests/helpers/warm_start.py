"""A process that has imported the heavy libraries of training once, and forks itself for each command.

Most of the seconds of a small `steelsight train` go into importing torch and its kin. A command that starts here is a
process of its own with its own arguments, directory, signals and exit, and it imports steelsight itself afresh; only
those libraries are there already. As a program: `python warm_start.py LISTENER` serves until nobody is connected any more.
"""

import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

_LIBRARIES = (
    *("sklearn.model_selection", "matplotlib.figure", "matplotlib.backends.backend_agg", "jinja2"),
    *("torch", "torch._dynamo", "torchvision.transforms.v2", "timm", "segmentation_models_pytorch", "lightning.fabric"),
    *("safetensors.torch", "zarr"),
)
_MOST = 2**20  # bytes of a request
_WORD = 20  # bytes of a process id or of a status


class WarmProcess:
    """What tests use of `subprocess.Popen`, for a command that was forked; its output goes to temporary files."""

    def __init__(self, module: str, args: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> None:
        self._streams = [tempfile.TemporaryFile("w+b") for _ in range(3)]  # noqa: SIM115 - open as long as the process is
        self._streams[0].write(stdin.encode())
        self._streams[0].seek(0)
        self._status, written = os.pipe()
        request = {"module": module, "args": list(args), "environment": dict(environment), "folder": str(Path.cwd())}
        files = [*(stream.fileno() for stream in self._streams), written]
        try:
            socket.send_fds(_server(), [json.dumps(request).encode()], files)
        finally:
            os.close(written)
        self.args = [module, *args]
        self.pid = int(os.read(self._status, _WORD))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, negative after a signal; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(os.read(self._status, _WORD)))
            os.close(self._status)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; standard output and standard error. Raises subprocess.TimeoutExpired, having killed it."""
        try:
            self.wait(timeout)
        except BaseException:
            self.kill()
            raise
        output, errors = (_content(stream) for stream in self._streams[1:])
        return output, errors

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _content(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


@cache
def _server() -> socket.socket:
    """A connection to the process that forks: one for all workers of xdist, started by whoever asks first."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"steelsight-tests-{session}"
    folder.mkdir(mode=0o700, exist_ok=True)
    address = str(folder / "socket")
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            ours.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            Path(address).unlink(missing_ok=True)
            _start(address)
            ours.connect(address)  # waits in the queue until the libraries are imported
    return ours


def _start(address: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C in a terminal is for the tests, which then close their connections
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def _serve(listener: socket.socket) -> dict[str, Any] | None:
    """Fork for each request and tell of each end; returns the request in the process that is to run it, None at the end."""
    running: dict[int, int] = {}  # where each process's end is told
    open_ = [listener]

    def ended(*_: object) -> None:
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _tell(running[pid], status)
            os.close(running.pop(pid))

    signal.signal(signal.SIGCHLD, ended)
    while True:
        for asking in select.select(open_, [], [])[0]:
            if asking is listener:
                open_.append(listener.accept()[0])
                continue
            message, files, _, _ = socket.recv_fds(asking, _MOST, 4)
            if message and _fork(files, running):
                for connection in open_:
                    connection.close()
                asked: dict[str, Any] = json.loads(message)
                return asked
            if not message:
                asking.close()
                open_.remove(asking)
                if open_ == [listener]:
                    return None


def _fork(files: list[int], running: dict[int, int]) -> bool:
    """True in the new process, whose standard streams are the first three of the files."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # until it is known whose end it tells of
    pid = os.fork()
    if pid:
        running[pid] = files.pop()
        _tell(running[pid], pid)
    else:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in range(3):
            os.dup2(files[number], number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    for file in files:
        os.close(file)
    return pid == 0


def _tell(file: int, number: int) -> None:
    with suppress(BrokenPipeError):  # who asked is gone
        os.write(file, str(number).encode().ljust(_WORD))


def _become(request: dict[str, Any]) -> None:
    """Run a module as `python -m` does."""
    for name in set(os.environ) - set(request["environment"]):
        del os.environ[name]
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:1] = os.environ["PYTHONPATH"].split(os.pathsep)
    sys.argv = [request["module"], *request["args"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for library in _LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    door = socket.socket(fileno=int(sys.argv[1]))
    place = Path(door.getsockname()).parent
    wanted = _serve(door)
    if wanted is None:
        shutil.rmtree(place, ignore_errors=True)
    else:
        _become(wanted)
