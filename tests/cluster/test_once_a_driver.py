"""Made once for each driver; what failed is made again."""

from dataclasses import dataclass, field

import pytest

from steelsight.cluster.once_a_driver import once_a_driver


@dataclass(frozen=True)
class Given:
    token: str
    files: dict[str, bytes] = field(default_factory=dict)  # cannot be hashed, as those of a run cannot


def test_it_is_made_once_for_each_driver_and_again_only_where_it_failed() -> None:
    asked = []

    @once_a_driver
    def desk(orders: Given) -> str:
        asked.append(orders.token)
        if asked.count(orders.token) == 1 and orders.token == "slow":
            raise OSError("not yet")
        return f"of {orders.token}"

    assert [desk(Given(token)) for token in ("a", "b", "a", "b")] == ["of a", "of b", "of a", "of b"]
    with pytest.raises(OSError, match="not yet"):
        desk(Given("slow"))
    assert desk(Given("slow")) == "of slow"
    assert asked == ["a", "b", "slow", "slow"]
