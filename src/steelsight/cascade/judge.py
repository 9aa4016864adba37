"""The two steps: classify every image, segment those that pass the gate, cut their masks by the rule."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine, EngineNetwork
from steelsight.cascade.sources import Source
from steelsight.decision.policy import Policy
from steelsight.decision.rule import Rule, masks
from steelsight.decision.verdict import UNREADABLE, Verdict, give_verdict
from steelsight.ensemble import combine_maps, combine_probabilities, may_exceed, to_8bit
from steelsight.images import ImageError, read_image
from steelsight.preprocess import Image, Preprocess
from steelsight.regions import Region, find_regions
from steelsight.rle import Runs, encode_mask

_READERS = 2
_WAITING = 2  # batches that may wait, judged or read, beside those in work: memory stays level however many images come

Read = Image | ImageError
Flags = Callable[[Image], tuple[str, ...]]
"""What about an image is unusual, in single words."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What the two steps say of one image.

    Attributes:
        source: its name and file.
        image: the pixels, as read; None where the file could not be read.
        p_defect: what the classifiers say together, in [0, 1]; 1 where there are none; nan where the file could not be read.
        runs: the mask of each class at the image's own size; empty where nothing was found.
        regions: the connected defects of all masks.
        flags: what about the image is unusual, in single words; it is judged all the same.
        maps: uint8 (classes, height, width) combined probability times 255 at the image's own size, on which the rule cut the
            masks; None where the gate held the image back, where maps were not asked for, or without image.
        network_maps: each segmenter's 8-bit map, uint8 (classes, height, width) at its working size, of which `combine_maps`
            makes `maps`; None where the gate held the image back, where they were not asked for, or without image.
        classifiers: what each classifier says, which `p_defect` combines; empty where there is none, or no image.
        error: one sentence where the file could not be read, else None.
        verdict: pass, review or reject; None without a policy.
        probability: P(defect) calibrated: the share of such images that are defective, in [0, 1]; None without a policy, or
            where the file could not be read.
    """

    source: Source
    image: Image | None
    p_defect: float
    runs: tuple[Runs, ...]
    regions: tuple[Region, ...] = ()
    flags: tuple[str, ...] = ()
    maps: NDArray[np.uint8] | None = None
    network_maps: tuple[NDArray[np.uint8], ...] | None = None
    classifiers: tuple[float, ...] = ()
    error: str | None = None
    verdict: Verdict | None = None
    probability: float | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width in pixels; None where the file could not be read."""
        return None if self.image is None else (self.image.shape[0], self.image.shape[1])

    @property
    def is_defective(self) -> bool:
        """Whether any class has a mask."""
        return any(runs.area for runs in self.runs)


def judge(
    sources: Iterable[Source],
    engine: Engine,
    rule: Rule,
    *,
    keep_maps: bool = False,
    flags: Flags | None = None,
    policy: Policy | None = None,
) -> Iterator[Judged]:
    """Judge images in their order; an unreadable file gives a `Judged` with its error.

    Images are read, judged and handed on at the same time: two threads read ahead, `engine.workers` threads judge a batch
    of `engine.batch` images each, and the caller writes what is done meanwhile.

    Args:
        sources: may be endless; only a few batches ahead are taken from it.
        keep_maps: whether `Judged.maps` is wanted.
        flags: names what is unusual about an image.
        policy: gives each image its verdict.
    """
    if rule.classes != len(engine.classes):
        raise ValueError(f"the rule has {rule.classes} classes, the networks have {len(engine.classes)}")
    remaining, grey = iter(sources), sees_grey(engine)
    waiting: deque[Future[list[Judged]]] = deque()
    with ThreadPoolExecutor(_READERS) as readers, ThreadPoolExecutor(engine.workers) as workers:

        def work(group: Sequence[tuple[Source, Future[Read]]]) -> list[Judged]:
            read = [(source, image.result()) for source, image in group]
            return judge_batch(read, engine, rule, keep_maps=keep_maps, flags=flags, policy=policy)

        try:
            while True:
                while len(waiting) < engine.workers + _WAITING and (group := list(islice(remaining, engine.batch))):
                    waiting.append(workers.submit(work, [(one, readers.submit(_read, one, grey)) for one in group]))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
            readers.shutdown(wait=False)


def sees_grey(engine: Engine) -> bool:
    """Whether all networks see grey alone, so that images may be read so."""
    return all(one.preprocess.colour == "grey" for one in (*engine.classifiers, *engine.segmenters))


def judge_batch(
    group: Sequence[tuple[Source, Read]],
    engine: Engine,
    rule: Rule,
    *,
    keep_maps: bool = False,
    keep_network_maps: bool = False,
    flags: Flags | None = None,
    policy: Policy | None = None,
) -> list[Judged]:
    """Judge images that are read already (or failed to be), all classifier inputs together; see `judge`.

    Args:
        keep_network_maps: whether `Judged.network_maps` is wanted.
    """
    images = [image for _, image in group if not isinstance(image, ImageError)]
    classified = _classify(images, engine.classifiers)
    p_defect = [combine_probabilities(each, engine.combine) if each else 1.0 for each in classified]
    passed = [image for image, p in zip(images, p_defect, strict=True) if p > rule.gate]
    said, maps = iter(zip(p_defect, classified, strict=True)), _segment(passed, engine.segmenters)
    nothing = tuple(Runs.empty() for _ in engine.classes)
    judged: list[Judged] = []
    for source, image in group:
        if isinstance(image, ImageError):
            judged.append(Judged(source, None, float("nan"), nothing, error=str(image)))
            continue
        (p, each), unusual = next(said), flags(image) if flags else ()
        if p <= rule.gate:
            judged.append(Judged(source, image, p, nothing, flags=unusual, classifiers=each))
            continue
        of_networks = next(maps)
        runs, regions, combined = cut(image, p, of_networks, engine, rule, keep_maps)
        kept = tuple(of_networks) if keep_network_maps else None
        judged.append(Judged(source, image, p, runs, regions, unusual, combined, kept, each))
    return judged if policy is None else [_with_verdict(one, engine, policy) for one in judged]


def _with_verdict(judged: Judged, engine: Engine, policy: Policy) -> Judged:
    if judged.size is None:
        return replace(judged, verdict=UNREADABLE)
    verdict = give_verdict(policy, engine.classes, judged.p_defect, judged.regions, judged.size, judged.flags)
    probability = float(policy.calibration.apply(np.array([judged.p_defect]))[0])
    return replace(judged, verdict=verdict, probability=probability)


def _classify(images: Sequence[Image], networks: Sequence[EngineNetwork]) -> list[tuple[float, ...]]:
    """Of each image, what each network says; nothing without any: every image goes on to step 2 then."""
    if not images or not networks:
        return [()] * len(images)
    inputs = _Inputs(images)
    said = np.stack([network.probabilities(inputs.of(network.preprocess)) for network in networks], axis=1)
    return [tuple(row) for row in said.astype(np.float64).tolist()]


def _segment(images: Sequence[Image], networks: Sequence[EngineNetwork]) -> Iterator[list[NDArray[np.uint8]]]:
    """The 8-bit map of every network for each image in turn, at the networks' working sizes."""
    if not images:
        return
    inputs = _Inputs(images)
    maps = [to_8bit(network.probabilities(inputs.of(network.preprocess))) for network in networks]
    for index in range(len(images)):
        yield [of_network[index] for of_network in maps]


def cut(
    image: Image,
    p_defect: float,
    maps: Sequence[NDArray[np.uint8]],
    engine: Engine,
    rule: Rule,
    keep_maps: bool,
) -> tuple[tuple[Runs, ...], tuple[Region, ...], NDArray[np.uint8] | None]:
    """Masks and regions of one image, and its combined map if wanted.

    Classes whose map cannot reach the upper threshold are left at the working size: most are.

    Args:
        maps: each network's 8-bit map of the image, uint8 (classes, height, width) at its working size.
        engine: its segmenters are in the same order.
    """
    size, preprocesses = (image.shape[0], image.shape[1]), [network.preprocess for network in engine.segmenters]
    runs = [Runs.empty()] * rule.classes
    regions: list[Region] = []
    kept: list[NDArray[np.uint8]] = []
    wanted = np.ones(rule.classes, np.bool_) if keep_maps else may_exceed(maps, rule.upper, engine.combine)
    for index in np.flatnonzero(wanted).tolist():
        # one class at a time stays in the processor's cache
        combined = combine_maps([map_[index : index + 1] for map_ in maps], preprocesses, size, engine.combine)
        mask = masks(rule.only([index]), p_defect, combined)[0]
        if mask.any():
            runs[index] = encode_mask(mask)
            regions.extend(find_regions(index, mask, combined[0]))
        if keep_maps:
            kept.append(combined[0])
    return tuple(runs), tuple(regions), np.stack(kept) if kept else None


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


def _read(source: Source, grey: bool) -> Read:
    try:
        return read_image(source.path, grey=grey)
    except ImageError as error:
        return error
