"""Of several results, all come at once with the last one, or all fail."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from steelsight.station.queue.request_group import RequestGroup


def test_all_are_given_once_with_the_last_one_whatever_thread_brings_it() -> None:
    together, futures = RequestGroup[int](200), [Future() for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(together.finish, futures, range(200)))
    assert sorted(given)[:199] == [[]] * 199
    assert sorted(max(given, key=len)) == list(range(200))
    assert not any(future.done() for future in futures)


@pytest.mark.parametrize("before", [0, 1, 2])
def test_where_one_fails_those_before_and_after_fail_with_it(before: int) -> None:
    together, futures = RequestGroup[int](3), [Future() for _ in range(2)]
    for number, future in enumerate(futures):
        if number == before:
            together.fail(ValueError("no"))
        assert together.finish(future, number) == []
    if before == 2:
        together.fail(ValueError("no"))
    together.fail(ValueError("another"))
    assert [str(future.exception(timeout=0)) for future in futures] == ["no", "no"]
