"""What a wish and a policy refuse to be, and what a policy says of its cost."""

from typing import Any

import pytest
from helpers.policies import make_policy
from pydantic import ValidationError

from steelsight.core.errors import UserError
from steelsight.verdicts.outcome import NOTHING
from steelsight.verdicts.policy import CostPoint, Costs, Limits

COSTS = Costs(escape=100, review=1, overkill=10)


@pytest.mark.parametrize("wish", [{"escape_among": "passed"}, {"overkill_among": "both"}, {"costs": COSTS}])
def test_what_rests_on_the_share_of_defective_strip_wants_it(wish: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="need the share of defective strip"):
        Limits(**wish)
    assert Limits(**wish, defect_share=0.03).defect_share == 0.03


@pytest.mark.parametrize(
    "wish", [{"max_escape": 0}, {"max_overkill": 1}, {"confidence": 1.5}, {"never_miss": {"a": 0}}]
)
def test_a_limit_is_a_share_between_none_and_all(wish: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="is refused: it should be"):
        Limits(**wish)


def test_limits_out_of_their_range_are_a_user_error() -> None:
    with pytest.raises(UserError, match=r"^Limits\.max_escape: 1\.5 is refused"):
        Limits(max_escape=1.5)
    with pytest.raises(UserError, match=r"^Limits\.max_escap: there is no such key; did you mean 'max_escape'"):
        Limits(max_escap=0.1)  # type: ignore[call-arg]


def test_an_outcome_without_labels_is_written_as_before_there_were_any() -> None:
    assert not {"label_alone", "class_unknown"} & NOTHING.model_dump(mode="json").keys()
    some = NOTHING.model_copy(update={"label_alone": 3})
    assert some.model_dump(mode="json")["class_unknown"] == 0
    assert type(some).model_validate(some.model_dump(mode="json")) == some


def test_thresholds_stand_in_order() -> None:
    assert make_policy(0.5, 0.5).pass_at == 0.5
    assert make_policy(None, 0.1).reject_at == 0.1
    with pytest.raises(ValidationError, match=r"pass_at 0.6 exceeds reject_at 0.5"):
        make_policy(0.6, 0.5)


def test_expected_cost_is_that_of_its_own_threshold() -> None:
    curve = tuple(CostPoint(pass_at=at, reject_at=0.9, cost=cost) for at, cost in ((-1.0, 3.0), (0.1, 2.0), (0.2, 2.5)))
    assert make_policy(0.2, cost_curve=curve).expected_cost == 2.5
    assert make_policy(None, cost_curve=curve).expected_cost == 3.0  # none passes
    assert make_policy(0.15, cost_curve=curve).expected_cost is None
    assert make_policy(0.2).expected_cost is make_policy(None).expected_cost is None
