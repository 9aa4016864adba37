"""A station whose images a reviewer looks at."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from steelsight.station.inspection import Result
from steelsight.station.log.log import InspectionLog
from steelsight.station.store import ImageStore

CLASSES = ("crack", "scale, rolled in")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSPECTOR = "ab" * 32


class Station:
    """A real log and a real store, and images that a reviewer looks at."""

    def __init__(self, data: Path, classes: tuple[str, ...] = CLASSES) -> None:
        self.log = InspectionLog.open(f"sqlite:///{data / 'log.sqlite'}")
        self.log.register(INSPECTOR, classes, "{}")
        self.store = ImageStore(data)

    def inspect(
        self,
        content: bytes,
        size: tuple[int, int] | None,
        runs: tuple[str, ...] = ("", ""),
        *,
        name: str = "strip.png",
        inspector: str = INSPECTOR,
        station: str = "line 2",
    ) -> int:
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.put_image(sha256, content)
        result = Result(
            at=NOON,
            door="page",
            station=station,
            name=name,
            sha256=sha256,
            bytes=len(content),
            inspector=inspector,
            size=size,
            p_defect=0.5,
            probability=None,
            verdict=None,
            reason="",
            flags=(),
            runs=runs,
            regions=(),
            error=None,
            seconds=0.1,
            doubt=0.5,
            has_image=True,
            has_maps=False,
        )
        return self.log.add([result])[0].id

    def review(self, number: int, runs: tuple[str, ...] | None, word: str = "reject", *, minutes: int = 0) -> None:
        versions = len(self.log.reviews(number))
        self.log.review(
            number,
            after_version=versions,
            agrees=runs is None,
            word="pass" if word == "pass" else "reject",
            runs=runs,
            reviewer="Ada",
            comment='says "so",\nand more',
            at=NOON + timedelta(minutes=minutes),
        )


def a_picture(seed: int, size: tuple[int, int] = (8, 12)) -> bytes:
    pixels = np.random.default_rng(seed).integers(60, 200, size, dtype=np.uint8)
    return bytes(cv2.imencode(".png", pixels)[1])
