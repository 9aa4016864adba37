"""What describes a RUN, on its way to a worker: the files that lie directly in it, small beside its evidence."""

from collections.abc import Mapping

from steelsight.cluster.scratch import worker_folder
from steelsight.core.files import write_bytes
from steelsight.core.lock import Lock
from steelsight.run.run import Run


def read_description(run: Run) -> dict[str, bytes]:
    """The files of a RUN by name, none that a killed process left."""
    return {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file() and path.name[0] != "."}


def write_description(files: Mapping[str, bytes]) -> tuple[Run, Lock]:
    """Write them down in a folder of this worker's own; the RUN there, and what holds the folder as long as it is kept."""
    folder, lock = worker_folder()
    run = Run(folder / "run")
    for name, content in files.items():
        write_bytes(run.path / name, content)
    return run, lock
