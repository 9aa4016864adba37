"""Memory: what is there, by the system and by control groups, and what a job is expected to take."""

from pathlib import Path

import pytest
from helpers.training_samples import member, severstal

from steelsight.training.job_layout import Arrangement
from steelsight.training.job_memory import available_memory, job_memory
from steelsight.training.job_order import JobRoom

pytestmark = pytest.mark.slow


def write(root: Path, **files: str) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_what_is_available_is_what_the_tightest_limit_leaves(tmp_path: Path) -> None:
    assert available_memory(tmp_path) == float("inf")
    write(tmp_path, proc__meminfo="MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    assert available_memory(tmp_path) == 8000 * 1024
    group = tmp_path / "sys/fs/cgroup/outer/inner"
    write(tmp_path, proc__self__cgroup="0::/outer/inner\n")
    write(group, memory_dot_max="max\n", memory_dot_current="100\n", memory_dot_stat="inactive_file 10\n")
    assert available_memory(tmp_path) == 8000 * 1024
    write(group.parent, memory_dot_max="5000\n", memory_dot_current="3000\n", memory_dot_stat="inactive_file 400\n")
    assert available_memory(tmp_path) == 5000 - 3000 + 400  # of a group above its own
    write(tmp_path, proc__self__cgroup="7:cpu,memory:/box\n")  # version 1, whose path need not be there in a container
    limits = {"limit_in_bytes": "4000\n", "usage_in_bytes": "3500\n", "stat": "total_inactive_file 100\n"}
    for name, content in limits.items():
        (tmp_path / "sys/fs/cgroup/memory").mkdir(exist_ok=True)
        (tmp_path / f"sys/fs/cgroup/memory/memory.{name}").write_text(content)
    assert available_memory(tmp_path) == 4000 - 3500 + 100


@pytest.mark.parametrize("name", ["segment-lite0", "classify-lite0"])
def test_more_pixels_and_images_take_more_memory(name: str) -> None:
    small = ("members.*.input={height: 32, width: 64, colour: grey}", "members.*.sampling.device_batch=2")
    one, whole = member(name, *small), member(name)
    samples = severstal().samples
    least, most = (job_memory(of, 4, samples, 0) for of in (one, whole))
    assert least < most / 1.5
    images = 66 * 256 * 1600
    assert job_memory(one, 4, samples, 2**30) - least == pytest.approx(images)
    assert job_memory(one, 4, samples, 1000) - least == pytest.approx(1000)
    deep = one.model_copy(update={"input": one.input.model_copy(update={"bits": 12})})
    assert job_memory(deep, 4, samples, 2**30) - least == pytest.approx(2 * images)


@pytest.mark.parametrize("name", ["segment-lite0", "classify-lite0"])
def test_evidence_and_validation_are_counted_with_their_own_batches(name: str) -> None:
    """They were counted with the batch of training where that is smaller than device_batch."""
    few, many = (f"members.*.sampling.{field}" for field in ("batch=2", "device_batch=16"))
    samples = severstal().samples
    small, large = (
        job_memory(member(name, few, *more), 4, samples, 0)
        for more in ([few.replace("batch=", "device_batch=")], [many])
    )
    validated = job_memory(
        member(name, few, few.replace("batch=", "device_batch="), "members.*.sampling.validation_batch=16"),
        4,
        samples,
        0,
    )
    assert large > small + 100e6
    assert validated == large


@pytest.mark.parametrize(
    ("most", "memory", "in_turn"),
    [(1, (3e9, 2e9), True), (1, (3e9, 5e9), False), (1, (), True), (2, (1e9, 1e9), False)],
)
def test_a_job_that_may_not_fit_has_a_process_of_its_own(most: int, memory: tuple[float, ...], in_turn: bool) -> None:
    """In a notebook the system would end the kernel with it."""
    place = JobRoom(most, 4e9)
    laid_out = Arrangement("cpu", (), 1, 1, 0, 0, place, memory, ())
    assert laid_out.in_turn == in_turn
