"""Several devices: the batches are shared out without loss, and a training on two processes ends like one on one."""

import json
from pathlib import Path

import pytest
from helpers.data import run_cli
from helpers.training_samples import SMALL, few_images, sets
from hypothesis import given
from hypothesis import strategies as st

from steelsight.training.epochs import device_batches

pytestmark = pytest.mark.slow


@given(count=st.integers(1, 60), batch=st.integers(1, 8), world=st.integers(1, 4))
def test_every_image_goes_to_exactly_one_device(count: int, batch: int, world: int) -> None:
    order = list(range(100, 100 + count))
    shares = [device_batches(order, 3, batch, rank, world) for rank in range(world)]
    items = sorted(item for share in shares for part in share for item in part)
    assert items == [(index, 3, place) for place, index in enumerate(order)]


def test_two_processes_train_one_job(tmp_path: Path) -> None:
    run = tmp_path / "run"
    small = sets(*SMALL, "members.*.keep.last=1")
    command = (
        "train",
        few_images(tmp_path / "data"),
        "--recipe",
        "lite",
        "--out",
        run,
        *small,
        "--only",
        "classify-lite0:0",
        "--workers",
        "0",
    )
    done = run_cli(*command, "--device", "cpu", "--devices", "2", "--json", cold=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["open_jobs"][-1] == "classify-lite0:1"
    summary = json.loads((run / "jobs/classify-lite0/fold0/done.json").read_text())
    assert summary["devices"] == 2
    assert len((run / "jobs/classify-lite0/fold0/log.jsonl").read_text().splitlines()) == 1
