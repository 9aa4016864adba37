"""How members combine."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelsight.imaging.combine import (
    combine_maps,
    combine_probabilities,
    combined_levels,
    may_exceed,
    needed,
    round_levels,
    to_8bit,
)
from steelsight.imaging.preprocess import Preprocess

SMALL = Preprocess(height=32, width=64)
LARGE = Preprocess(height=64, width=96)


def test_one_member_at_the_image_size_passes_unchanged() -> None:
    map_ = np.random.default_rng(0).integers(0, 256, (3, 32, 64), dtype=np.uint8)
    assert np.array_equal(combine_maps([map_], [SMALL], (32, 64)), map_)


@given(a=st.integers(0, 255), b=st.integers(0, 255), c=st.integers(0, 255))
def test_members_of_any_size_weigh_the_same(a: int, b: int, c: int) -> None:
    maps = [
        np.full((1, 32, 64), a, np.uint8),
        np.full((1, 32, 64), b, np.uint8),
        np.full((1, 64, 96), c, np.uint8),
    ]
    combined = combine_maps(maps, [SMALL, SMALL, LARGE], (40, 70))
    assert combined.shape == (1, 40, 70)
    assert abs(int(combined[0, 5, 5]) - (a + b + c) / 3) <= 0.5 + 1e-3
    assert combined.min() == combined.max()


def test_probabilities_are_averaged_plainly_and_rounded_to_the_grid() -> None:
    assert combine_probabilities([0.25, 0.75]) == 0.5
    assert to_8bit(np.array([-1.0, 0.1, 2.0])).tolist() == [0, 26, 255]


def odds(probability: float) -> float:
    return probability / (1 - probability)


@given(st.lists(st.integers(2, 253), min_size=2, max_size=4))
def test_logits_give_the_geometric_mean_of_the_odds(values: list[int]) -> None:
    maps = [np.full((1, 32, 64), value, np.uint8) for value in values]
    expected = np.prod([odds(value / 255) for value in values]) ** (1 / len(values))
    combined = combine_maps(maps, [SMALL] * len(maps), (32, 64), "logits")
    assert abs(int(combined[0, 0, 0]) - 255 * expected / (1 + expected)) <= 0.5 + 1e-3
    said = combine_probabilities([value / 255 for value in values], "logits")
    assert odds(said) == np.float64(expected) or abs(odds(said) / expected - 1) < 1e-9


@given(a=st.integers(0, 255), b=st.integers(0, 255))
def test_networks_of_other_sizes_combine_by_logits_too(a: int, b: int) -> None:
    alike = combine_maps([np.full((1, 32, 64), v, np.uint8) for v in (a, b)], [SMALL, SMALL], (40, 70), "logits")
    apart = combine_maps(
        [np.full((1, 32, 64), a, np.uint8), np.full((1, 64, 96), b, np.uint8)], [SMALL, LARGE], (40, 70), "logits"
    )
    assert abs(int(alike[0, 5, 5]) - int(apart[0, 5, 5])) <= 1


def test_one_network_says_the_same_either_way() -> None:
    map_ = np.random.default_rng(0).integers(0, 256, (2, 32, 64), dtype=np.uint8)
    for size in ((32, 64), (45, 91)):
        mean, *others = (combine_maps([map_], [SMALL], size, how) for how in ("mean", "logits", "votes"))
        assert all(np.array_equal(mean, other) for other in others)
    assert combine_probabilities([1.0], "logits") == 1.0


def test_a_network_that_is_sure_does_not_decide_alone() -> None:
    assert 0.5 < combine_probabilities([1.0, 0.001, 0.4], "logits") < 0.99
    assert abs(combine_probabilities([0.0, 1.0], "logits") - 0.5) < 1e-9
    maps = [np.full((1, 32, 64), value, np.uint8) for value in (0, 255)]
    assert combine_maps(maps, [SMALL, SMALL], (32, 64), "logits")[0, 0, 0] in (127, 128)


@given(st.integers(0, 10_000), st.integers(0, 255), st.sampled_from(["mean", "logits", "votes"]))
def test_a_class_is_left_out_only_if_no_pixel_exceeds_its_level(seed: int, level: int, how: str) -> None:
    rng = np.random.default_rng(seed)
    maps = [rng.integers(0, rng.integers(1, 257), (2, 32, 64), dtype=np.uint8) for _ in range(3)]
    combined = combine_maps(maps, [SMALL] * 3, (50, 90), how)
    may = may_exceed(maps, [level, level], how)
    assert (may | ~(combined > level).any(axis=(1, 2))).all()


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 254))
def test_a_pixel_exceeds_a_threshold_if_enough_networks_do(seed: int, networks: int, level: int) -> None:
    maps = [np.random.default_rng([seed, n]).integers(0, 256, (2, 32, 64), dtype=np.uint8) for n in range(networks)]
    combined = combine_maps(maps, [SMALL] * networks, (32, 64), "votes")
    votes = sum((map_ > level).astype(int) for map_ in maps)
    assert np.array_equal(combined > level, votes >= needed(networks))


def test_networks_of_other_sizes_vote_at_the_image_size() -> None:
    maps = [np.full((1, 32, 64), 10, np.uint8), np.full((1, 64, 96), 200, np.uint8), np.full((1, 32, 64), 90, np.uint8)]
    combined = combine_maps(maps, [SMALL, LARGE, SMALL], (40, 70), "votes")
    assert (combined.min(), combined.max()) == (90, 90)


@given(st.integers(1, 9), st.integers(0, 1 << 30))
def test_a_vote_is_the_value_that_enough_networks_reach(networks: int, seed: int) -> None:
    maps = list(np.random.default_rng(seed).integers(0, 256, (networks, 1, 32, 64), dtype=np.uint8))
    before = [map_.copy() for map_ in maps]
    expected = sorted(maps, key=lambda map_: map_[0, 3, 5])[-needed(networks)][0, 3, 5]
    assert combine_maps(maps, [SMALL] * networks, (32, 64), "votes")[0, 3, 5] == expected
    assert all(map(np.array_equal, maps, before))


@given(st.integers(1, 5), st.sampled_from([(40, 70), (64, 96), (32, 64)]), st.sampled_from(["mean", "logits", "votes"]))
def test_levels_are_the_same_wherever_they_are_put(networks: int, size: tuple[int, int], how: str) -> None:
    random = np.random.default_rng(networks)
    ways = [(SMALL, SMALL, LARGE, SMALL, LARGE)[index] for index in range(networks)]
    maps = [random.integers(0, 256, (2, way.height, way.width), dtype=np.uint8) for way in ways]
    place = np.full((2, *size), 7, np.float32)
    levels = combined_levels(maps, ways, size, how, out=place)
    assert np.array_equal(round_levels(levels), combine_maps(maps, ways, size, how))
    if networks == 1:
        assert levels is place
