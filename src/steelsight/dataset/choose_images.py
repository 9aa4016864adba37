"""A part of labelled images that is like the whole: whole groups, every combination of classes in its share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.dataset.folds import strata
from steelsight.dataset.model import Sample

_OF_EACH = 2  # groups of every stratum come first, so that what is rare is in two folds


def choose_images(samples: Sequence[Sample], groups: NDArray[np.int64], limit: int, seed: int) -> NDArray[np.int64]:
    """At most `limit` images, in whole groups: two groups of every combination of classes first, then each in its share.

    Args:
        groups: int64 (N,), the group of each sample.
        seed: draws which groups; the same seed gives the same images.

    Returns:
        int64 (n,), positions in `samples`, ascending.

    Raises:
        UserError: the limit is below 1, or no group is so small.
    """
    if limit < 1:
        raise UserError(f"`limit={limit}`: how many images are taken, from 1 on; give a larger number, or leave it out")
    taken: list[int] = []
    for images in _in_turn(samples, groups, seed):
        if len(taken) + len(images) <= limit:
            taken += images
    if not taken:
        raise UserError(
            f"`limit={limit}`: the smallest group of images that belong together is larger; give a larger limit"
        )
    return np.array(sorted(taken), np.int64)


def _in_turn(samples: Sequence[Sample], groups: NDArray[np.int64], seed: int) -> list[list[int]]:
    """The images of every group, in the order in which groups are taken."""
    members: dict[int, list[int]] = {}
    for index, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(index)
    of_image = strata([sample.classes for sample in samples], groups.tolist(), 2).tolist()
    by_stratum: dict[int, list[list[int]]] = {}
    for images in members.values():
        by_stratum.setdefault(of_image[images[0]], []).append(images)
    rng = np.random.default_rng(seed)
    places: list[tuple[bool, float, int, list[int]]] = []
    for number, of_stratum in sorted(by_stratum.items()):
        for rank, place in enumerate(rng.permutation(len(of_stratum)).tolist()):
            share = rank if rank < _OF_EACH else (rank + 0.5) / len(of_stratum)
            places.append((rank >= _OF_EACH, share, number, of_stratum[place]))
    return [images for *_, images in sorted(places, key=lambda one: one[:3])]
