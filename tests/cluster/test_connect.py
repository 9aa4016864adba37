"""What is wrong with a cluster is said in one sentence, at once, before an image is read."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.data import ROOT, run_cli

from steelsight.cluster.connect import require_cluster
from steelsight.core.errors import UserError


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that nobody listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_without_ray_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    with pytest.raises(UserError, match=r"Ray is not installed here; pip install 'steelsight\[cluster\]'"):
        require_cluster("auto")


@pytest.mark.parametrize(
    "address", ["", "node", "node:", ":6379", "node:port", "node:0", "node:70000", "ray://a:10001"]
)
def test_what_is_no_address_is_refused_with_what_one_is(address: str) -> None:
    with pytest.raises(UserError, match=r"an address is HOST:PORT, as `ray start` prints it on the first machine"):
        require_cluster(address)


def test_an_address_where_nobody_answers_is_told_within_seconds(closed_port: int, tmp_path: Path) -> None:
    address, out = f"127.0.0.1:{closed_port}", tmp_path / "out"
    began = time.monotonic()
    with pytest.raises(UserError, match="nobody answers there"):
        require_cluster(address)
    assert time.monotonic() - began < 30
    none = tmp_path / "none"
    into: list[str | Path] = ["--out", out]
    verbs: list[list[str | Path]] = [["train", none, *into], ["inspect", none, "a.jpg", *into], ["decide", none]]
    for verb in verbs:  # before what they name is looked for
        asked = run_cli(*verb, "--cluster", address)
        assert asked.returncode == 2
        assert asked.stderr.startswith(f"steelsight: --cluster {address}: nobody answers there (Connection refused)")
    assert not out.exists()


@pytest.mark.parametrize("options", [["--ship-data"], ["--retries", "2"]])
def test_what_is_for_a_cluster_alone_wants_one(options: list[str], tmp_path: Path) -> None:
    verbs: list[list[str | Path]] = [["inspect", tmp_path, "a.jpg", "--out", tmp_path / "out"], ["decide", tmp_path]]
    for verb in verbs if options == ["--retries", "2"] else verbs[:1]:
        asked = run_cli(*verb, *options)
        assert asked.returncode == 2
        said = f"steelsight: {options[0]}: it is for a cluster; name one by --cluster, or leave it out"
        assert asked.stderr.strip() == said


def test_what_does_not_go_with_a_cluster_is_refused(tmp_path: Path) -> None:
    for devices in ("1", "2"):
        asked = run_cli("train", tmp_path, "--out", tmp_path / "out", "--cluster", "local", "--devices", devices)
        assert asked.returncode == 2
        assert f"--devices {devices} with --cluster: there each job" in asked.stderr


def test_import_steelsight_knows_nothing_of_ray() -> None:
    """Nor do the command line and what it may run without a cluster."""
    names = ["steelsight", "steelsight.cli.main", "steelsight.cli.cluster", "steelsight.training.experiment"]
    text = "import sys, importlib\n" + "".join(f"importlib.import_module({name!r})\n" for name in names)
    text += "assert not [name for name in sys.modules if name.split('.')[0] == 'ray' or '.cluster.' in name]"
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


CONNECTED = """
import os, ray, sys
from steelsight.cluster.connect import connected
with connected("local"):
    print(os.environ["RAY_worker_lease_timeout_milliseconds"], file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("given", "used"), [({}, "60000"), ({"RAY_worker_lease_timeout_milliseconds": "700"}, "700")])
def test_a_worker_is_kept_for_the_jobs_that_follow_unless_the_user_says_how_long(
    given: dict[str, str], used: str
) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | given
    said = subprocess.run(
        [sys.executable, "-c", CONNECTED], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stderr.split()[-1] == used
