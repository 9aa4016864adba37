"""Other trainings on the same RUN: what they have done meanwhile, and what they are at. A second one takes the jobs that are
free, waits for the last ones, and goes on with those whose training has ended without them.
"""

from collections.abc import Iterable

from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.epochs import TrainingJob
from steelsight.training.job import job_lock
from steelsight.training.progress import TrainingProgress

LOOK_EVERY = 1.0
"""Seconds between two looks of a training that waits for others."""


class OtherTrainings:
    """What others do on a run.

    Args:
        progress: counts what they have done, and tells once that they are there.
    """

    def __init__(self, evidence: OutOfFoldPredictions, progress: TrainingProgress) -> None:
        self._evidence, self._progress, self._is_told = evidence, progress, False

    def done(self, waiting: Iterable[TrainingJob]) -> set[str]:
        """Names of the waiting jobs that are done meanwhile."""
        done = [job for job in waiting if self._evidence.is_done(job.member, job.fold)]
        for job in done:
            self._progress.done_elsewhere(job)
            self.tell(job.name)
        return {job.name for job in done}

    def taken(self, waiting: Iterable[TrainingJob]) -> set[str]:
        """Names of the waiting jobs that another process trains now."""
        taken = {job.name for job in waiting if job_lock(job).is_taken()}
        for name in sorted(taken)[:1]:
            self.tell(name)
        return taken

    def tell(self, name: str) -> None:
        """Say, once, that a job was found at or done by another process."""
        if not self._is_told:
            self._is_told = True
            self._progress.say(
                f"another process trains jobs of this run, such as {name}: this one takes those that are free, and both end "
                "when all are done"
            )
