"""A node that lacks something is refused when work begins, and left out when it joins later."""

from pathlib import Path
from typing import Any

import pytest
from helpers.listed_nodes import ListedNodes

from steelsight.cluster.check_nodes import CheckedNodes
from steelsight.cluster.nodes import nodes_of
from steelsight.core.errors import UserError


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path))


def test_weights_that_a_node_lacks_are_told_with_its_name_before_work_begins() -> None:
    ray: Any = ListedNodes((1, 0))
    with pytest.raises(UserError, match="node node0: encoder b0: its ImageNet weights are not on this machine"):
        CheckedNodes(ray, {"b0": "segment-b0"}).require(nodes_of(ray))
    assert CheckedNodes(ray).require(nodes_of(ray)) == ()


def test_what_follows_a_training_leaves_out_what_that_left_out() -> None:
    ray: Any = ListedNodes((1, 0))
    checked = CheckedNodes(ray, {"b0": "segment-b0"})
    [said] = checked.require(nodes_of(ray), leave_out=True)
    assert said.endswith(". The node is left out")
    assert checked.fit(nodes_of(ray)) == ()
    assert checked.unfit(nodes_of(ray)) == {"id0"}


def test_a_node_that_joins_later_is_asked_first_and_left_out(tmp_path: Path) -> None:
    ray: Any = ListedNodes()
    checked = CheckedNodes(ray, {"b0": "segment-b0"})
    assert checked.require(nodes_of(ray)) == ()
    ray.add(1)
    assert checked.unfit(nodes_of(ray)) == {"id0"}  # it was not asked yet
    [said] = checked.look(nodes_of(ray))
    assert said.startswith("node node0: encoder b0: ")
    assert said.endswith(". The node is left out")
    assert checked.look(nodes_of(ray)) == []
    with pytest.raises(UserError, match=r"node node0: encoder b0: .*; no other node of the cluster can do this work"):
        checked.require_one(nodes_of(ray))
    for name in ("b0.safetensors", "b0.json"):
        (tmp_path / "weights").mkdir(exist_ok=True)
        (tmp_path / "weights" / name).write_text("{}")
    ray.add(1)
    assert checked.look(nodes_of(ray)) == []
    assert [node.host for node in checked.fit(nodes_of(ray))] == ["node1"]
    checked.require_one(nodes_of(ray))
