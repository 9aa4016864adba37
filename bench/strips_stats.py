"""Simple statistics of a strip, for `strips_real.py`: grey, margin, correlation, spectrum, contrast, columns and rows."""

import cv2
import numpy as np
from numpy.typing import NDArray

BLACK = 20.0
"""A column whose mean does not exceed this shows no steel."""
LAGS = (1, 2, 4, 8, 16, 32)
BANDS = (2, 4, 8, 16, 32)


def statistics(image: NDArray[np.uint8]) -> dict[str, float]:
    """Statistics of a grey strip; those after the margin are of the columns that show steel."""
    grey = image.astype(np.float32)
    columns = grey.mean(axis=0)
    steel = grey[:, columns > BLACK]
    found = {"black columns": float((columns <= BLACK).mean())}
    if steel.shape[1] < 64:
        steel = grey
    found |= {f"grey {q} %": float(np.percentile(steel, q)) for q in (1, 10, 50, 90, 99)}
    found["saturated"] = float((steel >= 250).mean())
    flat = steel - cv2.GaussianBlur(steel, (0, 0), 24)
    for axis, name in ((0, "along"), (1, "across")):
        found |= {f"correlation {name} {lag}": correlation(flat, lag, axis) for lag in LAGS}
    found["columns"] = float(flat.mean(axis=0).std())
    found["rows"] = float(flat.mean(axis=1).std())
    fine = steel.copy()
    for band in BANDS:
        coarse = cv2.GaussianBlur(steel, (0, 0), band / 2)
        found[f"detail {band}"] = float(np.log((fine - coarse).std() + 0.01))
        fine = coarse
    light = cv2.GaussianBlur(steel, (0, 0), 32)
    found["light across"] = float(light.mean(axis=0).std() / light.mean())
    found["light along"] = float(light.mean(axis=1).std() / light.mean())
    sharp = steel - cv2.GaussianBlur(steel, (0, 0), 2)
    spread = sharp.std() + 0.01
    found["kurtosis"] = float(np.log((sharp**4).mean() / spread**4))
    found["skewness"] = float((sharp**3).mean() / spread**3)
    found["dark specks"] = float((sharp < -5 * np.median(np.abs(sharp))).mean())
    found["bright specks"] = float((sharp > 5 * np.median(np.abs(sharp))).mean())
    return found


def correlation(flat: NDArray[np.float32], lag: int, axis: int) -> float:
    """Correlation of pixels `lag` apart, down (axis 0) or across (axis 1)."""
    size = flat.shape[axis]
    first, second = np.take(flat, range(size - lag), axis), np.take(flat, range(lag, size), axis)
    return float((first * second).mean() / (flat.var() + 1e-6))
