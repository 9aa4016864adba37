"""Shares among images answered alike: the formula, what it rests on, and how many groups are missing."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import policy_of, simulate, spread, statement, true_share, two_kinds
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.metrics.binomial import clopper_pearson_lower, clopper_pearson_upper
from steelsight.verdicts.error_rates import Ladder
from steelsight.verdicts.group_scores import score_groups, score_images
from steelsight.verdicts.predictive_rates import Others, Ratio, find_ratio


def test_a_share_of_passed_images_follows_its_formula() -> None:
    defective, good = np.array(spread(0.5, 0.9, 200)), np.array([*spread(0.01, 0.3, 150), *spread(0.6, 0.7, 50)])
    ladder, others = Ladder.of("escape", defective), Others(good, 0)
    ratio = find_ratio(ladder, others, 0.3, 0.03, 0.05, None)
    numbers = [0, 1, 2, 4, 8, 200]  # 16 of 200 are more than 3 % even if every good image passed
    assert ratio.candidates.tolist() == [ladder.short_of(k) for k in numbers]
    level = 0.05 / (2 * len(numbers))
    m = clopper_pearson_upper(1, 200, level)
    g = clopper_pearson_lower(150, 200, level) * (1 - clopper_pearson_upper(0, 200, level))
    assert ratio.bound_at(ratio.candidates[[1]])[0] == pytest.approx(0.3 * m / (0.3 * m + 0.7 * g), rel=1e-12)


@given(st.sampled_from(["escape", "overkill"]), st.integers(0, 2**32 - 1), st.sampled_from([None, 0.3, 0.5]))
@settings(max_examples=50, deadline=None)
def test_the_bound_of_a_ratio_is_never_below_what_was_seen(kind: str, seed: int, cap: float | None) -> None:
    tested = simulate(80, 2.0, mixed=0.3, seed=seed)
    groups = score_groups(tested, score_images(tested, None))
    lost, through = (groups.escape, groups.passes) if kind == "escape" else (groups.overkill, groups.rejects)
    ratio = find_ratio(Ladder.of(kind, lost), Others.of(through, lost), 0.4, 0.1, 0.05, cap)
    levels = np.linspace(-0.01, 1, 60)
    seen = [true_share(groups, ratio.state(level), level, 0.4 if kind == "escape" else 0.6) for level in levels]
    assert (ratio.bound_at(levels) >= seen).all()


def test_a_share_of_passed_images_needs_the_other_limits_threshold_too() -> None:
    tested = simulate(1500, 3.5, seed=5)
    wish = {"max_escape": 0.03, "defect_share": 0.2}
    alone = policy_of(tested, escape_among="passed", **wish)
    both = policy_of(tested, escape_among="both", never_miss={"2": 0.02}, **wish)
    assert both.pass_at is not None
    assert alone.pass_at is not None
    assert both.pass_at <= min(one.threshold for one in both.statements if one.among == "defective")
    assert both.pass_at < alone.pass_at
    assert statement(both, "passed").threshold == both.pass_at
    assert statement(both, "passed").bound <= 0.03


def test_where_little_strip_is_defective_all_of_it_may_pass() -> None:
    """1 % of the passed images may be defective, and 0.5 % of the strip is."""
    tested = two_kinds(spread(0.4, 0.9, 20), spread(0.1, 0.6, 2000))
    policy = policy_of(tested, max_escape=0.01, escape_among="passed", max_overkill=None, defect_share=0.005)
    assert policy.pass_at == 1
    assert policy.outcome.passed == (20, 2000)


def test_an_unusual_image_never_counts_as_one_that_comes_through() -> None:
    """As lost it counts all the same: no threshold rests on its being unusual."""
    plain = two_kinds(spread(0.4, 0.9, 60), spread(0.01, 0.3, 300))
    half = tuple(("size",) if at % 2 else () for at in range(360))
    wish = {"max_escape": 0.5, "max_overkill": 0.5, "defect_share": 0.2, "escape_among": "passed"}
    flagged = replace(plain, flags=half)
    one, other = (statement(policy_of(tested, **wish), "passed") for tested in (plain, flagged))
    assert other.bound > 1.3 * one.bound
    scores = score_groups(flagged, score_images(flagged, None))
    assert (scores.passes[flagged.flagged & ~flagged.defective] > 1).all()
    assert (scores.rejects[flagged.flagged & flagged.defective] < 0).all()
    by_kind = [policy_of(one, max_escape=0.2, max_overkill=0.2).statements for one in (plain, flagged)]
    assert by_kind[0] == by_kind[1]


def test_a_mask_keeps_a_good_image_from_passing() -> None:
    wish = {"max_escape": 0.04, "escape_among": "passed", "defect_share": 0.5, "max_overkill": None}
    free, held = (
        statement(policy_of(two_kinds(spread(0.5, 0.9, 200), spread(0.01, 0.3, 200), marked=marked), **wish), "passed")
        for marked in ((), range(200, 360))
    )
    assert free.kept
    assert not held.kept
    assert held.missing is not None
    assert held.missing > 0


@pytest.mark.parametrize("defective", [0, 1, 40, 90])
def test_as_many_groups_as_are_missing_are_enough(defective: int) -> None:
    scores, good = np.array(spread(0.5, 0.9, defective)), Others(np.array(spread(0.01, 0.3, 300)), 3)

    def ratio(count: int) -> Ratio:
        return find_ratio(Ladder.of("escape", np.append(scores, [0.95] * count)), good, 0.3, 0.01, 0.05, None)

    missing = ratio(0).missing
    assert missing is not None
    assert ratio(missing).end is not None
    assert ratio(missing - 1).end is None


def test_no_number_is_named_where_none_would_do() -> None:
    """Every good image is more suspicious than every defective one: what passes is defective, however much is tested."""
    policy = policy_of(
        two_kinds(spread(0.1, 0.3, 50), spread(0.5, 0.9, 50)), escape_among="passed", defect_share=0.3, max_escape=0.01
    )
    one = statement(policy, "passed")
    assert (one.kept, one.missing, policy.pass_at) == (False, None, None)
