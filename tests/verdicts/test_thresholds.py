"""Verdict bounds: what they lose on the evidence, what they say of it, and what they do where it is too little."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import by_label, draw, find, make_tested, policy_of, simulate, spread, statement, two_kinds
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from steelsight.core.errors import UserError
from steelsight.metrics.binomial import clopper_pearson_upper
from steelsight.verdicts.error_rates import MARGIN
from steelsight.verdicts.group_scores import score_groups, score_images
from steelsight.verdicts.outcome import judge_outcome
from steelsight.verdicts.policy import Limits, Policy
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.verdict import give_verdict

REJECTS = Severity.model_validate({"rules": [{"verdict": "reject", "class": "1"}]})


def test_59_groups_bear_5_percent_and_58_do_not() -> None:
    good = spread(0.01, 0.3, 80)
    kept = policy_of(two_kinds(spread(0.4, 0.9, 59), good))
    assert kept.pass_at == kept.reject_at  # what separates that well needs no second look
    one = statement(kept, "defective")
    assert (one.kept, one.groups, one.lost, one.missing) == (True, 59, 0, None)
    assert one.threshold == pytest.approx(0.4 - MARGIN)
    assert one.bound == clopper_pearson_upper(0, 59, 1 - 0.95)
    short = policy_of(two_kinds(spread(0.4, 0.9, 58), good))
    assert short.pass_at is None
    assert short.reject_at is not None
    one = statement(short, "defective")
    assert (one.kept, one.threshold, one.groups, one.missing) == (False, None, 58, 1)
    assert one.bound == clopper_pearson_upper(0, 58, 1 - 0.95)
    assert short.outcome.passed == (0, 0)


def test_1_percent_of_nothing_says_how_much_it_takes() -> None:
    one = statement(policy_of(two_kinds([], [0.1] * 5), max_escape=0.01), "defective")
    assert (one.kept, one.groups, one.bound, one.missing) == (False, 0, 1.0, 299)


def test_a_group_is_lost_by_any_of_its_images_and_counts_once() -> None:
    defective, good = spread(0.4, 0.9, 60), spread(0.01, 0.3, 80)
    alone = two_kinds(defective, good)
    twins = make_tested(
        [*defective, *good, *(p + 0.01 for p in defective), *(p - 0.005 for p in good)],
        [*alone.truth.tolist(), *alone.truth.tolist()],
        [*alone.groups.tolist(), *alone.groups.tolist()],
    )
    assert policy_of(twins).statements == policy_of(alone).statements


def test_a_group_of_both_kinds_counts_as_both() -> None:
    defective, good = spread(0.4, 0.9, 60), spread(0.01, 0.3, 60)
    alone = two_kinds(defective, good)
    both = replace(alone, groups=np.tile(np.arange(60), 2))
    policy = policy_of(both)
    assert policy.statements == policy_of(alone).statements
    assert (policy.outcome.groups, policy.outcome.defective_groups, policy.outcome.good_groups) == (60, 60, 60)


def test_a_class_has_a_bound_of_its_own() -> None:
    p = [*spread(0.5, 0.9, 70), *spread(0.2, 0.8, 70), *spread(0.01, 0.1, 80)]
    truth = [[9, 0]] * 70 + [[4, 9]] * 70 + [[0, 0]] * 80
    wish = {"max_escape": 0.1, "max_overkill": None, "never_miss": {"2": 0.05, "1": 0.2}}
    policy = policy_of(make_tested(p, truth), **wish)
    assert statement(policy, "defective").groups == statement(policy, "defective", "1").groups == 140
    assert statement(policy, "defective", "2").groups == 70
    assert policy.pass_at == min(one.threshold for one in policy.statements if one.kind == "escape")
    assert policy.pass_at == pytest.approx(0.2 - MARGIN)
    assert policy.outcome.groups_per_class == (140, 70)


def test_a_label_counts_as_a_mask_does() -> None:
    tested = simulate(300, 3.0, seed=5, kind="calibrated")
    every = np.ones(tested.p_defect.size, np.bool_)
    labelled = by_label(tested, every, ~every)
    wish = {"max_escape": 0.1, "max_overkill": 0.1, "never_miss": {"2": 0.2}}
    masks, labels = policy_of(tested, **wish), policy_of(labelled, **wish)
    said = {"label_alone": int(tested.defective.sum())}
    assert labels == masks.model_copy(update={"outcome": masks.outcome.model_copy(update=said)})


def test_a_defect_of_unknown_class_counts_for_escapes_and_is_a_trial_of_no_class() -> None:
    # groups: 0 class 1; 1 unknown alone; 2 class 1 and, less suspicious, unknown; 3 good
    tested = make_tested([0.5, 0.2, 0.6, 0.3, 0.1], [[9, 0], [9, 0], [9, 0], [9, 0], [0, 0]], [0, 1, 2, 2, 3])
    is_unknown = np.array([False, True, False, True, False])
    groups = score_groups(labelled := by_label(tested, is_unknown, is_unknown), score_images(tested, None))
    np.testing.assert_array_equal(groups.escape, [0.5, 0.2, 0.3, np.nan])
    np.testing.assert_array_equal(groups.escape_of[:, 0], [0.5, np.nan, 0.3, np.nan])
    assert np.isnan(groups.escape_of[:, 1]).all()
    policy = policy_of(labelled, max_escape=0.5, max_overkill=None, never_miss={"1": 0.5, "2": 0.5})
    assert [one.groups for one in policy.statements] == [3, 2, 0]
    assert (policy.outcome.label_alone, policy.outcome.class_unknown) == (2, 2)
    assert policy.outcome.groups_per_class == (2, 0)
    both = replace(labelled, shown=labelled.shown | np.array([False, True, False]) & is_unknown[:, None])
    assert judge_outcome(policy, both).class_unknown == 0


def test_one_bound_that_cannot_be_kept_lets_nothing_pass() -> None:
    p = [*spread(0.5, 0.9, 70), 0.8, *spread(0.01, 0.1, 80)]
    truth = [[9, 0]] * 70 + [[0, 9]] + [[0, 0]] * 80
    policy = policy_of(make_tested(p, truth), never_miss={"2": 0.05})
    assert [one.kept for one in policy.statements] == [True, False, True]
    assert statement(policy, "defective", "2").missing == 58
    assert policy.pass_at is None
    assert policy.outcome.passed == (0, 0)
    assert policy.outcome.rejected[0] > 60


def test_without_a_limit_nothing_is_answered() -> None:
    policy = policy_of(two_kinds(spread(0.4, 0.9, 60), spread(0.1, 0.3, 80)), max_escape=None, max_overkill=None)
    assert (policy.pass_at, policy.reject_at, policy.statements) == (None, None, ())
    assert policy.outcome.review == (60, 80)
    only_reject = policy_of(two_kinds(spread(0.4, 0.9, 60), spread(0.1, 0.3, 80)), max_escape=None)
    assert only_reject.pass_at is None
    assert only_reject.outcome.rejected[0] == 60


@pytest.mark.parametrize("name", ["2", "3", "one"])
def test_an_unknown_class_is_named(name: str) -> None:
    tested = replace(two_kinds([0.5], [0.1]), classes=("scratch", "stain"))
    with pytest.raises(UserError, match=f"`never_miss={name}`: no defect class is named so; it must be one of"):
        policy_of(tested, never_miss={name: 0.1})
    costs = {"escape": 9, "review": 1, "overkill": 3, "escape_of": {"scrath": 90}}
    with pytest.raises(UserError, match=r"`cost_escape_of=scrath`: .* did you mean 'scratch'"):
        policy_of(tested, costs=costs, defect_share=0.1)


def test_where_thresholds_cross_one_serves_both() -> None:
    """Every threshold between them keeps both limits; the middle of the empty gap costs neither kind anything."""
    policy = policy_of(two_kinds(spread(0.6, 0.9, 100), spread(0.01, 0.2, 100)))
    assert policy.pass_at == policy.reject_at == pytest.approx(0.4)
    assert policy.outcome.review == (0, 0)
    assert policy.outcome.escaped_groups == policy.outcome.overkilled_groups == 0


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.5, 2.0, 4.0]),
    st.sampled_from(["defective", "passed", "both"]),
    st.sampled_from(["good", "rejected", "both"]),
    st.sampled_from([0.03, 0.5, 0.9]),
    st.sampled_from([0.05, 0.2, 0.45]),
)
@settings(max_examples=80, deadline=None)
def test_whatever_was_asked_both_thresholds_keep_it(
    seed: int, separation: float, escape_among: str, overkill_among: str, share: float, limit: float
) -> None:
    tested = simulate(200, separation, mixed=0.2, seed=seed)
    groups = score_groups(tested, score_images(tested, None))
    wish = Limits(
        max_escape=limit,
        max_overkill=limit,
        escape_among=escape_among,
        overkill_among=overkill_among,
        defect_share=share,
    )
    pass_at, reject_at, *sides = find(groups, wish)
    for side, threshold in zip(sides, (pass_at, reject_at), strict=True):
        assert threshold is None or side.allows(np.array([threshold])).all()
        assert all(one.kept for one in side.statements(threshold)) or threshold is None
    if pass_at is not None and reject_at is not None:
        assert pass_at <= reject_at


def test_where_thresholds_do_not_cross_a_person_looks_between() -> None:
    policy = policy_of(two_kinds(spread(0.1, 0.9, 100), spread(0.05, 0.85, 100)))
    assert policy.pass_at is not None
    assert policy.reject_at is not None
    assert policy.pass_at < policy.reject_at
    passed, rejected = statement(policy, "defective"), statement(policy, "good")
    assert (passed.lost, rejected.lost) == (policy.outcome.escaped_groups, policy.outcome.overkilled_groups) == (1, 1)
    assert policy.outcome.escapes == ("0.jpg",)
    assert policy.outcome.overkills == ("199.jpg",)


def test_what_was_found_counts_for_escapes_only_where_the_rule_was_fixed_beforehand() -> None:
    tested = two_kinds([0.02, *spread(0.4, 0.9, 59)], spread(0.01, 0.3, 80), marked=[0])
    own, calibrated = policy_of(tested), policy_of(replace(tested, kind="calibrated"))
    assert statement(own, "defective").threshold == pytest.approx(0.02 - MARGIN)
    assert statement(calibrated, "defective").threshold == pytest.approx(0.4 - MARGIN)
    assert calibrated.outcome.review == (1, 0)


def test_overkill_by_a_severity_rule_counts_at_every_threshold() -> None:
    tested = two_kinds(spread(0.4, 0.9, 60), spread(0.01, 0.3, 100), marked=[60, 61])
    lenient = statement(policy_of(tested, REJECTS), "good")
    assert (lenient.kept, lenient.lost, lenient.groups, lenient.missing) == (False, 2, 100, 24)
    policy = policy_of(tested, REJECTS, max_overkill=0.1)
    assert policy.outcome.overkills == ("60.jpg", "61.jpg")
    assert statement(policy, "good").kept
    assert statement(policy, "good").lost == 2 + 2  # of 100, 10 % allow 4


@pytest.mark.parametrize(
    ("defective", "good"),
    [([], []), ([0.5], []), ([], [0.5]), ([0.5], [0.5]), ([0.5] * 400, [0.5] * 400), ([0.0] * 400, [1.0] * 400)],
)
@pytest.mark.parametrize("among", [("defective", "good"), ("passed", "rejected"), ("both", "both")])
def test_evidence_that_says_little_answers_little(
    defective: list[float], good: list[float], among: tuple[str, str]
) -> None:
    policy = policy_of(
        two_kinds(defective, good), escape_among=among[0], overkill_among=among[1], defect_share=0.1, max_escape=0.01
    )
    assert policy.outcome.passed == policy.outcome.rejected == (0, 0)
    assert all(one.threshold is None for one in policy.statements if not one.kept)
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


def test_one_group_of_many_images_is_one_group() -> None:
    tested = make_tested(spread(0.4, 0.9, 300), [[9, 0]] * 300, [0] * 300)
    one = statement(policy_of(tested), "defective")
    assert (one.groups, one.kept, one.missing) == (1, False, 58)


@pytest.mark.parametrize("p", [float("nan"), 1.5, -0.1, float("inf")])
def test_a_probability_that_is_none_is_named(p: float) -> None:
    with pytest.raises(UserError, match=r"image '1.jpg': P\(defect\) is .*, not a number from 0 to 1"):
        policy_of(two_kinds([0.5, p], [0.1]))


def test_what_it_rests_on_changes_nothing_but_the_guarantee() -> None:
    tested = simulate(400, 4.0, seed=7)
    own, crossed = policy_of(tested), policy_of(replace(tested, kind="cross-validated"))
    assert (own.pass_at, own.reject_at, own.statements) == (crossed.pass_at, crossed.reject_at, crossed.statements)
    assert own.is_guaranteed
    assert not crossed.is_guaranteed


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(["own", "calibrated"]))
@settings(max_examples=30, deadline=None)
def test_the_outcome_is_that_of_the_verdicts(seed: int, severe: bool, kind: str) -> None:
    tested = simulate(150, 2.5, mixed=0.3, seed=seed, kind=kind)
    policy = policy_of(
        tested, REJECTS if severe else None, max_escape=0.1, max_overkill=0.2, escape_among="both", defect_share=0.3
    )
    answers = [
        give_verdict(policy, tested.classes, p, regions, (100, 100)).answer
        for p, regions in zip(tested.p_defect.tolist(), tested.regions, strict=True)
    ]
    defective = tested.defective.tolist()
    lost = [(a == "pass") if bad else (a == "reject") for a, bad in zip(answers, defective, strict=True)]
    escaped = {g for g, bad, gone in zip(tested.groups.tolist(), defective, lost, strict=True) if bad and gone}
    overkilled = {g for g, bad, gone in zip(tested.groups.tolist(), defective, lost, strict=True) if gone and not bad}
    outcome = policy.outcome
    assert (outcome.escaped_groups, outcome.overkilled_groups) == (len(escaped), len(overkilled))
    assert len(outcome.escapes) + len(outcome.overkills) == sum(lost)
    assert sum(outcome.passed) + sum(outcome.review) + sum(outcome.rejected) == outcome.images == len(answers)
    for one in policy.statements:
        if one.kept and one.kind == "escape":  # by P(defect) alone more may be lost than the verdicts lose
            assert outcome.escaped_groups <= one.lost
        if one.kept and one.kind == "overkill":
            assert outcome.overkilled_groups <= one.lost


def test_the_same_images_in_another_order_get_the_same_policy() -> None:
    tested = simulate(300, 3.0, mixed=0.2, seed=8)
    order = np.random.default_rng(0).permutation(len(tested.image_ids))
    one, other = policy_of(tested), policy_of(tested.only(order))
    assert (one.pass_at, one.reject_at, one.statements) == (other.pass_at, other.reject_at, other.statements)


def test_more_of_the_same_evidence_loosens_both() -> None:
    tested = simulate(300, 3.0, seed=9)
    groups = score_groups(tested, score_images(tested, None))
    once = find(groups, Limits())
    thrice = find(draw(groups, np.tile(np.arange(groups.escape.size), 3)), Limits())
    assert thrice[0] >= once[0]
    assert thrice[1] <= once[1]


@pytest.mark.parametrize(
    "wish",
    [
        {"max_escape": 0},
        {"max_escape": 1},
        {"max_overkill": -0.1},
        {"confidence": 1},
        {"never_miss": {"1": 0.0}},
        {"never_miss": {"1": float("nan")}},
        {"defect_share": 1.2},
        {"escape_among": "passed"},
        {"costs": {"escape": -1, "review": 1, "overkill": 1}, "defect_share": 0.1},
        {"costs": {"escape": 1, "review": 1, "overkill": float("inf")}, "defect_share": 0.1},
        {"costs": {"escape": 1, "review": 1, "overkill": 1, "escape_of": {"1": -1}}, "defect_share": 0.1},
    ],
)
def test_an_impossible_wish_is_refused(wish: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(wish)


def test_nothing_passes_where_no_good_image_was_tested() -> None:
    policy = policy_of(two_kinds(spread(0.4, 0.9, 200), []), never_miss={"1": 0.1})
    assert (policy.pass_at, policy.reject_at) == (None, None)
    assert [(one.kind, one.kept, one.threshold) for one in policy.statements if one.kind == "escape"] == [
        ("escape", False, None)
    ] * 2
    assert policy.outcome.review == (200, 0)
    one_good = policy_of(two_kinds(spread(0.4, 0.9, 200), [0.1]))
    assert one_good.pass_at is not None
