"""How many jobs nodes take is what Ray says of them."""

import pytest

from steelsight.cluster.nodes import Needs, Node, at_once, share_of_a_gpu

NODE = Node("id", "host", cpus=1000, gpus=4, memory=1e12)


@pytest.mark.parametrize("jobs", range(1, 13))
def test_as_many_jobs_share_a_gpu_as_are_asked_for(jobs: int) -> None:
    """1.0 // 0.2 is 4 in floating point; Ray counts in ten thousandths, and six sixths that are rounded are more than one."""
    assert NODE.takes(Needs(1, share_of_a_gpu(jobs))) == 4 * jobs


def test_jobs_at_once_are_counted_by_what_each_takes() -> None:
    nodes = [Node("a", "a", 4, 0, 8e9), Node("b", "b", 1, 0, 2e9)]
    large, small = Needs(1, memory=5e9), Needs(1, memory=1e9)
    assert at_once(nodes, [large] * 9) == 1
    assert at_once(nodes, [large, large, small, small, small, small, small]) == 5
    assert at_once([], [small]) == 0
    assert str(large) == "1 processor and 5.0 GB of memory"
