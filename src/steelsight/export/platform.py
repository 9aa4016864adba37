"""On what an export was measured."""

from importlib.metadata import version

from steelsight.export.parity import Platform
from steelsight.inspector.artifact import Precision


def here(precision: Precision, computed: Precision) -> Platform:
    """This machine's processor and libraries, where an engine computes so."""
    import openvino

    return Platform(
        reference=f"torch {version('torch')} in fp32",
        runtime=f"OpenVINO {version('openvino')} in {computed}",
        processor=str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")).strip(),
        precision=precision,
        computed_in=computed,
    )
