"""Two engines that are compared: one of bright images and pixels, and one whose answers are moved by a little."""

from dataclasses import dataclass

import numpy as np
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine

from steelsight.cascade.sources import find_sources
from steelsight.export.compare_image import ComparedSide
from steelsight.export.parity import Platform, measure
from steelsight.imaging.preprocess import Preprocess
from steelsight.rule.rule import Rule

HALF = Preprocess(height=128, width=800)
RULE = Rule(gate=0.2, upper=(150, 230), lower=(120, 200), min_area=(800, 400))
WHERE = Platform("torch", "OpenVINO", "a processor", "fp32", "fp32")
SOURCES = find_sources([str(SAMPLE / "train_images")])[:20]


@dataclass(frozen=True)
class Shifted:
    """A network whose answers are moved by a little."""

    network: BrightImage | BrightPixels
    by: float

    @property
    def preprocess(self):
        return self.network.preprocess

    def probabilities(self, inputs):
        return np.clip(self.network.probabilities(inputs) + np.float32(self.by), 0, 1)


def engine(p=0.0, pixel=0.0):
    return Engine((Shifted(BrightImage(HALF), p),), (Shifted(BrightPixels(HALF), pixel),))


def compare(exported, rule=RULE, where=WHERE, policy=None):
    told = []
    sides = (ComparedSide(name, one, rule, policy) for name, one in (("torch", engine()), ("OpenVINO", exported)))
    measured = measure(SOURCES, *sides, where, lambda done, of: told.append((done, of)))
    assert told == [(number + 1, len(SOURCES)) for number in range(len(SOURCES))]
    return measured


@dataclass(frozen=True)
class Answering:
    """A network that says another one's answers, and one number in their place."""

    network: BrightImage | BrightPixels
    answer: float
    name: str = "lite:1"

    @property
    def preprocess(self):
        return self.network.preprocess

    def probabilities(self, inputs):
        said = self.network.probabilities(inputs).copy()
        said[-1] = self.answer
        return said


def answering(step, answer):
    networks = [BrightImage(HALF), BrightPixels(HALF)]
    networks[step - 1] = Answering(networks[step - 1], answer)
    return Engine((networks[0],), (networks[1],))
