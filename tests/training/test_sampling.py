"""Which images an epoch holds."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from helpers.training_samples import member, severstal

from steelsight.training.sampling import distinct_images, epoch_order, steps_per_epoch

PAPER = member("segment-b0-strategy-1", recipe="paper").sampling


def order(sampling: Any, seed: int = 0) -> list[int]:
    data = severstal()
    return epoch_order(sampling, data.samples, data.classes, np.random.default_rng(seed)).tolist()


def test_the_epoch_is_a_whole_number_of_batches_of_the_promised_length() -> None:
    sampling = PAPER.model_copy(update={"batch": 8, "device_batch": 8})
    distinct = distinct_images(sampling, severstal().samples)
    assert distinct == 38 + 3
    assert len(order(sampling)) == steps_per_epoch(sampling, distinct) * 8 == round(1.3 * 41 / 8) * 8


def test_defect_free_images_are_drawn_anew_each_epoch() -> None:
    data = severstal()
    drawn = [frozenset(i for i in order(PAPER, seed) if not data.samples[i].is_defective) for seed in range(6)]
    assert all(len(images) <= 3 for images in drawn)
    assert len(set(drawn)) > 1


def test_the_rarest_fitting_rule_decides_how_often_an_image_is_seen() -> None:
    data = severstal()
    sampling = PAPER.model_copy(update={"batch": 1, "device_batch": 1, "steps_factor": 100.0})
    seen = Counter(order(sampling))
    by_rule: dict[str, list[int]] = {"2": [], "1": [], "3": []}
    for index, sample in enumerate(data.samples):
        names = {data.classes[number] for number in sample.classes}
        rule = next((name for name in ("2", "1") if name in names), "3" if names == {"3"} else None)
        if rule:
            by_rule[rule].append(seen[index])
    often = {name: np.mean(counts) for name, counts in by_rule.items()}
    assert often["2"] / often["3"] == pytest.approx(4, rel=0.15)
    assert often["1"] / often["3"] == pytest.approx(3, rel=0.15)


def test_balanced_repeats_rare_classes_more_and_never_more_than_four_times() -> None:
    data = severstal()
    sampling = PAPER.model_copy(update={"batch": 1, "device_batch": 1, "steps_factor": 60.0, "repeat": "balanced"})
    seen = Counter(order(sampling))
    counts = np.array([sum(number in sample.classes for sample in data.samples) for number in range(4)])
    rarest, commonest = int(np.argmin(counts)), int(np.argmax(counts))
    rare = np.mean([seen[i] for i, sample in enumerate(data.samples) if rarest in sample.classes])
    common = np.mean([seen[i] for i, sample in enumerate(data.samples) if sample.classes == (commonest,)])
    assert 1.5 < rare / common < 4.5


def test_the_same_generator_gives_the_same_epoch() -> None:
    assert order(PAPER, 5) == order(PAPER, 5)
    assert order(PAPER, 5) != order(PAPER, 6)
