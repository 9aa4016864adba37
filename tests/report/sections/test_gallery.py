"""Which images the gallery shows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelsight.metrics.defects import Defects
from steelsight.report.sections.gallery import _said, choose, image_dice, twelve
from steelsight.rule.pixel_counts import PixelCounts


def _counts(triples: list[tuple[int, int, int]]) -> PixelCounts:
    hit, predicted, truth = (np.array(column, np.int64)[:, None] for column in zip(*triples, strict=True))
    return PixelCounts(np.minimum(hit, np.minimum(predicted, truth)), predicted, truth)


TRIPLE = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


@given(st.lists(TRIPLE, min_size=1, max_size=40))
def test_no_image_is_shown_twice_and_shelves_are_in_order(triples: list[tuple[int, int, int]]) -> None:
    counts = _counts(triples)
    chosen = choose(counts)
    dice = image_dice(counts)
    shown = [*chosen.best, *chosen.median, *chosen.worst, *chosen.random, *chosen.false_alarms]
    assert len(shown) == len(set(shown))
    if chosen.best:
        assert dice[list(chosen.best)].min() >= dice[list(chosen.worst)].max()
    if chosen.median:
        assert dice[list(chosen.worst)].max() <= dice[list(chosen.median)].min()
        assert dice[list(chosen.median)].max() <= dice[list(chosen.best)].min()
    assert all(counts.truth[at].sum() + counts.predicted[at].sum() > 0 for at in chosen.random)
    assert choose(counts).random == chosen.random
    assert all(counts.truth[at].sum() == 0 < counts.predicted[at].sum() for at in chosen.false_alarms)


@given(st.lists(TRIPLE, min_size=12, max_size=40))
def test_the_best_and_the_worst_are_there(triples: list[tuple[int, int, int]]) -> None:
    counts = _counts(triples)
    chosen = choose(counts)
    defective = np.flatnonzero(counts.truth.sum(axis=1))
    if defective.size >= 3:
        dice = image_dice(counts)[defective]
        assert image_dice(counts)[chosen.best[0]] == dice.max()
        assert image_dice(counts)[chosen.worst[0]] == dice.min()


@given(st.lists(TRIPLE, min_size=1, max_size=40))
def test_twelve_are_shown_where_there_are_as_many_and_none_twice(triples: list[tuple[int, int, int]]) -> None:
    counts = _counts(triples)
    shown = [at for _, at in twelve(counts)]
    assert len(shown) == len(set(shown)) <= 12
    truth, predicted = counts.truth.sum(axis=1), counts.predicted.sum(axis=1)
    alarms = int(((truth == 0) & (predicted > 0)).sum())
    assert len(shown) == min(12, int((truth > 0).sum()) + min(3, alarms))


def test_an_image_of_which_nothing_was_found_is_called_missed() -> None:
    assert {kind for kind, _ in twelve(_counts([(0, 0, 9), (0, 3, 4)]))} == {"missed", "missed most"}


def test_an_image_of_which_something_was_found_is_not_called_missed() -> None:
    """Each of these was found whole, and marked too far."""
    kinds = {kind for kind, _ in twelve(_counts([(9, 9 + beside, 9) for beside in range(12)]))}
    assert kinds == {"found best", "typical", "at random", "lowest Dice", "low Dice"}


def test_what_was_found_is_said_of_each_image() -> None:
    annotated = np.array([[0, 0, 90, 50], [0, 1, 9, 0], [1, 0, 900, 0]])
    defects = Defects(annotated, np.array([[1, 0, 7, 0], [2, 0, 7, 0], [2, 1, 7, 0]]))
    assert [_said(defects, at) for at in range(4)] == [
        "found 1 of 2 defects",
        "found 0 of 1 defect; 1 false alarm",
        "no defect; 2 false alarms",
        "no defect",
    ]


def test_of_missed_images_the_largest_defect_comes_first() -> None:
    chosen = choose(_counts([(0, 0, 3), (0, 0, 9), (5, 5, 5), (0, 0, 1), (4, 5, 5), (0, 0, 2)]), each=2)
    assert chosen.worst == (1, 0)
