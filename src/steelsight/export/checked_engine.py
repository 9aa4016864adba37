"""An engine whose answers are looked at: a network that answers with what is no probability is no network to export."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine, EngineNetwork
from steelsight.cascade.no_probability import odd_answers
from steelsight.core.errors import UserError
from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi
from steelsight.inspector.artifact import InspectorCard, NetworkCard


@dataclass(frozen=True, eq=False)
class _WatchedNetwork:
    network: EngineNetwork
    name: str

    @property
    def preprocess(self) -> Preprocess:
        return self.network.preprocess

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        said = self.network.probabilities(inputs)
        odd = next((one for one in odd_answers(said) if one is not None), None)
        if odd is not None:
            raise UserError(
                f"nothing was exported: {self.name} answers with {odd:g}, which is no probability; look at its job in the "
                "report, and train it again, or export with `precision=fp32` if another precision was asked for"
            )
        return said


@dataclass(frozen=True, eq=False)
class WatchedEngine:
    """An engine whose networks raise UserError where an answer is no probability.

    Torch and the runtime are both watched: where torch hands a nan on, a runtime may clip it to a number.
    """

    classes: tuple[str, ...]
    classifiers: tuple[EngineNetwork, ...]
    segmenters: tuple[EngineNetwork, ...]
    combine: Combine
    batch: int
    workers: int
    roi: Roi | None = None

    @classmethod
    def of(cls, engine: Engine, card: InspectorCard, runtime: str) -> "WatchedEngine":
        """Watch the networks of an inspector, or those that it was made of; `runtime` says which for the message."""
        return cls(
            tuple(engine.classes),
            _watched(engine.classifiers, card.of_step("classify"), runtime),
            _watched(engine.segmenters, card.of_step("segment"), runtime),
            engine.combine,
            engine.batch,
            engine.workers,
            engine.roi,
        )


def _watched(
    networks: Sequence[EngineNetwork], cards: Sequence[NetworkCard], runtime: str
) -> tuple[_WatchedNetwork, ...]:
    pairs = zip(networks, cards, strict=True)
    return tuple(_WatchedNetwork(network, f"{its.name} in {runtime}") for network, its in pairs)
