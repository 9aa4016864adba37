"""An engine whose answers are looked at: a network that answers with nan or infinity is no network to export."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine, EngineNetwork
from steelsight.errors import UserError
from steelsight.inspector.artifact import InspectorCard, NetworkCard
from steelsight.preprocess import Preprocess


@dataclass(frozen=True, eq=False)
class _WatchedNetwork:
    network: EngineNetwork
    file: str

    @property
    def preprocess(self) -> Preprocess:
        return self.network.preprocess

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        said = self.network.probabilities(inputs)
        if not np.isfinite(said).all():
            raise UserError(
                f"nothing was exported: {self.file} answers with numbers that are not finite; look at its job in the report, "
                "and train it again, or export with --precision fp32 if another precision was asked for"
            )
        return said


@dataclass(frozen=True, eq=False)
class WatchedEngine:
    """An inspector's engine; a network raises UserError where an answer is not finite."""

    classes: tuple[str, ...]
    classifiers: tuple[EngineNetwork, ...]
    segmenters: tuple[EngineNetwork, ...]
    batch: int
    workers: int

    @classmethod
    def of(cls, engine: Engine, card: InspectorCard) -> "WatchedEngine":
        """Watch the networks of an inspector."""
        return cls(
            tuple(engine.classes),
            _watched(engine.classifiers, card.of_step("classify")),
            _watched(engine.segmenters, card.of_step("segment")),
            engine.batch,
            engine.workers,
        )


def _watched(networks: Sequence[EngineNetwork], cards: Sequence[NetworkCard]) -> tuple[_WatchedNetwork, ...]:
    return tuple(_WatchedNetwork(network, its.file) for network, its in zip(networks, cards, strict=True))
