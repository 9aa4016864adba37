"""`train --plan --cluster` says what the nodes that are up will take, and trains nothing."""

import json
from pathlib import Path

import pytest
from helpers.data import run_cli
from helpers.ray_cluster import TINY, Nodes
from helpers.training_samples import few_images, sets

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def command(data: Path, run: Path, nodes: Nodes, *more: str) -> list[str | Path]:
    options = ["--plan", "--cluster", nodes.address, *sets(*TINY), *more]
    return ["train", data, "--recipe", "demo", "--out", run, *options]


@pytest.mark.parametrize("more", [[], ["--ship-data"]])
def test_a_plan_counts_the_jobs_that_the_nodes_run_at_once(more: list[str], nodes: Nodes, tmp_path: Path) -> None:
    data, run = few_images(tmp_path / "data"), tmp_path / "run"
    planned = run_cli(*command(data, run, nodes, "--json", *more), timeout=600)
    assert planned.returncode == 0, planned.stderr
    plan = json.loads(planned.stdout)
    assert (plan["jobs"], plan["parallel"]) == (4, 2)
    seconds = {member["member"]: member["seconds"] / member["jobs"] for member in plan["members"]}
    assert plan["seconds"] == pytest.approx(sum(seconds.values()), rel=0.1)  # both segmenters, then both classifiers
    assert all(member["memory"] > 1e8 for member in plan["members"])
    assert plan["device_hours"] == pytest.approx(2 * sum(seconds.values()) / 3600)
    assert not run.exists()


def test_a_device_that_no_node_has_is_told(nodes: Nodes, tmp_path: Path) -> None:
    data = few_images(tmp_path / "data")
    refused = run_cli(*command(data, tmp_path / "run", nodes, "--device", "cuda"), timeout=600)
    assert refused.returncode == 2
    assert "--device cuda: no node of the cluster has a GPU" in refused.stderr
