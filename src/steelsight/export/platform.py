"""On what an export was measured."""

from importlib.metadata import version

from steelsight.export.parity import Platform
from steelsight.inspector.artifact import Precision
from steelsight.inspector.openvino import runs_in_bf16


def here(precision: Precision) -> Platform:
    """This machine's processor and libraries."""
    import openvino

    computed: Precision = precision if precision == "int8" or runs_in_bf16(precision) else "fp32"
    return Platform(
        reference=f"torch {version('torch')} in fp32",
        runtime=f"OpenVINO {version('openvino')} in {computed}",
        processor=str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")).strip(),
        precision=precision,
        computed_in=computed,
    )
