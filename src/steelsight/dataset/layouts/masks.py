"""Mask images: pixels as they are stored, palettes left as indices."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.image_header import png_chunks
from steelsight.images import decode_image, read_content

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH_AT, _COLOUR_AT, _PALETTE = 8, 9, 3
_COLOURS = (b"PLTE", b"tRNS")


def read_mask(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a mask image as (H, W) or, where it is really in colour, (H, W, 3).

    A palette PNG gives its indices, not its colours.

    Raises:
        ImageError: missing, truncated or not an image.
    """
    content = read_content(path)
    depth = _palette_depth(content)
    if depth is None:
        return decode_image(content, path)
    grey = decode_image(_without_palette(content), path)
    indices: NDArray[np.uint8] = (grey // (255 // (2**depth - 1))).astype(np.uint8)  # 1-4 bits are spread over 0..255
    return indices


def _palette_depth(content: bytes) -> int | None:
    """Bits per pixel of a palette PNG; None for every other file."""
    kind, data = next(png_chunks(content), (b"", b"")) if content.startswith(_SIGNATURE) else (b"", b"")
    if kind == b"IHDR" and len(data) == 13 and data[_COLOUR_AT] == _PALETTE and data[_DEPTH_AT] in (1, 2, 4, 8):
        return data[_DEPTH_AT]
    return None


def _without_palette(content: bytes) -> bytes:
    """The same PNG declared as grey: its pixels are then the indices themselves."""
    parts = [_SIGNATURE]
    for kind, data in png_chunks(content):
        if kind in _COLOURS:
            continue
        body = data[:_COLOUR_AT] + b"\x00" + data[_COLOUR_AT + 1 :] if kind == b"IHDR" else data
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)
