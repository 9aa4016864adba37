"""Devices are shared out to jobs without one that is used twice or forgotten, and each process sees its own alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.recipe import load_recipe
from steelsight.training.slots import devices_together, rank_environments, share_devices


@given(devices=st.integers(1, 16), per_job=st.integers(1, 4))
def test_every_slot_has_devices_of_its_own(devices: int, per_job: int) -> None:
    per_job = min(per_job, devices)
    slots = share_devices(devices, per_job)
    used = [device for slot in slots for device in slot]
    assert len(set(used)) == len(used) == devices // per_job * per_job
    assert all(len(slot) == per_job and max(slot) < devices for slot in slots)


@given(devices=st.integers(1, 8), at_once=st.integers(1, 20))
def test_more_jobs_than_devices_are_spread_evenly(devices: int, at_once: int) -> None:
    slots = share_devices(devices, 1, at_once)
    often = [slots.count((device,)) for device in range(devices)]
    assert sum(often) == at_once
    assert max(often) - min(often) <= 1


@pytest.mark.parametrize("name", ["demo", "lite", "paper"])
@pytest.mark.parametrize("devices", [1, 2, 3, 8])
def test_a_shipped_recipe_has_a_job_on_every_device(name: str, devices: int) -> None:
    assert devices_together(load_recipe(name), devices) == 1


@pytest.mark.parametrize(("asked", "there", "together"), [(4, 8, 4), (4, 3, 2), (4, 1, 1), (1, 8, 1)])
def test_as_many_train_together_as_are_there_and_share_the_batch(asked: int, there: int, together: int) -> None:
    recipe = load_recipe("lite", [f"devices_per_job={asked}", "members.*.sampling.device_batch=2"])
    assert devices_together(recipe, there) == together


def test_a_batch_that_cannot_be_shared_out_is_told_when_the_recipe_is_read() -> None:
    with pytest.raises(UserError, match=r"batch 8 is no multiple of device_batch 8 x 2 devices_per_job"):
        load_recipe("lite", ["devices_per_job=2"])


def test_each_process_sees_the_gpus_of_its_slot_and_knows_the_others() -> None:
    assert rank_environments("cpu", (1,), {}) == ({},)
    assert rank_environments("cuda", (1,), {}) == ({"CUDA_VISIBLE_DEVICES": "1"},)
    one, other = rank_environments("cuda", (2, 3), {"CUDA_VISIBLE_DEVICES": "GPU-a, GPU-b,GPU-c,GPU-d"})
    assert one["CUDA_VISIBLE_DEVICES"] == other["CUDA_VISIBLE_DEVICES"] == "GPU-c,GPU-d"
    assert (one["LOCAL_RANK"], other["LOCAL_RANK"]) == ("0", "1")
    assert one["MASTER_PORT"] == other["MASTER_PORT"]
