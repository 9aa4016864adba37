"""The connection to a Ray cluster: asked for in one sentence where there is none, and nothing told to anybody outside it."""

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steelsight.core.errors import UserError

LOCAL = "local"
"""In place of an address: a cluster of this machine alone, which ends with the command."""
AUTO = "auto"
"""In place of an address: the cluster that this machine is a node of."""
_PATIENCE = 5.0  # seconds that an address has to answer
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray's makers learn nothing of what runs here
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it warns of a future default each time
}
_LEASE = {"RAY_worker_lease_timeout_milliseconds": "60000"}
"""How long a worker is kept for the jobs that follow. Ray's own half a second ends with each job, and the next one then waits
up to a tenth of a second for the news that its node is free. Drivers that share a cluster still take turns."""


def require_cluster(address: str) -> None:
    """See that there is Ray, and that somebody listens at an address, before anything long is begun.

    Args:
        address: `auto`, `local` or HOST:PORT.

    Raises:
        UserError: there is not, or the address is none.
    """
    if find_spec("ray") is None:
        raise UserError(
            f"`cluster={address}`: Ray is not installed here; pip install 'steelsight[cluster]', on every machine of the "
            "cluster"
        )
    if address in (AUTO, LOCAL):
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not (host and colon and port.isdecimal() and 0 < int(port) < 2**16):
        raise UserError(
            f"`cluster={address}`: an address is HOST:PORT, as `ray start` prints it on the first machine, and this command "
            "runs on a machine of the cluster; give that, auto for the cluster that this machine is part of, or local for "
            "this machine alone"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except OSError as error:
        raise UserError(
            f"`cluster={address}`: nobody answers there ({error.strerror or error}); see that a Ray head runs on "
            "that machine and that no firewall is between, or correct the address"
        ) from error


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect, and yield Ray's module; what was begun on the cluster ends with the block.

    Args:
        address: see `require_cluster`.

    Raises:
        UserError: as `require_cluster`; there is no cluster, or it has another Ray or Python.
    """
    require_cluster(address)
    os.environ.update(_QUIET)
    os.environ.update({name: value for name, value in _LEASE.items() if name not in os.environ})
    own: dict[str, Any] = {}
    if address == LOCAL:
        own["include_dashboard"] = False
        _ask_for_a_token()
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level="error", **own)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        if address == AUTO and isinstance(error, ConnectionError):
            raise UserError(
                "`cluster=auto`: this machine is part of no Ray cluster; start or join one with `ray start`, as "
                "docs/cluster.md has it, or use `cluster=local` for this machine alone"
            ) from error
        said = " ".join(str(error).split())
        raise UserError(
            f"`cluster={address}`: Ray cannot connect ({said}); run this on a machine of the cluster, with the same Python, "
            "Ray and token"
        ) from error
    # pages on each lost node, from a thread of Ray's; its logs keep them, and standard output is for results
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            yield ray
        finally:
            ray.shutdown()


def _ask_for_a_token() -> None:
    """Keep other accounts of this machine out of the cluster that is about to be made; Ray reads this when it is imported."""
    if "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def first_line(error: Exception) -> str:
    """What Ray says of a lost worker, without what follows: it goes on for pages.

    >>> first_line(RuntimeError("\\nThe node died.\\n  at ..."))
    'The node died.'
    """
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
