"""Whether two images of local contrast show the same surface: shift by phase correlation, then the grain must match."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

VIEWS = 4
"""Ways to look at an image that its amplitude spectrum tells apart; a half turn leaves the spectrum as it is."""

_LEAST_OVERLAP = 0.65  # of either image's height and width
_FAIR_PEAK, _FAIR_CORRELATION = 18.0, 0.4
_SURE_PEAK, _SURE_CORRELATION = 25.0, 0.5
_FINE_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)


@dataclass(frozen=True)
class Alignment:
    """How well two images match.

    Attributes:
        peak: height of the best shift's correlation over all shifts' mean, in their standard deviations.
        correlation: of the overlap at the best shift, -1 to 1; -1 where the overlap is too small.

    On the magnetic tiles, different tiles stay below peak 18, and twins at the same distance are above 30.
    """

    peak: float
    correlation: float

    @property
    def is_fair(self) -> bool:
        return self.peak >= _FAIR_PEAK and self.correlation >= _FAIR_CORRELATION

    @property
    def is_sure(self) -> bool:
        return self.peak >= _SURE_PEAK and self.correlation >= _SURE_CORRELATION


def seen(images: NDArray[Any], view: int) -> NDArray[Any]:
    """Look at (..., h, w) images in one of four ways: as they are, turned by a quarter, mirrored, or both.

    >>> seen(np.array([[1, 2], [3, 4]]), 1).tolist()
    [[2, 4], [1, 3]]
    """
    turned = np.rot90(images, view % 2, axes=(-2, -1))
    return turned[..., ::-1] if view >= 2 else turned


def align(first: Floats, second: Floats) -> Alignment:
    """Find the shift that lays `second`, or its half turn, over `first`, and measure the match.

    Both are float32 (h, w) images of local contrast at one scale.
    """
    height, width = (max(sides) for sides in zip(first.shape, second.shape, strict=True))
    size = (cv2.getOptimalDFTSize(int(height * 1.25)), cv2.getOptimalDFTSize(int(width * 1.25)))
    one, other = np.fft.rfft2(first, size), np.fft.rfft2(second, size)
    weight = np.sqrt(np.abs(one) * np.abs(other)) + 1e-3  # half whitened: all frequencies speak, the noisy ones less
    one /= weight
    upright = np.fft.irfft2(one * other.conj(), size)
    turned = np.fft.irfft2(one * other, size)  # convolution is correlation with the half turn, shifted by its size
    if turned.max() > upright.max():
        second = second[::-1, ::-1]
        turned = np.roll(turned, (1 - second.shape[0], 1 - second.shape[1]), (0, 1))
        upright = turned
    spread = float(upright.std())
    at = int(upright.argmax())
    peak = float(upright.flat[at] - upright.mean()) / max(spread, 1e-9)
    if peak < _FAIR_PEAK:
        return Alignment(peak, -1.0)
    down, right = (
        place - side if place > side // 2 else place for place, side in zip(divmod(at, size[1]), size, strict=True)
    )
    return Alignment(peak, _grain_match(first, second, down, right))


def _grain_match(first: Floats, second: Floats, down: int, right: int) -> float:
    """Correlation where `second`, moved by (down, right), overlaps `first`; with a fine alignment if it needs one."""
    height = min(first.shape[0] - max(down, 0), second.shape[0] - max(-down, 0))
    width = min(first.shape[1] - max(right, 0), second.shape[1] - max(-right, 0))
    least_height = _LEAST_OVERLAP * max(first.shape[0], second.shape[0])
    least_width = _LEAST_OVERLAP * max(first.shape[1], second.shape[1])
    if height < least_height or width < least_width:
        return -1.0
    one = first[max(down, 0) :, max(right, 0) :][:height, :width]
    other = second[max(-down, 0) :, max(-right, 0) :][:height, :width]
    correlation = _correlation(one, other)
    return correlation if correlation >= _SURE_CORRELATION else max(correlation, _fine_match(one, other))


def _fine_match(one: Floats, other: Floats) -> float:
    """Correlation after an affine alignment, for a surface that lay a little turned or tilted the second time.

    Enhanced correlation coefficient, Evangelidis and Psarakis 2008.
    """
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    warp = np.eye(2, 3, dtype=np.float32)
    try:
        _, warp = cv2.findTransformECC(one, other, warp, cv2.MOTION_AFFINE, _FINE_STEPS, None, 5)
    except cv2.error:  # it does not converge
        return -1.0
    if np.abs(warp[:, :2] - np.eye(2)).max() > 0.1:
        return -1.0
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(other, warp, one.shape[::-1], flags=flags)
    rim = max(2, min(one.shape) // 20)
    inner = (slice(rim, -rim), slice(rim, -rim))
    return _correlation(one[inner], moved[inner])


def _correlation(one: Floats, other: Floats) -> float:
    """Correlation without the means of rows and columns: straight streaks are common to many surfaces of one grinding."""
    a, b = _without_streaks(one), _without_streaks(other)
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-6))


def _without_streaks(image: Floats) -> Floats:
    flat = image - image.mean(axis=0)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))
