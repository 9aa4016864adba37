"""Files as cameras and other programs write them, made byte by byte: TIFFs of several kinds, EXIF, further pictures."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def steel(seed: int = 0, size: tuple[int, int] = (64, 96)) -> NDArray[np.uint8]:
    """A made-up surface: noise, blurred a little."""
    noise = np.random.default_rng(seed).normal(110, 25, size).astype(np.float32)
    return np.asarray(np.clip(cv2.GaussianBlur(noise, (0, 0), 0.8), 20, 230).astype(np.uint8))


def tiff(
    *pages: NDArray[Any],
    photometric: int = 1,
    extra: int | None = None,
    orientation: int | None = None,
    deflate: bool = False,
    depth: int = 8,
) -> bytes:
    """A TIFF of one strip a page.

    Args:
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 3 a palette, whose colours say nothing of the indices.
        extra: what the last channel is: 1 alpha that colours were multiplied by, 2 alpha.
        depth: bits of a pixel, of fewer than 8, which are packed.
    """
    out, link = bytearray(b"II*\0\0\0\0\0"), 4
    for page in pages:
        channels, bits = 1 if page.ndim == 2 else page.shape[2], page.dtype.itemsize * 8
        data = page.astype(page.dtype.newbyteorder("<")).tobytes()
        if depth < 8:
            single = np.unpackbits(page[..., None], axis=2)[..., -depth:]
            bits, data = depth, np.packbits(single.reshape(len(page), -1), axis=1).tobytes()
        data = zlib.compress(data) if deflate else data
        data_at = len(out)
        out += data + bytes(len(data) % 2)
        bits_at = len(out)
        out += struct.pack(f"<{channels}H", *[bits] * channels) + bytes(2 * (channels % 2))
        inline = {1: bits, 2: bits | bits << 16}
        tags = [
            (256, 4, 1, page.shape[1]), (257, 4, 1, page.shape[0]), (258, 3, channels, inline.get(channels, bits_at)),
            (259, 3, 1, 8 if deflate else 1), (262, 3, 1, photometric), (273, 4, 1, data_at), (277, 3, 1, channels),
            (278, 4, 1, page.shape[0]), (279, 4, 1, len(data)), (284, 3, 1, 1),
        ]  # fmt: skip
        if photometric == 3:
            colours = np.random.default_rng(0).integers(0, 1 << 16, 3 << bits, dtype=np.uint16)
            tags.append((320, 3, len(colours), len(out)))
            out += colours.astype("<u2").tobytes()
        tags += [] if extra is None else [(338, 3, 1, extra)]
        tags += [] if orientation is None else [(274, 3, 1, orientation)]
        struct.pack_into("<I", out, link, len(out))
        out += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
        link = len(out)
        out += bytes(4)
    return bytes(out)


def encoded(suffix: str, pixels: NDArray[Any], options: Sequence[int] = ()) -> bytes:
    """The bytes of a file as OpenCV writes it."""
    return cv2.imencode(suffix, pixels, list(options))[1].tobytes()


def turned_jpeg(picture: NDArray[np.uint8] | bytes, orientation: int) -> bytes:
    """A JPEG, of pixels or of a JPEG's bytes, that states an EXIF orientation."""
    content = picture if isinstance(picture, bytes) else encoded(".jpg", picture)
    tag = b"Exif\0\0" + _exif(orientation)
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(tag) + 2) + tag + content[2:]


def turned_png(pixels: NDArray[Any], orientation: int) -> bytes:
    """A PNG that states an EXIF orientation."""
    content, data = encoded(".png", pixels), b"eXIf" + _exif(orientation)
    return content[:33] + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)) + content[33:]


def _exif(orientation: int) -> bytes:
    return b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + struct.pack("<I", orientation) + bytes(4)


def stored_for(wanted: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The pixels that a file with an orientation stores so that the picture `wanted` is seen."""
    seen = {
        1: wanted,
        2: wanted[:, ::-1],
        3: np.rot90(wanted, 2),
        4: wanted[::-1],
        5: wanted.swapaxes(0, 1),
        6: np.rot90(wanted, 1),
        7: np.rot90(wanted, 2).swapaxes(0, 1),
        8: np.rot90(wanted, -1),
    }
    return np.ascontiguousarray(seen[orientation])


def palette_bmp(indices: NDArray[np.uint8], colours: Sequence[tuple[int, int, int]]) -> bytes:
    """A BMP of 8 bit with a palette (RGB)."""
    height, width = indices.shape
    row = (width + 3) // 4 * 4
    table = b"".join(bytes((*reversed(colour), 0)) for colour in colours)
    rows = b"".join(line.tobytes() + bytes(row - width) for line in indices[::-1])
    at = 54 + len(table)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 0, len(rows), 0, 0, len(colours), 0)
    return b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at) + head + table + rows
