"""ONNX Runtime: an inspector's networks on a CUDA device."""

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi
from steelsight.inspector.artifact import INPUT, OUTPUT, InspectorCard, NetworkCard, read_network
from steelsight.inspector.checksums import Checksums

BATCH = 8


def has_cuda() -> bool:
    """Whether the GPU build of ONNX Runtime is installed and finds a CUDA device."""
    if importlib.util.find_spec("onnxruntime") is None:
        return False
    onnxruntime = silent_onnxruntime()
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers() and onnxruntime.get_device() == "GPU"


def silent_onnxruntime() -> Any:
    """ONNX Runtime, imported so that it sends nothing: from 1.29 on it reports its use to its makers unless it is told not to
    before it starts (its Privacy.md)."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # Windows knows no such variable
    return onnxruntime


@dataclass(frozen=True, eq=False)
class OnnxRuntimeNetwork:
    """One network in a session; see `steelsight.cascade.engine.EngineNetwork`."""

    preprocess: Preprocess
    session: Any
    name: str

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        said: NDArray[np.float32] = self.session.run([OUTPUT], {INPUT: inputs})[0]
        return said


@dataclass(frozen=True, eq=False)
class OnnxRuntimeEngine:
    """The networks of an inspector; see `steelsight.cascade.engine.Engine`."""

    classes: tuple[str, ...]
    classifiers: tuple[OnnxRuntimeNetwork, ...]
    segmenters: tuple[OnnxRuntimeNetwork, ...]
    combine: Combine = "mean"
    batch: int = BATCH
    workers: int = 2  # one batch is prepared or cut while another is on the device
    roi: Roi | None = None

    @classmethod
    def load(
        cls, folder: Path, card: InspectorCard, providers: Sequence[str], *, checksums: Checksums | None = None
    ) -> Self:
        """Open a session for each network.

        Args:
            providers: execution providers by name, the preferred one first.
            checksums: see `read_network`.

        Raises:
            UserError: a network cannot be loaded.
        """

        def opened(networks: Sequence[NetworkCard]) -> tuple[OnnxRuntimeNetwork, ...]:
            contents = ((folder / one.file, one, read_network(folder / one.file, checksums)) for one in networks)
            return tuple(
                OnnxRuntimeNetwork(one.preprocess, _session(path, content, providers), one.name)
                for path, one, content in contents
            )

        return cls(
            card.classes, opened(card.of_step("classify")), opened(card.of_step("segment")), card.combine, roi=card.roi
        )


def _session(path: Path, content: bytes, providers: Sequence[str]) -> Any:
    onnxruntime = silent_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.add_session_config_entry("session.load_model_format", "ONNX")  # whatever the bytes look like besides
    try:
        return onnxruntime.InferenceSession(content, options, providers=list(providers))
    except Exception as error:  # its errors have no common base but this
        raise UserError(f"{path}: ONNX Runtime cannot load it ({error}); export the run again") from error
