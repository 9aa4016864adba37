"""Engines that need no training: what they answer can be computed by hand from the pixels."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import EngineNetwork
from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi


@dataclass(frozen=True)
class BrightImage:
    """P(defect) is the mean brightness of the input."""

    preprocess: Preprocess
    name: str = "bright:0"

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(inputs.mean(axis=(1, 2, 3)))


@dataclass(frozen=True)
class BrightPixels:
    """Class 0 is brightness, class 1 darkness; `seen` counts the images that came."""

    preprocess: Preprocess
    seen: list[int] = field(default_factory=list)
    name: str = "bright:0"

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen.append(len(inputs))
        return np.stack([inputs[:, 0], 1 - inputs[:, 0]], axis=1)


@dataclass(frozen=True)
class Engine:
    """Both steps."""

    classifiers: tuple[EngineNetwork, ...]
    segmenters: tuple[EngineNetwork, ...]
    classes: tuple[str, ...] = ("bright", "dark")
    batch: int = 8
    workers: int = 1
    combine: Combine = "mean"
    roi: Roi | None = None
