"""Which images without labels are most worth labelling: those of which a run's networks are unsure, unlike each other.

Networks of all folds, members apart, look at each image. Four things, each in [0, 1], speak for labelling it:

- split: twice the standard deviation of what the classifiers say; they are of one recipe and learned from other images.
- unsure: 4 p (1 - p) of their mean P(defect).
- places: where maps are unsure. u = sum of 1 - |2 p - 1| over the pixels whose mean p is .25 or more, and places =
  u / (u + a / 4), with a the usual area of the class's masks; of the class with the most, the mean over the members.
- found: P(defect) itself, at half weight: a defect that nobody doubts is rare steel all the same.

The worth is their weighted mean; it ranks, and is no probability. Of images of one surface the first comes with the others'
first, the second with the others' second; one of a surface that is labelled already waits as a second would.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import EngineNetwork
from steelsight.cascade.sources import Source
from steelsight.dataset.model import Sample
from steelsight.imaging.combine import combine_maps, to_8bit
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import ImageError, read_image
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.imaging.roi import Roi, RoiError, blackened

Members = Sequence[Sequence[EngineNetwork]]
"""Of each member its networks, one a fold."""

_LEAST = 0.25  # mean p from which on a pixel may be of a defect
_SMALL = 4  # an unsure area counts half where it is this part of a usual mask
_MARKED = 128  # of 255
_WEIGHTS = {"split": 1.0, "unsure": 1.0, "places": 1.0, "found": 0.5}
_WORTH_SAYING = 0.3


@dataclass(frozen=True)
class Worth:
    """One image.

    Attributes:
        source: its name and file.
        size: height and width in pixels.
        p_defect: what the classifiers say together; nan where there is none.
        split, unsure, places: see above, in [0, 1].
        likely: index of the class whose places are the most.
        marked: what the networks mark together, by class, at the image's size.
    """

    source: Source
    size: tuple[int, int]
    p_defect: float
    split: float
    unsure: float
    places: float
    likely: int
    marked: tuple[Runs, ...]

    @property
    def score(self) -> float:
        """In [0, 1], the greater the more it is worth."""
        found = 0.0 if np.isnan(self.p_defect) else self.p_defect
        values = {"split": self.split, "unsure": self.unsure, "places": self.places, "found": found}
        return sum(_WEIGHTS[name] * value for name, value in values.items()) / sum(_WEIGHTS.values())

    def why(self, names: Sequence[str]) -> str:
        """What speaks for it, in words."""
        said = []
        if self.split >= _WORTH_SAYING:
            said.append("the classifiers disagree")
        elif self.unsure >= _WORTH_SAYING:
            said.append("the classifiers are unsure")
        if self.places >= _WORTH_SAYING:
            said.append(f"unsure places of {names[self.likely]}")
        if not said and self.p_defect >= 0.5:
            said.append("a defect")
        return ", ".join(said) or "little"


def measure(
    sources: Sequence[Source],
    classifiers: Members,
    segmenters: Members,
    usual: NDArray[np.floating],
    *,
    grey: bool,
    roi: Roi | None = None,
) -> Iterator[Worth | ImageError]:
    """What each image is worth, in their order; the error of one that cannot be read, or that the region does not fit.

    Args:
        usual: of each class, the usual area of its mask as a share of the image.
        grey: whether all networks see grey alone.
        roi: the part of each image that counts.
    """
    for source in sources:
        try:
            image = read_image(source.path, grey=grey)
            counted = None if roi is None else roi.counted(image)
            yield worth_of(source, image, classifiers, segmenters, usual, counted)
        except ImageError as error:
            yield error
        except RoiError as error:
            yield ImageError("wrong-size", source.path, str(error))


def worth_of(
    source: Source,
    image: Image,
    classifiers: Members,
    segmenters: Members,
    usual: NDArray[np.floating],
    counted: NDArray[np.bool_] | None = None,
) -> Worth:
    """What an image is worth, of which the pixels `counted` count, bool (H, W); None: all."""
    image = image if counted is None else blackened(image, counted)
    said = np.array([_answer(network, image) for of_folds in classifiers for network in of_folds], np.float64)
    p = float(said.mean()) if said.size else float("nan")
    maps = [[_answer(network, image) for network in of_folds] for of_folds in segmenters]
    places = np.mean([_places(np.stack(of_folds), usual) for of_folds in maps], axis=0)
    size = (image.shape[0], image.shape[1])
    combined = combine_maps(
        [to_8bit(map_) for of_folds in maps for map_ in of_folds],
        [network.preprocess for of_folds in segmenters for network in of_folds],
        size,
    )
    return Worth(
        source=source,
        size=size,
        p_defect=p,
        split=min(1.0, 2 * float(said.std())) if said.size else 0.0,
        unsure=4 * p * (1 - p) if said.size else 0.0,
        places=float(places.max()),
        likely=int(places.argmax()),
        marked=tuple(encode_mask((plane >= _MARKED) & (counted is None or counted)) for plane in combined),
    )


def usual_shares(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """The median area of each class's masks as a share of the image, that of all masks where it has none: float64 (K,)."""
    shares = np.array([[runs.area / (one.size[0] * one.size[1]) for runs in one.runs] for one in samples], np.float64)
    drawn = shares > 0
    every = float(np.median(shares[drawn])) if drawn.any() else 0.0
    return np.array(
        [float(np.median(of[there])) if there.any() else every for of, there in zip(shares.T, drawn.T, strict=True)]
    )


def in_order(found: Sequence[Worth], groups: Sequence[int], labelled: frozenset[int] = frozenset()) -> list[int]:
    """Positions, the most worth first, images of one surface one after the other.

    Args:
        groups: of each image, its group of images of one surface.
        labelled: groups with an image that has labels.
    """
    best = sorted(range(len(found)), key=lambda place: (-found[place].score, found[place].source.image_id))
    before: dict[int, int] = dict.fromkeys(labelled, 1)
    turn = {}
    for place in best:
        turn[place] = before.get(groups[place], 0)
        before[groups[place]] = turn[place] + 1
    return sorted(best, key=lambda place: turn[place])


def _answer(network: EngineNetwork, image: Image) -> NDArray[np.float32]:
    """What a network says of one image; what is no probability counts as not knowing."""
    said = network.probabilities(network.preprocess.to_input(image)[None])[0]
    known: NDArray[np.float32] = np.clip(np.nan_to_num(said, nan=0.5), 0, 1).astype(np.float32)
    return known


def _places(maps: NDArray[np.float32], usual: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of each class, how unsure its places are: maps (folds, classes, height, width) -> float64 (classes,)."""
    mean = maps.mean(axis=0, dtype=np.float64)
    unsure = np.where(mean >= _LEAST, 1 - np.abs(2 * mean - 1), 0.0).sum(axis=(1, 2))
    small = np.maximum(usual * mean.shape[1] * mean.shape[2], 1.0) / _SMALL
    return np.asarray(unsure / (unsure + small))
