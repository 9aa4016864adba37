"""Files of a job on their way from a worker to the RUN: sent in pieces, and put in place when they are whole."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steelsight.cluster.shipped import read_chunks, safe_path
from steelsight.core.files import disk_errors, replacing, temporary_beside
from steelsight.run.run import JobFolder

Message = dict[str, Any]


def sent(path: Path, name: str) -> Iterator[Message]:
    """The messages that carry a file, or all files of a folder."""
    if path.is_dir():
        for inside in sorted(one for one in path.rglob("*") if one.is_file()):
            yield from sent(inside, f"{name}/{inside.relative_to(path).as_posix()}")
        return
    begins = True
    for content in read_chunks(path):
        yield {"file": name, "content": content, "begins": begins}
        begins = False
    if begins:
        yield {"file": name, "begins": True}


class Incoming:
    """What arrives of one job; none of it is seen in the RUN before it is whole.

    Args:
        job: its folder in the RUN.
        evidence: where its evidence lies there, a file or a folder.
    """

    def __init__(self, job: JobFolder, evidence: Path) -> None:
        self._job, self._evidence = job, evidence
        self._folder = temporary_beside(job.path / "incoming")  # `sweep` knows it, if this process is killed

    def take(self, message: Message) -> None:
        """A piece of a file.

        Raises:
            UserError: the disk is full or may not be written to.
        """
        path = self._folder / safe_path(message["file"])
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb" if message.get("begins") else "ab") as stream:
                if (content := message.get("content")) is not None:
                    stream.write(content.data)

    def keep_checkpoint(self) -> None:
        """Put log and checkpoint in place; the log first, since it may hold more epochs than the checkpoint, never fewer."""
        for path in (self._job.log, self._job.checkpoint):
            self._move(self._folder / path.name, path)

    def finish(self) -> None:
        """Put in place what a trained job leaves; that it is done last of all."""
        self._move(self._folder / self._job.weights.name, self._job.weights)
        self._move(self._folder / self._evidence.name, self._evidence)
        for path in sorted(self._folder.iterdir()):
            if path.name != self._job.done.name:
                self._move(path, self._job.path / path.name)
        self._move(self._folder / self._job.done.name, self._job.done)
        self._job.checkpoint.unlink(missing_ok=True)
        self.discard()

    def discard(self) -> None:
        """Forget what has come so far."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _move(self, arrived: Path, to: Path) -> None:
        with replacing(to) as temporary:
            arrived.replace(temporary)
