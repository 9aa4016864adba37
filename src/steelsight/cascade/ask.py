"""What the networks of both steps answer of a batch of images, and which of them need not be asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.cascade.no_probability import NoProbability, find_odd
from steelsight.imaging.combine import combine_probabilities, may_exceed, to_8bit
from steelsight.imaging.preprocess import Image, Preprocess

Levels = tuple[int, ...]
"""One of 0..255 for each class."""


class Inputs:
    """Network inputs of a batch, made once for all networks of both steps that share a `Preprocess`."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = images
        self._made: dict[tuple[Preprocess, int], NDArray[np.float32]] = {}

    def __len__(self) -> int:
        return len(self._images)

    def of(self, preprocess: Preprocess, places: Sequence[int]) -> NDArray[np.float32]:
        """Those of some of the images, float32 (n, channels, height, width)."""
        for place in places:
            if (preprocess, place) not in self._made:
                self._made[preprocess, place] = preprocess.to_input(self._images[place])
        return np.stack([self._made[preprocess, place] for place in places])


@dataclass(frozen=True)
class Classified:
    """What step 1 says of an image: each classifier, and all together; nan and none where one gave no probability."""

    p_defect: float
    each: tuple[float, ...] = ()
    odd: NoProbability | None = None


def classify(inputs: Inputs, engine: Engine) -> list[Classified]:
    """Ask every classifier about every image: P(defect), which is told of each, is what all of them say together.

    Without any classifier every image goes on to step 2.
    """
    networks, places = engine.classifiers, range(len(inputs))
    if not places or not networks:
        return [Classified(1.0)] * len(inputs)
    odd = list[NoProbability | None]([None] * len(inputs))
    answers = []
    for network in networks:
        answers.append(network.probabilities(inputs.of(network.preprocess, places)))
        odd = find_odd(odd, answers[-1], network, 1)
    rows = np.stack(answers, axis=1).astype(np.float64).clip(0.0, 1.0).tolist()
    return [
        Classified(combine_probabilities(row, engine.combine), tuple(row))
        if wrong is None
        else Classified(float("nan"), odd=wrong)
        for row, wrong in zip(rows, odd, strict=True)
    ]


def segment(
    inputs: Inputs, searched: Mapping[int, Levels | None], engine: Engine
) -> Iterator[list[NDArray[np.uint8]] | NoProbability | None]:
    """The 8-bit map of every segmenter for each of some images in turn, at the networks' working sizes.

    No further segmenter is asked about an image as soon as the combined map of no class can exceed its level any more,
    whatever those that are left would say: None in place of its maps. One that gave no probability ends an image likewise.

    Args:
        searched: places of the images in `inputs`, each with the levels below which its maps are of no use; None: every map
            is wanted.
    """
    maps: dict[int, list[NDArray[np.uint8]]] = {place: [] for place in searched}
    odd: dict[int, NoProbability] = {}
    settled: set[int] = set()
    for number, network in enumerate(engine.segmenters, start=1):
        asked = [place for place in searched if place not in settled]
        if not asked:
            break
        said = network.probabilities(inputs.of(network.preprocess, asked))
        with np.errstate(invalid="ignore"):  # of what is no number; it is used for nothing
            rounded = to_8bit(said)
        left = len(engine.segmenters) - number
        for place, map_, wrong in zip(asked, rounded, find_odd([None] * len(asked), said, network, 2), strict=True):
            maps[place].append(map_)
            levels = searched[place]
            if wrong is not None:
                odd[place] = wrong
            if wrong is not None or (left and levels is not None and _is_settled(maps[place], left, levels, engine)):
                settled.add(place)
    for place in searched:
        yield odd[place] if place in odd else None if place in settled else maps[place]


def _is_settled(maps: Sequence[NDArray[np.uint8]], left: int, levels: Levels, engine: Engine) -> bool:
    """Whether no class can exceed its level, be the maps that are still to come as great as can be."""
    return not may_exceed(maps, levels, engine.combine, more=left).any()
