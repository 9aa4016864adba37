"""Loader processes: made once for all passes of a job, the same batches as without, and no more bytes than there is room."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.training_samples import member, severstal
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import read_image
from steelsight.imaging.roi import RoiError
from steelsight.run.run import JobFolder
from steelsight.training.batches import batch_bytes, default_workers, plan_loader, room_in_flight
from steelsight.training.epochs import TrainingJob, job_loader
from steelsight.training.loading import Item

SMALL = "members.*.input={height: 64, width: 128, colour: grey}"


def job() -> TrainingJob:
    samples = severstal().samples
    of = member("segment-lite0", SMALL)
    return TrainingJob(of, 0, 0, severstal().classes, samples[10:30], samples[:10], JobFolder(Path("unused")))


def same(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow  # alone: a worker that has run thousands of tests did not outlive the processes that it starts here
def test_processes_are_made_once_and_send_what_is_made_without_them() -> None:
    items: list[list[Item]] = [[(place, 0, place) for place in range(start, start + 4)] for start in (0, 4, 8)]
    with job_loader(job(), torch.device("cpu"), 0) as alone, job_loader(job(), torch.device("cpu"), 2) as loader:
        seen = []
        for _ in range(2):
            for made, expected in zip(loader.training(items), alone.training(items), strict=True):
                assert same(made, expected)
            for made, expected in zip(loader.plain(range(10), 4), alone.plain(range(10), 4), strict=True):
                assert same(made, expected)
            seen.append({child.pid for child in multiprocessing.active_children()})
        assert len(seen[0]) == 2
        assert seen[0] == seen[1]
    for process in seen[0]:
        with pytest.raises(ProcessLookupError):
            os.kill(int(process or 0), 0)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_cannot_be_read_is_one_sentence_whoever_reads_it(workers: int, tmp_path: Path) -> None:
    """From a loader process it was a traceback, and no error of the user's."""
    torn, part = tmp_path / "torn.jpg", tmp_path / "roi.jpg"
    torn.write_bytes(severstal().samples[10].path.read_bytes()[:500])

    def read(path: Path) -> Image:
        if path == part:
            raise RoiError(f"{path}: no strip is found in it")
        return read_image(path)

    said = {torn: "the decoder says: Premature end of JPEG", part: "no strip is found in it"}
    for path in said:
        of = replace(job(), read=read)
        one = replace(of.training[0], path=path)
        of = replace(of, training=[one, *of.training[1:]], validation=[one, *of.validation[1:]])
        with job_loader(of, torch.device("cpu"), workers) as loader:
            for ask in (
                lambda of=loader: of.training([[(0, 0, 0), (1, 0, 1)]]),
                lambda of=loader: of.plain(range(4), 2),
            ):
                with pytest.raises(UserError) as refused:
                    list(ask())
                assert str(refused.value).startswith(f"{path}: {said[path]}")
                assert "\n" not in str(refused.value)


@given(workers=st.integers(0, 40), batch=st.integers(1, 10**8), room=st.floats(0, 1e10))
def test_no_more_batches_are_on_their_way_than_there_is_room_for(workers: int, batch: int, room: float) -> None:
    plan = plan_loader(workers, batch, room)
    assert plan.workers <= workers
    assert plan.workers == 0 or (plan.workers * plan.ahead + 2) * batch <= room


def test_a_batch_of_paper_takes_an_eighth_of_what_floats_in_three_channels_took() -> None:
    """Pixels of 8 images and their masks: 4 bytes and 3 + 4 planes before."""
    of = member("segment-b0-strategy-1", recipe="paper").model_copy(
        update={"input": member("segment-lite0", SMALL).input}
    )
    each = 64 * 128 * 24  # the validation's batch
    assert batch_bytes(of, 4, warped_later=True) == each * 5
    assert batch_bytes(of, 4, warped_later=True, ignored=True) == each * 6
    deep = of.model_copy(update={"input": of.input.model_copy(update={"bits": 12})})
    assert batch_bytes(deep, 4, warped_later=True) == each * (4 + 4)  # of 16 bit pixels are floats, and masks are not
    assert room_in_flight(1) <= 512 * 2**20


def test_a_gpu_has_its_share_of_the_cores() -> None:
    assert default_workers("cpu", 1) == 0
    assert default_workers("cuda", 10**6) == 1
    assert default_workers("cuda", 1) >= default_workers("cuda", 2) >= 1
