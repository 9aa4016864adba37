"""All jobs of a RUN, side by side or in turn; kept what is finished, resumed what is not, left to others what they train."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from steelsight.core.errors import UserError
from steelsight.core.lock import TakenError
from steelsight.recipe import Member
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.augmentation_examples import draw_examples
from steelsight.training.cost_plan import Cost, cost
from steelsight.training.device_config import DeviceConfig
from steelsight.training.epochs import TrainingJob
from steelsight.training.fabric import make_fabric
from steelsight.training.job import make_job, run_job
from steelsight.training.job_layout import Arrangement, arrange
from steelsight.training.job_order import PendingJob, next_job
from steelsight.training.kept_images import image_readers
from steelsight.training.other_trainings import LOOK_EVERY, OtherTrainings
from steelsight.training.parallel_jobs import Failure, not_begun, orders, time_side_by_side, train_side_by_side
from steelsight.training.progress import TrainingProgress, after_of
from steelsight.training.threads import limited_to
from steelsight.training.timing import time_steps


def run_jobs(
    evidence: OutOfFoldPredictions,
    jobs: Sequence[tuple[Member, int]],
    machine: DeviceConfig,
    *,
    tensorboard: bool = False,
    worded: Callable[[str], str] = str,
) -> None:
    """Run the jobs that are not done yet; one that fails takes none with it but those that start from it.

    A job that another process trains is left to it, and waited for: if that one ends without it, it is trained here.

    Args:
        worded: how a sentence of a job is told to who looks on, who may know parameters by other names.

    Raises:
        UserError: jobs have failed, when all others are done: the first one's reason, and which others.
    """
    draw_examples(evidence)
    waiting = [(member, fold) for member, fold in jobs if not evidence.is_done(member, fold)]
    if not waiting:
        return
    made = [make_job(evidence, member, fold) for member, fold in waiting]
    arrangement = arrange(evidence, made, machine)
    done = len(jobs) - len(made)
    if arrangement.in_turn:
        with limited_to(arrangement.threads):
            failures = _in_turn(evidence, made, arrangement, done=done, tensorboard=tensorboard, worded=worded)
    else:
        with TrainingProgress(made, done=done, visible=True, place=arrangement.place, worded=worded) as progress:
            _say(progress, arrangement)
            others = OtherTrainings(evidence, progress)
            failures = train_side_by_side(
                made, arrangement, orders(evidence, arrangement, tensorboard), progress, others
            )
    refuse(failures)


def refuse(failures: Sequence[Failure]) -> None:
    """Say of jobs that have failed, when all others are done, the first one's reason, and which others.

    Raises:
        UserError: there are such.
    """
    if failures:
        others = f"; not done either: {', '.join(failure.job for failure in failures[1:])}" if failures[1:] else ""
        raise UserError(f"{failures[0].job}: {failures[0].reason}{others}")


def plan_jobs(
    evidence: OutOfFoldPredictions, jobs: Sequence[tuple[Member, int]], machine: DeviceConfig
) -> tuple[Cost, Arrangement]:
    """What jobs will cost on this machine, each network timed as it will run; trains nothing that is kept."""
    made = [make_job(evidence, member, fold) for member, fold in jobs]
    arrangement = arrange(evidence, made, machine, measured=True)
    if arrangement.in_turn:
        fabric = make_fabric(arrangement.device, evidence.recipe)
        with limited_to(arrangement.threads):
            timed = {
                name: time_steps(job, fabric, arrangement.workers)
                for name, job in {job.member.name: job for job in made}.items()
            }
    else:
        timed = time_side_by_side(made, arrangement, orders(evidence, arrangement))
    return cost(
        made, [timed[job.member.name] for job in made], arrangement.memory, arrangement.place, arrangement.devices
    ), arrangement


def _in_turn(
    evidence: OutOfFoldPredictions,
    jobs: Sequence[TrainingJob],
    arrangement: Arrangement,
    *,
    done: int,
    tensorboard: bool,
    worded: Callable[[str], str],
) -> list[Failure]:
    """Jobs one after another in this process."""
    fabric = make_fabric(arrangement.device, evidence.recipe)
    samples = (*evidence.record.samples, *evidence.record.without_masks)
    members = {job.member.name: job.member for job in jobs}
    reads = image_readers(
        list(members.values()),
        samples,
        arrangement.workers,
        arrangement.cache,
        evidence.record.roi,
        grey=evidence.recipe.sees_grey,
    )
    waiting = {job.name: replace(job, read=reads[job.member.name]) for job in jobs}
    failures: list[Failure] = []
    with TrainingProgress(jobs, done=done, visible=True, worded=worded) as progress:
        _say(progress, arrangement)
        others = OtherTrainings(evidence, progress)
        while waiting:
            for name in others.done(waiting.values()):
                del waiting[name]
            pending = [PendingJob(name, after=after_of(job)) for name, job in waiting.items()]
            free = next_job(pending, [], arrangement.place, others.taken(waiting.values()))
            if free is None:
                time.sleep(LOOK_EVERY if waiting else 0)
                continue
            job = waiting[free.what]
            if after_of(job) in [failure.job for failure in failures]:
                failures.append(not_begun(job))
                del waiting[job.name]
                continue
            try:
                run_job(job, evidence, fabric, arrangement.workers, progress.hooks(job, tensorboard=tensorboard))
            except TakenError:  # since it was looked at
                progress.back(job)
                continue
            except UserError as error:
                failures.append(Failure(job.name, str(error)))
                progress.say(failures[-1].line)
            progress.end(job)
            del waiting[job.name]
    return failures


def _say(progress: TrainingProgress, arrangement: Arrangement) -> None:
    for note in arrangement.notes:
        progress.say(note)
