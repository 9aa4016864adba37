"""Whether two images of local contrast show the same surface: shift by phase correlation, then the grain must match."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

VIEWS = 4
"""Ways to look at an image that its amplitude spectrum tells apart; a half turn leaves the spectrum as it is."""

_WHITENING = 0.85  # 0 lets a regular pattern (tread plate) match itself one period further on, 1 listens to noise
_FAINT_PEAK = 9.0
_FAIR_PEAK, _FAIR_CORRELATION = 25.0, 0.35
_SURE_PEAK, _SURE_CORRELATION = 32.0, 0.5
_LEAST_OVERLAP = 0.65  # of either image's height and width
_MOST_STRAIN = 0.1
_MOST_ECHO = 0.25  # twins come to 0.06; tread plates of one pattern, finely aligned, have 0.49 to 0.96
_ECHO_RADIUS = 5
_FINE_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)


@dataclass(frozen=True)
class Alignment:
    """How well two images match.

    Attributes:
        peak: height of the best shift's phase correlation over the mean of all shifts, in their standard deviations.
        correlation: of the overlap at the best shift, -1 to 1; -1 where the overlap is too small or the peak faint.

    Measured on Severstal strips, magnetic tiles and NEU plates: different surfaces stay below a peak of 16, tread plates
    of one pattern below 23; copies at another exposure, crop and JPEG quality are above 31, and nearly all above 43.
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

    Both are float32 (h, w) images of local contrast at one scale. Where the match is not plain, an affine alignment
    is tried after the shift, for a surface that lay a little turned or tilted the second time.
    """
    upright, half_turned = _phase_correlations(first, second)
    if half_turned.max() > upright.max():
        upright, second = half_turned, second[::-1, ::-1]
    peak, shift = _peak(upright)
    if peak < _FAINT_PEAK:
        return Alignment(peak, -1.0)
    overlap = _overlap(first, second, *shift)
    if overlap is None:
        return Alignment(peak, -1.0)
    plain = Alignment(peak, _correlation(*overlap))
    if plain.is_sure:
        return plain
    fine = _fine_alignment(*overlap)
    return plain if fine is None or fine.correlation < plain.correlation else fine


def _phase_correlations(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Partly whitened cross-correlation (H, W) of `first` with `second` and with its half turn; shifts wrap around."""
    height, width = (max(sides) for sides in zip(first.shape, second.shape, strict=True))
    size = (cv2.getOptimalDFTSize(int(height * 1.25)), cv2.getOptimalDFTSize(int(width * 1.25)))
    one, other = np.fft.rfft2(first, size), np.fft.rfft2(second, size)
    one /= (np.abs(one) * np.abs(other) + 1e-3) ** _WHITENING
    upright = np.fft.irfft2(one * other.conj(), size)
    convolution = np.fft.irfft2(one * other, size)  # correlation with the half turn, but for the place of its corner
    half_turned = np.roll(convolution, (1 - second.shape[0], 1 - second.shape[1]), (0, 1))
    return np.asarray(upright, np.float32), np.asarray(half_turned, np.float32)


def _peak(surface: Floats) -> tuple[float, tuple[int, int]]:
    at = int(surface.argmax())
    height = float(surface.flat[at] - surface.mean()) / max(float(surface.std()), 1e-12)
    down, right = divmod(at, surface.shape[1])
    rows, columns = surface.shape
    return height, (down - rows if down > rows // 2 else down, right - columns if right > columns // 2 else right)


def _overlap(first: Floats, second: Floats, down: int, right: int) -> tuple[Floats, Floats] | None:
    """What both images show when `second` is moved by (down, right); None when it is too little."""
    height = min(first.shape[0] - max(down, 0), second.shape[0] - max(-down, 0))
    width = min(first.shape[1] - max(right, 0), second.shape[1] - max(-right, 0))
    if height < _LEAST_OVERLAP * max(first.shape[0], second.shape[0]):
        return None
    if width < _LEAST_OVERLAP * max(first.shape[1], second.shape[1]):
        return None
    return (
        first[max(down, 0) :, max(right, 0) :][:height, :width],
        second[max(-down, 0) :, max(-right, 0) :][:height, :width],
    )


def _fine_alignment(one: Floats, other: Floats) -> Alignment | None:
    """Match after an affine alignment by the enhanced correlation coefficient (Evangelidis and Psarakis 2008)."""
    rim = max(1, min(one.shape) // 20)
    if min(one.shape) <= 2 * rim:
        return None
    warp = np.eye(2, 3, dtype=np.float32)
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    try:
        _, warp = cv2.findTransformECC(one, other, warp, cv2.MOTION_AFFINE, _FINE_STEPS, None, 5)
    except cv2.error:  # it does not converge
        return None
    if np.abs(warp[:, :2] - np.eye(2)).max() > _MOST_STRAIN:
        return None
    moved = cv2.warpAffine(other, warp, one.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inner = (slice(rim, -rim), slice(rim, -rim))
    surface, _ = _phase_correlations(one[inner], moved[inner])
    peak, shift = _peak(surface)
    if _echo(surface, shift) > _MOST_ECHO:
        return None
    return Alignment(peak, _correlation(one[inner], moved[inner]))


def _echo(surface: Floats, shift: tuple[int, int]) -> float:
    """Second peak over first: near 1 where a regular pattern matches itself one period further on."""
    down, right = (min(_ECHO_RADIUS, (side - 1) // 2) for side in surface.shape)  # of a strip of few rows, all of them
    centred = np.roll(surface - surface.mean(), (down - shift[0], right - shift[1]), (0, 1))
    first = float(centred[down, right])
    centred[: 2 * down + 1, : 2 * right + 1] = 0
    return float(centred.max()) / max(first, 1e-12)


def _correlation(one: Floats, other: Floats) -> float:
    """Correlation without the means of rows and columns: straight streaks are common to all that one wheel ground."""
    a, b = _without_streaks(one), _without_streaks(other)
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-6))


def _without_streaks(image: Floats) -> Floats:
    flat = image - image.mean(axis=0)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))
