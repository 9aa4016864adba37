"""int8: NNCF quantises a network's ONNX file and takes back what costs too much. It sends nothing, and reaches no network."""

import contextlib
import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.inspector.onnxruntime import silent_onnxruntime

_TELEMETRY = "openvino_telemetry"
_RANKED_ON = (
    10  # images on which operations are ranked by what they cost; one pass over 80 groups takes minutes as it is
)
_MOST_REVERTED = 10  # groups of operations that may go back to fp32
_HEAVY = ("Conv", "Gemm", "MatMul")

Inputs = Sequence[NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Control:
    """What int8 may cost.

    Attributes:
        images: how many there are.
        load: makes a network that can be asked from an ONNX file.
        score: its score on one image, in [0, 1].
        max_drop: of the mean score, from fp32 to int8.
    """

    images: int
    load: Callable[[Path], Any]
    score: Callable[[Any, int], float]
    max_drop: float


def quantise(path: Path, inputs: Inputs, control: Control | None = None) -> None:
    """Replace an fp32 ONNX network by one that computes in int8.

    The first layer, depthwise convolutions, and the last layer with what follows it stay in fp32: they take little time and
    lose much accuracy. Weights keep to half of the range of 8 bit, since processors without VNNI add products in 16 bit and
    would overflow.

    Args:
        inputs: float32 (channels, height, width), of real images: ranges of activations are taken from them.
        control: if given, operations go back to fp32 until the mean score is within `max_drop` of that of fp32, or ten
            groups of them have gone back.

    Raises:
        UserError: NNCF cannot quantise this network.
    """
    nncf = _nncf()
    import onnx

    model = onnx.load(path)
    settings = {
        "preset": nncf.QuantizationPreset.MIXED,
        "subset_size": len(inputs),
        "ignored_scope": nncf.IgnoredScope(names=_kept_in_fp32(model)),
    }
    ranges = nncf.Dataset(inputs, lambda one: {model.graph.input[0].name: one[None]})
    parameters = nncf.AdvancedQuantizationParameters(overflow_fix=_overflow_fix())
    try:
        with _quiet():
            if control is None:
                made = nncf.quantize(model, ranges, advanced_parameters=parameters, **settings)
            else:
                made = _controlled(nncf, model, ranges, path.with_suffix(".tried.onnx"), control, parameters, settings)
    except UserError:
        raise
    except Exception as error:  # its errors have no common base but this
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"nothing was exported: NNCF cannot make int8 of {path.name} ({first}); export with `precision=fp32`"
        ) from error
    onnx.save(made, path)


def _controlled(
    nncf: Any, model: Any, ranges: Any, tried: Path, control: Control, parameters: Any, settings: dict[str, Any]
) -> Any:
    import onnx

    def validate(candidate: Any, images: Iterable[int]) -> tuple[float, list[float]]:
        onnx.save(candidate, tried)
        network = control.load(tried)
        scores = [control.score(network, index) for index in images]
        return float(np.mean(scores)), scores

    try:
        return nncf.quantize_with_accuracy_control(
            model,
            ranges,
            nncf.Dataset(range(control.images)),
            validate,
            max_drop=control.max_drop,
            drop_type=nncf.DropType.ABSOLUTE,
            advanced_quantization_parameters=parameters,
            advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
                max_num_iterations=_MOST_REVERTED, ranking_subset_size=_RANKED_ON, num_ranking_workers=1
            ),
            **settings,
        )
    finally:
        tried.unlink(missing_ok=True)


def _kept_in_fp32(model: Any) -> list[str]:
    """Names of the first layer, of depthwise convolutions, and of the last layer with all that comes after it."""
    nodes = list(model.graph.node)
    heavy = [place for place, node in enumerate(nodes) if node.op_type in _HEAVY]
    kept = [*heavy[:1], *(place for place in heavy if _is_grouped(nodes[place]))]
    return sorted({nodes[place].name for place in (*kept, *range(heavy[-1] if heavy else 0, len(nodes)))})


def _is_grouped(node: Any) -> bool:
    return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)


def _nncf() -> Any:
    """NNCF, imported so that it falls back to its stub in place of telemetry, and leaves logging as it was."""
    silent_onnxruntime()  # on which NNCF runs networks
    if "nncf" not in sys.modules:
        telemetry, logger = sys.modules.get(_TELEMETRY), logging.getLoggerClass()
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # so that importing it fails, as if it were not installed
        try:
            with _quiet():
                import nncf
        finally:
            logging.setLoggerClass(logger)
            del sys.modules[_TELEMETRY]
            if telemetry is not None:
                sys.modules[_TELEMETRY] = telemetry
    import nncf

    nncf.set_log_level(logging.ERROR)
    return nncf


def _overflow_fix() -> Any:
    from nncf.quantization.advanced_parameters import OverflowFix

    return OverflowFix.ENABLE


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep NNCF's bars and notes off the terminal; standard output may be somebody's JSON."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
