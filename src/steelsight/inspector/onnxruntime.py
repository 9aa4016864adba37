"""ONNX Runtime: an inspector's networks on a CUDA device."""

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
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
_CUDA, _PROCESSOR = "CUDAExecutionProvider", "CPUExecutionProvider"
ON_CUDA = (_CUDA, _PROCESSOR)
"""Execution providers of a CUDA device: what it has no code for runs on the processor."""
_BUILDS = ("onnxruntime", "onnxruntime-gpu")
"""Packages of the processor's build, which training needs, and of the GPU's: both own the folder onnxruntime, and pip lets
one lie over the other."""
_OPTIONS = {_CUDA: {"use_tf32": "0"}}
"""Of execution providers, by name: fp32 is fp32, as in the evidence that the rule is found on; else a CUDA device would round
to the 10 bits of TF32."""

_CONVOLUTION = (
    b'\x08\n:k\n\x0f\n\x01x\n\x01w\x12\x01y"\x04Conv\x12\x01g'
    b"Z\x1b\n\x01x\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01"
    b"Z\x1b\n\x01w\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01"
    b"b\x1b\n\x01y\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01"
    b"B\x04\n\x00\x10\x14"
)
"""An ONNX network of one convolution, of one pixel by one weight: the plain install has nothing that could write it."""


@cache
def has_cuda() -> bool:
    """Whether ONNX Runtime runs networks on a CUDA device here; found once a process."""
    if importlib.util.find_spec("onnxruntime") is None:
        return False
    return _CUDA in silent_onnxruntime().get_available_providers() and runs_on(_CUDA)


def runs_on(provider: str) -> bool:
    """Whether a session of a small network runs on an execution provider.

    What ONNX Runtime lists says what it was built with. Without device, driver or cuDNN it takes the processor instead.
    """
    try:
        session = _open(_CONVOLUTION, tuple(dict.fromkeys((provider, _PROCESSOR))))
        session.run(None, dict.fromkeys(("x", "w"), np.zeros((1, 1, 1, 1), np.float32)))
    except Exception:  # its errors have no common base but this
        return False
    return _first_of(session) == provider


def how_to_get_cuda() -> str:
    """What helps where `has_cuda` is false, as part of a sentence."""
    if all(map(_is_installed, _BUILDS)) and _CUDA not in silent_onnxruntime().get_available_providers():
        return (
            f"the packages {' and '.join(_BUILDS)} are both installed, in one folder, and the files there are of the first, "
            f"which knows no CUDA; `pip uninstall {' '.join(_BUILDS)}`, then `pip install {_BUILDS[1]}`"
        )
    return "install 'steelsight[gpu]', the driver, CUDA and cuDNN"


def _is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


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
        try:
            said: NDArray[np.float32] = self.session.run([OUTPUT], {INPUT: inputs})[0]
        except Exception as error:  # its errors have no common base but this
            raise UserError(
                f"{self.name}: ONNX Runtime could not run it ({error}); use `device=cpu`, or begin again"
            ) from error
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
    try:
        session = _open(content, providers)
    except Exception as error:  # its errors have no common base but this
        elsewhere = "" if providers[0] == _PROCESSOR else "use `device=cpu`, or "
        raise UserError(f"{path}: ONNX Runtime cannot load it ({error}); {elsewhere}export the run again") from error
    if _first_of(session) != providers[0]:
        raise UserError(
            f"{path}: ONNX Runtime runs it on {_first_of(session)}, not on {providers[0]}; use `device=cpu`"
        )
    return session


def _open(content: bytes, providers: Sequence[str]) -> Any:
    """A session that takes no other provider than those named, neither now nor in a later run."""
    onnxruntime = silent_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.add_session_config_entry("session.load_model_format", "ONNX")  # whatever the bytes look like besides
    # else its Python part answers an error by a few lines on stdout, and goes on with the processor
    return onnxruntime.InferenceSession(content, options, providers=with_options(providers), enable_fallback=0)


def with_options(providers: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Execution providers as a session takes them.

    >>> with_options(ON_CUDA)
    [('CUDAExecutionProvider', {'use_tf32': '0'}), ('CPUExecutionProvider', {})]
    """
    return [(name, _OPTIONS.get(name, {})) for name in providers]


def _first_of(session: Any) -> str:
    """The provider that takes whatever it has code for."""
    name: str = session.get_providers()[0]
    return name
