"""The order of jobs side by side: what they start from comes first, memory and cores bound them, and the duration follows."""

from hypothesis import given
from hypothesis import strategies as st

from steelsight.training.job_order import JobRoom, PendingJob, duration, next_job

JOBS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.booleans()), min_size=1, max_size=8)
"""Seconds, memory, and whether it starts from the job before it."""


def made(jobs: list[tuple[int, int, bool]]) -> list[PendingJob[int]]:
    return [
        PendingJob(number, number - 1 if follows and number else None, memory, seconds)
        for number, (seconds, memory, follows) in enumerate(jobs)
    ]


@given(jobs=JOBS, most=st.integers(1, 4), memory=st.integers(1, 20))
def test_no_more_jobs_run_than_there_are_cores_and_memory_for(
    jobs: list[tuple[int, int, bool]], most: int, memory: int
) -> None:
    waiting, running, done = made(jobs), [], []
    place = JobRoom(most, memory)
    while waiting or running:
        while (job := next_job(waiting, running, place)) is not None:
            assert job.after is None or job.after in done
            waiting.remove(job)
            running.append(job)
        assert 0 < len(running) <= most
        assert len(running) == 1 or sum(job.memory for job in running) <= memory
        done.append(running.pop(0).what)
    assert sorted(done) == list(range(len(jobs)))


@given(jobs=JOBS, most=st.integers(1, 4))
def test_the_duration_lies_between_that_of_all_at_once_and_that_in_turn(
    jobs: list[tuple[int, int, bool]], most: int
) -> None:
    waiting = made(jobs)
    total = sum(job.seconds for job in waiting)
    assert duration(waiting, [], JobRoom(1)) == total
    assert total / most <= duration(waiting, [], JobRoom(most)) <= total
    assert duration(waiting, [], JobRoom(len(jobs))) == max(
        sum(job.seconds for job in waiting[start:end])
        for start in range(len(waiting))
        for end in range(start + 1, len(waiting) + 1)
        if all(job.after is not None for job in waiting[start + 1 : end])
    )


def test_a_small_job_goes_ahead_of_one_that_does_not_fit() -> None:
    running = [PendingJob("running", memory=5)]
    large, small = PendingJob("large", memory=6), PendingJob("small", memory=2)
    assert next_job([large, small], running, JobRoom(2, 10)) == small
    assert next_job([large, small], [], JobRoom(2, 1)) == large  # alone it may take what it needs


@given(jobs=JOBS, elsewhere=st.sets(st.integers(0, 7)))
def test_what_another_training_is_at_does_not_begin_nor_what_starts_from_it(
    jobs: list[tuple[int, int, bool]], elsewhere: set[int]
) -> None:
    waiting, done = made(jobs), set[int]()
    while (job := next_job(waiting, [], JobRoom(1), elsewhere)) is not None:
        waiting.remove(job)
        done.add(job.what)
    assert not done & elsewhere
    assert all(job.what in elsewhere or job.after not in done | {None} for job in waiting)
