"""The two steps: classify every image, segment what passes the gate or is to be looked at, cut masks by the rule."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from math import isnan

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.ask import Inputs, Levels, classify, segment
from steelsight.cascade.engine import Engine
from steelsight.cascade.masks import CombinedMaps, cut
from steelsight.cascade.no_probability import NoProbability
from steelsight.cascade.sources import Source
from steelsight.cascade.suspect import UNSEEN, suspect
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import ImageError, decode_image, read_content
from steelsight.imaging.regions import Region
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.imaging.roi import Roi, RoiError, blackened
from steelsight.rule.rule import Rule
from steelsight.verdicts.policy import Policy
from steelsight.verdicts.verdict import UNREADABLE, Verdict, give_verdict, say_nothing_seen, say_suspected

_READERS = 2
_WAITING = 2  # batches that may wait, judged or read, beside those in work: memory stays level however many images come

_NO_FIT = Verdict("review", "the region of interest does not fit the image, so nothing is known about it")

Read = Image | ImageError
Flags = Callable[[Image], tuple[str, ...]]
"""What about an image is unusual, in single words."""
ReadSource = Callable[[Source], bytes]
"""The bytes of an image's file; raises `ImageError` where there are none."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the two steps say of one image.

    Attributes:
        source: its name and file.
        image: the pixels, as read; None where the file could not be read.
        p_defect: what the classifiers say together, in [0, 1]; 1 where there are none; nan where the file could not be read,
            or one gave no probability.
        runs: the mask of each class at the image's own size; empty where nothing was found.
        regions: the connected defects of all masks.
        suspected_runs, suspected: where to look beside that, by class and as connected regions: the strongest of what lies
            above the lower threshold in classes without a mask, see `steelsight.cascade.suspect`. It is not found, and no
            part of `runs` and `regions`. Empty of an image that passes, and of one that was not segmented.
        is_faint: whether nothing stands out, so that `suspected` is but the strongest place of the image.
        flags: what about the image is unusual, in single words; it is judged all the same.
        is_segmented: whether step 2 has seen it: it passed the gate, or does not pass by the policy.
        maps: uint8 (classes, height, width) combined probability times 255 at the image's own size, on which the rule cut the
            masks; None where it was not segmented, where maps were not asked for, or without image.
        network_maps: each segmenter's 8-bit map, uint8 (classes, height, width) at its working size, of which `combine_maps`
            makes `maps`; None where it was not segmented, where they were not asked for, or without image.
        classifiers: what each classifier says, which `p_defect` combines; empty where there is none, or that is nan.
        error: one sentence where the image was not judged, and has no mask: the file could not be read (`image` is None), or
            a network gave no probability. Else None.
        verdict: pass, review or reject; None without a policy, but review, with or without one, where a network gave no
            probability.
        counted: bool (height, width), the pixels that lie in the region of interest; None where all count.
        probability: P(defect) calibrated: the share of such images that are defective, in [0, 1]; None without a policy, or
            where `p_defect` is nan.
        sha256: of the file's bytes that were judged; None where there were none, or pixels were given in their place.
    """

    source: Source
    image: Image | None
    p_defect: float
    runs: tuple[Runs, ...]
    regions: tuple[Region, ...] = ()
    suspected_runs: tuple[Runs, ...] = ()
    suspected: tuple[Region, ...] = ()
    is_faint: bool = False
    flags: tuple[str, ...] = ()
    is_segmented: bool = False
    maps: NDArray[np.uint8] | None = None
    network_maps: tuple[NDArray[np.uint8], ...] | None = None
    classifiers: tuple[float, ...] = ()
    error: str | None = None
    verdict: Verdict | None = None
    probability: float | None = None
    counted: NDArray[np.bool_] | None = None
    sha256: str | None = None

    def __repr__(self) -> str:
        """One line, without pixels, runs and maps."""
        said = f"p_defect={self.p_defect:.3g}" if self.error is None else f"error={self.error!r}"
        named = f"{self.source.image_id!r}, size={self.size}"
        return f"Prediction({named}, {said}, defects={len(self.regions)}, {self.verdict!r})"

    @property
    def area(self) -> int | None:
        """Pixels that count, of which areas are shares; None where the file could not be read."""
        if self.image is None:
            return None
        return self.image.shape[0] * self.image.shape[1] if self.counted is None else int(self.counted.sum())

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width in pixels; None where the file could not be read."""
        return None if self.image is None else (self.image.shape[0], self.image.shape[1])

    @property
    def masks(self) -> NDArray[np.bool_]:
        """The masks as pixels: bool (classes, height, width) at the image's own size, decoded from `runs` each time;
        (classes, 0, 0) where the file could not be read."""
        size = self.size or (0, 0)
        return np.stack([decode_runs(runs, size) for runs in self.runs])

    @property
    def is_unjudged(self) -> bool:
        """Whether the file was read, and a network gave no probability: nan, infinity, or a number outside of [0, 1]."""
        return self.error is not None and self.image is not None

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
    keep_network_maps: bool = False,
    flags: Flags | None = None,
    policy: Policy | None = None,
    read: ReadSource | None = None,
) -> Iterator[Prediction]:
    """Judge images in their order; an unreadable file, or an image for which a network gives no probability, gives a
    `Prediction` with its error.

    Step 2 sees the images that pass the gate, which alone may have masks, and those that do not pass by the policy: whatever
    goes to a person shows where to look.

    Images are read, judged and handed on at the same time: two threads read ahead, `engine.workers` threads judge a batch
    of `engine.batch` images each, and the caller writes what is done meanwhile.

    Args:
        sources: may be endless; only a few batches ahead are taken from it.
        keep_maps, keep_network_maps: whether `Prediction.maps` and `Prediction.network_maps` are wanted.
        flags: names what is unusual about an image.
        policy: gives each image its verdict.
        read: where an image's bytes come from; from its file if left out.
    """
    if rule.classes != len(engine.classes):
        raise ValueError(f"the rule has {rule.classes} classes, the networks have {len(engine.classes)}")
    remaining, grey, read = iter(sources), sees_grey(engine), read or _content
    waiting: deque[Future[list[Prediction]]] = deque()
    with ThreadPoolExecutor(_READERS) as readers, ThreadPoolExecutor(engine.workers) as workers:

        def work(group: Sequence[tuple[Source, Future[tuple[Read, str | None]]]]) -> list[Prediction]:
            images = [(source, *image.result()) for source, image in group]
            judged = judge_batch(
                [(source, image) for source, image, _ in images],
                engine,
                rule,
                keep_maps=keep_maps,
                keep_network_maps=keep_network_maps,
                flags=flags,
                policy=policy,
            )
            return [replace(one, sha256=sha256) for one, (_, _, sha256) in zip(judged, images, strict=True)]

        try:
            while True:
                while len(waiting) < engine.workers + _WAITING and (group := list(islice(remaining, engine.batch))):
                    waiting.append(
                        workers.submit(work, [(one, readers.submit(_read, one, grey, read)) for one in group])
                    )
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
            readers.shutdown(wait=False)


def sees_grey(engine: Engine) -> bool:
    """Whether all networks see grey alone, so that images may be read so."""
    return all(one.preprocess.colour == "grey" for one in (*engine.classifiers, *engine.segmenters))


def camera_bits(engine: Engine) -> int | None:
    """Of the camera whose values 16-bit images hold, the same to all networks; see `Preprocess`."""
    return next((one.preprocess.bits for one in (*engine.classifiers, *engine.segmenters)), None)


def judge_batch(
    group: Sequence[tuple[Source, Read]],
    engine: Engine,
    rule: Rule,
    *,
    keep_maps: bool = False,
    keep_network_maps: bool = False,
    flags: Flags | None = None,
    policy: Policy | None = None,
) -> list[Prediction]:
    """Judge images that are read already (or failed to be), all classifier inputs together; see `judge`.

    Args:
        keep_network_maps: whether `Prediction.network_maps` is wanted.
    """
    regions = [_region(image, source, engine.roi) for source, image in group]
    group = [
        (source, region if isinstance(region, ImageError) else image)
        for (source, image), region in zip(group, regions, strict=True)
    ]
    images = [image for _, image in group if not isinstance(image, ImageError)]
    counted = [region for region in regions if not isinstance(region, ImageError)]
    unusual = [flags(image) if flags else () for image in images]
    black = engine.roi is not None and engine.roi.black
    inputs = Inputs(_seen(images, counted) if black else images)
    classified = classify(inputs, engine)
    known: list[Prediction] = []
    said = iter(zip(classified, unusual, counted, strict=True))
    nothing = tuple(Runs.empty() for _ in engine.classes)
    for source, image in group:
        if isinstance(image, ImageError):
            verdict = _NO_FIT if image.kind == "wrong-size" and policy is not None else None
            known.append(Prediction(source, None, float("nan"), nothing, error=str(image), verdict=verdict))
            continue
        one, flagged, region = next(said)
        judged = Prediction(source, image, one.p_defect, nothing, flags=flagged, classifiers=one.each, counted=region)
        if one.odd is not None:
            known.append(_left_to_a_person(judged, one.odd))
        else:
            known.append(replace(judged, is_segmented=_is_to_be_segmented(judged, engine, rule, policy)))
    readable = [one for one in known if one.image is not None]
    searched = {
        place: None if keep_maps or keep_network_maps else _worth_exceeding(one, engine, rule, policy)
        for place, one in enumerate(readable)
        if one.is_segmented
    }
    maps = segment(inputs, searched, engine)
    return [
        _looked_at(one, next(maps), engine, rule, policy, keep_maps, keep_network_maps)
        if one.is_segmented
        else _with_verdict(one, engine, policy)
        for one in known
    ]


def _is_to_be_segmented(judged: Prediction, engine: Engine, rule: Rule, policy: Policy | None) -> bool:
    """What passes the gate may have masks; what does not pass, with none, is to show a person where to look."""
    if judged.p_defect > rule.gate:
        return True
    verdict = _verdict(judged, engine, policy)
    return verdict is not None and verdict.answer != "pass"


def _worth_exceeding(judged: Prediction, engine: Engine, rule: Rule, policy: Policy | None) -> Levels:
    """For each class, the level that its map must exceed somewhere to change anything: where an image without masks passes,
    nothing is suspected either, and only a mask counts; any other image shows the strongest place of its maps."""
    verdict = _verdict(judged, engine, policy)
    return rule.upper if verdict is not None and verdict.answer == "pass" else (UNSEEN,) * rule.classes


def _looked_at(
    judged: Prediction,
    maps: list[NDArray[np.uint8]] | NoProbability | None,
    engine: Engine,
    rule: Rule,
    policy: Policy | None,
    keep_maps: bool,
    keep_network_maps: bool,
) -> Prediction:
    """An image that was segmented, with masks, verdict and what is suspected."""
    if isinstance(maps, NoProbability):
        if judged.p_defect > rule.gate:
            return _with_verdict(_left_to_a_person(judged, maps), engine, policy)
        return _with_verdict(judged, engine, policy, unseen=maps)  # the gate has decided already that it has no mask
    if maps is None:
        return _with_verdict(judged, engine, policy)
    if judged.image is None:
        raise ValueError("an image without pixels cannot have been segmented")
    combined = CombinedMaps(judged.image, maps, engine, rule.at, counted=judged.counted, keep=keep_maps)
    runs, regions = cut(combined, judged.p_defect, rule)
    kept = tuple(maps) if keep_network_maps else None
    found = replace(judged, runs=runs, regions=regions, maps=combined.kept, network_maps=kept)
    verdict = _verdict(found, engine, policy)
    if verdict is None or verdict.answer != "pass":
        place = suspect(combined, runs, rule)
        found = replace(found, suspected_runs=place.runs, suspected=place.regions, is_faint=place.is_faint)
    return _with_verdict(found, engine, policy)


def _left_to_a_person(judged: Prediction, odd: NoProbability) -> Prediction:
    """No bound of a policy is needed to see that nobody else can judge it."""
    said = f"{judged.source.path}: {odd.sentence}"
    return replace(judged, error=said, verdict=Verdict("review", odd.sentence))


def _verdict(judged: Prediction, engine: Engine, policy: Policy | None) -> Verdict | None:
    """What is suspected has no say in it."""
    if policy is None or judged.size is None:
        return None
    return give_verdict(
        policy, engine.classes, judged.p_defect, judged.regions, judged.size, judged.flags, counted=judged.area
    )


def _with_verdict(
    judged: Prediction, engine: Engine, policy: Policy | None, *, unseen: NoProbability | None = None
) -> Prediction:
    """The image with its verdict, where there is a policy.

    Args:
        unseen: why nothing is known of where to look.
    """
    if policy is None:
        return judged
    if judged.size is None:
        return replace(judged, verdict=judged.verdict or UNREADABLE)
    verdict = judged.verdict or _verdict(judged, engine, policy)
    if verdict is not None and unseen is not None:
        verdict = replace(verdict, reason=f"{verdict.reason}; where to look is not known: {unseen.where}")
    elif verdict is not None and judged.is_segmented and not (judged.regions or judged.suspected or judged.is_unjudged):
        verdict = say_nothing_seen(verdict)
    elif verdict is not None:
        verdict = say_suspected(
            verdict, policy, engine.classes, judged.suspected, judged.size, is_faint=judged.is_faint
        )
    if isnan(judged.p_defect):
        return replace(judged, verdict=verdict)
    probability = float(policy.calibration.apply(np.array([judged.p_defect]))[0])
    return replace(judged, verdict=verdict, probability=probability)


Inside = NDArray[np.bool_] | None
"""The pixels that count; None: all."""


def _region(image: Read, source: Source, roi: Roi | None) -> Inside | ImageError:
    """The pixels that count; the error of an image that could not be read, or that the region does not fit."""
    if isinstance(image, ImageError):
        return image
    if roi is None:
        return None
    try:
        return roi.counted(image)
    except RoiError as error:
        return ImageError("wrong-size", source.path, str(error))


def _seen(images: Sequence[Image], counted: Sequence[Inside]) -> list[Image]:
    """Images as networks see them."""
    return [
        image if region is None else blackened(image, region) for image, region in zip(images, counted, strict=True)
    ]


def _content(source: Source) -> bytes:
    return read_content(source.path)


def _read(source: Source, grey: bool, read: ReadSource) -> tuple[Read, str | None]:
    """An image, or why there is none, and the SHA-256 of its bytes."""
    sha256 = None
    try:
        content = read(source)
        sha256 = hashlib.sha256(content).hexdigest()
        return decode_image(content, source.path, grey=grey), sha256
    except ImageError as error:
        return error, sha256
