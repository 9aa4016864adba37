"""JPEG, decoded so that a warning of the decoder is an error: others fill what is missing with grey and go on.

libjpeg-turbo through simplejpeg, whose pixels are those of OpenCV to the last bit, and which hears the decoder's warnings.
"""

import re
import struct

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from steelsight.imaging.header import JPEG_END, MOST_SEGMENTS, jpeg_segments, scan_offset

_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)  # a marker that is neither a stuffed byte nor a restart
_BEGIN = b"\xff\xd8\xff"
_EXIF, _EXIF_MARKER = b"Exif\x00\x00", 0xE1
_THUMB = 8


class JpegError(ValueError):
    """What is wrong with a JPEG, in the decoder's words or ours."""


def decode_jpeg(content: bytes, *, grey: bool) -> NDArray[np.uint8]:
    """Decode a JPEG whole.

    Returns:
        (H, W) where the file or the wish is grey, else (H, W, 3) BGR.

    Raises:
        JpegError: it breaks off, is damaged so that the decoder notices, or is none.
    """
    try:
        *_, space, _ = simplejpeg.decode_jpeg_header(content, strict=True)
        plane = grey or space == "Gray"
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, "GRAY" if plane else "BGR", strict=True)
    except ValueError as error:
        raise JpegError(str(error).strip() or "not a JPEG") from None
    return pixels[..., 0] if plane else pixels


def check_jpeg(content: bytes) -> None:
    """See that a JPEG is whole; faster than decoding it.

    Raises:
        JpegError: as of `decode_jpeg`.
    """
    try:
        simplejpeg.decode_jpeg(content, "GRAY", min_height=1, min_width=1, min_factor=_THUMB, strict=True)
    except ValueError as error:
        raise JpegError(str(error).strip() or "not a JPEG") from None


def has_second_picture(content: bytes) -> bool:
    """Whether another JPEG follows after the end of the first, as in an MPO or where a program has written twice.

    Raises:
        JpegError: there are more parts on the way than can be looked at.
    """
    at = scan_offset(content)
    for _ in range(MOST_SEGMENTS):
        found = _NEXT.search(content, at)
        if found is None:
            return False
        at = found.end()
        if found[0] == JPEG_END:
            return _BEGIN in content[at:]
        if at + 2 > len(content):
            return False
        at += int(struct.unpack_from(">H", content, at)[0])  # a further scan, or what stands before it
    raise JpegError(f"more than {MOST_SEGMENTS} parts")


def jpeg_exif(content: bytes) -> bytes:
    """The EXIF of a JPEG, which is a small TIFF; empty where there is none."""
    for marker, at in jpeg_segments(content):
        if marker == _EXIF_MARKER and content.startswith(_EXIF, at):
            length = int(struct.unpack_from(">H", content, at - 2)[0]) - 2
            return content[at + len(_EXIF) : at + length]
    return b""
