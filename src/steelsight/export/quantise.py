"""int8: NNCF quantises a network's ONNX file, and what costs too much goes back. It sends nothing, and reaches no network."""

import contextlib
import io
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.export.equalise import equalise
from steelsight.export.float_layers import Chosen, Control, choose_float_layers
from steelsight.export.onnx_graph import HEAVY, is_grouped
from steelsight.inspector.onnxruntime import silent_onnxruntime

_TELEMETRY = "openvino_telemetry"

Inputs = Sequence[NDArray[np.float32]]


def quantise(path: Path, inputs: Inputs, control: Control) -> Chosen:
    """Replace an fp32 ONNX network by one that computes in int8.

    The first layer, depthwise convolutions, and the last layer with what follows it stay in fp32: they take little time and
    lose much accuracy. Weights keep to half of the range of 8 bit, since processors without VNNI add products in 16 bit and
    would overflow. Ranges of activations reach from the least to the greatest value of any image: defects are rare and their
    activations great, and a mean over images would cut them off. Additions and what else is no layer are in int8 too, if the
    answers can be kept so; else layers alone are.

    Args:
        inputs: float32 (channels, height, width), of real images, with and without a defect: ranges of activations are taken
            from them.
        control: layers go back to fp32 until the answers are near enough to those of fp32.

    Raises:
        UserError: NNCF cannot quantise this network.
    """
    nncf = _nncf()
    import onnx

    model = onnx.load(path)
    equalise(model, inputs)

    def choose(kept: list[str]) -> Chosen:
        try:
            with _quiet():
                made = _in_int8(nncf, model, inputs, kept)
        except Exception as error:  # its errors have no common base but this
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise UserError(
                f"nothing was exported: NNCF cannot make int8 of {path.name} ({first}); export with `precision=fp32`"
            ) from error
        return choose_float_layers(model, made, control, path.with_suffix(".tried.onnx"))

    kept = _kept_in_fp32(model)
    chosen = choose(kept)
    if chosen.after > control.max_difference:
        chosen = choose(sorted({*kept, *(node.name for node in model.graph.node if node.op_type not in HEAVY)}))
    onnx.save(chosen.model, path)
    return chosen


def _in_int8(nncf: Any, model: Any, inputs: Inputs, kept: list[str]) -> Any:
    """All that can be, but for the nodes that are kept in fp32."""
    from nncf.quantization.advanced_parameters import OverflowFix
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    return nncf.quantize(
        model,
        nncf.Dataset(inputs, lambda one: {model.graph.input[0].name: one[None]}),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(inputs),
        ignored_scope=nncf.IgnoredScope(names=kept),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=OverflowFix.ENABLE,
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
        ),
    )


def _kept_in_fp32(model: Any) -> list[str]:
    """Names of the first layer, of depthwise convolutions, and of the last layer with all that comes after it."""
    nodes = list(model.graph.node)
    heavy = [place for place, node in enumerate(nodes) if node.op_type in HEAVY]
    kept = [*heavy[:1], *(place for place in heavy if is_grouped(nodes[place]))]
    return sorted({nodes[place].name for place in (*kept, *range(heavy[-1] if heavy else 0, len(nodes)))})


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
