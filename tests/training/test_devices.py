"""Several devices: each trains jobs of its own to the same bits as one; where a recipe asks for it, they share one job."""

import json
from pathlib import Path

import pytest
from helpers.data import run_cli
from helpers.training_samples import SMALL, few_images, sets
from hypothesis import given
from hypothesis import strategies as st

from steelsight.training.epochs import device_batches

pytestmark = pytest.mark.slow

TINY = (*SMALL, "members.*.keep.last=1", "members.*.sampling.least_steps=2")


@given(count=st.integers(1, 60), batch=st.integers(1, 8), world=st.integers(1, 4))
def test_every_image_goes_to_exactly_one_device(count: int, batch: int, world: int) -> None:
    order = list(range(100, 100 + count))
    shares = [device_batches(order, 3, batch, rank, world) for rank in range(world)]
    items = sorted(item for share in shares for part in share for item in part)
    assert items == [(index, 3, place) for place, index in enumerate(order)]


@pytest.fixture
def command(tmp_path: Path) -> list[str | Path]:
    made: list[str | Path] = ["train", few_images(tmp_path / "data"), "--recipe", "lite", *sets(*TINY)]
    return [*made, "--only", "segment-lite0", "--device", "cpu", "--workers", "0", "--json"]


def test_two_devices_train_two_jobs_as_one_after_the_other(tmp_path: Path, command: list[str | Path]) -> None:
    for devices in ("1", "2"):
        done = run_cli(*command, "--out", tmp_path / devices, "--devices", devices, cold=True)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["open_jobs"] == ["classify-lite0:0", "classify-lite0:1"]
    for fold in (0, 1):
        job = f"jobs/segment-lite0/fold{fold}"
        assert json.loads((tmp_path / "2" / job / "done.json").read_text())["devices"] == 1
        one, other = (tmp_path / devices / job / "weights.safetensors" for devices in ("1", "2"))
        assert one.read_bytes() == other.read_bytes()


def test_two_devices_train_one_job_where_the_recipe_asks_for_it(tmp_path: Path, command: list[str | Path]) -> None:
    run = tmp_path / "run"
    together = sets("devices_per_job=2")
    done = run_cli(*command, *together, "--out", run, "--devices", "2", cold=True)
    assert done.returncode == 0, done.stderr
    for fold in (0, 1):
        job = run / f"jobs/segment-lite0/fold{fold}"
        assert json.loads((job / "done.json").read_text())["devices"] == 2
        assert len((job / "log.jsonl").read_text().splitlines()) == 1


def test_a_job_that_fails_on_two_devices_ends_both_and_no_other_job(tmp_path: Path, command: list[str | Path]) -> None:
    run = tmp_path / "run"
    together = sets("devices_per_job=2", "precision=fp32")
    torn = run / "jobs/segment-lite0/fold0/checkpoint.pt"
    begun = run_cli(*command, *together, "--out", run, "--devices", "1", cold=True)
    assert begun.returncode == 0, begun.stderr
    assert "lets 2 devices train a job together; here it is 1" in begun.stderr
    for done in run.glob("jobs/*/*/done.json"):
        done.unlink()
    torn.write_bytes(b"no checkpoint")
    failed = run_cli(*command, "--out", run, "--devices", "2", "--resume", cold=True)
    assert failed.returncode == 2, failed.stderr
    assert "not a readable checkpoint" in failed.stderr.splitlines()[-1]
    assert "segment-lite0/fold0" in failed.stderr.splitlines()[-1]
    assert json.loads((run / "jobs/segment-lite0/fold1/done.json").read_text())["devices"] == 2
