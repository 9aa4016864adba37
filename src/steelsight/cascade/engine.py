"""What the two steps need from whatever runs the networks: torch here, an exported artifact elsewhere."""

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi

Device = Literal["auto", "cpu", "cuda"]
"""Where networks run; `auto` takes a CUDA device where one can be used, else the processor."""

Aim = Literal["throughput", "latency"]
"""Many images as fast as possible (one thread each), or one image as soon as possible (all threads on it)."""


class EngineNetwork(Protocol):
    """One trained network: a member's, of one fold."""

    @property
    def name(self) -> str:
        """Member and fold, as `lite0:2`, by which a person is told of it."""
        ...

    @property
    def preprocess(self) -> Preprocess:
        """How an image becomes its input."""
        ...

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inputs (n, channels, height, width) -> P(defect) (n,) of a classifier, maps (n, classes, height, width) of a
        segmenter; all in [0, 1]. What is not, as of a network whose numbers overflow, leaves the image to a person: see
        `steelsight.cascade.no_probability`."""
        ...


class Engine(Protocol):
    """The networks of both steps; each has the same weight in what its step's networks say together."""

    @property
    def batch(self) -> int:
        """Images per forward pass that suit it."""
        ...

    @property
    def workers(self) -> int:
        """How many threads may call its networks at once, each with a batch of its own."""
        ...

    @property
    def combine(self) -> Combine:
        """How the networks of a step combine."""
        ...

    @property
    def roi(self) -> Roi | None:
        """The part of each image that they see and that counts; None: all of it."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Defect class names, in the order of the segmenters' maps."""
        ...

    @property
    def classifiers(self) -> Sequence[EngineNetwork]:
        """Step 1; with none, every image goes on to step 2."""
        ...

    @property
    def segmenters(self) -> Sequence[EngineNetwork]:
        """Step 2, at least one."""
        ...
