"""Which images an epoch holds: oversampling of rare classes, a fresh draw of defect-free images, steps per epoch."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.recipe.model import Repeat, Sampling

_MOST_REPEATS = 4


def epoch_order(
    sampling: Sampling, samples: Sequence[Sample], classes: Sequence[str], random: np.random.Generator
) -> NDArray[np.int64]:
    """Positions in `samples` in the order an epoch sees them: int64, a multiple of the batch long.

    Drawn: `defect_free_share` of the defect-free images; then every image as often as the repeat rules say, shuffled. The
    length is steps times batch, steps = steps_factor x distinct images / batch; when the repeated list is longer, it is
    cut; when shorter, it goes on with another shuffle.
    """
    defective = np.array([index for index, sample in enumerate(samples) if sample.is_defective], dtype=np.int64)
    free = np.array([index for index, sample in enumerate(samples) if not sample.is_defective], dtype=np.int64)
    drawn = random.permutation(free)[: round(len(free) * sampling.defect_free_share)]
    distinct = np.concatenate([defective, np.sort(drawn)])
    times = _times(sampling.repeat, samples, classes, random)
    repeated = np.repeat(distinct, times[distinct])
    length = steps_per_epoch(sampling, len(distinct)) * sampling.batch
    rounds = [random.permutation(repeated) for _ in range(math.ceil(length / len(repeated)))]
    return np.concatenate(rounds)[:length]


def steps_per_epoch(sampling: Sampling, distinct: int) -> int:
    """Optimiser steps of an epoch over `distinct` images."""
    return max(sampling.least_steps, round(sampling.steps_factor * distinct / sampling.batch))


def distinct_images(sampling: Sampling, samples: Sequence[Sample]) -> int:
    """How many distinct images an epoch holds."""
    free = sum(not sample.is_defective for sample in samples)
    return len(samples) - free + round(free * sampling.defect_free_share)


def _times(
    repeat: str | tuple[Repeat, ...], samples: Sequence[Sample], classes: Sequence[str], random: np.random.Generator
) -> NDArray[np.int64]:
    if isinstance(repeat, str):
        return _balanced(samples, len(classes))
    draws = random.random(len(samples))
    times = np.ones(len(samples), dtype=np.int64)
    for index, sample in enumerate(samples):
        names = {classes[number] for number in sample.classes}
        rule = next((rule for rule in repeat if rule.class_ in names), None)
        if rule and draws[index] < rule.probability:
            times[index] = rule.times
    return times


def _balanced(samples: Sequence[Sample], classes: int) -> NDArray[np.int64]:
    """Repeat an image by the root of how much rarer its rarest class is than the commonest, at most 4 times."""
    counts = np.zeros(classes)
    for sample in samples:
        counts[list(sample.classes)] += 1
    rarity = np.sqrt(counts.max(initial=0.0) / np.maximum(counts, 1))
    often = [max((rarity[number] for number in sample.classes), default=1.0) for sample in samples]
    times: NDArray[np.int64] = np.clip(np.round(often), 1, _MOST_REPEATS).astype(np.int64)
    return times
