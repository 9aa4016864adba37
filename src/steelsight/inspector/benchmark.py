"""How fast an inspector is on this machine: images a second, time of a single image, memory."""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from steelsight.cascade.judge import Prediction
from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.inspector.inspector import Inspector

_LEAST_SINGLE = 20
"""Single images that are timed at least, however little time there is."""


@dataclass(frozen=True)
class Speed:
    """What was measured.

    Attributes:
        images: judged in the stream; `seconds` that took.
        images_per_second: of the stream, reading included, writing not.
        singles: images judged alone, one after the other, with all threads on each.
        p50_ms, p95_ms, p99_ms: percentiles of their times from file to result, in milliseconds.
        passed_share: of the stream's images, those that passed the gate.
        segmented_share: those that were segmented: beside these, the ones that do not pass by the policy.
        unjudged_share: of the stream's images, those for which a network gave no probability.
        mean_width: of the stream's images, in pixels.
        peak_memory_mb: the most that the process has held up to the end of the stream, in MB; None where the system does
            not say.
    """

    images: int
    seconds: float
    images_per_second: float
    singles: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    passed_share: float
    segmented_share: float
    unjudged_share: float
    mean_width: float
    peak_memory_mb: float | None

    def metres_per_second(self, mm_per_pixel: float) -> float:
        """Metres of strip a second, where the strip runs along the images' width.

        >>> Speed(1, 1.0, 50.0, 1, 9.0, 9.0, 9.0, 0.5, 0.5, 0.0, 1600.0, None).metres_per_second(0.5)
        40.0
        """
        return self.images_per_second * self.mean_width * mm_per_pixel / 1000

    def as_dict(self) -> dict[str, Any]:
        """By name, for JSON."""
        return asdict(self)


def measure(inspector: Inspector, sources: Sequence[Source], seconds: float) -> Speed:
    """Judge images round and round: after a warm-up, half of the time as a stream, half one by one.

    Args:
        sources: at least one; after the first round they come from the system's file cache.
        seconds: of measuring, the warm-up left out.

    Raises:
        UserError: an image cannot be read.
    """
    engine = inspector.engine("throughput")
    for _ in _stream(inspector, sources, 0, least=2 * engine.batch * engine.workers):
        pass
    start, spent, images, passed, segmented, unjudged, width = time.perf_counter(), 0.0, 0, 0, 0, 0, 0
    for judged in _stream(inspector, sources, seconds / 2, least=1):
        spent = time.perf_counter() - start  # here, since the end of the stream waits for batches that nobody counts
        images += 1
        passed += judged.p_defect > inspector.card.rule.gate
        segmented += judged.is_segmented
        unjudged += judged.is_unjudged
        width += judged.size[1] if judged.size else 0
    peak = peak_memory_mb()
    times = _singles(inspector, sources, seconds / 2)
    p50, p95, p99 = np.percentile(times, (50, 95, 99)).tolist()
    return Speed(
        images=images,
        seconds=spent,
        images_per_second=images / spent,
        singles=len(times),
        p50_ms=1000 * p50,
        p95_ms=1000 * p95,
        p99_ms=1000 * p99,
        passed_share=passed / images,
        segmented_share=segmented / images,
        unjudged_share=unjudged / images,
        mean_width=width / images,
        peak_memory_mb=peak,
    )


def peak_memory_mb() -> float | None:
    """The most memory that this process has held so far, in MB; None on Windows, which has no `getrusage`."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)  # bytes on macOS, KiB elsewhere


def _stream(inspector: Inspector, sources: Sequence[Source], seconds: float, *, least: int) -> Iterator[Prediction]:
    """Judge round and round for a time, at least so many; what is under way then is not waited for."""
    end = time.perf_counter() + seconds
    for number, judged in enumerate(inspector.stream(itertools.cycle(sources)), start=1):
        if judged.error is not None and not judged.is_unjudged:  # which takes its time like any other
            raise UserError(judged.error)
        yield judged
        if number >= least and time.perf_counter() >= end:
            return


def _singles(inspector: Inspector, sources: Sequence[Source], seconds: float) -> list[float]:
    """Seconds of each single image."""
    inspector(sources[0].path)  # loads the networks for this aim
    end, times = time.perf_counter() + seconds, []
    for source in itertools.cycle(sources):
        start = time.perf_counter()
        inspector(source.path)
        times.append(time.perf_counter() - start)
        if len(times) >= _LEAST_SINGLE and time.perf_counter() >= end:
            break
    return times
