"""OpenVINO: an inspector's networks on a processor."""

import os
import queue
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Aim
from steelsight.core.errors import UserError
from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi
from steelsight.inspector.artifact import InspectorCard, NetworkCard, Precision, read_network
from steelsight.inspector.checksums import Checksums

BATCH = 4


@dataclass(frozen=True, eq=False)
class OpenVinoNetwork:
    """One compiled network; see `steelsight.cascade.engine.EngineNetwork`.

    Compiled for one image at a time: fixed shapes let OpenVINO plan memory and kernels once. Any number of threads may
    call it; each takes a free request from the pool.
    """

    preprocess: Preprocess
    requests: "queue.SimpleQueue[Any]"
    name: str

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        request = self.requests.get()
        try:
            said = [request.infer([one[None]], share_inputs=True)[0].copy() for one in inputs]
        finally:
            self.requests.put(request)
        return np.concatenate(said)


@dataclass(frozen=True, eq=False)
class OpenVinoEngine:
    """The networks of an inspector; see `steelsight.cascade.engine.Engine`."""

    classes: tuple[str, ...]
    classifiers: tuple[OpenVinoNetwork, ...]
    segmenters: tuple[OpenVinoNetwork, ...]
    combine: Combine
    batch: int
    workers: int
    roi: Roi | None = None

    @classmethod
    def load(
        cls,
        folder: Path,
        card: InspectorCard,
        *,
        aim: Aim = "throughput",
        threads: int | None = None,
        checksums: Checksums | None = None,
    ) -> Self:
        """Compile each network for the processor.

        Args:
            aim: `throughput` gives each thread a stream of its own; `latency` all threads one.
            threads: all that this process may use if left out.
            checksums: see `read_network`.

        Raises:
            UserError: a network cannot be loaded.
        """
        import openvino

        core = openvino.Core()
        count = threads or usable_threads()
        streams = count if aim == "throughput" else 1
        # while one worker reads or cuts, another's image is in the network
        workers = streams + 1 if aim == "throughput" else 1
        settings = {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": count,
            "INFERENCE_PRECISION_HINT": "bf16" if runs_in_bf16(card.precision) else "f32",
        }

        def compiled(networks: Sequence[NetworkCard]) -> tuple[OpenVinoNetwork, ...]:
            contents = ((folder / one.file, one, read_network(folder / one.file, checksums)) for one in networks)
            return tuple(_compile(core, path, one, content, settings, workers) for path, one, content in contents)

        return cls(
            card.classes,
            compiled(card.of_step("classify")),
            compiled(card.of_step("segment")),
            card.combine,
            BATCH if aim == "throughput" else 1,
            workers,
            card.roi,
        )


def usable_threads() -> int:
    """Processors that this process may use: a container or taskset may leave it fewer than there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Windows and macOS
        return os.cpu_count() or 1


def runs_in_bf16(precision: Precision) -> bool:
    """Whether a network of that precision computes in bf16 here: asked for, and in the processor's instructions."""
    import openvino

    return precision == "bf16" and "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _compile(
    core: Any, path: Path, its: NetworkCard, content: bytes, settings: dict[str, Any], requests: int
) -> OpenVinoNetwork:
    preprocess = its.preprocess
    try:
        model = core.read_model(content)  # not the path: these very bytes are the ones that were checked
        model.reshape([1, preprocess.channels, preprocess.height, preprocess.width])
        compiled = core.compile_model(model, "CPU", settings)
    except RuntimeError as error:
        raise UserError(f"{path}: OpenVINO cannot load it ({_first_line(error)}); export the run again") from error
    pool: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(requests):
        pool.put(compiled.create_infer_request())
    network = OpenVinoNetwork(preprocess, pool, its.name)
    # OpenVINO's Python part sets itself up in its first call; two threads that do so at once wait for each other for ever
    network.probabilities(np.zeros((1, preprocess.channels, preprocess.height, preprocess.width), np.float32))
    return network


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
