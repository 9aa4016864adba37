"""Whether the nodes of a cluster have what a job or an inspector needs, asked before any is given out."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

from steelsight.cluster.nodes import Node
from steelsight.core.errors import UserError
from steelsight.version import __version__

_PATIENCE = 120.0  # seconds for all nodes to answer: each starts a process first
_OF_RESULTS = ("torch", "openvino", "numpy", "opencv-python-headless")
"""Packages whose version may change the last bits of a result."""


def check_nodes(ray: Any, nodes: Sequence[Node]) -> tuple[str, ...]:
    """Ask each node; returns what a user should know of them, sentences.

    Raises:
        UserError: a node has no steelsight, or another one.
    """
    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    ask = ray.remote(num_cpus=0, max_retries=0)(versions)
    answers = {ask.options(scheduling_strategy=strategy(node_id=node.id, soft=False)).remote(): node for node in nodes}
    done, silent = ray.wait(list(answers), num_returns=len(answers), timeout=_PATIENCE) if answers else ([], [])
    notes = [f"node {answers[one].host} has not answered within {_PATIENCE:.0f} s" for one in silent]
    own = versions()
    for one in done:
        host = answers[one].host
        try:
            found = ray.get(one)
        except ray.exceptions.RayTaskError as error:
            raise UserError(
                f"node {host} of the cluster cannot load steelsight ({_last_line(error)}); pip install "
                f"'steelsight[train,cluster]=={__version__}' there"
            ) from error
        except ray.exceptions.RayError:  # it has gone since
            notes.append(f"node {host} has gone")
            continue
        if found["steelsight"] != own["steelsight"]:
            raise UserError(
                f"node {host} of the cluster has steelsight {found['steelsight']}, this is {own['steelsight']}; install the "
                "same on every node"
            )
        others = [f"{name} {found.get(name, 'not')}" for name in _OF_RESULTS if found.get(name) != own.get(name)]
        if others:
            notes.append(f"node {host} has {', '.join(others)}: the last bits of what it computes may differ")
    return tuple(notes)


def versions() -> dict[str, str]:
    """Of steelsight and of what it computes with, as far as it is installed."""
    found = {"steelsight": __version__}
    for name in _OF_RESULTS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _last_line(error: Exception) -> str:
    return [line.strip() for line in str(error).splitlines() if line.strip()][-1]
