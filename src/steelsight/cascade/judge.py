"""The two steps: classify every image, segment those that pass the gate, cut their masks by the rule."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine, EngineNetwork
from steelsight.cascade.sources import Source
from steelsight.decision.rule import Rule, masks
from steelsight.ensemble import combine_maps, combine_probabilities, to_8bit
from steelsight.images import ImageError, read_image
from steelsight.preprocess import Image, Preprocess
from steelsight.rle import Runs, encode_mask

BATCH = 8
_READERS = 2


@dataclass(frozen=True, eq=False)
class Judged:
    """What the two steps say of one image.

    Attributes:
        source: its name and file.
        image: the pixels, as read; None where the file could not be read.
        p_defect: mean of the classifiers in [0, 1], 1 where there are none; nan where the file could not be read.
        runs: the mask of each class at the image's own size; empty where nothing was found.
        maps: uint8 (classes, height, width) mean probability times 255 at the image's own size, on which the rule cut the
            masks; None where the gate held the image back, where maps were not asked for, or without image.
        error: one sentence where the file could not be read, else None.
    """

    source: Source
    image: Image | None
    p_defect: float
    runs: tuple[Runs, ...]
    maps: NDArray[np.uint8] | None = None
    error: str | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width in pixels; None where the file could not be read."""
        return None if self.image is None else (self.image.shape[0], self.image.shape[1])

    @property
    def is_defective(self) -> bool:
        """Whether any class has a mask."""
        return any(runs.area for runs in self.runs)


def judge(
    sources: Iterable[Source], engine: Engine, rule: Rule, *, batch: int = BATCH, keep_maps: bool = False
) -> Iterator[Judged]:
    """Judge images one batch at a time, in their order; an unreadable file gives a `Judged` with its error.

    Args:
        batch: images per forward pass; the next ones are read meanwhile.
        keep_maps: whether `Judged.maps` is wanted.
    """
    if rule.classes != len(engine.classes):
        raise ValueError(f"the rule has {rule.classes} classes, the networks have {len(engine.classes)}")
    read = _read_ahead(sources, 2 * batch)
    while group := list(islice(read, batch)):
        yield from _judge_batch(group, engine, rule, keep_maps)


def _judge_batch(
    group: Sequence[tuple[Source, Image | ImageError]], engine: Engine, rule: Rule, keep_maps: bool
) -> Iterator[Judged]:
    images = [image for _, image in group if not isinstance(image, ImageError)]
    p_defect = _classify(images, engine.classifiers)
    passed = [image for image, p in zip(images, p_defect, strict=True) if p > rule.gate]
    said, found = iter(p_defect), _segment(passed, engine.segmenters)
    nothing = tuple(Runs.empty() for _ in engine.classes)
    for source, image in group:
        if isinstance(image, ImageError):
            yield Judged(source, None, float("nan"), nothing, error=str(image))
            continue
        p = next(said)
        if p <= rule.gate:
            yield Judged(source, image, p, nothing)
            continue
        maps = next(found)
        runs = tuple(encode_mask(mask) for mask in masks(rule, p, maps))
        yield Judged(source, image, p, runs, maps if keep_maps else None)


def _classify(images: Sequence[Image], networks: Sequence[EngineNetwork]) -> list[float]:
    """P(defect) of each image: the plain mean over the networks; without any, every image goes on to step 2."""
    if not images or not networks:
        return [1.0] * len(images)
    inputs = _Inputs(images)
    said = np.stack([network.probabilities(inputs.of(network.preprocess)) for network in networks], axis=1)
    return [combine_probabilities(row) for row in said]


def _segment(images: Sequence[Image], networks: Sequence[EngineNetwork]) -> Iterator[NDArray[np.uint8]]:
    """The mean map of each image at its own size."""
    if not images:
        return
    inputs = _Inputs(images)
    maps = [to_8bit(network.probabilities(inputs.of(network.preprocess))) for network in networks]
    preprocesses = [network.preprocess for network in networks]
    for index, image in enumerate(images):
        yield combine_maps([of_network[index] for of_network in maps], preprocesses, (image.shape[0], image.shape[1]))


class _Inputs:
    """Network inputs of a batch, made once for all networks that share a `Preprocess`."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = images
        self._made: dict[Preprocess, NDArray[np.float32]] = {}

    def of(self, preprocess: Preprocess) -> NDArray[np.float32]:
        """Float32 (n, channels, height, width)."""
        if preprocess not in self._made:
            self._made[preprocess] = np.stack([preprocess.to_input(image) for image in self._images])
        return self._made[preprocess]


def _read_ahead(sources: Iterable[Source], ahead: int) -> Iterator[tuple[Source, Image | ImageError]]:
    """Read images in threads, in order, never more than `ahead` of them waiting."""
    waiting: deque[tuple[Source, Future[Image | ImageError]]] = deque()
    remaining = iter(sources)
    with ThreadPoolExecutor(_READERS) as readers:
        try:
            while True:
                while len(waiting) < ahead and (source := next(remaining, None)) is not None:
                    waiting.append((source, readers.submit(_read, source)))
                if not waiting:
                    return
                source, image = waiting.popleft()
                yield source, image.result()
        finally:
            readers.shutdown(cancel_futures=True)


def _read(source: Source) -> Image | ImageError:
    try:
        return read_image(source.path)
    except ImageError as error:
        return error
