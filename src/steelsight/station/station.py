"""The station behind every channel: an inspector, its log, its images, and the way of an image to its answer."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from math import isnan
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Device, Engine
from steelsight.cascade.judge import Prediction, Read, judge_batch, sees_grey
from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.imaging.header import read_header
from steelsight.imaging.read import ImageError, decode_image
from steelsight.imaging.rle import Runs, encode_mask, format_runs
from steelsight.inspector.inspector import Inspector
from steelsight.station.drift import fold_score, scored_folds
from steelsight.station.inspection import Inspection, Result
from steelsight.station.log.identity import open_log
from steelsight.station.log.log import InspectionLog
from steelsight.station.note_start import note_inspector
from steelsight.station.queue.batcher import Admission, Batcher, Closed, QueuedImage, QueueFull
from steelsight.station.queue.commit import Committer, JudgedImage
from steelsight.station.queue.incoming import Incoming
from steelsight.station.queue.unwritten import Unwritten
from steelsight.station.review_order import UNJUDGED, doubt_of
from steelsight.station.settings import StationSettings
from steelsight.station.store import ImageStore, NetworkMaps
from steelsight.station.writers import note_writer

__all__ = ["Admission", "Closed", "Incoming", "NotStored", "QueueFull", "Station"]


class NotStored(UserError):  # noqa: N818 (not a fault, an answer)
    """An image or map that is not in the store: never was, or no longer."""


class Station:
    """An inspector at work; any number of threads may use it.

    Attributes:
        inspector, log, store, settings: its parts.
        fingerprint: of the inspector, hexadecimal.
    """

    def __init__(self, inspector: Inspector, log: InspectionLog, settings: StationSettings) -> None:
        self.inspector, self.log, self.settings = inspector, log, settings
        self.fingerprint = inspector.checksums.fingerprint
        self.store = ImageStore(settings.data)
        self.log.register(self.fingerprint, inspector.classes, inspector.card.model_dump_json())
        note_writer(settings.data, settings.name)
        note_inspector(self.log, settings.name, self.fingerprint, inspector.card, inspector.signature)
        inspector.engine("latency")  # both are loaded before the first image comes
        engine = inspector.engine("throughput")
        self._grey = sees_grey(engine)
        self._folds, self._combine = scored_folds(inspector.card), inspector.card.combine
        self._segmenters = tuple(network.preprocess for network in engine.segmenters)
        self.store.sweep()
        self._closed, self._left = False, Unwritten()
        self._committer = Committer(self.store, log)
        self._batcher = Batcher(self._judge, queue=settings.queue, batch=engine.batch, workers=engine.workers)

    @classmethod
    def open(
        cls,
        inspector_folder: Path | str,
        settings: StationSettings,
        *,
        device: Device = "auto",
        threads: int | None = None,
        trust: Sequence[Path | str] = (),
    ) -> Self:
        """Open an inspector and its log, and load the networks.

        Args:
            device, threads, trust: see `Inspector.open`.

        Raises:
            UserError: the inspector is none or damaged, the data folder or the log cannot be written, or the folder's images
                belong to another log.
        """
        inspector = Inspector.open(inspector_folder, device=device, threads=threads, trust=trust)
        return cls(inspector, open_log(settings), settings)

    def submit(self, incoming: Incoming) -> "Future[Inspection]":
        """Accept an image.

        The future is set when its inspection is in the log, durable. It raises `ImageError` (of which `TooManyPixels` is one)
        for what cannot be read, unless it is a watched file's last try, and `UserError` when the result cannot be kept, as on
        a full disk. Cancelling it has no effect.

        Raises:
            QueueFull: `settings.queue` images are waiting or in work.
            Closed: the station is stopping.
        """
        with self.admit(1) as admission:
            return admission.submit(incoming)

    def admit(self, count: int) -> Admission:
        """Reserve room for so many images before they are read; see `Admission`.

        Raises:
            QueueFull: there is not that much.
            Closed: the station is stopping.
        """
        return self._batcher.admit(count)

    @property
    def max_files(self) -> int:
        """The most images of one request: more than the queue holds could never be admitted."""
        return min(self.settings.max_files, self.settings.queue)

    @property
    def accepted(self) -> int:
        """Images that are accepted and not yet answered."""
        return self._batcher.accepted

    @property
    def trouble(self) -> str | None:
        """Why the last result could not be kept, in one sentence; None where it could."""
        return self._committer.trouble

    @property
    def unwritten(self) -> Unwritten:
        """The images that were accepted and are not in the log: refused by it since it last took one, or left by `close`."""
        both = Unwritten()
        for some in (self._committer.unwritten, self._left):
            both.add(some.names)
            both.count += some.count - len(some.names)
        return both

    def check(self) -> None:
        """See whether results can be kept at present; what failed before may work again.

        Raises:
            UserError: the data folder or the log cannot be written.
        """
        self.store.check()
        with self.log.writing():
            pass

    def image_of(self, inspection: Inspection) -> bytes:
        """The image's file, as it came.

        Raises:
            NotStored: see there.
        """
        result = inspection.result
        content = self.store.read_image(result.sha256) if result.has_image else None
        if content is None:
            raise NotStored(_not_stored(result, "its image is", kept=result.has_image))
        return content

    def region_of(self, inspection: Inspection) -> Runs | None:
        """The pixels of an image that counted; None where all did, or another inspector judged it.

        Raises:
            NotStored: the region is found in the image, which is not stored; see there.
        """
        roi, result = self.inspector.card.roi, inspection.result
        if roi is None or result.size is None or result.error is not None or result.inspector != self.fingerprint:
            return None
        image = decode_image(self.image_of(inspection), Path(result.name), grey=self._grey)
        return encode_mask(roi.counted(image))

    def map_of(self, inspection: Inspection, class_index: int) -> NDArray[np.uint8]:
        """Probability times 255 of a class at the image's own size, uint8 (height, width): exactly what the rule cut.

        Raises:
            NotStored: see there; or the classifier passed the image, so no network searched it.
        """
        result = inspection.result
        maps = self.store.read_maps(result.sha256, result.inspector) if result.has_maps else None
        if maps is None or result.size is None:
            raise NotStored(
                _not_stored(result, "its probability maps are", kept=True)
                if result.has_maps
                else f"{result.name}: there are no probability maps: the classifier passed it and no network searched it, "
                "the networks gave none, or none are kept (any more)"
            )
        return maps.of_class(class_index, result.size)

    def close(self, seconds: float | None = None) -> None:
        """Accept nothing further, finish what was accepted, and close the log.

        Args:
            seconds: after which what is not finished is left, and counted in `unwritten`; None: it is waited for.
        """
        if self._closed:
            return
        self._closed = True
        left = self._batcher.close(seconds)
        self._left.add(job.incoming.shown_name for job in left)
        self._committer.close(0.0 if left else None)
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _judge(self, group: Sequence[QueuedImage], alone: bool) -> None:
        engine = self.inspector.engine("latency" if alone else "throughput")
        for portion in list(self._portions(group)):
            self._judge_portion(portion, engine)

    def _portions(self, group: Sequence[QueuedImage]) -> Iterator[list[QueuedImage]]:
        """Parts of a group whose pixels together are no more than one image may have: so much is decoded at a time."""
        portion: list[QueuedImage] = []
        pixels = 0
        for job in group:
            header = read_header(job.incoming.content)
            of_job = 0 if header is None else header.pixels
            if portion and pixels + of_job > self.settings.max_pixels:
                yield portion
                portion, pixels = [], 0
            portion.append(job)
            pixels += of_job
        yield portion

    def _judge_portion(self, portion: Sequence[QueuedImage], engine: Engine) -> None:
        """Judge jobs together; where that fails, each alone, so that one does not take the others with it."""
        try:
            finished = self._judged_together(portion, engine)
        except Exception as error:
            if len(portion) == 1:
                portion[0].fail(error)
                return
            for job in portion:
                self._judge_portion([job], engine)
            return
        # nothing fails from here on: a future that has an error already would end the thread that writes
        for job, one in zip(portion, finished, strict=True):
            if isinstance(one, ImageError):
                job.fail(one)
        self._committer.put(*(one for one in finished if not isinstance(one, ImageError)))

    def _judged_together(self, portion: Sequence[QueuedImage], engine: Engine) -> list[JudgedImage | ImageError]:
        """What becomes of each job: something to write, or a refusal."""
        card = self.inspector.card
        read = [self._decode(job.incoming) for job in portion]
        sources = [Source(job.incoming.shown_name, Path(job.incoming.shown_name)) for job in portion]
        judged = judge_batch(
            list(zip(sources, read, strict=True)),
            engine,
            card.rule,
            keep_network_maps=self.settings.keep != "none",
            flags=card.familiar.flags,
            policy=card.policy,
        )
        return [
            image
            if isinstance(image, ImageError) and (job.incoming.door != "watch" or not job.incoming.is_last_try)
            else self._finish(job, one)
            for job, image, one in zip(portion, read, judged, strict=True)
        ]

    def _decode(self, incoming: Incoming) -> Read:
        name = Path(incoming.shown_name)  # for the message alone
        if incoming.fault is not None:
            return ImageError("unreadable-image", name, incoming.fault)
        try:
            return decode_image(incoming.content, name, grey=self._grey, max_pixels=self.settings.max_pixels)
        except ImageError as error:
            return error

    def _finish(self, job: QueuedImage, judged: Prediction) -> JudgedImage:
        result = self._result(job, judged)
        maps = None
        if result.has_maps and judged.network_maps is not None:
            card = self.inspector.card
            counted = None if judged.counted is None else format_runs(encode_mask(judged.counted))
            maps = NetworkMaps(judged.network_maps, self._segmenters, card.combine, card.rule.at, counted).pack()
        return JudgedImage(job, replace(result, seconds=perf_counter() - job.started), maps)

    def _result(self, job: QueuedImage, judged: Prediction) -> Result:
        incoming, arrival = job.incoming, job.incoming.arrival
        sha256 = hashlib.sha256(incoming.content).hexdigest() if arrival is None else arrival.sha256
        verdict = None if judged.verdict is None else judged.verdict.answer
        p = judged.p_defect if judged.probability is None else judged.probability
        kept = judged.size is not None and (
            self.settings.keep == "all" or (self.settings.keep == "doubtful" and verdict != "pass")
        )
        return Result(
            at=incoming.at,
            door=incoming.door,
            station=self.settings.name,
            name=incoming.shown_name,
            sha256=sha256,
            bytes=len(incoming.content),
            inspector=self.fingerprint,
            size=judged.size,
            p_defect=_number(judged.p_defect),
            probability=_number(judged.probability),
            verdict=verdict,
            reason="" if judged.verdict is None else judged.verdict.reason,
            flags=judged.flags,
            runs=tuple(map(format_runs, judged.runs)),
            regions=judged.regions,
            error=judged.error,
            seconds=0.0,
            doubt=UNJUDGED if judged.error is not None else doubt_of(verdict, p),
            has_image=kept,
            has_maps=kept and judged.network_maps is not None,
            fold_score=fold_score(judged.classifiers, self._folds, sha256, self._combine),
            arrival=arrival,
            suspected=judged.suspected,
            suspected_runs=tuple(map(format_runs, judged.suspected_runs)) if judged.suspected else (),
            counted=None if judged.counted is None else judged.area,
        )


def _not_stored(result: Result, what: str, *, kept: bool) -> str:
    """Why the store does not have what belongs to a result.

    Args:
        kept: whether the log says that it is stored: then it lies in the folder of another station.
    """
    where = f"by this station; {result.station} inspected it" if kept else "(any more)"
    return f"{result.name}: {what} not stored {where}"


def _number(value: float | None) -> float | None:
    """None for what is no number."""
    return None if value is None or isnan(value) else value
