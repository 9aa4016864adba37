"""Expected costs against a count image by image, and thresholds against a search of all pairs."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.simulated import by_label, make_tested, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.costs import expected_costs
from steelsight.verdicts.evaluated import EvaluationSet as Images
from steelsight.verdicts.group_scores import score_images
from steelsight.verdicts.policy import Costs, Limits, Policy
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.thresholds import find_policy

REJECTS = Severity.model_validate({"rules": [{"verdict": "reject", "class": "1"}]})
NO_LIMIT = {"max_escape": None, "max_overkill": None}


def cost_by_hand(images: Images, costs: Costs, share: float, pass_at: float, reject_at: float, severe: bool) -> float:
    """Mean over groups of the mean over their images of each kind, kinds weighed by the share of defective strip."""
    total = 0.0
    for kind, weight in ((True, share), (False, 1 - share)):
        means = []
        for group in np.unique(images.groups):
            of_group = []
            for index in np.flatnonzero((images.groups == group) & (images.defective == kind)):
                found = bool(images.regions[index]) and (not kind or images.kind == "calibrated")
                p = images.p_defect[index]
                if images.flagged[index]:
                    of_group.append(costs.review)
                elif (found and severe) or p > reject_at:
                    of_group.append(0.0 if kind else costs.overkill)
                elif p <= pass_at and not found:
                    names = [name for name, shows in zip(images.classes, images.shows[index], strict=True) if shows]
                    names += ["of no known class"] * int(images.class_unknown[index])
                    of_group.append(max((costs.escape_of.get(name, costs.escape) for name in names), default=0.0))
                else:
                    of_group.append(costs.review)
            if of_group:
                means.append(np.mean(of_group))
        total += weight * np.mean(means)
    return total


@st.composite
def some_images(draw: st.DrawFn) -> Images:
    count = draw(st.integers(2, 10))
    some = st.lists(st.integers(0, 4), min_size=count, max_size=count)
    p = draw(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.30001, 0.7, 1.0]), min_size=count, max_size=count))
    truth = np.array([[bit & 1, bit >> 1 & 1] for bit in draw(some)])
    truth[0], truth[1] = (1, 0), (0, 0)
    marked = draw(st.lists(st.integers(0, count - 1), unique=True))
    tested = make_tested(p, truth, draw(some), marked, draw(st.sampled_from(["own", "calibrated"])))
    labels = np.array(draw(st.lists(st.sampled_from(["mask", "label", "bad"]), min_size=count, max_size=count)))
    flags = tuple(draw(st.lists(st.sampled_from([(), (), ("size",)]), min_size=count, max_size=count)))
    tested = replace(tested, flags=draw(st.sampled_from([None, flags])))
    return draw(st.sampled_from([tested, by_label(tested, labels != "mask", labels == "bad")]))


COSTS = st.builds(
    Costs,
    escape=st.sampled_from([0.5, 10.0, 100.0]),
    review=st.sampled_from([0.0, 1.0]),
    overkill=st.sampled_from([0.0, 0.5, 5.0]),
    escape_of=st.sampled_from([{}, {"2": 300.0}]),
)


@given(some_images(), COSTS, st.sampled_from([0.05, 0.5]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_pair_of_thresholds_is_cheaper(images: Images, costs: Costs, share: float, severe: bool) -> None:
    wish = Limits(costs=costs, defect_share=share, **NO_LIMIT)
    policy = find_policy(images, wish, Calibration(), REJECTS if severe else None)
    levels = [-1.0, 0.05, 0.2, 0.300005, 0.5, 0.8, 1.0]
    pairs = [(low, high) for low in levels for high in levels if low <= high]
    least = min(cost_by_hand(images, costs, share, low, high, severe) for low, high in pairs)
    found = cost_by_hand(images, costs, share, *ends(policy), severe)
    assert found == pytest.approx(least, abs=1e-9)
    assert min(point.cost for point in policy.cost_curve) == pytest.approx(least, abs=1e-9)
    assert policy.statements == ()


def ends(policy: Policy) -> tuple[float, float]:
    return (
        -1.0 if policy.pass_at is None else policy.pass_at,
        1.0 if policy.reject_at is None else policy.reject_at,
    )


@given(some_images(), COSTS, st.sampled_from([0.05, 0.5]))
@settings(max_examples=60, deadline=None)
def test_every_level_costs_what_the_images_cost(images: Images, costs: Costs, share: float) -> None:
    levels = np.array([-0.001, 0.05, 0.1, 0.3, 0.5, 1.0])  # on scores, too
    expected = expected_costs(images, score_images(images, None), costs, share, levels)
    for low in range(levels.size):
        for high in range(low, levels.size):
            by_hand = cost_by_hand(images, costs, share, levels[low], levels[high], False)
            assert expected.review + expected.passing[low] + expected.rejecting[high] == pytest.approx(by_hand)


def test_limits_come_first_and_costs_choose_among_what_they_leave() -> None:
    tested = simulate(1000, 3.0, seed=1)
    cheap = Costs(escape=1.0, review=1.0, overkill=1.0)
    limited, free = (
        find_policy(tested, Limits(costs=cheap, defect_share=0.05, **limits), Calibration(), None)
        for limits in ({"max_escape": 0.02, "max_overkill": 0.02}, NO_LIMIT)
    )
    assert [one.kept for one in limited.statements] == [True, True]
    assert limited.pass_at is not None
    assert limited.reject_at is not None
    assert limited.pass_at <= limited.statements[0].threshold < free.pass_at
    assert limited.reject_at >= limited.statements[1].threshold
    dear = find_policy(
        tested,
        Limits(max_escape=0.02, costs=Costs(escape=1e5, review=1, overkill=1), defect_share=0.05),
        Calibration(),
        None,
    )
    assert ends(dear)[0] < limited.pass_at


def test_a_limit_that_cannot_be_kept_is_not_bought_off() -> None:
    tested = simulate(60, 3.0, seed=1)
    costs = Costs(escape=1e-6, review=100, overkill=1)
    wish = Limits(max_escape=0.01, max_overkill=0.2, costs=costs, defect_share=0.05)
    policy = find_policy(tested, wish, Calibration(), None)
    assert policy.pass_at is None
    assert policy.reject_at is not None


def test_shares_among_those_answered_alike_hold_at_the_cheapest_thresholds() -> None:
    tested = simulate(1500, 3.0, seed=2)
    wish = Limits(
        max_escape=0.03,
        escape_among="both",
        max_overkill=0.3,
        overkill_among="both",
        defect_share=0.2,
        costs=Costs(escape=30, review=1, overkill=5),
    )
    policy = find_policy(tested, wish, Calibration(), None)
    passed, rejected = (
        next(one for one in policy.statements if one.among == among) for among in ("passed", "rejected")
    )
    assert (passed.threshold, rejected.threshold) == (policy.pass_at, policy.reject_at)
    assert passed.bound <= 0.03
    assert rejected.bound <= 0.3


def test_the_dearer_the_class_the_stricter() -> None:
    tested = simulate(1000, 3.0, seed=3)
    found = [
        find_policy(
            tested,
            Limits(costs=Costs(escape=20, review=1, overkill=5, escape_of={"2": dear}), defect_share=0.05, **NO_LIMIT),
            Calibration(),
            None,
        ).pass_at
        for dear in (20.0, 200.0, 2000.0)
    ]
    assert found[0] > found[1] > found[2]


def test_a_surface_photographed_again_costs_no_more() -> None:
    one = make_tested([0.2, 0.6, 0.4, 0.1], [[9, 0], [9, 0], [0, 0], [0, 0]])
    six = make_tested([0.2] * 6 + [0.6, 0.4, 0.1], [[9, 0]] * 7 + [[0, 0]] * 2, [0] * 6 + [1, 2, 3])
    levels, costs = np.linspace(0, 1, 11), Costs(escape=20, review=1, overkill=5)
    first, second = (expected_costs(images, score_images(images, None), costs, 0.3, levels) for images in (one, six))
    assert first.passing == pytest.approx(second.passing)
    assert first.rejecting == pytest.approx(second.rejecting)


def test_the_curve_is_short_ascending_and_in_order() -> None:
    wish = Limits(costs=Costs(escape=20, review=1, overkill=5), defect_share=0.05, max_overkill=0.02)
    policy = find_policy(simulate(1500, 3.0, seed=4), wish, Calibration(), None)
    curve = policy.cost_curve
    assert 100 < len(curve) <= 201
    assert all(one.pass_at < other.pass_at for one, other in pairwise(curve))
    assert all(point.pass_at <= point.reject_at for point in curve)
    assert all(point.reject_at >= policy.statements[1].threshold for point in curve)


@pytest.mark.parametrize("limits", [NO_LIMIT, {"max_escape": 0.01}, {"max_escape": 1e-4}])
def test_a_curve_of_thousands_of_levels_keeps_the_chosen_thresholds(limits: dict[str, float | None]) -> None:
    tested, costs = simulate(1500, 3.0, seed=5), Costs(escape=20, review=1, overkill=5)
    policy = find_policy(tested, Limits(costs=costs, defect_share=0.05, **limits), Calibration(), None)
    by_hand = cost_by_hand(tested, costs, 0.05, *ends(policy), False)
    assert policy.expected_cost == pytest.approx(by_hand)
    if limits == NO_LIMIT:
        assert policy.expected_cost == min(point.cost for point in policy.cost_curve)


@pytest.mark.parametrize("truth", [[[0, 0]] * 3, [[9, 0]] * 3])
def test_of_a_kind_that_was_not_tested_nobody_knows_the_cost(truth: list[list[int]]) -> None:
    wish = Limits(costs=Costs(escape=20, review=1, overkill=5), defect_share=0.05, **NO_LIMIT)
    policy = find_policy(make_tested([0.1, 0.2, 0.9], truth), wish, Calibration(), None)
    assert (policy.pass_at, policy.reject_at, policy.cost_curve) == (None, None, ())
    assert policy.expected_cost is None
