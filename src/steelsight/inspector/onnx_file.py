"""The bytes of an ONNX network, seen to be one file that stands alone.

ONNX may keep tensors in other files ("external data"), which no checksum covers and which both runtimes read without a
word, from the working folder where they are given bytes. So every tensor of the file is looked at before a runtime sees it.
The format (protocol buffers) is read here as far as that takes, since the plain install has no library for it, and more
strictly than the runtimes do: what is doubtful is refused.

Source of the field numbers: onnx/onnx.proto of ONNX 1.18.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from steelsight.core.errors import UserError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT, _LONGEST_TAG = 10, 5  # bytes
_DEEPEST = 50  # messages inside messages; a graph inside a node is three of them
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_IR_VERSION, _GRAPH = 1, 7

Message = Literal["model", "graph", "function", "training", "node", "attribute", "sparse", "tensor"]

_INSIDE: dict[Message, dict[int, Message]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Fields through which a tensor can be reached, by message."""


class _ElsewhereError(ValueError):
    """A tensor of the network lies in another file."""


def check_alone(content: bytes, path: Path) -> None:
    """See that a network is ONNX, and all of it in these bytes.

    Args:
        path: named in the message.

    Raises:
        UserError: it is something else, or refers to other files.
    """
    try:
        view = memoryview(content)
        top = {(number, kind) for number, kind, _ in _fields(view)}
        if not {(_IR_VERSION, _VARINT), (_GRAPH, _BYTES)} <= top:
            raise ValueError("it has no graph or does not state its version")
        _walk(view, "model", 0)
    except _ElsewhereError:
        raise UserError(
            f"{path}: a tensor of it lies in another file (ONNX external data), which no checksum covers, so it is not read; "
            "export the run again, or save the network with all its tensors inside"
        ) from None
    except ValueError as error:
        raise UserError(f"{path}: not an ONNX network ({error}); export the run again") from error


def _walk(view: memoryview, message: Message, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    for number, kind, value in _fields(view):
        if message == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
            raise _ElsewhereError
        inside = _INSIDE[message].get(number)
        if inside is not None and kind == _BYTES and isinstance(value, memoryview):
            _walk(value, inside, depth + 1)


def _fields(view: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Number, wire type and value of each field of a message: an integer, or a view of the bytes."""
    at = 0
    while at < len(view):
        tag, after = _varint(view, at)
        number, kind = tag >> 3, tag & 7
        if after - at > _LONGEST_TAG or tag >= 1 << 32 or number == 0:
            raise ValueError(f"a field with the number {number} at byte {at}")
        at = after
        if kind == _VARINT:
            value, at = _varint(view, at)
            yield number, kind, value
            continue
        if kind == _BYTES:
            size, at = _varint(view, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"a field of wire type {kind}, which ONNX does not have")
        if size > len(view) - at:
            raise ValueError("it breaks off")
        yield number, kind, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """The integer at a place, and where it ends."""
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(view):
            raise ValueError("it breaks off")
        byte = view[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError(f"a number of more than {_LONGEST_VARINT} bytes")
