"""Image reading: grey or colour, 8 or 16 bit; JPEG, PNG, BMP and TIFF. What cannot be read whole is refused.

Pixels are taken as they are stored: an EXIF orientation is not applied, since masks are drawn on stored pixels.
"""

import struct
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from steelsight.errors import UserError
from steelsight.image_header import JPEG_END, JPEG_SCAN, image_format, png_chunks, read_header, scan_offset
from steelsight.preprocess import Image

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})

_ANY = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
_GREY = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
_MOST_SCANS = 100  # of a JPEG; a progressive one has about ten, and each takes as long as decoding the whole

ImageFault = Literal["missing-image", "unreadable-image", "too-many-pixels"]


class ImageError(UserError):
    """An image that is missing, truncated, or none at all; `kind` is the stable word of the fault."""

    def __init__(self, kind: ImageFault, path: Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.kind: ImageFault = kind
        self.sentence = message


class TooManyPixels(ImageError):  # noqa: N818
    """An image larger than may be decoded here."""

    def __init__(self, path: Path, height: int, width: int, limit: int) -> None:
        message = f"{height} x {width} pixels exceed the {limit} that one image may have; cut it, or raise the limit"
        super().__init__("too-many-pixels", path, message)


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


def decode_image(content: bytes, path: Path, *, grey: bool = False, max_pixels: int | None = None) -> Image:
    """Decode the bytes of an image file as `read_image` does.

    Args:
        path: for the message alone.
        max_pixels: for files from strangers: a larger image is refused by its header, and so is one whose header does not
            say its size plainly; neither is decoded. The limit holds for a tile of a TIFF too.

    Raises:
        TooManyPixels: more than `max_pixels`.
        ImageError: as of `read_image`.
    """
    _refuse_truncated(content, path)
    if max_pixels is not None:
        _refuse_bomb(content, path, max_pixels)
    pixels = _decode(content, _GREY if grey else _ANY)
    if pixels is None:
        raise ImageError("unreadable-image", path, f"{_describe(content)}; save it again as JPEG, PNG, BMP or TIFF")
    if pixels.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError("unreadable-image", path, f"pixels of type {pixels.dtype}; save it with 8 or 16 bit a channel")
    return pixels if pixels.ndim == 2 else _grey_or_rgb(pixels)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, from the header where it says so, else by decoding.

    Raises:
        ImageError: the file is missing or not an image. Truncation is found by `read_image` alone.
    """
    content = read_content(path)
    header = read_header(content)
    if header is not None:
        return header.height, header.width
    height, width = decode_image(content, path).shape[:2]
    return height, width


def _refuse_bomb(content: bytes, path: Path, max_pixels: int) -> None:
    """Refuse a small file that would take much memory or time to decode."""
    header = read_header(content)
    if header is None:
        said = "the header does not say its size" if image_format(content) else _describe(content)
        raise ImageError("unreadable-image", path, f"{said}; save it again as JPEG, PNG, BMP or TIFF")
    if header.pixels > max_pixels:
        raise TooManyPixels(path, header.height, header.width, max_pixels)
    if image_format(content) == "jpeg" and content.count(JPEG_SCAN) > _MOST_SCANS:
        raise ImageError("unreadable-image", path, f"more than {_MOST_SCANS} scans; save it again as a plain JPEG")


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
    match image_format(content):
        case "jpeg":
            whole = content.rfind(JPEG_END) > scan_offset(content)
        case "png":
            whole = any(kind == b"IEND" for kind, _ in png_chunks(content))
        case "bmp":
            whole = len(content) < 6 or len(content) >= int(struct.unpack_from("<I", content, 2)[0])
        case _:
            return
    if not whole:
        raise ImageError(
            "unreadable-image", path, f"the file breaks off after {len(content)} bytes; copy it again from its source"
        )


def _describe(content: bytes) -> str:
    if not content:
        return "the file is empty"
    if b"\x00" not in content[:512] and content[:512].isascii():
        return f"not an image but text, beginning {content[:24].decode('ascii')!r}"
    return "not an image that can be decoded"
