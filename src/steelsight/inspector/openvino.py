"""OpenVINO: an inspector's networks on a processor."""

import os
import queue
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
from steelsight.inspector.artifact import IN_INT8, InspectorCard, NetworkCard, Precision, read_network
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
    computed_in: Precision = "fp32"

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
        settings = {"NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": count}

        def compiled(hint: str) -> dict[str, OpenVinoNetwork]:
            chosen = {**settings, "INFERENCE_PRECISION_HINT": hint}
            # one at a time: the bytes of all of them need not lie in memory at once
            contents = ((one, read_network(folder / one.file, checksums)) for one in card.networks)
            return {one.file: _compile(core, folder, one, content, chosen, workers) for one, content in contents}

        computed_in = in_which_precision(card.precision)
        try:
            networks = compiled("bf16" if computed_in.endswith("bf16") else "f32")
        except UserError:
            if computed_in != "int8-bf16":
                raise
            # OpenVINO 2026.4 has no int8 convolution of some kinds beside bf16 on processors with AMX
            computed_in, networks = "int8", compiled("f32")
        return cls(
            card.classes,
            tuple(networks[one.file] for one in card.of_step("classify")),
            tuple(networks[one.file] for one in card.of_step("segment")),
            card.combine,
            BATCH if aim == "throughput" else 1,
            workers,
            card.roi,
            computed_in,
        )


def usable_threads() -> int:
    """Processors that this process may use: a container or taskset may leave it fewer than there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Windows and macOS
        return os.cpu_count() or 1


def runs_in_bf16(precision: Precision) -> bool:
    """Whether a network of that precision, or what of it is not in int8, computes in bf16 here: asked for, and in the
    processor's instructions."""
    import openvino

    if precision not in ("bf16", "int8-bf16"):
        return False
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def in_which_precision(precision: Precision) -> Precision:
    """What this processor makes of networks of a precision; OpenVINO may make less of `int8-bf16`, which the engine knows."""
    if precision not in ("bf16", "int8-bf16") or runs_in_bf16(precision):
        return "fp32" if precision == "fp16" else precision
    return "int8" if precision in IN_INT8 else "fp32"


def _compile(
    core: Any, folder: Path, its: NetworkCard, content: bytes, settings: dict[str, Any], requests: int
) -> OpenVinoNetwork:
    preprocess = its.preprocess
    try:
        model = core.read_model(content)  # not the path: these very bytes are the ones that were checked
        model.reshape([1, preprocess.channels, preprocess.height, preprocess.width])
        compiled = core.compile_model(model, "CPU", settings)
    except RuntimeError as error:
        raise UserError(
            f"{folder / its.file}: OpenVINO cannot load it ({_first_line(error)}); export the run again"
        ) from error
    pool: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(requests):
        pool.put(compiled.create_infer_request())
    network = OpenVinoNetwork(preprocess, pool, its.name)
    # OpenVINO's Python part sets itself up in its first call; two threads that do so at once wait for each other for ever
    network.probabilities(np.zeros((1, preprocess.channels, preprocess.height, preprocess.width), np.float32))
    return network


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
