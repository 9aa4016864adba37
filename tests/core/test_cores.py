"""Work on all cores: in order, a few results ahead, and what goes wrong is told where it is asked for."""

import threading
from collections.abc import Iterator
from itertools import count, islice

import pytest

from steelsight.core.cores import cores, on_all_cores


def test_there_is_a_core() -> None:
    assert cores() >= 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    assert list(on_all_cores(lambda number: number * number, range(50), threads)) == [n * n for n in range(50)]


def test_endless_items_are_taken_only_a_few_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    before = set(threading.enumerate())
    assert list(islice(on_all_cores(int, items(), 2), 3)) == [0, 1, 2]
    assert len(taken) < 20
    assert set(threading.enumerate()) <= before


def test_an_error_is_raised_where_its_result_would_come() -> None:
    made = on_all_cores(lambda number: 1 // number, [1, 0, 1], 2)
    assert next(made) == 1
    with pytest.raises(ZeroDivisionError):
        next(made)
