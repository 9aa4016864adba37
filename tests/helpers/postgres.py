"""A private PostgreSQL server in a temporary folder, run by an unprivileged user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGQUIT

_PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *map(Path, os.get_exec_path())]
BINARIES = next((place for place in _PLACES if (place / "initdb").is_file() and (place / "postgres").is_file()), None)
"""Folder of the server's programs; None where it is not installed."""


@contextmanager
def running_server() -> Iterator[str]:
    """Run a server that listens on a socket in its own folder alone; yields the URL of its database."""
    assert BINARIES is not None
    # a socket's path may have 107 bytes, which pytest's own folders exceed
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    # the server refuses to be run by root
    name = ("postgres" if _has_user("postgres") else "nobody") if os.getuid() == 0 else None
    try:
        if name is not None:
            os.chown(folder, pwd.getpwnam(name).pw_uid, -1)
        data = folder / "data"
        first: list[str | Path] = [
            BINARIES / "initdb",
            "-D",
            data,
            "-U",
            "station",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(first, user=name, check=True, capture_output=True, cwd=folder)
        settings = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off"}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        server = subprocess.Popen(
            [BINARIES / "postgres", "-D", data, *options],
            user=name,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            ready: list[str | Path] = [BINARIES / "pg_isready", "-q", "-h", folder]
            while subprocess.run(ready, check=False).returncode:
                assert server.poll() is None, "the server ended"
            yield f"postgresql://station@/postgres?host={folder}"
        finally:
            server.send_signal(SIGQUIT)  # nothing of it is kept
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
