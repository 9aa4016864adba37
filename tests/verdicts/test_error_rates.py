"""Thresholds short of a score: what they lose, and how far they keep from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.verdicts.error_rates import MARGIN, Ladder

SOME_P = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0]), min_size=1, max_size=12)


@given(SOME_P, st.integers(0, 11), st.sampled_from(["escape", "overkill"]))
def test_a_threshold_loses_as_many_as_it_may_and_no_more(scores: list[float], k: int, kind: str) -> None:
    ladder = Ladder.of(kind, np.array([*scores, np.nan]))
    threshold = ladder.short_of(k)
    assert ladder.lost_at(threshold) <= k
    if k < len(scores):
        next_lost = sorted(scores)[k] if kind == "escape" else sorted(scores)[-k - 1]
        looser = next_lost if kind == "escape" else np.nextafter(next_lost, -1)
        assert ladder.lost_at(looser) > k
    else:
        assert ladder.lost_at(threshold) == len(scores)


def test_a_threshold_keeps_its_distance_from_what_it_must_not_lose() -> None:
    """An exported inspector's P(defect) may differ by the margin; where scores lie close, by half of what is between."""
    assert Ladder.of("escape", np.array([0.2, 0.7])).short_of(1) == pytest.approx(0.7 - MARGIN)
    assert Ladder.of("escape", np.array([0.2, 0.2004])).short_of(1) == pytest.approx(0.2002)
    assert Ladder.of("overkill", np.array([0.2, 0.2004])).short_of(1) == pytest.approx(0.2002)
    assert Ladder.of("escape", np.array([0.0004, 0.5])).short_of(0) == pytest.approx(0.0002)
