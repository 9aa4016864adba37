"""Networks that answer now and then with what is no probability."""

from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np
from helpers.policies import make_policy
from helpers.tiny_inspector import RULE, make_inspector
from numpy.typing import NDArray

from steelsight.cascade.engine import EngineNetwork
from steelsight.imaging.preprocess import Preprocess

GOOD, ODD = [0, 1, 5, 7], [2, 3, 4, 6]
"""Of the sample's images, in the order of their names."""


@dataclass(frozen=True)
class Odd:
    """Says what another network says, but for images that are brighter than .35 on the mean."""

    network: EngineNetwork
    answer: float
    name: str

    @property
    def preprocess(self) -> Preprocess:
        return self.network.preprocess

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        said = self.network.probabilities(inputs).copy()
        bright = inputs.mean(axis=(1, 2, 3)) > 0.35
        if said.ndim == 1:
            said[bright] = self.answer
        else:
            said[bright, 1, 3, 5] = self.answer  # a single pixel is enough
        return said


def make_odd_inspector(folder: Path, step: str) -> Path:
    rule = RULE.model_copy(update={"gate": 0.05})
    return make_inspector(folder, rule=rule, policy=make_policy(0.2, 0.95), odd={step: nan})
