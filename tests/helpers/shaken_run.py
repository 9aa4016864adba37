"""An engine whose answers are off by as little as those of another processor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine, EngineNetwork
from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi


@dataclass(frozen=True)
class _Shaken:
    network: EngineNetwork
    by: float

    @property
    def preprocess(self) -> Preprocess:
        return self.network.preprocess

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        said = self.network.probabilities(inputs)
        off = np.random.default_rng(0).uniform(-self.by, self.by, said.shape[1:])  # whatever else is in the batch
        return np.clip(said + off, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class _ShakenEngine:
    classes: tuple[str, ...]
    classifiers: tuple[_Shaken, ...]
    segmenters: tuple[_Shaken, ...]
    combine: Combine
    batch: int
    workers: int
    roi: Roi | None


def shaken(engine: Engine, by: float) -> _ShakenEngine:
    """Each probability is off by at most `by`, this way or that; the same way whenever it is asked."""
    classifiers, segmenters = (
        tuple(_Shaken(one, by) for one in networks) for networks in (engine.classifiers, engine.segmenters)
    )
    return _ShakenEngine(
        tuple(engine.classes), classifiers, segmenters, engine.combine, engine.batch, engine.workers, engine.roi
    )
