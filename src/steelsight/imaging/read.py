"""Image reading: grey or colour, 8 or 16 bit; JPEG, PNG, BMP and TIFF. What cannot be read whole is refused.

In every format alike the picture is turned as its orientation says, alpha is dropped, and 0 is black. A file that holds more
than one picture, or of which a decoder warns, is refused by name.
"""

import struct
from pathlib import Path, PurePath
from typing import Literal

import cv2
import numpy as np

from steelsight.core.errors import UserError
from steelsight.imaging.header import JPEG_SCAN, MOST_SEGMENTS, image_format, jpeg_segments, read_header
from steelsight.imaging.jpeg import JpegError, decode_jpeg, has_second_picture
from steelsight.imaging.object_store import ImagePath
from steelsight.imaging.orientation import stated_orientation, upright, upright_size
from steelsight.imaging.png import PngError, checked_png, refuse_more_data
from steelsight.imaging.preprocess import Image, as_grey
from steelsight.imaging.tiff import TiffError, read_page

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})

UNREAD_SUFFIXES = frozenset(
    {
        *(".gif", ".webp", ".jp2", ".j2k", ".jfif", ".jpe", ".jxl", ".heic", ".heif", ".avif"),
        *(".pgm", ".ppm", ".pnm", ".pbm", ".dng", ".raw", ".exr", ".hdr", ".tga", ".dib"),
    }
)
"""Of images in formats that are not read."""

_ANY = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
_PACKED_BMP = (1, 2)
_FURTHER = (
    "it holds more than one picture, of which a decoder would read the first alone; save each as a file of its own"
)
_MOST_SCANS = 100  # of a JPEG
_SCANS_OF_LARGEST = 16  # a progressive one has about ten, and each takes as long as decoding the whole

ImageFault = Literal["missing-image", "unreadable-image", "too-many-pixels", "wrong-size"]


class ImageError(UserError):
    """An image that is missing, truncated, or none at all; `kind` is the stable word of the fault."""

    def __init__(self, kind: ImageFault, path: ImagePath, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.kind: ImageFault = kind
        self.sentence = message


class TooManyPixels(ImageError):  # noqa: N818
    """An image larger than may be decoded here."""

    def __init__(self, path: ImagePath, height: int, width: int, limit: int) -> None:
        message = f"{height} x {width} pixels exceed the {limit} that one image may have; cut it, or raise the limit"
        super().__init__("too-many-pixels", path, message)


def is_image_name(path: PurePath) -> bool:
    """Say whether a file name ends like one of the formats that are read; hidden files do not count."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_unread_image(path: PurePath) -> bool:
    """Say whether a file name ends like an image of a format that is not read; hidden files do not count."""
    return path.suffix.lower() in UNREAD_SUFFIXES and not path.name.startswith(".")


def list_images(folder: Path) -> list[Path]:
    """The image files directly in `folder`, sorted by name; empty where the folder does not exist.

    A link whose target is not there counts: reading it tells what is missing.

    Raises:
        UserError: the folder may not be read.
    """
    try:
        if not folder.is_dir():
            return []
        return sorted(path for path in folder.iterdir() if is_image_name(path) and not path.is_dir())
    except OSError as error:
        raise UserError(f"{folder}: the folder cannot be read ({error.strerror}); change its rights") from error


def read_image(path: ImagePath, *, grey: bool = False) -> Image:
    """Read an image whole.

    Args:
        grey: for networks that see grey alone. A colour file becomes (H, W): the luma of a JPEG, which is decoded
            sooner, elsewhere `as_grey` of its colours. A grey image has the same pixels either way.

    Returns:
        uint8 or uint16, (H, W) grey or (H, W, 3) RGB. A colour file with three equal channels becomes (H, W); alpha is
        dropped, palettes become their colours.

    Raises:
        ImageError: the file is missing, truncated, not an image, or neither 8 nor 16 bit.
    """
    return decode_image(read_content(path), path, grey=grey)


def read_content(path: ImagePath) -> bytes:
    """The bytes of an image file, or of one in an object store.

    Raises:
        ImageError: there is no such file, or it may not be read.
        StoreError: the object store does not answer.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError("missing-image", path, "there is no such image; correct the path, or add the image") from None
    except IsADirectoryError:
        raise ImageError("unreadable-image", path, "a folder, not an image; name the images in it") from None
    except OSError as error:
        raise ImageError("unreadable-image", path, f"cannot be read ({error.strerror}); check its rights") from error
    except ValueError:
        raise ImageError(
            "missing-image", path, "a NUL character in the name, which no file has; correct the path"
        ) from None


def decode_image(
    content: bytes, path: ImagePath, *, grey: bool = False, indices: bool = False, max_pixels: int | None = None
) -> Image:
    """Decode the bytes of an image file as `read_image` does.

    Args:
        path: for the message alone.
        indices: for masks: a palette of a TIFF or BMP is left out, so that its pixels are the indices into it; those of
            fewer than 8 bit are spread over 0 to 255 in a TIFF.
        max_pixels: for files from strangers: a larger image is refused by its header, and so is one whose header does not
            say its size plainly, or that would take far longer to decode than its pixels should; none is decoded. The limit
            holds for a tile of a TIFF too.

    Raises:
        TooManyPixels: more than `max_pixels`.
        ImageError: as of `read_image`.
    """
    if max_pixels is not None:
        _refuse_bomb(content, path, max_pixels)
    try:
        pixels = _read(content, grey, indices)
    except (JpegError, TiffError, PngError, _DamageError) as error:
        raise ImageError("unreadable-image", path, _sentence(content, error)) from error
    if pixels is None:
        raise ImageError("unreadable-image", path, f"{_describe(content)}; save it again as JPEG, PNG, BMP or TIFF")
    if pixels.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError("unreadable-image", path, f"pixels of type {pixels.dtype}; save it with 8 or 16 bit a channel")
    turned: Image = upright(pixels, stated_orientation(content))
    wanted = turned if turned.ndim == 2 else _grey_or_rgb(turned)
    return as_grey(wanted) if grey else wanted


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels of the image as it is read, from the header where it says so, else by decoding.

    Raises:
        ImageError: the file is missing or not an image. Truncation is found by `read_image` alone.
    """
    content = read_content(path)
    header = read_header(content)
    if header is not None:
        return upright_size((header.height, header.width), stated_orientation(content))
    height, width = decode_image(content, path).shape[:2]
    return height, width


def _refuse_bomb(content: bytes, path: ImagePath, max_pixels: int) -> None:
    """Refuse a small file that would take much memory or time to decode."""
    kind = image_format(content)
    if kind == "jpeg" and sum(1 for _ in jpeg_segments(content)) > MOST_SEGMENTS:
        raise ImageError("unreadable-image", path, f"more than {MOST_SEGMENTS} parts; save it again as a plain JPEG")
    header = read_header(content)
    if header is None:
        said = "the header does not say its size" if kind else _describe(content)
        raise ImageError("unreadable-image", path, f"{said}; save it again as JPEG, PNG, BMP or TIFF")
    if header.pixels > max_pixels:
        raise TooManyPixels(path, header.height, header.width, max_pixels)
    if kind == "jpeg":
        most = min(_MOST_SCANS, _SCANS_OF_LARGEST * max_pixels // header.pixels)
        if content.count(JPEG_SCAN) > most:
            said = f"more than {most} scans, the most for {header.height} x {header.width} pixels"
            raise ImageError("unreadable-image", path, f"{said}; save it again as a plain JPEG")
    if kind == "png":
        try:
            refuse_more_data(content, max_pixels)
        except PngError as error:
            raise ImageError("unreadable-image", path, str(error)) from error


class _DamageError(ValueError):
    """What is wrong with a BMP."""


def _read(content: bytes, grey: bool, indices: bool) -> Image | None:
    """Decode by format; what more than one picture or damage is in, is refused before a decoder could keep silent of it."""
    match image_format(content):
        case "jpeg":
            if has_second_picture(content):
                raise JpegError(_FURTHER)
            return decode_jpeg(content, grey=grey)
        case "tiff":
            page = read_page(content)
            pixels = _decode(page.as_stored(content, indices=indices))
            if pixels is not None and indices and page.few_bits:
                return _joined(pixels, page.bits)
            if pixels is None or not page.is_white_zero or pixels.dtype != np.uint16:
                return pixels  # 8 bit of which 0 is white are turned round by the decoder
            return np.iinfo(np.uint16).max - pixels
        case "png":
            content = checked_png(content, _FURTHER)
        case "bmp":
            content = _check_bmp(content, indices)
        case None:  # of what else OpenCV knows it gives the first picture, damaged or not
            return None
    return _decode(content)


def _joined(planes: Image, bits: int) -> Image:
    """The values of whose bits each pixel is one, the greatest first, spread over 0 to 255."""
    single = planes.reshape(planes.shape[0], -1, bits) // 255
    weights = 255 // (2**bits - 1) << np.arange(bits)[::-1]
    values: Image = (single * weights).sum(axis=2).astype(np.uint8)
    return values


def _decode(content: bytes) -> Image | None:
    """As stored, grey or BGR; decoders round the grey of colours each in its own way."""
    if not content:
        return None
    try:
        pixels: Image | None = cv2.imdecode(np.frombuffer(content, np.uint8), _ANY)
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


def _check_bmp(content: bytes, indices: bool) -> bytes:
    """See that a BMP is whole; with `indices`, its palette is that of grey."""
    if len(content) >= 6 and len(content) < int(struct.unpack_from("<I", content, 2)[0]):
        raise _DamageError(f"the file breaks off after {len(content)} bytes; copy it again from its source")
    if len(content) < 54 or struct.unpack_from("<I", content, 14)[0] < 40:
        return content
    at, size, width, height, _, bits, packing, *_, colours, _ = struct.unpack_from("<IIiiHHIIiiII", content, 10)
    if packing in _PACKED_BMP:
        raise _DamageError("compressed, which BMP has no check sum for; save it uncompressed, or as PNG")
    if at + (width * bits + 31) // 32 * 4 * abs(height) > len(content):
        raise _DamageError(f"the file breaks off after {len(content)} bytes; copy it again from its source")
    if not indices or bits > 8:
        return content
    first, count = 14 + size, min(colours or 1 << bits, 1 << bits)
    ramp = b"".join(bytes((index, index, index, 0)) for index in range(count))
    return content[:first] + ramp + content[first + len(ramp) :]


def _sentence(content: bytes, error: Exception) -> str:
    said = str(error)
    if not isinstance(error, JpegError) or said == _FURTHER:
        return said
    return f"the decoder says: {said} ({len(content)} bytes); copy it again from its source"


def _describe(content: bytes) -> str:
    if not content:
        return "the file is empty"
    if b"\x00" not in content[:512] and content[:512].isascii():
        return f"not an image but text, beginning {content[:24].decode('ascii')!r}"
    return "not an image that can be decoded"
