"""Which folder is watched, and how."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Watched:
    """A watched folder and how it is watched.

    Attributes:
        folder: absolute.
        move: where inspected files go; None: they stay.
        below: whether subfolders are watched as well.
        apart: folders, resolved, that are not looked into.
        settle: seconds without a change after which a file is complete.
        patience: seconds for which a file that cannot be read is tried again.
        poll: seconds between two looks.
        once: whether to end when all that was there is done.
    """

    folder: Path
    move: Path | None = None
    below: bool = False
    apart: frozenset[Path] = frozenset()
    settle: float = 1.0
    patience: float = 30.0
    poll: float = 1.0
    once: bool = False
