"""What a worker does with a block of a fold's images: counts the values of their combined maps, which the driver has sent."""

import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.cluster.described_run import write_description
from steelsight.cluster.files_back import Message
from steelsight.cluster.nodes import this_node
from steelsight.cluster.once_a_driver import once_a_driver
from steelsight.cluster.shipped import Chunk, safe_path
from steelsight.core.errors import UserError
from steelsight.core.files import write_bytes
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.selection.histograms import Choice, histograms_of


@dataclass(frozen=True)
class CountOrders:
    """What holds for all blocks of a run.

    Attributes:
        token: of the driver that gives them.
        files: what describes the RUN, by name.
    """

    token: str
    files: Mapping[str, bytes]


def count_block(
    orders: CountOrders, choices: Sequence[Choice], indices: NDArray[np.int64], maps: Mapping[str, Chunk]
) -> Message:
    """`{"counts": histograms}` of images by each choice, or `{"failed": sentence}`, or `{"unfit": sentence, "node":
    id}` where this node cannot begin.

    Args:
        indices: of the images in the record.
        maps: the files in RUN/evidence that have their maps, by path; they are there no longer than the block takes.
    """
    import ray

    try:
        evidence = _desk(orders).evidence
    except UserError as error:
        here = this_node(ray)
        return {"unfit": f"node {socket.gethostname()}: {error}", "node": here.id if here else ""}
    try:
        folder = evidence.run.evidence
        for name, content in maps.items():
            write_bytes(folder / safe_path(name), content.data)
        counts = histograms_of(evidence, choices, indices, threads=1)
        shutil.rmtree(folder, ignore_errors=True)
    except UserError as error:
        return {"failed": str(error)}
    return {"counts": counts}


@dataclass(frozen=True)
class _Desk:
    """What a worker keeps from block to block of one run."""

    evidence: Any
    lock: Any


@once_a_driver
def _desk(orders: CountOrders) -> _Desk:
    """Write down the RUN, without its images."""
    run, lock = write_description(orders.files)
    return _Desk(OutOfFoldPredictions.of(run), lock)
