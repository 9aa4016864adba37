"""Each choice of training has chance of its own, the same whenever it is asked for."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from steelsight.training.randomness import generator, seed_torch

PLACES = st.tuples(st.integers(0, 3), st.sampled_from(["a/fold0", "a/fold1"]), st.integers(-1, 3), st.integers(-1, 3))


@given(PLACES, PLACES)
def test_two_choices_are_alike_only_where_all_is_the_same(
    one: tuple[int, str, int, int], other: tuple[int, str, int, int]
) -> None:
    first, second = (generator(*place).integers(2**62) for place in (one, other))
    assert (first == second) == (one == other)


def test_dropout_of_an_epoch_is_repeated_and_differs_between_devices() -> None:
    drawn = []
    for place in ((0, "a", 1), (0, "a", 1), (0, "a", 2), (0, "a", 1, 1)):
        seed_torch(*place)
        drawn.append(torch.rand(3).tolist())
    assert drawn[0] == drawn[1]
    assert len({tuple(one) for one in drawn}) == 3
