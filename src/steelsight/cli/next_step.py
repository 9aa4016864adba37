"""What a user does next, with folders that need no change: a run's inspector beside it, and what is then done with it."""

import shlex
from pathlib import Path

from steelsight.core.files import resolved
from steelsight.inspector.artifact import CARD
from steelsight.run.run import Run


def inspector_beside(run: Path) -> Path:
    """Where the inspector of a run is proposed to be.

    >>> inspector_beside(Path("demo/run")).as_posix(), inspector_beside(Path("runs/lite")).as_posix()
    ('demo/inspector', 'runs/lite-inspector')
    """
    name = resolved(run).name
    return run.parent / ("inspector" if name == "run" else f"{name}-inspector")


def export_of(run: Path) -> str:
    """The command that exports a run, or that inspects with the inspector that was exported since the run was decided."""
    inspector, decision = inspector_beside(run), Run(run).decision_file
    card = inspector / CARD
    if card.is_file() and not (decision.is_file() and decision.stat().st_mtime_ns > card.stat().st_mtime_ns):
        return inspect_with(inspector)
    return f"steelsight export {quoted(run)} --out {quoted(inspector)}"


def inspect_with(inspector: Path) -> str:
    """The command that inspects images, which the user has to name."""
    return f"steelsight inspect {quoted(inspector)} IMAGES --out {quoted(inspector.parent / 'inspected')} --overlays"


def quoted(value: object) -> str:
    """A word of a command line, as a shell takes it."""
    return shlex.quote(str(value))
