"""Where the tests find real images, and how they run the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
"""The project's root."""

SAMPLE = ROOT / "samples" / "severstal"
"""The 66 labelled Severstal images of the repository."""

SHARED = Path(os.environ.get("STEELSIGHT_TEST_DATA", ROOT / ".." / "shared" / "data")).resolve()
"""Further real images (severstal, magnetic_tile, neu_seg); not part of the repository."""

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"real images are not at {SHARED}")
needs_sample = pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"the sample is not at {SAMPLE}")


def run_cli(*args: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run `steelsight ARGS` as a user would and return its exit status, standard output and standard error."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "steelsight.cli.main", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )
