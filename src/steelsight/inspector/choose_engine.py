"""Which engine runs an inspector's networks: OpenVINO on a processor, ONNX Runtime on a CUDA device."""

from pathlib import Path

from steelsight.cascade.engine import Aim, Device, Engine
from steelsight.core.errors import UserError
from steelsight.inspector.artifact import InspectorCard
from steelsight.inspector.checksums import Checksums


def batch_of(*, cuda: bool) -> int:
    """Images that an engine judges together where throughput is the aim, without loading one."""
    from steelsight.inspector import onnxruntime, openvino

    return onnxruntime.BATCH if cuda else openvino.BATCH


def open_engine(
    folder: Path,
    card: InspectorCard,
    *,
    checksums: Checksums | None = None,
    device: Device = "auto",
    aim: Aim = "throughput",
    threads: int | None = None,
) -> Engine:
    """The networks of an inspector, ready to run.

    Args:
        folder: of the inspector, checked by `open_artifact` before.
        checksums: what the networks' files are held against; see `read_network`.
        device: `auto` takes a CUDA device where ONNX Runtime runs networks on one, else the processor.
        aim: what the processor is used for.
        threads: of the processor; all that this process may use if left out.

    Raises:
        UserError: the device is not there, or a network cannot be loaded.
    """
    from steelsight.inspector.onnxruntime import ON_CUDA, OnnxRuntimeEngine, has_cuda, how_to_get_cuda

    if device == "cuda" and not has_cuda():
        raise UserError(
            f"`device=cuda`: ONNX Runtime runs on no CUDA device here; {how_to_get_cuda()}, or use `device=cpu`"
        )
    if device != "cpu" and has_cuda():
        return OnnxRuntimeEngine.load(folder, card, ON_CUDA, checksums=checksums)
    from steelsight.inspector.openvino import OpenVinoEngine

    return OpenVinoEngine.load(folder, card, aim=aim, threads=threads, checksums=checksums)
