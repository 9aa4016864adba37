"""What the tests of several nodes share."""

from collections.abc import Iterator

import pytest
from helpers.ray_cluster import Nodes, ray_nodes


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Two nodes of one processor."""
    with ray_nodes(2) as nodes:
        yield nodes
