"""Image reading: grey or colour, 8 or 16 bit; JPEG, PNG, BMP and TIFF. What cannot be read whole is refused.

Pixels are taken as they are stored: an EXIF orientation is not applied, since masks are drawn on stored pixels.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from steelsight.errors import UserError
from steelsight.preprocess import Image

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})

_ANY = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
_GREY = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
_JPEG, _PNG, _BMP = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM"
_JPEG_END = b"\xff\xd9"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the markers whose segment holds the size
_JPEG_SCAN = 0xDA

ImageFault = Literal["missing-image", "unreadable-image"]


class ImageError(UserError):
    """An image that is missing, truncated, or none at all; `kind` is the stable word of the fault."""

    def __init__(self, kind: ImageFault, path: Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.kind: ImageFault = kind
        self.sentence = message


def is_image_name(path: Path) -> bool:
    """Say whether a file name ends like one of the formats that are read; hidden files do not count."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def list_images(folder: Path) -> list[Path]:
    """The image files directly in `folder`, sorted by name; empty where the folder does not exist."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if is_image_name(path) and path.is_file())


def read_image(path: Path, *, grey: bool = False) -> Image:
    """Read an image whole.

    Args:
        grey: for networks that see grey alone. A colour file becomes (H, W): the luma of a JPEG, which is decoded
            sooner, the decoder's weighted mean elsewhere. A grey image has the same pixels either way.

    Returns:
        uint8 or uint16, (H, W) grey or (H, W, 3) RGB. A colour file with three equal channels becomes (H, W); alpha is
        dropped, palettes become their colours.

    Raises:
        ImageError: the file is missing, truncated, not an image, or neither 8 nor 16 bit.
    """
    return decode_image(read_content(path), path, grey=grey)


def read_content(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        ImageError: there is no such file, or it may not be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError("missing-image", path, "there is no such image; add it or remove its rows") from None
    except OSError as error:
        raise ImageError("unreadable-image", path, f"cannot be read ({error.strerror}); check its rights") from error


def decode_image(content: bytes, path: Path, *, grey: bool = False) -> Image:
    """Decode the bytes of an image file as `read_image` does; `path` is for the message alone."""
    _refuse_truncated(content, path)
    pixels = _decode(content, _GREY if grey else _ANY)
    if pixels is None:
        raise ImageError("unreadable-image", path, f"{_describe(content)}; save it again as JPEG, PNG, BMP or TIFF")
    if pixels.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError("unreadable-image", path, f"pixels of type {pixels.dtype}; save it with 8 or 16 bit a channel")
    return pixels if pixels.ndim == 2 else _grey_or_rgb(pixels)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, from the header where the format allows it, else by decoding.

    Raises:
        ImageError: the file is missing or not an image. Truncation is found by `read_image` alone.
    """
    content = read_content(path)
    try:
        size = _header_size(content)
    except (struct.error, IndexError):
        size = None
    if size is not None and min(size) > 0:
        return size
    height, width = decode_image(content, path).shape[:2]
    return height, width


def _decode(content: bytes, flags: int) -> Image | None:
    if not content:
        return None
    try:
        pixels: Image | None = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        return None
    return pixels


def _grey_or_rgb(bgr: Image) -> Image:
    """(H, W) where the three channels are equal, else RGB."""
    coarse = bgr[::16, ::16]  # most colour images differ here already
    if np.array_equal(coarse[..., 0], coarse[..., 1]) and np.array_equal(coarse[..., 1], coarse[..., 2]):
        blue, green, red = cv2.split(bgr)
        if cv2.norm(blue, green, cv2.NORM_INF) == 0 and cv2.norm(green, red, cv2.NORM_INF) == 0:
            grey: Image = green
            return grey
    rgb: Image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb


def _refuse_truncated(content: bytes, path: Path) -> None:
    """Refuse a file that breaks off: some decoders fill the missing part with grey and say nothing."""
    if content.startswith(_JPEG):
        whole = content.rfind(_JPEG_END) > _scan_offset(content)
    elif content.startswith(_PNG):
        whole = any(kind == b"IEND" for kind, _ in png_chunks(content))
    elif content.startswith(_BMP) and len(content) >= 6:
        whole = len(content) >= int(struct.unpack_from("<I", content, 2)[0])
    else:
        return
    if not whole:
        raise ImageError(
            "unreadable-image", path, f"the file breaks off after {len(content)} bytes; copy it again from its source"
        )


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and data of every complete chunk of a PNG file, in order."""
    at = len(_PNG)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        if at + 12 + length > len(content):
            return
        yield kind, content[at + 8 : at + 8 + length]
        at += 12 + length


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Marker and offset of the data of each segment of a JPEG file up to the first scan."""
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return
        marker = content[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        yield marker, at + 4
        if marker == _JPEG_SCAN:
            return
        at += 2 + int(struct.unpack_from(">H", content, at + 2)[0])


def _scan_offset(content: bytes) -> int:
    """Where the pixels of a JPEG begin: an end marker before it belongs to an embedded preview."""
    return next((at for marker, at in _jpeg_segments(content) if marker == _JPEG_SCAN), len(content))


def _header_size(content: bytes) -> tuple[int, int] | None:
    if content.startswith(_PNG):
        width, height = struct.unpack_from(">II", content, 16)
        return int(height), int(width)
    if content.startswith(_BMP) and struct.unpack_from("<I", content, 14)[0] >= 40:
        width, height = struct.unpack_from("<ii", content, 18)
        return abs(int(height)), int(width)  # a negative height means rows from top to bottom
    if content.startswith(_JPEG):
        for marker, at in _jpeg_segments(content):
            if marker in _JPEG_FRAMES:
                height, width = struct.unpack_from(">HH", content, at + 1)
                return int(height), int(width)
    return None


def _describe(content: bytes) -> str:
    if not content:
        return "the file is empty"
    if b"\x00" not in content[:512] and content[:512].isascii():
        return f"not an image but text, beginning {content[:24].decode('ascii')!r}"
    return "not an image that can be decoded"
