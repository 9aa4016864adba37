"""What one network in int8 does to a fold's Dice while the fold's other networks stay in fp32."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine, EngineNetwork
from steelsight.cascade.judge import judge_batch, sees_grey
from steelsight.cascade.sources import sources_of
from steelsight.dataset.model import Sample
from steelsight.export.dice_loss import image_dice
from steelsight.imaging.combine import Combine, to_8bit
from steelsight.imaging.preprocess import Image, Preprocess
from steelsight.imaging.read import read_image
from steelsight.imaging.roi import Roi
from steelsight.rule.rule import Rule

_WHOLE = np.float32(255)


@dataclass(frozen=True, eq=False)
class _Remembered:
    """A network that says what it said of one image: P(defect), or a map rounded to 8 bit, as the cascade does anyway."""

    name: str
    preprocess: Preprocess
    said: NDArray[np.float32] | NDArray[np.uint8]

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.said if self.said.dtype == np.float32 else self.said / _WHOLE  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class _OneImage:
    """An engine for one image."""

    classes: tuple[str, ...]
    classifiers: tuple[EngineNetwork, ...]
    segmenters: tuple[EngineNetwork, ...]
    combine: Combine
    batch: int = 1
    workers: int = 1
    roi: Roi | None = None


@dataclass(frozen=True, eq=False)
class FoldInFp32:
    """What a fold's networks say in fp32 of images that they did not see.

    Attributes:
        samples, images: the images and their truth.
        rule: of the run.
        classes: names.
        said: for each image, each network's answer: classifiers, then segmenters.
        classifiers: how many of them are classifiers.
        combine: how the networks of a step combine.
        roi: the part of each image that counts.
    """

    samples: tuple[Sample, ...]
    images: tuple[Image, ...]
    rule: Rule
    classes: tuple[str, ...]
    said: tuple[tuple[_Remembered, ...], ...]
    classifiers: int
    combine: Combine
    roi: Roi | None

    @classmethod
    def of(cls, samples: Sequence[Sample], engine: Engine, rule: Rule) -> Self:
        """Ask an fp32 engine once.

        Raises:
            ImageError: an image cannot be read.
        """
        images = tuple(read_image(sample.path, grey=sees_grey(engine)) for sample in samples)
        networks = (*engine.classifiers, *engine.segmenters)
        seen = images if engine.roi is None else tuple(map(engine.roi.blacken, images))
        said = tuple(tuple(_ask(network, image) for network in networks) for image in seen)
        classes, classifiers = tuple(engine.classes), len(engine.classifiers)
        return cls(tuple(samples), images, rule, classes, said, classifiers, engine.combine, engine.roi)

    def dice(self, place: int, network: EngineNetwork, index: int) -> float:
        """Mean competition Dice over the classes of one image, with another network in the place of one of the fold's."""
        networks: list[EngineNetwork] = list(self.said[index])
        networks[place] = network
        steps = tuple(networks[: self.classifiers]), tuple(networks[self.classifiers :])
        engine = _OneImage(self.classes, *steps, self.combine, roi=self.roi)
        (source,) = sources_of([self.samples[index]])
        (judged,) = judge_batch([(source, self.images[index])], engine, self.rule)
        if judged.is_unjudged:
            return 0.0  # numbers that overflow are the worst that int8 can do: such operations go back to fp32
        return float(image_dice(self.samples[index], judged).mean())


def _ask(network: EngineNetwork, image: Image) -> _Remembered:
    said = network.probabilities(network.preprocess.to_input(image)[None])
    return _Remembered(network.name, network.preprocess, said if said.ndim == 1 else to_8bit(said))
