"""What describes a RUN arrives at a worker as it is, and nothing that a kill left."""

import tempfile
from pathlib import Path

import pytest
from helpers.judged_run import make_run

from steelsight.cluster.described_run import read_description, write_description
from steelsight.core.files import temporary_beside


def test_the_files_of_a_run_are_the_same_at_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run = make_run(tmp_path / "run", {"c-a": 0.1, "s-a": 0.2}, every=1, folds=2).run
    temporary_beside(run.recipe_file).write_text("half")
    there, lock = write_description(read_description(run))
    assert there.path != run.path
    assert (there.recipe, there.record.fingerprint) == (run.recipe, run.record.fingerprint)
    assert sorted(path.name for path in there.path.iterdir()) == sorted(read_description(run))
    assert (there.path.parent / ".in-use").is_file()
    lock.release()
