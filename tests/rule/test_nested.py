"""Nested figures and the choice of a kind, on histograms whose best rule is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids
from steelsight.rule.kinds import KINDS, choose_kind, find_rule
from steelsight.rule.nested import nested
from steelsight.rule.objective import Objective
from steelsight.rule.pixel_counts import count

SIZES = [(64, 64)] * 60


def view_of(true_level: int, false_level: int, images: int = 60) -> CombinedOutputs:
    """Every other image has a defect of 200 pixels at `true_level`; all have 50 wrong pixels at `false_level`."""
    histograms = np.zeros((images, 2, 2, 256), np.uint32)
    histograms[:, :, 0, 0] = 64 * 64 - 250
    histograms[:, :, 0, false_level] += 50
    histograms[::2, :, 1, true_level] += 200
    return CombinedOutputs(histograms, np.where(np.arange(images) % 2, 0.1, 0.9))


def grids() -> Grids:
    return Grids.of(np.arange(20) * 0.05, 1.05, SIZES, 2, [5.0])


def unsure_view(images: int = 60) -> CombinedOutputs:
    """Four kinds of image in turn: a small defect, P(defect) .9; a large one, .3; a false spot larger than the small
    defect, .3; nothing, .1. Only an area that depends on P(defect) tells them apart."""
    histograms = np.zeros((images, 2, 2, 256), np.uint32)
    histograms[:, :, 0, 0] = 2000
    histograms[0::4, :, 1, 200] = 200
    histograms[1::4, :, 1, 200] = 2000
    histograms[2::4, :, 0, 200] = 300
    return CombinedOutputs(histograms, np.tile([0.9, 0.3, 0.3, 0.1], images // 4))


def folds_of(images: int = 60) -> NDArray[np.int64]:
    return np.arange(images) // 2 % 5


def test_a_rule_that_the_other_folds_bear_is_found_on_each_fold() -> None:
    view = view_of(true_level=150, false_level=60)
    result = nested(lambda _: view, folds_of(), np.arange(60), grids())
    assert Objective().score(result.counts["tuned"]) == 1.0
    assert Objective().score(result.counts["defaults"]) == 0.5  # nothing reaches .7
    assert set(result.kinds) == {"shared"}  # per class is no better, so the simpler one stands
    for rule in result.rules["shared"]:
        assert rule.upper == (149, 149)
        assert rule.lower == (102, 102)


def test_each_fold_is_judged_by_a_rule_that_knows_nothing_of_it() -> None:
    """A fold whose images are unlike the others gets the others' rule, whatever it costs."""
    view, folds = view_of(true_level=150, false_level=60), folds_of()
    odd = folds == 0
    view.histograms[odd] = view_of(true_level=60, false_level=150).histograms[odd]
    result = nested(lambda _: view, folds, np.arange(60), grids())
    without = find_rule("tuned", view, grids(), np.flatnonzero(~odd)).rule
    assert result.rules["tuned"][0] == without
    expected = count(view.histograms, view.p_defect, without, np.flatnonzero(odd))
    assert result.counts["tuned"].predicted[odd].tolist() == expected.predicted.tolist()


def test_the_view_is_asked_for_without_the_fold() -> None:
    asked = []

    def view_without(fold: int) -> CombinedOutputs:
        asked.append(fold)
        return view_of(150, 60)

    nested(view_without, folds_of(), np.arange(60), grids())
    assert asked == [0, 1, 2, 3, 4]


def test_two_folds_choose_the_kind_on_halves_of_the_other() -> None:
    view = view_of(true_level=150, false_level=60)
    result = nested(lambda _: view, folds_of() % 2, np.arange(60) // 4, grids())
    assert result.folds == (0, 1)
    assert set(result.kinds) == {"shared"}


def test_a_soft_gate_is_kept_where_no_hard_one_comes_near() -> None:
    view = unsure_view()
    result = nested(lambda _: view, np.arange(60) // 4 % 5, np.arange(60), grids())
    dice = {kind: Objective().score(counts) for kind, counts in result.counts.items()}
    assert dice["soft-shared"] == dice["soft-tuned"] == 1
    assert max(value for kind, value in dice.items() if not KINDS[kind].soft) < 0.8
    assert set(result.kinds) == {choose_kind(dice)} == {"soft-shared"}
    for rule in result.rules["soft-shared"]:
        assert (rule.softness, rule.gate < 0.3) == (5, True)


def test_without_a_softness_no_soft_kind_is_judged() -> None:
    view = view_of(true_level=150, false_level=60)
    result = nested(lambda _: view, folds_of(), np.arange(60), Grids.of([0.0, 0.55], 1.05, SIZES, 2))
    assert set(result.counts) == {name for name, kind in KINDS.items() if not kind.soft}


def test_a_richer_kind_must_be_better_by_more_than_the_noise_of_the_metric() -> None:
    dice = dict.fromkeys(KINDS, 0.9)
    assert choose_kind(dice) == "defaults"
    assert choose_kind(dice | {"tuned": 0.9009}) == "defaults"
    assert choose_kind(dice | {"tuned": 0.9011}) == "tuned"
    assert choose_kind(dice | {"shared": 0.92, "tuned": 0.9205}) == "shared"
    assert choose_kind(dice | {"tuned": 0.8}) == "defaults"
    assert choose_kind(dice | {"tuned": 0.92, "soft-gate": 0.9205}) == "tuned"  # a hard gate as good is the quicker one
    assert choose_kind(dice | {"soft-gate": 0.92, "soft-tuned": 0.9205}) == "soft-gate"


@pytest.mark.parametrize("kind", KINDS)
def test_the_figure_of_a_search_is_that_of_its_rule(kind: str) -> None:
    view = view_of(true_level=150, false_level=190)
    found = find_rule(kind, view, grids())  # type: ignore[arg-type]
    assert found.score == pytest.approx(Objective().score(count(view.histograms, view.p_defect, found.rule)))
    for point in found.gates:
        assert point.score == pytest.approx(Objective().score(count(view.histograms, view.p_defect, point.rule)))
