"""An inspection as pictures that a browser can show."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.depth import in_8bit
from steelsight.imaging.header import png_chunks
from steelsight.imaging.read import decode_image
from steelsight.imaging.rle import Runs, decode_runs, parse_runs
from steelsight.results.overlay import draw_overlay
from steelsight.results.pictures import index_mask
from steelsight.station.inspection import Inspection
from steelsight.verdicts.verdict import Verdict

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_HEAD = 200_000  # bytes of a JPEG in which its orientation stands, if it has one


def browser_image(content: bytes) -> tuple[bytes, str]:
    """An image file as a browser shows it pixel for pixel, and its media type.

    JPEG and 8-bit PNG stay as they are, unless they may carry an orientation, of which browsers apply some: like any other
    format, they become PNG, turned as the inspector reads them; 16 bit becomes 8.

    Raises:
        ImageError: it is no image, which then was none when it was stored.
    """
    if content.startswith(_JPEG) and b"Exif" not in content[:_HEAD]:
        return content, "image/jpeg"
    if (
        content.startswith(_PNG)
        and content[24:25] <= b"\x08"
        and all(kind != b"eXIf" for kind, _ in png_chunks(content))
    ):
        return content, "image/png"
    return write_png(in_8bit(decode_image(content, Path("image")))), "image/png"


def mask_png(runs: Sequence[str], size: tuple[int, int]) -> bytes:
    """Index mask of an image: 0 where nothing is, else the class's number; see `index_mask`."""
    return write_png(index_mask([parse_runs(text, size) for text in runs], size))


def overlay_png(inspection: Inspection, content: bytes, region: Runs | None = None) -> bytes:
    """The image with what was found and suspected outlined and the verdict below; see `draw_overlay`.

    Args:
        region: the pixels that count, where not all do.
    """
    result = inspection.result
    verdict = Verdict(result.verdict, result.reason) if result.verdict else None
    runs, suspected = (
        [parse_runs(text, result.size) for text in of_kind] for of_kind in (result.runs, result.suspected_runs)
    )
    p_defect = float("nan") if result.p_defect is None else result.p_defect
    image = decode_image(content, Path("image"))
    counted = None if region is None else decode_runs(region, (image.shape[0], image.shape[1]))
    return write_png(draw_overlay(image, runs, inspection.classes, p_defect, verdict, suspected, counted))


def write_png(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Grey (H, W) or RGB (H, W, 3) as a PNG file."""
    done, encoded = cv2.imencode(".png", pixels if pixels.ndim == 2 else pixels[..., ::-1])
    if not done:
        raise ValueError(f"pixels of shape {pixels.shape} are no PNG")
    return encoded.tobytes()
