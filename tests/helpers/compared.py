"""Two engines that are compared: one of bright images and pixels, and one whose answers are moved by a little."""

from dataclasses import dataclass

import numpy as np
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine
from numpy.typing import NDArray

from steelsight.cascade.engine import EngineNetwork
from steelsight.cascade.sources import find_sources
from steelsight.export.compare_image import ComparedSide
from steelsight.export.parity import MeasuredParity, Platform, measure
from steelsight.imaging.preprocess import Preprocess
from steelsight.rule.rule import Rule
from steelsight.verdicts.policy import Policy

HALF = Preprocess(height=128, width=800)
RULE = Rule(gate=0.2, upper=(150, 230), lower=(120, 200), min_area=(800, 400))
WHERE = Platform("torch", "OpenVINO", "a processor", "fp32", "fp32")
SOURCES = find_sources([str(SAMPLE / "train_images")])[:20]


@dataclass(frozen=True)
class Shifted:
    """A network whose answers are moved by a little."""

    network: EngineNetwork
    by: float
    name: str = "shifted:0"

    @property
    def preprocess(self) -> Preprocess:
        return self.network.preprocess

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.clip(self.network.probabilities(inputs) + np.float32(self.by), 0, 1))


def engine(p: float = 0.0, pixel: float = 0.0) -> Engine:
    return Engine((Shifted(BrightImage(HALF), p),), (Shifted(BrightPixels(HALF), pixel),))


def compare(
    exported: Engine, rule: Rule = RULE, where: Platform = WHERE, policy: Policy | None = None
) -> MeasuredParity:
    told: list[tuple[int, int]] = []
    first, second = (
        ComparedSide(name, one, rule, policy) for name, one in (("torch", engine()), ("OpenVINO", exported))
    )
    measured = measure(SOURCES, first, second, where, lambda done, of: told.append((done, of)))
    assert told == [(number + 1, len(SOURCES)) for number in range(len(SOURCES))]
    return measured


@dataclass(frozen=True)
class Answering:
    """A network that says another one's answers, and one number in their place."""

    network: EngineNetwork
    answer: float
    name: str = "lite:1"

    @property
    def preprocess(self) -> Preprocess:
        return self.network.preprocess

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        said = self.network.probabilities(inputs).copy()
        said[-1] = self.answer
        return said


def answering(step: int, answer: float) -> Engine:
    networks: list[EngineNetwork] = [BrightImage(HALF), BrightPixels(HALF)]
    networks[step - 1] = Answering(networks[step - 1], answer)
    return Engine((networks[0],), (networks[1],))
