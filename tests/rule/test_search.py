"""The search against brute force: every rule of the grids, applied to maps pixel by pixel."""

from itertools import product

import numpy as np
import pytest
from helpers.data import SAMPLE
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steelsight.metrics.dice import dice_figures, pair_dice
from steelsight.rule.bootstrap_search import redraw
from steelsight.rule.coarse_grid import coarse
from steelsight.rule.combined_outputs import CombinedOutputs
from steelsight.rule.grid import Grids, area_grid
from steelsight.rule.objective import Objective, ObjectiveName
from steelsight.rule.pixel_counts import PixelCounts, count
from steelsight.rule.plain_rule import plain_rule
from steelsight.rule.rule import Rule, masks
from steelsight.rule.search import SearchResult, search, search_shared

Maps = NDArray[np.uint8]
Truth = NDArray[np.bool_]


def histograms_of(maps: list[Maps], truth: list[Truth]) -> NDArray[np.uint32]:
    """By the definition: count the pixels of each value, over background and over truth."""
    return np.array(
        [
            [
                [np.bincount(plane[mask == side], minlength=256) for side in (False, True)]
                for plane, mask in zip(m, t, strict=True)
            ]
            for m, t in zip(maps, truth, strict=True)
        ],
        np.uint32,
    )


def dice_of(rule: Rule, p_defect: NDArray[np.float64], maps: list[Maps], truth: list[Truth]) -> float:
    """Mean Dice over pairs, from pixels."""
    scores = []
    for p, map_, true in zip(p_defect, maps, truth, strict=True):
        cut = masks(rule, float(p), map_)
        both = cut.sum(axis=(1, 2)) + true.sum(axis=(1, 2))
        overlap = (cut & true).sum(axis=(1, 2))
        scores.append(np.where(both == 0, 1.0, 2 * overlap / np.maximum(both, 1)))
    return float(np.mean(scores))


def brute_force(
    p_defect: NDArray[np.float64],
    maps: list[Maps],
    truth: list[Truth],
    gates: NDArray[np.float64],
    areas: NDArray[np.int64],
    levels: list[int],
    softness: tuple[float, ...] = (1.0,),
) -> float:
    """The best mean Dice of one class over every gate, softness, pair of `levels` and area, each applied to the maps."""
    rules = (
        Rule(gate=gate, softness=soft, upper=(upper,), lower=(lower,), min_area=(area,))
        for gate, soft, upper, lower, area in product(gates.tolist(), softness, levels, levels, areas.tolist())
        if lower <= upper
    )
    return max(dice_of(rule, p_defect, maps, truth) for rule in rules)


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[np.float64], list[Maps], list[Truth]]:
    """A few tiny images of differing size, one class, values from few levels so that ties and edges are met."""
    levels = np.array([0, 1, 100, 102, 103, 178, 179, 254, 255], np.uint8)
    p, maps, truth = [], [], []
    for _ in range(draw(st.integers(1, 5))):
        shape = (1, draw(st.integers(1, 3)), draw(st.integers(1, 4)))
        rng = np.random.default_rng(draw(st.integers(0, 10_000)))
        maps.append(levels[rng.integers(0, draw(st.integers(1, len(levels))), shape)])
        truth.append(rng.random(shape) < draw(st.sampled_from([0.0, 0.3, 0.8])))
        p.append(draw(st.sampled_from([0.0, 0.2, 0.5, 0.55, 0.9, 1.0])))
    return np.array(p), maps, truth


LEVELS = [0, 1, 100, 102, 103, 178, 179, 254, 255]
"""Between two of the values that the maps hold nothing changes, so these stand for all 256."""


@settings(max_examples=25, deadline=None)
@given(cases())
def test_the_best_of_brute_force_is_found(case: tuple[NDArray[np.float64], list[Maps], list[Truth]]) -> None:
    p_defect, maps, truth = case
    gates, areas = np.array([0.0, 0.5, 0.55, 0.9]), area_grid(12, 1.5, 4)
    found = search(histograms_of(maps, truth), p_defect, Grids(gates, areas, plain_rule(1, 4)))
    assert found.score == pytest.approx(brute_force(p_defect, maps, truth, gates, areas, LEVELS), abs=1e-9)
    for point in found.gates:
        assert dice_of(point.rule, p_defect, maps, truth) == pytest.approx(point.score, abs=1e-9)
        assert point.score == pytest.approx(
            brute_force(p_defect, maps, truth, np.array([point.gate]), areas, LEVELS), abs=1e-9
        )


@settings(max_examples=15, deadline=None)
@given(cases())
def test_the_best_soft_gate_of_brute_force_is_found(
    case: tuple[NDArray[np.float64], list[Maps], list[Truth]],
) -> None:
    """Areas are fractions here (3 x (3 - 2 x .55) = 5.7 pixels), so that every rounding would show."""
    p_defect, maps, truth = case
    gates, areas, levels = np.array([0.0, 0.5]), area_grid(12, 1.5, 4), LEVELS[::2]
    grids = Grids(np.array([0.9]), areas, plain_rule(1, 4), (1.7, 3.0), gates)
    histograms = histograms_of([map_ // 2 * 2 for map_ in maps], truth)
    found = search(histograms, p_defect, grids, soft=True)
    even = [map_ // 2 * 2 for map_ in maps]
    assert found.rule.softness in grids.softness
    assert dice_of(found.rule, p_defect, even, truth) == pytest.approx(found.score, abs=1e-9)
    for point in found.gates:
        assert dice_of(point.rule, p_defect, even, truth) == pytest.approx(point.score, abs=1e-9)
        best = brute_force(p_defect, even, truth, np.array([point.gate]), areas, levels, grids.softness)
        assert point.score >= best - 1e-9
    assert found.score == pytest.approx(max(point.score for point in found.gates), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(cases(), st.floats(1, 20), st.integers(1, 12), st.sampled_from([0, 100, 178]))
def test_counts_of_a_soft_gate_are_those_of_the_pixels(
    case: tuple[NDArray[np.float64], list[Maps], list[Truth]], softness: float, area: int, upper: int
) -> None:
    p_defect, maps, truth = case
    rule = Rule(gate=0.2, softness=softness, upper=(upper,), lower=(0,), min_area=(area,))
    predicted = [masks(rule, float(p), map_).sum() for p, map_ in zip(p_defect, maps, strict=True)]
    assert count(histograms_of(maps, truth), p_defect, rule).predicted[:, 0].tolist() == predicted


@settings(max_examples=15, deadline=None)
@given(cases())
def test_among_equal_rules_the_nearest_to_the_plain_one_is_taken(
    case: tuple[NDArray[np.float64], list[Maps], list[Truth]],
) -> None:
    p_defect, maps, truth = case
    gates, areas, plain = np.array([0.5]), area_grid(12, 1.5, 4), plain_rule(1, 4)
    histograms = histograms_of(maps, truth)
    rule = search(histograms, p_defect, Grids(gates, areas, plain)).rule
    start = int(np.searchsorted(areas, 4))

    def steps(rule: Rule) -> int:
        return (
            abs(rule.upper[0] - plain.upper[0])
            + abs(rule.lower[0] - plain.lower[0])
            + abs(int(np.searchsorted(areas, rule.min_area[0])) - start)
        )

    best = dice_of(rule, p_defect, maps, truth)
    for upper, lower, area in product(range(90, 256, 8), range(6, 256, 8), areas.tolist()):
        if lower <= upper:
            other = Rule(gate=0.5, upper=(upper,), lower=(lower,), min_area=(area,))
            if steps(other) < steps(rule):
                assert pair_mean(histograms, p_defect, other) < best - 1e-10


def pair_mean(histograms: NDArray[np.uint32], p_defect: NDArray[np.float64], rule: Rule) -> float:
    counts = count(histograms, p_defect, rule)
    return float(pair_dice(counts.intersection, counts.predicted, counts.truth).mean())


@pytest.fixture(scope="module")
def strips() -> tuple[NDArray[np.float64], list[Maps], list[Truth]]:
    """Masks of the sample at a quarter of the size, and blurred, shifted, noisy maps of them."""
    import cv2

    from steelsight.dataset.read import read_dataset

    rng = np.random.default_rng(3)
    p, maps, truth = [], [], []
    for sample in read_dataset(SAMPLE, decode=False).samples[::4]:
        mask = sample.mask()[:, ::4, ::8]
        blurred = [cv2.GaussianBlur(np.roll(plane, 2, axis=1).astype(np.float32), (0, 0), 3) for plane in mask]
        noisy = np.clip(np.stack(blurred) * rng.uniform(0.4, 1.4) + rng.normal(0, 0.1, mask.shape), 0, 1)
        maps.append((noisy * 255).astype(np.uint8))
        truth.append(mask)
        p.append(np.clip(mask.any() * 0.6 + rng.uniform(0, 0.4), 0, 1))
    return np.array(p), maps, truth


def test_on_drawn_masks_no_rule_of_a_coarse_grid_beats_it(
    strips: tuple[NDArray[np.float64], list[Maps], list[Truth]],
) -> None:
    p_defect, maps, truth = strips
    gates, areas = np.array([0.0, 0.3, 0.55, 0.8]), area_grid(64 * 200, 1.05, 25)
    histograms = histograms_of(maps, truth)
    found = search(histograms, p_defect, Grids(gates, areas, plain_rule(4, 25)))
    assert dice_of(found.rule, p_defect, maps, truth) == pytest.approx(found.score, abs=1e-12)
    for index in range(4):
        of_class = [map_[index : index + 1] for map_ in maps], [mask[index : index + 1] for mask in truth]
        alone = search(histograms_of(*of_class), p_defect, Grids(gates, areas, plain_rule(1, 25)))
        coarse = brute_force(p_defect, *of_class, gates, areas[::25], list(range(10, 256, 49)))
        assert alone.score >= coarse - 1e-12


def test_shared_has_one_of_each_number_and_never_beats_the_rule_per_class(
    strips: tuple[NDArray[np.float64], list[Maps], list[Truth]],
) -> None:
    p_defect, maps, truth = strips
    histograms = histograms_of(maps, truth)
    grids = Grids(np.array([0.3, 0.55]), area_grid(64 * 200, 1.05, 25), plain_rule(4, 25))
    shared, own = search_shared(histograms, p_defect, grids), search(histograms, p_defect, grids)
    assert len(set(shared.rule.upper)) == len(set(shared.rule.lower)) == len(set(shared.rule.min_area)) == 1
    assert dice_of(shared.rule, p_defect, maps, truth) == pytest.approx(shared.score, abs=1e-12)
    assert shared.score <= own.score + 1e-12


def test_a_soft_gate_on_drawn_masks_is_no_worse_than_any_of_a_coarse_grid(
    strips: tuple[NDArray[np.float64], list[Maps], list[Truth]],
) -> None:
    p_defect, maps, truth = strips
    areas, gates, softness = area_grid(64 * 200, 1.05, 25), np.array([0.0, 0.3, 0.55]), (2.0, 5.0)
    histograms = histograms_of(maps, truth)
    found = search(histograms, p_defect, Grids(gates, areas, plain_rule(4, 25), softness, gates), soft=True)
    assert dice_of(found.rule, p_defect, maps, truth) == pytest.approx(found.score, abs=1e-12)
    of_class = [map_[2:3] for map_ in maps], [mask[2:3] for mask in truth]
    grids = Grids(gates, areas, plain_rule(1, 25), softness, gates)
    alone = search(histograms_of(*of_class), p_defect, grids, soft=True)
    coarse = brute_force(p_defect, *of_class, gates, areas[::25], list(range(10, 256, 49)), softness)
    assert alone.score >= coarse - 1e-12


def test_a_defect_as_large_as_the_largest_area_is_found() -> None:
    """Every area of the grid is reached, and none is left that no image reaches."""
    maps, truth = [np.full((1, 3, 4), 255, np.uint8)], [np.ones((1, 3, 4), np.bool_)]
    grids = Grids(np.array([0.5]), area_grid(12, 1.5, 4), plain_rule(1, 4))
    found = search(histograms_of(maps, truth), np.ones(1), grids)
    assert (found.score, found.rule) == (1, plain_rule(1, 4).model_copy(update={"gate": 0.5}))


def test_without_a_softness_no_soft_gate_can_be_searched() -> None:
    histograms = np.zeros((2, 1, 2, 256), np.uint32)
    with pytest.raises(ValueError, match="no softness"):
        search(histograms, np.ones(2), Grids(np.zeros(1), area_grid(12, 1.5, 4), plain_rule(1, 4)), soft=True)


def test_images_left_out_play_no_part(strips: tuple[NDArray[np.float64], list[Maps], list[Truth]]) -> None:
    p_defect, maps, truth = strips
    histograms = histograms_of(maps, truth)
    some = np.arange(0, len(maps), 2)
    grids = Grids(np.array([0.3, 0.55]), area_grid(64 * 200, 1.05, 25), plain_rule(4, 25))
    assert search(histograms, p_defect, grids, some) == search(histograms[some], p_defect[some], grids)
    assert search_shared(histograms, p_defect, grids, some) == search_shared(histograms[some], p_defect[some], grids)


def test_counts_are_those_of_the_pixels(strips: tuple[NDArray[np.float64], list[Maps], list[Truth]]) -> None:
    p_defect, maps, truth = strips
    rule = Rule(gate=0.3, upper=(150, 120, 90, 0), lower=(90, 120, 0, 0), min_area=(40, 1, 300, 12_000))
    counts = count(histograms_of(maps, truth), p_defect, rule)
    cut = [masks(rule, float(p), map_) for p, map_ in zip(p_defect, maps, strict=True)]
    assert counts.predicted.tolist() == [mask.sum(axis=(1, 2)).tolist() for mask in cut]
    assert counts.truth.tolist() == [mask.sum(axis=(1, 2)).tolist() for mask in truth]
    assert counts.intersection.tolist() == [(a & b).sum(axis=(1, 2)).tolist() for a, b in zip(cut, truth, strict=True)]
    figures = dice_figures(counts.intersection, counts.predicted, counts.truth)
    assert figures.dice == pytest.approx(dice_of(rule, p_defect, maps, truth), abs=1e-12)


def test_maps_that_say_nothing_leave_the_plain_rule() -> None:
    histograms = np.zeros((4, 2, 2, 256), np.uint32)
    histograms[:, :, 0, 0] = 100
    plain = plain_rule(2, 5)
    found: SearchResult = search(
        histograms, np.full(4, 0.9), Grids(np.array([0.5, 0.55, 0.6]), area_grid(100, 1.05, 5), plain)
    )
    assert found.rule == plain
    assert found.score == 1.0


def test_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        search(
            np.zeros((0, 1, 2, 256), np.uint32),
            np.zeros(0),
            Grids(np.array([0.5]), area_grid(10, 1.1, 1), plain_rule(1, 1)),
        )


def best_by(
    objective: Objective,
    p_defect: NDArray[np.float64],
    maps: list[Maps],
    truth: list[Truth],
    grids: Grids,
    levels: list[int],
) -> float:
    """The best score over every rule of the grids and these levels, per class, that keeps to the limit on false alarms."""
    classes, best = grids.plain.classes, -1.0
    triples = [(u, low, area) for u, low, area in product(levels, levels, grids.areas.tolist()) if low <= u]
    for gate in grids.gates.tolist():
        for chosen in product(triples, repeat=classes):
            upper, lower, area = zip(*chosen, strict=True)
            rule = Rule(gate=gate, upper=upper, lower=lower, min_area=area)
            counts = counts_of(rule, p_defect, maps, truth)
            empty = counts.truth == 0
            if objective.aim == "defects" and (empty & (counts.predicted > 0)).sum() > objective.budget(
                int(empty.sum())
            ):
                continue
            best = max(best, objective.score(counts))
    return best


def counts_of(rule: Rule, p_defect: NDArray[np.float64], maps: list[Maps], truth: list[Truth]) -> PixelCounts:
    """From pixels."""
    cut = [masks(rule, float(p), map_) for p, map_ in zip(p_defect, maps, strict=True)]
    parts = ([c & t for c, t in zip(cut, truth, strict=True)], cut, truth)
    return PixelCounts(*(np.array([mask.sum(axis=(1, 2)) for mask in part], np.int64) for part in parts))


@pytest.mark.parametrize("aim", ["pooled", "defects"])
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.34, 0.5]))
def test_other_objectives_find_the_best_of_brute_force(aim: ObjectiveName, seed: int, alarms: float) -> None:
    """Two classes, so that one budget of false alarms is shared out between them."""
    rng, levels = np.random.default_rng(seed), [0, 120, 254]
    images = int(rng.integers(1, 5))
    maps = [np.array(levels, np.uint8)[rng.integers(0, 3, (2, 2, 3))] for _ in range(images)]
    truth = [rng.random((2, 2, 3)) < rng.choice([0.0, 0.0, 0.6], (2, 1, 1)) for _ in range(images)]
    p_defect, objective = rng.choice([0.2, 0.6, 0.9], images), Objective(aim=aim, max_false_alarms=alarms)
    grids = Grids(np.array([0.0, 0.55]), np.array([1, 2, 4]), plain_rule(2, 2), objective=objective)
    found = search(histograms_of(maps, truth), p_defect, grids)
    assert found.score == pytest.approx(best_by(objective, p_defect, maps, truth, grids, levels), abs=1e-9)
    for point in found.gates:
        assert objective.score(counts_of(point.rule, p_defect, maps, truth)) == pytest.approx(point.score, abs=1e-9)


@pytest.mark.parametrize("aim", ["pooled", "defects"])
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.34, 0.5]))
def test_one_rule_for_all_classes_is_the_best_of_its_kind(aim: ObjectiveName, seed: int, alarms: float) -> None:
    rng, levels = np.random.default_rng(seed), [0, 120, 254]
    images = int(rng.integers(1, 6))
    maps = [np.array(levels, np.uint8)[rng.integers(0, 3, (2, 2, 3))] for _ in range(images)]
    truth = [rng.random((2, 2, 3)) < rng.choice([0.0, 0.0, 0.6], (2, 1, 1)) for _ in range(images)]
    p_defect, objective = rng.choice([0.2, 0.6, 0.9], images), Objective(aim=aim, max_false_alarms=alarms)
    grids = Grids(np.array([0.0, 0.55]), np.array([1, 2, 4]), plain_rule(2, 2), objective=objective)
    found = search_shared(histograms_of(maps, truth), p_defect, grids)
    best = -1.0
    for gate, upper, lower, area in product([0.0, 0.55], levels, levels, [1, 2, 4]):
        if lower <= upper:
            rule = Rule(gate=gate, upper=(upper,) * 2, lower=(lower,) * 2, min_area=(area,) * 2)
            counts = counts_of(rule, p_defect, maps, truth)
            empty = counts.truth == 0
            if aim == "pooled" or (empty & (counts.predicted > 0)).sum() <= objective.budget(int(empty.sum())):
                best = max(best, objective.score(counts))
    assert found.score == pytest.approx(best, abs=1e-9)
    assert objective.score(counts_of(found.rule, p_defect, maps, truth)) == pytest.approx(best, abs=1e-9)


def test_the_limit_on_false_alarms_is_kept_by_all_classes_together() -> None:
    """One alarm is allowed: class 1 gains more from it than class 0."""
    histograms = np.zeros((4, 2, 2, 256), np.uint32)
    histograms[..., 0, 0] = 100
    histograms[0, 0, 1, 200] = 10  # a defect of class 0, and an empty image that looks like it
    histograms[2, 0, 0, 200] = 10
    histograms[1, 1, 1, 200] = 10  # two of class 1, and one such image
    histograms[2, 1, 1, 200] = 10
    histograms[3, 1, 0, 200] = 10
    objective = Objective(aim="defects", max_false_alarms=0.2)  # of 5 empty pairs
    found = search(
        histograms, np.ones(4), Grids(np.array([0.5]), np.array([1, 5]), plain_rule(2, 5), objective=objective)
    )
    counts = count(histograms, np.ones(4), found.rule)
    assert (counts.predicted > 0).tolist() == [[False, False], [False, True], [False, True], [False, True]]
    assert found.score == pytest.approx(2 / 3)


@pytest.mark.parametrize("aim", ["competition", "pooled", "defects"])
def test_no_upper_threshold_outside_the_limits_is_taken(aim: ObjectiveName) -> None:
    """The defect stands out at 250 alone; between .3 and .85 the false alarm of 200 comes with it, or nothing is marked."""
    histograms = np.zeros((3, 1, 2, 256), np.uint32)
    histograms[..., 0, 0] = 100
    histograms[0, 0, 1, 250] = 20
    histograms[1:, 0, 0, 240] = 20
    objective = Objective(aim=aim, max_false_alarms=0.0)
    free = Grids.of([0.5], 1.5, [(10, 12)], 1, objective=objective)
    held = Grids.of([0.5], 1.5, [(10, 12)], 1, objective=objective, upper=(0.3, 0.85))
    for find in (search, search_shared):
        assert find(histograms, np.ones(3), free).rule.upper[0] in range(240, 250)
        upper = find(histograms, np.ones(3), held).rule.upper[0]
        assert upper in range(77, 217) or upper == 255
    few = coarse(CombinedOutputs(histograms, np.ones(3)), held)
    found = search(few.view.histograms, np.ones(3), few.grids).rule
    assert few.fine(found).upper[0] in range(77, 217) or few.fine(found).upper[0] == 255
    drawn = redraw("tuned", few.view, few.grids, np.ones((3, 1), np.int64))
    assert few.levels[drawn.upper[0, 0]] == few.fine(found).upper[0]
