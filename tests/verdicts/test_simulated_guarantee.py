"""The guarantee: over calibrations drawn from a known population, a bound is exceeded in no more than delta of them.

Groups are drawn with replacement, so that the population is the truth. A number of exceeded draws is too many where so many
or more have a probability below 1e-3 at exactly delta each (one-sided binomial test).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.simulated import by_label, draw, find, read_evidence, simulate, true_share
from numpy.typing import NDArray
from scipy.stats import binomtest

from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.evaluated import EvaluationSet as Images
from steelsight.verdicts.group_scores import GroupScores, score_groups, score_images
from steelsight.verdicts.policy import Limits
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.thresholds import find_policy

DRAWS = 2000
TILES = Path(__file__).with_name("tile_evidence.csv")
REJECTS = Severity.model_validate({"rules": [{"verdict": "reject", "class": "1"}]})


def population(*, mixed: float = 0.0, severity: Severity | None = None) -> GroupScores:
    """20,000 groups, half of them defective."""
    tested = simulate(20_000, 3.0, mixed=mixed, seed=1, kind="calibrated")
    return score_groups(tested, score_images(tested, severity))


def calibrations(groups: GroupScores, size: int, draws: int = DRAWS, seed: int = 2) -> Iterator[GroupScores]:
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield draw(groups, rng.integers(groups.escape.size, size=size))


def exceeded(groups: GroupScores, wish: Limits, size: int, draws: int = DRAWS) -> dict[str, int]:
    """Of each statement, the draws in which the truth exceeds its limit, at its own threshold and at the policy's; and in
    which it is kept."""
    counts: Counter[str] = Counter()
    for calibration in calibrations(groups, size, draws):
        pass_at, reject_at, escape, overkill = find(calibration, wish)
        for side, threshold in ((escape, pass_at), (overkill, reject_at)):
            for one in side.statements(threshold):
                assert not one.kept or one.bound <= one.limit
                name = one.defect_class or one.among
                counts[f"{name}, kept"] += one.kept
                for where, at in (("own", one.threshold), ("policy", threshold)):
                    counts[f"{name}, {where}"] += true_share(groups, one, at, wish.defect_share or 0) > one.limit
    return counts


def is_too_many(count: int, delta: float, draws: int = DRAWS) -> bool:
    return binomtest(count, draws, delta, alternative="greater").pvalue < 1e-3


def test_the_truth_is_what_images_say() -> None:
    """What bounds are held against, group by group and image by image."""
    tested = simulate(300, 2.0, mixed=0.3, seed=4)
    groups = score_groups(tested, score_images(tested, None))
    second = tested.truth[:, 1] > 0
    for at in (0.1, 0.5, 0.8):
        passes = (tested.p_defect <= at) & ~tested.found
        by_p, rejects = tested.p_defect <= at, tested.p_defect > at
        m, of_class = any_of(tested, tested.defective, by_p), any_of(tested, second, by_p)
        g = 1 - any_of(tested, ~tested.defective, ~passes)
        o, r = any_of(tested, ~tested.defective, rejects), 1 - any_of(tested, tested.defective, ~rejects)
        wish = Limits(escape_among="both", overkill_among="both", defect_share=0.3, never_miss={"2": 0.1})
        escape, overkill = find(groups, wish)[2:]
        stated = [one for side in (escape, overkill) for one in side.statements(at)]
        expected = [m, of_class, 0.3 * m / (0.3 * m + 0.7 * g), o, 0.7 * o / (0.7 * o + 0.3 * r)]
        assert [true_share(groups, one, at, 0.3) for one in stated] == pytest.approx(expected)


def any_of(tested: Images, counts: NDArray[np.bool_], lost: NDArray[np.bool_]) -> float:
    """Share of the groups with an image that counts of which any such image is lost."""
    of_group = [lost[counts & (tested.groups == group)] for group in np.unique(tested.groups[counts])]
    return float(np.mean([images.any() for images in of_group]))


def test_bounds_hold_over_a_simulated_population() -> None:
    counts = exceeded(population(), Limits(never_miss={"2": 0.1}), 800)
    for name in ("defective", "good", "2"):
        assert counts[f"{name}, kept"] == DRAWS
        assert not is_too_many(counts[f"{name}, own"], 0.05), name
        assert not is_too_many(counts[f"{name}, policy"], 0.05), name
        # whole groups allow no sharper bound: of the risk that is granted, a good part is taken
        assert counts[f"{name}, own"] >= 0.02 * DRAWS


def test_bounds_hold_where_most_images_are_known_by_a_label_and_many_labels_name_no_class() -> None:
    """What is bounded is what is true of the surfaces, also where labels do not say it: of those that show a class by name,
    all that have an image of it which passes count as lost, named or not."""
    tested = simulate(20_000, 3.0, seed=1, kind="calibrated")
    rng = np.random.default_rng(7)
    labelled = by_label(tested, rng.random(tested.p_defect.size) < 0.7, rng.random(tested.p_defect.size) < 0.4)
    images = score_images(tested, None)
    known, true = score_groups(labelled, images), score_groups(tested, images)
    assert np.array_equal(known.escape, true.escape, equal_nan=True)
    assert np.array_equal(known.overkill, true.overkill, equal_nan=True)
    named = ~np.isnan(known.escape_of)
    assert named[:, 1].sum() < (~np.isnan(true.escape_of[:, 1])).sum()
    truth = replace(true, escape_of=np.where(named, true.escape_of, np.nan))
    counts: Counter[str] = Counter()
    for calibration in calibrations(known, 800):
        pass_at, _, escape, _ = find(calibration, Limits(never_miss={"2": 0.1}))
        for one in escape.statements(pass_at):
            counts[one.defect_class or "any, kept"] += one.kept
            counts[f"{one.defect_class}, exceeded"] += true_share(truth, one, one.threshold, 0) > one.limit
    assert counts["2"] == counts["any, kept"] == DRAWS
    assert not is_too_many(counts["None, exceeded"], 0.05)
    assert not is_too_many(counts["2, exceeded"], 0.05)


@pytest.mark.parametrize(("mixed", "severity"), [(0.0, None), (0.3, None), (0.0, REJECTS)])
def test_shares_among_those_answered_alike_hold(mixed: float, severity: Severity | None) -> None:
    wish = Limits(
        max_escape=0.05,
        escape_among="both",
        max_overkill=0.4 if severity else 0.2,
        overkill_among="both",
        defect_share=0.3,
        confidence=0.9,
    )
    counts = exceeded(population(mixed=mixed, severity=severity), wish, 800, 400)
    for name in ("passed", "rejected", "defective", "good"):
        assert counts[f"{name}, kept"] >= 200, name
        assert not is_too_many(counts[f"{name}, own"], 0.1, 400), name
        assert not is_too_many(counts[f"{name}, policy"], 0.1, 400), name


def naively_exceeded(groups: GroupScores, size: int, limit: float) -> int:
    """Draws in which more than the limit escapes at the loosest threshold at which the share seen is within it."""
    statement = find(groups, Limits(max_escape=limit))[2].shares[0]
    count = 0
    for calibration in calibrations(groups, size):
        scores = np.sort(calibration.escape[~np.isnan(calibration.escape)])
        naive = float(np.nextafter(scores[int(limit * scores.size)], -1))
        count += true_share(groups, statement, naive, 0) > limit
    return count


def test_a_naive_threshold_does_not_hold() -> None:
    assert is_too_many(naively_exceeded(population(), 800, 0.05), 0.05)


def test_a_naive_ratio_does_not_hold() -> None:
    groups, wish = population(), Limits(max_escape=0.02, escape_among="passed", defect_share=0.2)
    statement = find(groups, wish)[2].statements(None)[-1]
    too_high = 0
    for calibration in calibrations(groups, 800, draws=300):
        kept = [at for at in np.linspace(0, 1, 201) if true_share(calibration, statement, at, 0.2) <= 0.02]
        too_high += true_share(groups, statement, max(kept), 0.2) > 0.02
    assert is_too_many(too_high, 0.05, 300)


@pytest.mark.parametrize("limit", [0.1, 0.2])
def test_bounds_hold_over_real_tiles(limit: float) -> None:
    """777 magnetic tiles (127 twin groups), P(defect) out of fold, as the whole population; groups drawn with replacement."""
    tested = read_evidence(TILES)
    groups = score_groups(tested, score_images(tested, None))
    size = 2 * groups.escape.size  # with 36 defective groups, 10 % would often have too few of the 29 that it takes
    wish = Limits(max_escape=limit, max_overkill=limit, escape_among="both", overkill_among="both", defect_share=0.2)
    counts = exceeded(groups, wish, size, 500)
    for name in ("passed", "rejected", "defective", "good"):
        assert not is_too_many(counts[f"{name}, own"], 0.05, 500), name
        assert not is_too_many(counts[f"{name}, policy"], 0.05, 500), name
    assert min(counts["defective, kept"], counts["good, kept"]) >= 490  # a draw may hold too few defective groups
    assert is_too_many(naively_exceeded(groups, size, limit), 0.05)


def test_it_is_useful() -> None:
    """2,000 groups that separate well, bounds of 1 %: no more than 15 % of the images go to review."""
    tested = simulate(2000, 4.6, seed=3)
    policy = find_policy(tested, Limits(max_escape=0.01, max_overkill=0.01), Calibration(), None)
    assert all(one.kept for one in policy.statements)
    assert sum(policy.outcome.review) <= 0.15 * policy.outcome.images
    assert 0.4 * policy.outcome.images < sum(policy.outcome.passed) < 0.6 * policy.outcome.images
