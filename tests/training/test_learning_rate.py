"""The rate rises, holds and decays as the schedule says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.recipe.model import Schedule
from steelsight.training.learning_rate import learning_rate

SCHEDULES = st.builds(
    Schedule,
    start=st.floats(1e-5, 1e-3),
    maximum=st.floats(1e-3, 1e-2),
    minimum=st.floats(0, 1e-6),
    ramp=st.integers(0, 5),
    hold=st.integers(0, 5),
    decay=st.floats(0.5, 1),
    first_epoch=st.just(0),
)


@given(SCHEDULES)
def test_it_rises_holds_and_falls_within_its_bounds(plan: Schedule) -> None:
    rates = [learning_rate(plan, epoch) for epoch in range(20)]
    top = plan.ramp + plan.hold
    assert rates[: plan.ramp] == sorted(rates[: plan.ramp])
    assert rates[plan.ramp : top] == [plan.maximum] * plan.hold
    assert rates[top] == pytest.approx(plan.maximum, rel=1e-12)
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert all(min(plan.start, plan.minimum) <= rate <= plan.maximum * (1 + 1e-12) for rate in rates)
    for before, after in zip(rates[top:], rates[top + 1 :], strict=False):
        assert after - plan.minimum == pytest.approx(plan.decay * (before - plan.minimum), rel=1e-6, abs=1e-15)


@given(SCHEDULES, st.integers(0, 8))
def test_a_phase_that_begins_later_goes_on_where_another_would_be(plan: Schedule, first: int) -> None:
    later = plan.model_copy(update={"first_epoch": first})
    assert [learning_rate(later, epoch) for epoch in range(5)] == [learning_rate(plan, first + n) for n in range(5)]
