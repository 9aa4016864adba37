"""Inspections on Ray's own cluster of several nodes: the tables of one machine, whoever is killed and whenever."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.data import SAMPLE, run_cli, start_cli
from helpers.ray_cluster import Nodes
from helpers.tiny_inspector import make_inspector

from steelsight.cluster.inspect_actor import InspectorActor
from steelsight.cluster.shipped import Packed
from steelsight.imaging.read import list_images

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred images, of which one is none."""
    folder = tmp_path_factory.mktemp("many")
    contents = [path.read_bytes() for path in list_images(SAMPLE / "train_images")[:30]]
    for number in range(200):
        (folder / f"{number:04}.jpg").write_bytes(contents[number % 30] if number != 33 else b"nothing")
    return folder


@pytest.fixture(scope="module")
def one_machine(inspector: Path, many: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """What one machine writes, of one thread."""
    out = tmp_path_factory.mktemp("one")
    inspected = run_cli("inspect", inspector, many, "--masks", "--overlays", "--threads", "1", "--out", out)
    assert inspected.returncode == 3, inspected.stderr
    return content_of(out)


def content_of(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def command(inspector: Path, many: Path | str, out: Path, nodes: Nodes, *more: str) -> list[str | Path]:
    return ["inspect", inspector, many, "--masks", "--overlays", "--out", out, "--cluster", nodes.address, *more]


@pytest.mark.parametrize("more", [[], ["--ship-data"]])
def test_an_archive_in_an_object_store_is_judged_as_a_folder_and_gone_on_with(
    more: list[str], inspector: Path, many: Path, one_machine: Mapping[str, bytes], nodes: Nodes, tmp_path: Path
) -> None:
    """By a pattern, then, behind Ctrl-C, by the prefix: each name is that of the object."""
    inspecting = start_cli(*command(inspector, f"file://{many}/*.jpg", tmp_path, nodes, *more))
    partial = tmp_path / "images.partial.csv"
    while not (partial.is_file() and partial.stat().st_size > 2000) and inspecting.poll() is None:
        time.sleep(0.02)
    inspecting.send_signal(signal.SIGINT)
    _, errors = inspecting.communicate(timeout=120)
    assert inspecting.returncode == 130, errors
    inspected = run_cli(*command(inspector, f"file://{many}", tmp_path, nodes, "--resume", *more))
    assert inspected.returncode == 3, inspected.stderr
    assert "are finished already" in inspected.stderr
    here = {name: content.replace(b"file://", b"") for name, content in content_of(tmp_path).items()}
    assert here == one_machine


def test_a_store_that_does_not_answer_ends_the_inspection_and_no_row_says_that_images_are_missing(
    inspector: Path, nodes: Nodes, tmp_path: Path
) -> None:
    """A port that nobody listens at, in place of a store."""
    inspected = run_cli(*command(inspector, "https://127.0.0.1:9/a.jpg", tmp_path, nodes, "--retries", "1"))
    assert inspected.returncode == 2, inspected.stderr
    assert "https://127.0.0.1:9/a.jpg: " in inspected.stderr
    assert "Traceback" not in inspected.stderr
    assert not (tmp_path / "images.csv").exists()


@pytest.mark.parametrize("more", [[], ["--ship-data"]])
def test_nodes_write_what_one_machine_writes(
    more: list[str], inspector: Path, many: Path, one_machine: Mapping[str, bytes], nodes: Nodes, tmp_path: Path
) -> None:
    inspected = run_cli(*command(inspector, many, tmp_path, nodes, *more))
    assert inspected.returncode == 3, inspected.stderr
    assert content_of(tmp_path) == one_machine


def test_a_node_that_is_killed_costs_no_image(
    inspector: Path, many: Path, one_machine: Mapping[str, bytes], nodes: Nodes, tmp_path: Path
) -> None:
    partial = tmp_path / "images.partial.csv"

    def kill() -> None:
        while not (partial.is_file() and partial.stat().st_size > 2000):
            time.sleep(0.02)
        nodes.kill()

    threading.Thread(target=kill, daemon=True).start()
    inspected = run_cli(*command(inspector, many, tmp_path, nodes))
    nodes.add()
    assert inspected.returncode == 3, inspected.stderr
    assert content_of(tmp_path) == one_machine


def test_nodes_are_waited_for_in_words_and_one_that_cannot_judge_is_left_out(
    inspector: Path, many: Path, one_machine: Mapping[str, bytes], nodes: Nodes, tmp_path: Path
) -> None:
    """Its folder of temporary files is somebody else's, or so it seems."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / f"steelsight-shipped-{os.getuid()}").symlink_to(tmp_path)
    while nodes.up:
        nodes.kill()
    inspecting = start_cli(*command(inspector, many, tmp_path / "out", nodes, "--threads", "1"))
    assert isinstance(inspecting, subprocess.Popen)
    assert inspecting.stderr is not None
    while (
        "waiting: no node of the cluster has the 1 processor and 1.0 GB of memory" not in inspecting.stderr.readline()
    ):
        assert inspecting.poll() is None
    nodes.add()
    nodes.add(env_vars={"TMPDIR": str(broken)})
    _, errors = inspecting.communicate(timeout=300)
    nodes.kill(1)
    nodes.add()
    assert inspecting.returncode == 3, errors
    assert re.search(r"node \S+: .*somebody else has made it.* The node is left out", errors)
    assert content_of(tmp_path / "out") == one_machine


def test_ctrl_c_leaves_what_one_machine_goes_on_with(
    inspector: Path, many: Path, one_machine: Mapping[str, bytes], nodes: Nodes, tmp_path: Path
) -> None:
    inspecting = start_cli(*command(inspector, many, tmp_path, nodes))
    partial = tmp_path / "images.partial.csv"
    while not (partial.is_file() and partial.stat().st_size > 2000) and inspecting.poll() is None:
        time.sleep(0.02)
    inspecting.send_signal(signal.SIGINT)
    _, errors = inspecting.communicate(timeout=120)
    assert inspecting.returncode == 130, errors
    assert "Traceback" not in errors
    images = [str(many / "*.jpg"), "--masks", "--overlays"]
    gone_on = run_cli("inspect", inspector, *images, "--threads", "1", "--resume", "--out", tmp_path)
    assert gone_on.returncode == 3, gone_on.stderr
    assert "are finished already" in gone_on.stderr
    assert content_of(tmp_path) == one_machine


def test_an_image_that_a_node_does_not_see_is_told_with_the_mend(tmp_path: Path) -> None:
    actor = InspectorActor(Packed("", (), ()), cuda=False, threads=1, pixels=False)
    told = actor.judge([("a.jpg", str(tmp_path / "a.jpg"), None)])
    assert "does not see it" in told["unfit"]
    assert told["unfit"].endswith("or let `ship_data=` bring the images")
