"""What a watch has done so far, in numbers."""

from collections import Counter, deque
from dataclasses import dataclass, field

from steelsight.station.inspection import Inspection

_RECENT = 10.0  # seconds


@dataclass
class WatchFigures:
    """What a watch has done so far.

    Attributes:
        verdicts: of all inspected images by their word; empty text without a policy.
        inspected, unreadable, moved, vanished: images.
        unjudged: those for which a network gave no probability.
        left: files that changed while a single run (`once`) was at work.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    inspected: int = 0
    unreadable: int = 0
    unjudged: int = 0
    moved: int = 0
    vanished: int = 0
    left: int = 0
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=200))

    def add(self, inspection: Inspection, now: float) -> None:
        """Count an image."""
        self.inspected += 1
        self.verdicts[inspection.result.verdict or ""] += 1
        self.unreadable += inspection.result.size is None
        self.unjudged += inspection.result.is_unjudged
        self._times.append(now)

    def rate(self, now: float) -> float:
        """Images a second of late."""
        recent = [one for one in self._times if now - one < _RECENT]
        return len(recent) / max(now - recent[0], 0.1) if len(recent) > 1 else 0.0
