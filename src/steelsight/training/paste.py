"""Defects of other training images on good ones: more surfaces that show a rare defect, and good ones that do not.

Copy and paste (Ghiasi et al. 2021, "Simple Copy-Paste"), with what a defect changes in place of the defect's own pixels: its
brightness against the steel around it is laid onto the other steel, in proportion to how strong that one's texture is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import decode_runs, encode_mask
from steelsight.recipe import Member
from steelsight.training.kept_images import ReadImage

_MARGIN = 8  # pixels around a defect: the ring that says how the steel around it looks, and room for the soft edge
_SOFT = 1.5  # pixels, standard deviation of the edge
_GAIN = (0.5, 2.0)  # of contrast, from one steel to the other
_DARK, _BESIDE = 0.1, 0.05  # of the light, below which there is no steel; share of a defect that may lie there
_SAMPLED = 8  # every so many rows and columns say how bright an image is
_TRIES = 8


@dataclass(frozen=True)
class Donors:
    """The defective samples of a training, by class; those of which only the class is known give nothing."""

    samples: Sequence[Sample]

    @cached_property
    def of_class(self) -> dict[int, list[int]]:
        """Positions of samples by each class that they have a mask of."""
        found: dict[int, list[int]] = {}
        for position, sample in enumerate(self.samples):
            for number, runs in enumerate(sample.runs):
                if runs.area:
                    found.setdefault(number, []).append(position)
        return found

    def paste(
        self, member: Member, sample: Sample, image: NDArray[Any], read: ReadImage, random: np.random.Generator
    ) -> tuple[Sample, NDArray[Any]]:
        """A good sample and its image with a defect of another, every class as likely; both as they are if the member pastes
        nothing, the dice say no, the sample is no good one, no place was found for the defect, or no steel is around it.

        Args:
            image: as `read` gives it.
            read: reads the other image.

        Returns:
            The sample with the masks of what was pasted, of every class that its pixels have, and the image, of as many
            channels as the member sees. What is ignored stays as it is.
        """
        chance, preprocess = member.augment.paste, member.preprocess
        if chance is None or sample.is_defective or not self.of_class:
            return sample, image
        if random.random() >= chance.probability:
            return sample, image
        image = preprocess.channels_of(image)
        number = int(random.choice(sorted(self.of_class)))
        donor = self.samples[int(random.choice(self.of_class[number]))]
        defect = _turned(_one_defect(donor, number, read(donor.path), random), random).cut(
            image.shape[0], image.shape[1]
        )
        ignored = sample.ignored_mask() if sample.ignored.area else np.zeros(image.shape[:2], np.bool_)
        here = _place(image, ignored, defect, random)
        if here is None:
            return sample, image
        patch = _like(preprocess.channels_of(defect.pixels), image, preprocess)
        pasted, judged = image.copy(), ~ignored[here]
        pasted[here][judged] = laid_on(image[here], patch, defect.mask, defect.steel)[judged]
        runs = list(sample.runs)
        for of_class, plane in defect.planes.items():
            all_of_it = np.zeros(image.shape[:2], np.bool_)
            all_of_it[here] = plane & judged
            runs[of_class] = encode_mask(all_of_it)
        return replace(sample, runs=tuple(runs)), pasted


@dataclass(frozen=True, eq=False)
class _Defect:
    """A defect and what is around it, cut out of its image.

    Attributes:
        pixels: as they were read.
        mask: bool (height, width), the defect.
        planes: the mask of each class that any of it has: there may be several on a pixel.
        steel: bool (height, width), what is neither a defect, nor ignored, nor the black beside the steel.
    """

    pixels: NDArray[Any]
    mask: NDArray[np.bool_]
    planes: dict[int, NDArray[np.bool_]]
    steel: NDArray[np.bool_]

    def at(self, rows: slice, columns: slice) -> "_Defect":
        """A part, or all of it in another order."""
        planes = {number: np.ascontiguousarray(plane[rows, columns]) for number, plane in self.planes.items()}
        parts = (np.ascontiguousarray(of[rows, columns]) for of in (self.pixels, self.mask, self.steel))
        pixels, mask, steel = parts
        return _Defect(pixels, mask, planes, steel)

    def cut(self, height: int, width: int) -> "_Defect":
        """No higher and no wider than that."""
        return self.at(slice(height), slice(width))


def _place(
    image: NDArray[Any], ignored: NDArray[np.bool_], defect: _Defect, random: np.random.Generator
) -> tuple[slice, slice] | None:
    """Rows and columns of an image where the defect lies on steel, not on the black beside it or on what is ignored; None
    where none was found, or nothing around the defect says what it changes."""
    mask = defect.mask
    if not (mask.any() and defect.steel.any()):
        return None
    height, width = mask.shape
    dark = _dark(image)
    for _ in range(_TRIES):
        top = int(random.integers(image.shape[0] - height + 1))
        left = int(random.integers(image.shape[1] - width + 1))
        here = (slice(top, top + height), slice(left, left + width))
        beside = (_light(image[here]) <= dark) | ignored[here]
        if beside[mask].mean() <= _BESIDE:
            return here
    return None


def _dark(image: NDArray[Any]) -> float:
    """The light up to which there is no steel."""
    return float(_DARK * np.quantile(_light(image[::_SAMPLED, ::_SAMPLED]), 0.99))


def _light(image: NDArray[Any]) -> NDArray[Any]:
    """Of each pixel, its brightest channel: steel that rusts has next to no blue."""
    light: NDArray[Any] = image if image.ndim == 2 else image.max(2)
    return light


def laid_on(
    steel: NDArray[Any], patch: NDArray[Any], mask: NDArray[np.bool_], beside: NDArray[np.bool_]
) -> NDArray[Any]:
    """What a defect changes in its own steel, laid onto other steel.

    Args:
        steel, patch: (height, width) or (height, width, 3), same shape and dtype.
        mask: bool (height, width), the defect within the patch.
        beside: bool (height, width), the patch's plain steel, some at least: nothing else of it is shown outside the mask.

    Returns:
        Of the steel's shape and dtype: `steel` outside the mask, softly blended at its edge.
    """
    around = beside & ~cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    if not around.any():
        around = beside
    below, above = steel.astype(np.float32), patch.astype(np.float32)
    level, spread = _statistics(above, around)
    own_level, own_spread = _statistics(below, np.ones_like(mask))
    gain = float(np.clip(own_spread / max(spread, 1e-3), *_GAIN))
    weight = np.where(mask, np.float32(1), cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _SOFT) * beside)
    weight = weight if below.ndim == 2 else weight[..., None]
    mixed = below * (1 - weight) + ((above - level) * gain + own_level) * weight
    limit = np.iinfo(steel.dtype).max
    laid: NDArray[Any] = np.clip(np.rint(mixed), 0, limit).astype(steel.dtype)
    return laid


def _statistics(pixels: NDArray[np.float32], where: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
    """Mean of each channel and standard deviation over all of them."""
    chosen = pixels[where]
    mean: NDArray[np.float32] = chosen.mean(0)
    return mean, float((chosen - mean).std())


def _one_defect(donor: Sample, number: int, image: NDArray[Any], random: np.random.Generator) -> _Defect:
    """One connected region of the mask of a class, every pixel as likely to be in it, with a margin."""
    mask = decode_runs(donor.runs[number], donor.size)
    x, y, wide, tall = cv2.boundingRect(mask.view(np.uint8))  # labelling all of the image would take most of the time
    inside = np.ascontiguousarray(mask[y : y + tall, x : x + wide])
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(inside.view(np.uint8), connectivity=8)
    areas = statistics[1:, cv2.CC_STAT_AREA].astype(np.float64)
    chosen = 1 + int(random.choice(len(areas), p=areas / areas.sum()))
    left, top, width, height, _ = statistics[chosen].tolist()
    rows = slice(max(0, y + top - _MARGIN), y + top + height + _MARGIN)
    columns = slice(max(0, x + left - _MARGIN), x + left + width + _MARGIN)
    only = np.zeros(donor.size, np.bool_)
    only[y : y + tall, x : x + wide] = labels == chosen
    pixels, region = image[rows, columns], only[rows, columns]
    planes, steel = {number: region}, _light(pixels) > _dark(image)
    for other, runs in enumerate(donor.runs):
        if runs.area:
            drawn = (mask if other == number else decode_runs(runs, donor.size))[rows, columns]
            steel &= ~drawn
            if other != number and (drawn & region).any():
                planes[other] = drawn & region
    if donor.ignored.area:
        steel &= ~donor.ignored_mask()[rows, columns]
    return _Defect(pixels, region, planes, steel)


def _turned(defect: _Defect, random: np.random.Generator) -> _Defect:
    """It, flipped along one axis or two or none: light and rolling have a direction, so that nothing is rotated."""
    across = slice(None, None, -1 if random.random() < 0.5 else 1)
    down = slice(None, None, -1 if random.random() < 0.5 else 1)
    return defect.at(down, across)


def _like(image: NDArray[Any], other: NDArray[Any], preprocess: Preprocess) -> NDArray[Any]:
    """The image with as many channels, and of the dtype, of the other; white stays white."""
    if image.ndim < other.ndim:
        image = np.repeat(image[..., None], 3, axis=2)
    elif image.ndim > other.ndim:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if image.dtype == other.dtype:
        return image
    white = preprocess.white(other.dtype)
    scaled: NDArray[Any] = np.minimum(np.rint(image * (white / preprocess.white(image.dtype))), white)
    return scaled.astype(other.dtype)
