"""Mask images: pixels as they are stored, palettes left as indices."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.image_header import image_format, png_chunks
from steelsight.images import decode_image, read_content
from steelsight.tiff import read_page

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH_AT, _COLOUR_AT, _PALETTE = 8, 9, 3
_COLOURS = (b"PLTE", b"tRNS")


def read_mask(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a mask image as (H, W) or, where it is really in colour, (H, W, 3).

    A palette of a PNG, BMP or TIFF gives its indices, not its colours.

    Raises:
        ImageError: missing, truncated or not an image.
    """
    content = read_content(path)
    depth = _palette_depth(content)
    if depth is None:
        pixels = decode_image(content, path, indices=True)
        bits = _palette_bits(content)
        return pixels if bits is None else (pixels // (255 // (2**bits - 1))).astype(np.uint8)
    grey = decode_image(_without_palette(content), path)
    indices: NDArray[np.uint8] = (grey // (255 // (2**depth - 1))).astype(np.uint8)  # 1-4 bits are spread over 0..255
    return indices


def _palette_depth(content: bytes) -> int | None:
    """Bits per pixel of a palette PNG; None for every other file."""
    kind, data = next(png_chunks(content), (b"", b"")) if content.startswith(_SIGNATURE) else (b"", b"")
    if kind == b"IHDR" and len(data) == 13 and data[_COLOUR_AT] == _PALETTE and data[_DEPTH_AT] in (1, 2, 4, 8):
        return data[_DEPTH_AT]
    return None


def _palette_bits(content: bytes) -> int | None:
    """Bits per pixel of a palette TIFF, where they are fewer than 8; None for every other file."""
    if image_format(content) != "tiff":
        return None
    page = read_page(content)
    return page.bits if page.is_palette and page.bits < 8 else None


def _without_palette(content: bytes) -> bytes:
    """The same PNG declared as grey: its pixels are then the indices themselves."""
    parts = [_SIGNATURE]
    for kind, data in png_chunks(content):
        if kind in _COLOURS:
            continue
        body = data[:_COLOUR_AT] + b"\x00" + data[_COLOUR_AT + 1 :] if kind == b"IHDR" else data
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)
