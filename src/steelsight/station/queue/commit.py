"""From a result to an answer: image and maps to the store, results to the log, and only then the sender's future.

One thread writes to the log. What became ready while it wrote is written together: one commit for many results when many
come, and no waiting for others when one does. Their images go to the store side by side, since a disk that is to keep several
files for good needs hardly longer than for one.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue

from steelsight.core.errors import UserError
from steelsight.station.inspection import Result
from steelsight.station.log.log import InspectionLog
from steelsight.station.queue.batcher import QueuedImage
from steelsight.station.queue.unwritten import Unwritten
from steelsight.station.store import ImageStore

_STORING = 8  # images whose files are written and synced at a time
_MOST = 64  # results of one transaction, and what further ones the last request has


@dataclass(frozen=True, eq=False)
class JudgedImage:
    """A judged image, to be written.

    Attributes:
        job: whose future gets the answer.
        result: for the log; where it says so, the image's content and maps go to the store first.
        maps: packed, see `steelsight.station.store.NetworkMaps.pack`; None: none are stored.
    """

    job: QueuedImage
    result: Result
    maps: bytes | None


class Committer:
    """The one thread of a station that writes.

    Attributes:
        trouble: why the last result could not be kept, in one sentence; None where it could.
        unwritten: the images that could not be kept since one could; their senders were told so.
    """

    def __init__(self, store: ImageStore, log: InspectionLog) -> None:
        self.trouble: str | None = None
        self.unwritten = Unwritten()
        self._store, self._log = store, log
        self._finished: SimpleQueue[Sequence[Sequence[JudgedImage]]] = SimpleQueue()
        # not of `ThreadPoolExecutor`: Python waits for those when it ends, and a disk may hang
        self._to_store: SimpleQueue[tuple[Future[None], JudgedImage] | None] = SimpleQueue()
        for number in range(_STORING):
            threading.Thread(target=self._store_images, name=f"store-{number}", daemon=True).start()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._thread.start()

    def put(self, *finished: JudgedImage) -> None:
        """Have results written; the future of each is set when it is durable, or gets a `UserError` when it cannot be kept.
        Those that are put together are written together, but those of one request once the last of them is there."""
        wholes = [
            [one] if one.job.together is None else one.job.together.finish(one.job.future, one) for one in finished
        ]
        if ready := [whole for whole in wholes if whole]:
            self._finished.put(ready)

    def close(self, seconds: float | None = None) -> None:
        """Write what was put, then end; what takes longer than so many seconds is left."""
        self._finished.put([])
        self._thread.join(seconds)

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            taken = [self._finished.get()]
            while sum(len(whole) for ready in taken for whole in ready) < _MOST and not self._finished.empty():
                taken.append(self._finished.get())
            goes_on = all(taken)
            if group := [whole for ready in taken for whole in ready]:
                try:
                    self._commit(self._stored(group))
                except BaseException as error:  # without this thread no image would ever be answered again
                    self._refuse([one for whole in group for one in whole if not one.job.future.done()], error)
        for _ in range(_STORING):
            self._to_store.put(None)

    def _stored(self, group: Sequence[Sequence[JudgedImage]]) -> list[Sequence[JudgedImage]]:
        """Put images and maps into the store; where one cannot be kept, none of its request is, and the senders are told."""
        stored: list[list[Future[None]]] = [[Future() for _ in whole] for whole in group]
        tasks = [task for pairs in map(zip, stored, group) for task in pairs]
        for task in tasks[1:]:
            self._to_store.put(task)
        self._keep(*tasks[0])  # this thread would only wait
        kept = []
        for whole, of_whole in zip(group, stored, strict=True):
            errors = [error for error in (future.exception() for future in of_whole) if error is not None]
            if not errors:
                kept.append(whole)
            else:
                self._refuse(whole, errors[0])
        return kept

    def _store_images(self) -> None:
        while task := self._to_store.get():
            self._keep(*task)

    def _keep(self, future: Future[None], one: JudgedImage) -> None:
        try:
            self._store_image(one)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    def _store_image(self, one: JudgedImage) -> None:
        if one.result.has_image:
            self._store.put_image(one.result.sha256, one.job.incoming.content)
        if one.maps is not None:
            self._store.put_maps(one.result.sha256, one.result.inspector, one.maps)

    def _commit(self, group: Sequence[Sequence[JudgedImage]]) -> None:
        if not group:
            return
        every = [one for whole in group for one in whole]
        try:
            logged = self._log.add([one.result for one in every])
        except Exception as error:
            if isinstance(error, UserError) or len(group) == 1:
                self._refuse(every, error)
                return
            for whole in group:  # one that cannot be logged does not take the others with it
                self._commit([whole])
            return
        self.trouble, self.unwritten = None, Unwritten()
        for one, inspection in zip(every, logged, strict=True):
            one.job.future.set_result(inspection)

    def _refuse(self, every: Sequence[JudgedImage], error: BaseException) -> None:
        said = error if isinstance(error, UserError) else UserError(_sentence(error))
        self.trouble = str(said)
        self.unwritten.add(one.result.name for one in every)
        for one in every:
            one.job.future.set_exception(said)


def _sentence(error: BaseException) -> str:
    first = next(iter(str(error).splitlines()), "")
    return f"the result cannot be kept ({type(error).__name__}: {first}); see to the disk and the database"
