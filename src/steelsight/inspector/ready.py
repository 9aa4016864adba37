"""The ready inspector that travels in the package: it knows made-up steel only."""

from pathlib import Path

from steelsight.core.errors import UserError

READY = Path(__file__).parent / "packaged"
"""Made by `bench/ready_inspector.py`."""
DIFFICULTY = 0.2
"""Of the strips that it was trained on, and so of those that it is shown with."""


def ready_inspector() -> Path:
    """The folder of the ready inspector.

    Raises:
        UserError: it was left out of this installation.
    """
    if not READY.is_dir():
        raise UserError(f"{READY}: the ready inspector is missing; install steelsight again, or export one of your own")
    return READY
