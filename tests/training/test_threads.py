"""A job's threads: one in a new run; a run of an earlier version goes on as it began, where it tells."""

import json
from pathlib import Path

import cv2
import torch

from steelsight.run.run import Run
from steelsight.training.threads import environment, limited_to, threads_of


def finish(run: Path, name: str, **summary: object) -> None:
    folder = run / "jobs" / "segment" / name
    folder.mkdir(parents=True)
    (folder / "done.json").write_text(json.dumps(summary))


def test_a_new_run_has_one_thread_a_job_and_keeps_to_it(tmp_path: Path) -> None:
    assert threads_of(Run(tmp_path)) == (1, True)
    finish(tmp_path, "fold0", device="cpu", threads=8)  # whatever a job says later
    assert threads_of(Run(tmp_path)) == (1, True)


def test_a_run_of_an_earlier_version_goes_on_with_its_threads(tmp_path: Path) -> None:
    finish(tmp_path, "fold0", device="cpu", threads=2)
    finish(tmp_path, "fold1", device="cuda:0", threads=16)
    assert threads_of(Run(tmp_path)) == (2, True)
    assert json.loads((tmp_path / "machine.json").read_text()) == {"threads": 2}


def test_a_run_that_does_not_tell_goes_on_with_one_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "jobs" / "segment" / "fold0"
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").touch()
    assert threads_of(Run(tmp_path)) == (1, False)
    assert threads_of(Run(tmp_path)) == (1, True)  # said once, and recorded since


def test_what_a_job_says_and_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    finish(tmp_path, "fold0", device="cpu", threads=2)
    for number, content in enumerate(("[]", "{", "[" * 100_000, '{"device": "cpu", "threads": "x"}', "3"), start=1):
        finish(tmp_path, f"fold{number}")
        (tmp_path / "jobs" / "segment" / f"fold{number}" / "done.json").write_text(content)
    finish(tmp_path, "fold9", device="cpu", threads=-1)
    for content in ("[" * 100_000, '{"threads": 0}', '{"threads": -4}'):
        (tmp_path / "machine.json").write_text(content)
        assert threads_of(Run(tmp_path)) == (2, True)
        assert json.loads((tmp_path / "machine.json").read_text()) == {"threads": 2}


def test_threads_are_limited_for_a_time_and_in_processes() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    with limited_to(1):
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before
    assert environment(3)["OMP_NUM_THREADS"] == environment(3)["OPENBLAS_NUM_THREADS"] == "3"
