"""Order of arrival: seen first, then older, then names as people count."""

from steelsight.core.natural_order import Natural
from steelsight.station.watch.order import arrival_key
from steelsight.station.watch.scan import Entry


def test_what_was_seen_first_comes_first_then_what_is_older_then_the_smaller_number() -> None:
    in_order = [(0, 9, "strip2.png"), (1, 3, "strip10.png"), (1, 4, "strip9.png"), (1, 4, "strip10.png")]

    def key(one: tuple[int, int, str]) -> tuple[int, int, Natural]:
        seen, modified_ns, name = one
        return arrival_key(seen, Entry(name, 1, modified_ns, 1))

    backwards = in_order[::-1]
    assert sorted(backwards, key=key) == in_order
