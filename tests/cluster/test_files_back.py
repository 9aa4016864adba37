"""What a worker sends is in the RUN when it is whole, and not before."""

from pathlib import Path

import pytest

from steelsight.cluster import shipped
from steelsight.cluster.files_back import Incoming, sent
from steelsight.run.run import JobFolder


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """What a job leaves at a worker."""
    folder = tmp_path / "worker"
    (folder / "fold0.zarr" / "c").mkdir(parents=True)
    for name in (
        "weights.safetensors",
        "log.jsonl",
        "done.json",
        "checkpoint.pt",
        "fold0.zarr/c/0",
        "fold0.zarr/empty",
    ):
        (folder / name).write_bytes(b"" if name.endswith("empty") else name.encode() * 9)
    return folder


def test_what_arrives_is_what_was_sent(left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "CHUNK", 16)
    job, evidence = JobFolder(tmp_path / "fold0"), tmp_path / "evidence" / "fold0.zarr"
    incoming = Incoming(job, evidence)
    for name in ("log.jsonl", "checkpoint.pt"):
        for message in sent(left / name, name):
            assert not job.checkpoint.exists()
            incoming.take(message)
    incoming.keep_checkpoint()
    assert job.checkpoint.read_bytes() == (left / "checkpoint.pt").read_bytes()
    for name in ("weights.safetensors", "log.jsonl", "fold0.zarr", "done.json"):
        for message in sent(left / name, name):
            incoming.take(message)
    assert not job.weights.exists()
    assert not evidence.exists()
    incoming.finish()
    for path in (job.weights, job.log, job.done):
        assert path.read_bytes() == (left / path.name).read_bytes()
    for name in ("c/0", "empty"):
        assert (evidence / name).read_bytes() == (left / "fold0.zarr" / name).read_bytes()
    assert sorted(path.name for path in job.path.iterdir()) == ["done.json", "log.jsonl", "weights.safetensors"]


def test_what_comes_anew_takes_the_place_of_what_broke_off(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "CHUNK", 16)
    job = JobFolder(tmp_path / "fold0")
    incoming = Incoming(job, tmp_path / "evidence.zarr")
    for name, count in (("log.jsonl", 99), ("checkpoint.pt", 2), ("checkpoint.pt", 99)):
        for message in list(sent(left / name, name))[:count]:
            incoming.take(message)
    incoming.keep_checkpoint()
    assert job.checkpoint.read_bytes() == (left / "checkpoint.pt").read_bytes()


def test_a_name_that_leads_out_of_the_run_is_refused(tmp_path: Path) -> None:
    incoming = Incoming(JobFolder(tmp_path / "run" / "fold0"), tmp_path / "evidence")
    with pytest.raises(ValueError, match="leads out"):
        incoming.take({"file": "../../a", "begins": True})
    assert not list(tmp_path.iterdir())
