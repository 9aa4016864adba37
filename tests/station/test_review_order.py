"""Doubt: what the policy left to a person comes before all that it decided, the nearest to a half first."""

from hypothesis import given
from hypothesis import strategies as st

from steelsight.station.review_order import UNJUDGED, doubt_of
from steelsight.verdicts.policy import VerdictAnswer

P = st.floats(0, 1)
ANSWERS: st.SearchStrategy[VerdictAnswer | None] = st.sampled_from(["pass", "reject", None])


@given(P, P, ANSWERS)
def test_review_comes_first(reviewed: float, decided: float, answer: VerdictAnswer | None) -> None:
    assert 0 <= doubt_of(answer, decided) <= 0.5 <= doubt_of("review", reviewed) <= UNJUDGED


@given(P, P)
def test_nearer_to_a_half_is_never_less_doubtful(one: float, other: float) -> None:
    near, far = sorted((one, other), key=lambda p: abs(p - 0.5))
    for answer in ("review", "pass", None):
        assert doubt_of(answer, near) >= doubt_of(answer, far)
        assert abs(doubt_of(answer, near) - doubt_of(answer, 1 - near)) <= 1e-6
