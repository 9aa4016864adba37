"""All jobs of a RUN on the nodes of a cluster, seen from the one that gives them out: the driver, whose disk has the RUN."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from steelsight.cluster.check_nodes import CheckedNodes, keep_off
from steelsight.cluster.connect import first_line
from steelsight.cluster.failed_jobs import FailedJobs
from steelsight.cluster.files_back import Incoming, Message
from steelsight.cluster.job_task import RunOrders, train_job
from steelsight.cluster.lay_out import ClusterConfig, lay_out, orders_of
from steelsight.cluster.nodes import Needs, Node, nodes_of
from steelsight.cluster.shipped import Chunk
from steelsight.core.errors import UserError
from steelsight.core.files import sweep
from steelsight.core.lock import Lock, TakenError
from steelsight.recipe import Member
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.augmentation_examples import draw_examples
from steelsight.training.device_config import DeviceConfig
from steelsight.training.epochs import TrainingJob
from steelsight.training.experiment import refuse
from steelsight.training.job import job_lock, make_job, require_start
from steelsight.training.other_trainings import LOOK_EVERY, OtherTrainings
from steelsight.training.parallel_jobs import Failure, not_begun
from steelsight.training.progress import TrainingProgress, after_of

_LOOK_EVERY = 2.0  # seconds between two looks at the nodes, and at what other drivers have done
_REFUSALS = 3  # of a job by nodes that cannot load it: each is asked why before it is given one more
_WAITING = 8  # parcels of a worker that may wait for the driver


def train_on_cluster(
    ray: Any,
    evidence: OutOfFoldPredictions,
    jobs: Sequence[tuple[Member, int]],
    machine: DeviceConfig,
    config: ClusterConfig,
    *,
    tensorboard: bool = False,
    worded: Callable[[str], str] = str,
) -> None:
    """Run the jobs that are not done yet on the nodes; one that fails takes none with it but those that start from it.

    Args:
        ray: see `steelsight.cluster.connect.connected`.
        worded: as in `steelsight.training.experiment.run_jobs`.

    Raises:
        UserError: a node has another steelsight, or lacks weights, when this begins; no node can train; there is no GPU and
            one is asked for; or jobs have failed, when all others are done: the first one's reason, and which others.
        RuntimeError: a worker met what no user could have caused.
    """
    draw_examples(evidence)
    made = [make_job(evidence, member, fold) for member, fold in jobs if not evidence.is_done(member, fold)]
    if not made:
        return
    layout = lay_out(ray, evidence, made, machine)
    orders = orders_of(ray, evidence, layout, config, tensorboard)
    with TrainingProgress(
        made, done=len(jobs) - len(made), visible=True, place=layout.place, worded=worded
    ) as progress:
        for note in layout.notes:
            progress.say(note)
        refuse(_Driver(ray, evidence, made, layout.needs, layout.checked, orders, config, progress).run())


@dataclass(eq=False)
class _Task:
    """A job at a worker, or on its way to one."""

    job: TrainingJob
    incoming: Incoming
    lock: Lock
    kept_off: Collection[str]
    host: str = ""
    node: str = ""
    has_begun: bool = False


@dataclass(eq=False)
class _Driver:
    """Gives jobs out and takes in what they make."""

    ray: Any
    evidence: OutOfFoldPredictions
    jobs: Sequence[TrainingJob]
    needs: Mapping[str, Needs]
    checked: CheckedNodes
    orders: RunOrders
    config: ClusterConfig
    progress: TrainingProgress
    _failures: list[Failure] = field(default_factory=list)
    _tasks: dict[Any, _Task] = field(default_factory=dict)
    _lost: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)
    _failed: FailedJobs = field(default_factory=FailedJobs)
    _nodes: tuple[Node, ...] = ()
    _looked: float = float("-inf")
    _told: Collection[str] | None = None

    def run(self) -> list[Failure]:
        """Train all that can be; returns those that could not."""
        self._waiting, self._others = list(self.jobs), OtherTrainings(self.evidence, self.progress)
        self._shared_orders = self.ray.put(self.orders)
        self._remote = self.ray.remote(train_job)
        try:
            while self._waiting or self._tasks:
                self._give_out()
                if not self._tasks:
                    time.sleep(LOOK_EVERY if self._waiting else 0)  # another process trains what is left
                    continue
                streams = list(self._tasks)
                ready, _ = self.ray.wait(streams, num_returns=1, timeout=1.0)
                if ready:  # all that have something to tell, so that none waits for a busy one
                    ready, _ = self.ray.wait(streams, num_returns=len(streams), timeout=0)
                for stream in ready:
                    self._hear(stream)
        finally:
            for task in self._tasks.values():
                task.incoming.discard()
                task.lock.release()
        return self._failures

    def _give_out(self) -> None:
        """As many jobs as there is room for, and as many again, so that no worker waits and a cluster that can grow does."""
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._look_at_nodes()
            done = self._others.done(self._waiting)
            self._waiting = [job for job in self._waiting if job.name not in done]
        if not any(task.has_begun for task in self._tasks.values()):
            self.checked.require_one(self._nodes)
        for job in list(self._waiting):
            room = sum(node.takes(self.needs[job.member.name]) for node in self.checked.fit(self._nodes))
            if len(self._tasks) >= 2 * max(1, room):
                return
            if (before := after_of(job)) in [one.job for one in self._failures]:
                self._waiting.remove(job)
                self._failures.append(not_begun(job))
            elif before not in self._ahead():
                self._give(job)

    def _look_at_nodes(self) -> None:
        """Which there are, and whether those that have joined are fit."""
        nodes = nodes_of(self.ray)
        takes = [node for node in nodes if any(map(node.takes, self.needs.values()))]
        self._nodes, self._looked = tuple(takes), time.monotonic()
        for note in self.checked.look(takes):
            self.progress.say(note)
        self._say_if_none_fits(nodes)
        for stream, task in list(self._tasks.items()):  # some have gone since, others have answered
            fitting = {node.id for node in self._others_for(task.job)}
            is_kept_off = bool(fitting) and fitting <= set(task.kept_off)
            if not task.has_begun and (is_kept_off or self._why_nowhere(task.job)):
                self.ray.cancel(stream, force=True)
                self._wait_again(stream)

    def _why_nowhere(self, job: TrainingJob) -> str | None:
        """Why a job can go to none of the nodes that are large enough for it; None where it can, or none is there."""
        takes = [node for node in self._nodes if node.takes(self.needs[job.member.name])]
        if takes and self._failed.at(job.name) and not self._others_for(job):
            return self._failed.why(job.name)
        return self.checked.why_none(takes)

    def _others_for(self, job: TrainingJob) -> list[Node]:
        """Nodes that a job may go to and has not failed on."""
        needs, at = self.needs[job.member.name], self._failed.at(job.name)
        return [node for node in self.checked.fit(self._nodes) if node.takes(needs) and node.id not in at]

    def _ahead(self) -> set[str]:
        """Names of the jobs that are still to be done."""
        return {job.name for job in (*self._waiting, *(task.job for task in self._tasks.values()))}

    def _give(self, job: TrainingJob) -> None:
        """Give a job to the cluster, unless another process trains it."""
        try:
            require_start(job)
            if (why := self._why_nowhere(job)) is not None:
                raise UserError(why)
        except UserError as error:
            self._waiting.remove(job)
            self._failures.append(Failure(job.name, str(error)))
            self.progress.say(self._failures[-1].line)
            return
        job.folder.path.mkdir(parents=True, exist_ok=True)
        lock = job_lock(job)
        try:
            lock.take()
        except TakenError:
            self._others.tell(job.name)
            return
        if self.evidence.is_done(job.member, job.fold):  # since it was looked at
            lock.release()
            return
        self._waiting.remove(job)
        sweep(job.folder.path)
        self.evidence.sweep(job.member, job.fold)
        former = {path.name: _content(path) for path in (job.folder.checkpoint, job.folder.log) if path.is_file()}
        start = None if job.start is None else self.ray.put(_content(job.start))
        options = {"max_retries": 0, "num_returns": "streaming", "_generator_backpressure_num_objects": _WAITING}
        suspected = self._failed.avoided(job.name, [node.id for node in self._others_for(job)])
        kept_off = self.checked.unfit(self._nodes) | (suspected & {node.id for node in self._nodes})
        given = self._remote.options(**self.needs[job.member.name].options(), **keep_off(kept_off), **options)
        # An object of its own would cost each job a lease and a transfer before it begins, so nothing is put for nothing.
        goes_on_from = self.ray.put(former) if former else former
        stream = given.remote(self._shared_orders, job.member.name, job.fold, goes_on_from, start)
        incoming = Incoming(job.folder, self.evidence.run.predictions_file(job.member, job.fold))
        self._tasks[stream] = _Task(job, incoming, lock, kept_off)

    def _hear(self, stream: Any) -> None:
        """Take what a task tells."""
        task = self._tasks[stream]
        try:
            messages: list[Message] = self.ray.get(next(stream))
        except StopIteration:
            self._lose(stream, "it ended without a word")
        except self.ray.exceptions.RayTaskError as error:  # not of the training, which tells its own
            self._refuse(stream, error)
        except self.ray.exceptions.RayError as error:
            self._lose(stream, first_line(error))
        else:
            for message in messages:
                self._take(stream, task, message)

    def _take(self, stream: Any, task: _Task, message: Message) -> None:
        job = task.job
        if "images" in message:
            self.progress.step(job, message["images"])
        elif "begun" in message:
            task.host, task.node, task.has_begun = message["begun"], message["node"], True
            self.progress.begin(job)
        elif "epoch" in message:
            self.progress.epoch(job, message["epoch"])
        elif "file" in message:
            task.incoming.take(message)
        elif "checkpoint" in message:
            task.incoming.keep_checkpoint()
        elif "broken" in message:
            raise RuntimeError(f"{job.name}, on {task.host}:\n{message['broken']}")
        elif "unfit" in message:
            for note in self.checked.leave_out(task.node, message["unfit"]):
                self.progress.say(note)
            self._wait_again(stream)
        elif "failed" in message:
            self._fail(stream, message["failed"])
        elif "done" in message:
            task.incoming.finish()
            self._failed.done(task.node)
            self._end(stream)

    def _end(self, stream: Any) -> _Task:
        task = self._tasks.pop(stream)
        task.incoming.discard()
        task.lock.release()
        if task.has_begun:
            self.progress.end(task.job)
        return task

    def _refuse(self, stream: Any, error: Exception) -> None:
        """A node that joined since the job was given could not so much as load it; it is asked why before others go there."""
        task = self._tasks[stream]
        refused = self._refused[task.job.name] = self._refused.get(task.job.name, 0) + 1
        if task.has_begun or refused > _REFUSALS:
            raise RuntimeError(f"{task.job.name}:\n{error}") from error
        self._looked = float("-inf")
        self._wait_again(stream)

    def _fail(self, stream: Any, reason: str) -> None:
        """A job has failed. It may be for what its node lacks, so another one tries once more."""
        task = self._tasks[stream]
        name, host = task.job.name, task.host
        is_first = not self._failed.at(name)
        is_suspected = self._failed.add(name, task.node, f"on node {host}: {reason}")
        if is_suspected and self._others_for(task.job):
            self.progress.say(
                f"node {host}: jobs failed there that have not failed elsewhere; others come first from now on"
            )
        if is_first and self._others_for(task.job):
            self.progress.say(f"{name} failed on node {host}: {reason}; it is tried once more, on another node")
            self._wait_again(stream)
            return
        self._give_up(stream, self._failed.why(name))

    def _wait_again(self, stream: Any) -> None:
        """A job waits for another worker."""
        task = self._tasks[stream]
        if task.has_begun:
            self.progress.back(task.job)
            task.has_begun = False
        self._waiting.insert(0, self._end(stream).job)

    def _give_up(self, stream: Any, reason: str) -> None:
        task = self._end(stream)
        failure = Failure(task.job.name, reason)
        self.progress.say(failure.line)
        self._failures.append(failure)

    def _lose(self, stream: Any, reason: str) -> None:
        """A worker is gone; its job waits for another, unless that has happened too often."""
        self.ray.cancel(stream, force=True)  # where a message alone was lost, its worker would go on
        task = self._tasks[stream]
        name = task.job.name
        self._lost[name] = self._lost.get(name, 0) + 1
        where = f" on {task.host}" if task.host else ""
        if self._lost[name] > self.config.retries:
            self._give_up(stream, f"its worker{where} was lost, the {_nth(self._lost[name])} of this job: {reason}")
            return
        self.progress.say(
            f"{name}: its worker{where} was lost ({reason}); it goes on from its last checkpoint, "
            f"retry {self._lost[name]} of {self.config.retries}"
        )
        self._wait_again(stream)

    def _say_if_none_fits(self, nodes: Sequence[Node]) -> None:
        """Where no node is large enough for any job, and again when others are there: a cluster that can grow may get one."""
        there = {node.id for node in nodes}
        if self._nodes or there == self._told:
            return
        self._told = there
        least = min(self.needs.values(), key=lambda needs: needs.memory)
        self.progress.say(
            f"waiting: no node of the cluster has the {least} that a job takes; training begins when one joins"
        )


def _content(path: Path) -> Chunk:
    return np.frombuffer(path.read_bytes(), np.uint8)


def _nth(number: int) -> str:
    """
    >>> _nth(4)
    '4th worker'
    """
    return f"{number}th worker" if number > 3 else ("1st worker", "2nd worker", "3rd worker")[number - 1]
