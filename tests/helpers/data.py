"""Where the tests find their images, and how they run the command line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.sample import drawn_sample
from helpers.warm_start import WarmProcess

ROOT = Path(__file__).resolve().parents[2]
"""The project's root."""

SAMPLE = drawn_sample()
"""66 labelled strips that the project draws, and 12 without labels; they are only read."""

SHARED = Path(os.environ.get("STEELSIGHT_TEST_DATA", ROOT / ".." / "shared" / "data")).resolve()
"""Real images (severstal, magnetic_tile, neu_seg); not part of the repository."""
REAL_IMAGES = os.environ.get("STEELSIGHT_REAL_IMAGES")
"""`required`: tests do not start where there are none, rather than to skip what needs them."""

WARM = ("train", "predict", "weights", "export")
"""Verbs that tests start with the libraries of training imported, but for a test of each."""

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"real images are not at {SHARED}")


def run_cli(
    *args: str | Path, timeout: float = 240, stdin: str = "", cold: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run `steelsight ARGS` as a user would and return its exit status, standard output and standard error.

    Args:
        cold: start a new interpreter for a verb that else finds the libraries of training imported (`warm_start.py`).
    """
    if args[0] in WARM and not cold:
        process = WarmProcess("steelsight.cli.main", [*map(str, args)], _environment(), stdin)
        output, errors = process.communicate(timeout)
        return subprocess.CompletedProcess(process.args, process.wait(), output, errors)
    return subprocess.run(
        _command(args), capture_output=True, text=True, timeout=timeout, env=_environment(), check=False, input=stdin
    )


def start_cli(*args: str | Path) -> subprocess.Popen[str] | WarmProcess:
    """Start `steelsight ARGS` to be interrupted or killed; its standard error is what `communicate` returns second."""
    if args[0] in WARM:
        return WarmProcess("steelsight.cli.main", [*map(str, args)], _environment())
    return subprocess.Popen(
        _command(args),
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that runs the tests in the background has Ctrl-C switched off, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _command(args: tuple[str | Path, ...]) -> list[str]:
    return [sys.executable, "-m", "steelsight.cli.main", *map(str, args)]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
