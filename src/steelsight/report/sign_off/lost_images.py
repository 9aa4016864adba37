"""The tested images that a verdict loses, escapes and overkill, with their pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from steelsight.core.formatting import apart
from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import ImageError, read_image
from steelsight.plots.hatched import hatched
from steelsight.plots.outlines import PREDICTION, TRUTH, Outline, jpeg, outlined, page_width
from steelsight.plots.style import class_names
from steelsight.report.sections.gallery import PredictedMasks
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.policy import Policy

_MOST_PICTURES, _MOST_NAMES = 12, 60
_WIDE = 450  # pixels of the page


@dataclass(frozen=True)
class LostPicture:
    """One image and what is said of it."""

    source: Markup
    width: int
    image_id: str
    caption: str

    @property
    def is_strip(self) -> bool:
        """Whether it takes a row of its own on the screen; on paper two such share one."""
        return self.width > _WIDE


@dataclass(frozen=True)
class Lost:
    """All images that are lost in one way.

    Attributes:
        images: how many.
        pictures: of the first of them.
        unreadable: how many pictures are missing because the image is gone.
        others: names of those without a picture, as far as they fit.
        listed: where no pictures are at hand, name and caption of each, as far as they fit.
        unnamed: how many more there are.
    """

    images: int
    pictures: tuple[LostPicture, ...]
    unreadable: int
    others: tuple[str, ...]
    listed: tuple[tuple[str, str], ...]
    unnamed: int


def escapes_of(policy: Policy, tested: EvaluationSet, samples: Sequence[Sample] | None) -> Lost:
    """Defective images that pass, the largest defect first, their true defects outlined; last those of which nobody drew it.

    Args:
        samples: the tested images, in the same order; None where none is at hand.
    """
    names = class_names(tested.classes)
    areas = tested.truth.sum(axis=1)

    def caption(at: int) -> str:
        true = [f"{names[index]}, {tested.truth[at, index]:,} px" for index in np.flatnonzero(tested.truth[at])]
        if tested.label_alone[at]:
            said = [names[index] for index in np.flatnonzero(tested.shows[at])]
            said += ["class not known"] if tested.class_unknown[at] else []
            true = [f"{', '.join(said)} (by its label alone)"]
        return f"P(defect) {_p(tested, at)} · {'; '.join(true)}"

    places = sorted(_places(tested, policy.outcome.escapes), key=lambda at: -areas[at])
    return _lost(places, samples, tested, lambda sample, _: Outline(sample.mask(), TRUTH), caption)


def overkill_of(
    policy: Policy,
    tested: EvaluationSet,
    samples: Sequence[Sample] | None,
    predicted: PredictedMasks,
    reasons: Sequence[str],
) -> Lost:
    """Good images that are rejected, the highest P(defect) first, what was marked on them outlined.

    Args:
        predicted: position of an image -> its masks.
        reasons: of each image's verdict.
    """
    places = sorted(_places(tested, policy.outcome.overkills), key=lambda at: -tested.p_defect[at])
    return _lost(
        places, samples, tested, lambda _, at: Outline(predicted(at), PREDICTION, "dashed"), reasons.__getitem__
    )


def _lost(
    places: Sequence[int],
    samples: Sequence[Sample] | None,
    tested: EvaluationSet,
    outline: Callable[[Sample, int], Outline],
    caption: Callable[[int], str],
) -> Lost:
    if samples is None:
        listed = tuple((tested.image_ids[at], caption(at)) for at in places[:_MOST_NAMES])
        return Lost(len(places), (), 0, (), listed, len(places) - len(listed))
    pictures, gone = [], []
    for at in places[:_MOST_PICTURES]:
        sample = samples[at]
        image = _read(sample)
        if image is None:
            gone.append(sample.image_id)
            continue
        picture = outlined(hatched(image, sample.ignored_mask()), [outline(sample, at)], tested.classes)
        pictures.append(LostPicture(jpeg(picture), page_width(picture), sample.image_id, caption(at)))
    others = [*gone, *(samples[at].image_id for at in places[_MOST_PICTURES:])]
    return Lost(
        images=len(places),
        pictures=tuple(pictures),
        unreadable=len(gone),
        others=tuple(others[:_MOST_NAMES]),
        listed=(),
        unnamed=max(0, len(others) - _MOST_NAMES),
    )


def _read(sample: Sample) -> Image | None:
    """The image; None where it is gone, or another one lies in its place, which its size gives away."""
    try:
        image = read_image(sample.path)
    except ImageError:
        return None
    return image if image.shape[:2] == sample.size else None


def _places(tested: EvaluationSet, names: Sequence[str]) -> list[int]:
    wanted = set(names)
    return [at for at, name in enumerate(tested.image_ids) if name in wanted]


def _p(tested: EvaluationSet, at: int) -> str:
    return apart(float(tested.p_defect[at]), least=3)[0]
