"""Memory that runs out while a job is trained: a failure of that job, in one sentence, whatever library meets it."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch

from steelsight.core.errors import UserError
from steelsight.training.epochs import TrainingJob

_SAID = re.compile(
    r"out of memory|allocate memory|insufficient memory|alloc_failed|bad_alloc|ArrayMemoryError", re.IGNORECASE
)
"""What CUDA, cuBLAS, cuDNN, torch on a processor, OpenCV, and NumPy in a loader process say: no type of error tells of it."""
_LOADER_ENDED = re.compile(r"DataLoader worker \(pid.*\) (is killed by signal|exited unexpectedly)")


@contextmanager
def memory_errors(job: TrainingJob, *, has_run: bool = True) -> Iterator[None]:
    """Turn memory that runs out, and a loader process that is killed, into one sentence; all else passes as it is.

    Args:
        has_run: whether there is a run to go on with; where steps are only timed there is none.

    Raises:
        UserError: instead of torch's, OpenCV's or Python's own error.
    """
    smaller = f"a smaller sampling.device_batch (it is {job.member.sampling.device_batch})"
    if has_run:
        smaller = f"train anew, into another `out=`, with {smaller}"
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            mend = "end what else takes it and go on with the run by `resume=`, or" if has_run else "use"
            raise UserError(f"memory ran out; {mend} {smaller} or a smaller input") from error
        if isinstance(error, RuntimeError) and _LOADER_ENDED.search(str(error)):
            mend = "go on with the run by `resume=` and" if has_run else "use"
            raise UserError(
                f"a loader process was ended, as the system does if memory runs out; {mend} fewer `workers=`, or {smaller}"
            ) from error
        raise


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, of a GPU or of the machine.

    >>> is_out_of_memory(RuntimeError("CUDA error: out of memory")), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError | cv2.error) and _SAID.search(str(error)) is not None
