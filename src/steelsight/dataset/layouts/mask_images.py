"""Mask images: pixels as they are stored, palettes left as indices; and what gives away that one is no mask."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.header import image_format, png_chunks
from steelsight.imaging.orientation import stated_orientation, upright
from steelsight.imaging.read import decode_image, read_content
from steelsight.imaging.tiff import read_page

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH_AT, _COLOUR_AT, _PALETTE = 8, 9, 3
_COLOURS = (b"PLTE", b"tRNS")
_LEAST = 256  # pixels from which on it can be told what a picture is
_REACH = 3  # pixels to either side: bands of small class numbers are wider than one pixel
_NEAR = 3  # grey levels around the commonest dark and the commonest bright one


def read_mask(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a mask image as (H, W) or, where it is really in colour, (H, W, 3).

    A palette of a PNG, BMP or TIFF gives its indices, not its colours; of fewer than 8 bits a pixel the values are those
    that are stored.

    Raises:
        ImageError: missing, truncated or not an image.
    """
    content = read_content(path)
    header = _png_header(content)
    if header and header[_COLOUR_AT] == _PALETTE:
        content = _without_palette(content)
    pixels = decode_image(content, path, indices=True)
    bits = _bits(content)
    return pixels if bits >= 8 else (pixels // (255 // (2**bits - 1))).astype(np.uint8)


def alpha_of(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    """The transparency (H, W) of an image file in which it is not the same everywhere; else None.

    Raises:
        ImageError: there is no such file.
    """
    content = read_content(path)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4:
        return None
    alpha: NDArray[np.uint8] | NDArray[np.uint16] = upright(pixels[..., 3], stated_orientation(content))
    return None if alpha.min() == alpha.max() else alpha


def contradicts_alpha(path: Path, shown: NDArray[np.bool_]) -> bool:
    """Whether transparency draws a mask other than the colours do: then nobody knows which of the two is meant."""
    alpha = alpha_of(path)
    if alpha is None or alpha.shape != shown.shape:
        return False
    opaque = alpha > np.iinfo(alpha.dtype).max // 2
    return bool((opaque != shown).any())


def is_photograph(grey: NDArray[np.uint8] | NDArray[np.uint16]) -> bool:
    """Whether a grey picture is too rich to be a mask, be it a smeared one: most pixels are neither dark nor bright, or the
    dark and the bright ones lie around no common value."""
    if grey.size < _LEAST:
        return False
    count = np.bincount((grey if grey.dtype.itemsize == 1 else grey >> 8).ravel(), minlength=256)
    common = [int(count[:128].argmax()), 128 + int(count[128:].argmax())]
    near = sum(int(count[max(0, one - _NEAR) : one + _NEAR + 1].sum()) for one in common)
    return bool(2 * int(count[32:224].sum()) > grey.size or 2 * near < grey.size)


def is_restless(indices: NDArray[np.uint8] | NDArray[np.uint16]) -> bool:
    """Whether values change from almost every pixel to the next, as in a photograph of few grey values."""
    if indices.size < _LEAST or indices.shape[1] < 2:
        return False
    return bool(np.mean(indices[:, 1:] != indices[:, :-1]) > 0.4)


def blended(indices: NDArray[np.uint8] | NDArray[np.uint16]) -> dict[int, tuple[int, int]]:
    """Of each value but 0 and the greatest: its pixels, and how many of these lie in a narrow band between a lower and a
    higher value, as they do where a mask was blurred or resized with interpolation."""
    greatest = indices.max()
    if np.unique(indices).size < 3:
        return {}
    padded = np.pad(indices.astype(np.int32), _REACH, mode="edge")
    centre = _shifted(padded, 0, 0)
    between = np.zeros(centre.shape, np.bool_)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        after, before = _next_value(padded, down, right), _next_value(padded, -down, -right)
        between |= ((before < centre) & (centre < after)) | ((after < centre) & (centre < before))
    every, inside = np.bincount(centre.ravel()), np.bincount(centre[between].ravel(), minlength=int(greatest) + 1)
    return {int(v): (int(every[v]), int(inside[v])) for v in np.flatnonzero(every) if 0 < v < greatest}


def _next_value(padded: NDArray[np.int32], down: int, right: int) -> NDArray[np.int32]:
    """The first other value in a direction, of each pixel; its own where there is none near it."""
    centre = _shifted(padded, 0, 0)
    found = centre
    for step in range(1, _REACH + 1):
        found = np.where(found == centre, _shifted(padded, step * down, step * right), found)
    return found


def _shifted(padded: NDArray[np.int32], down: int, right: int) -> NDArray[np.int32]:
    height, width = (length - 2 * _REACH for length in padded.shape)
    return padded[_REACH + down : _REACH + down + height, _REACH + right : _REACH + right + width]


def _png_header(content: bytes) -> bytes:
    """The data of the first chunk of a PNG; none of every other file."""
    kind, data = next(png_chunks(content), (b"", b"")) if content.startswith(_SIGNATURE) else (b"", b"")
    return data if kind == b"IHDR" and len(data) == 13 else b""


def _bits(content: bytes) -> int:
    """Bits of an index: a decoder spreads fewer than 8 over 0 to 255, be they indices into a palette or grey."""
    header = _png_header(content)
    if header:
        return header[_DEPTH_AT]
    if image_format(content) != "tiff":
        return 8
    return read_page(content).bits


def _without_palette(content: bytes) -> bytes:
    """The same PNG declared as grey: its pixels are then the indices themselves."""
    parts = [_SIGNATURE]
    for kind, data in png_chunks(content):
        if kind in _COLOURS:
            continue
        body = data[:_COLOUR_AT] + b"\x00" + data[_COLOUR_AT + 1 :] if kind == b"IHDR" else data
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)
