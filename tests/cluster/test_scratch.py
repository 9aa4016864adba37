"""A worker's folder is its own while it lives, and is removed by the next one when it was killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from steelsight.cluster.scratch import own_folder, worker_folder
from steelsight.core.errors import UserError

_KILLED = """
import os, signal, sys
from pathlib import Path
from steelsight.cluster.scratch import worker_folder
folder, lock = worker_folder(Path(sys.argv[1]))
(folder / "left").write_text("by a killed worker")
print(folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_of_a_killed_worker_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, tmp_path], capture_output=True, text=True, check=False)
    left = Path(killed.stdout.strip())
    assert (left / "left").is_file(), killed.stderr
    first, lock = worker_folder(tmp_path)
    assert not left.exists()
    second, other = worker_folder(tmp_path)
    assert first != second
    assert first.is_dir()
    assert first.stat().st_mode & 0o77 == 0
    for held in (lock, other):
        held.release()
    third, held = worker_folder(tmp_path)
    assert sorted(one for one in third.parent.iterdir() if one.is_dir()) == [third]
    held.release()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    own = own_folder("steelsight-workers", tmp_path)
    own.rmdir()
    (tmp_path / "elsewhere").mkdir()
    own.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="somebody else has made it"):
        worker_folder(tmp_path)
