"""The test images: what the inspector said of each, its truth, and its group.

Of some it may be known only that they are defective, and perhaps of which classes, by a label of the image as a whole. They
count wherever images are counted, and nowhere that masks are held against masks.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.regions import Region
from steelsight.metrics.defects import Defects

EvidenceKind = Literal["own", "calibrated", "cross-validated", "epoch-selected", "other-precision", "other-region"]
"""Whose evidence it is.

own: of exactly the networks that are deployed (one fold's), on images that they did not see.
calibrated: of the deployed inspector, on fresh images.
cross-validated: each fold's images by that fold's networks, while all folds' networks are deployed together.
epoch-selected: as one of the others, but a member kept the epoch that was best on these images.
other-precision: as `own`, but the deployed networks compute in lower precision than the tested ones.
other-region: of the inspector with another region of interest than it has now.
Only the first two carry a bound.
"""

BEARS_BOUND: frozenset[EvidenceKind] = frozenset({"own", "calibrated"})


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """Labelled images and what an inspector said of them without having seen them.

    Attributes:
        kind: see `EvidenceKind`.
        classes: defect class names.
        image_ids: N names.
        folds: int64 (N,), the fold that each image was judged in; 0 for all where there are none.
        groups: int64 (N,): the unit of every bound.
        sizes: int64 (N, 2), height and width in pixels.
        p_defect: float64 (N,) in [0, 1], what the classifiers say together (see `imaging.combine`).
        truth: int64 (N, K), true pixels of each class; 0 of an image that is known by a label alone.
        regions: of each image, the connected defects that the rule found.
        defects: these held against the annotated ones; None in what was written before it was known.
        counted: int64 (N,), pixels of each image that count; None where all do.
        shown: bool (N, K + 1), of an image that is known by a label alone: which classes the label names, and last whether
            it speaks of a defect without naming its class. All False of every other image, a good one among them, whose
            masks are known to be empty. None where there are no such labels.
        flags: what is unusual about each image, so that a person sees it whatever P(defect) is; None where
            nothing is unusual about any.
        grouped_by: the kinds of groups that the user named beside twins, such as coil; empty where there are none, or
            nobody knows. The tables do not keep it; the policy does.
    """

    kind: EvidenceKind
    classes: tuple[str, ...]
    image_ids: tuple[str, ...]
    folds: NDArray[np.int64]
    groups: NDArray[np.int64]
    sizes: NDArray[np.int64]
    p_defect: NDArray[np.float64]
    truth: NDArray[np.int64]
    regions: tuple[tuple[Region, ...], ...]
    defects: Defects | None = None
    counted: NDArray[np.int64] | None = None
    shown: NDArray[np.bool_] | None = None
    flags: tuple[tuple[str, ...], ...] | None = None
    grouped_by: tuple[str, ...] = ()

    @property
    def label_alone(self) -> NDArray[np.bool_]:
        """Whether each image is known to be defective by a label alone, without a mask: bool (N,)."""
        return np.zeros(len(self.truth), np.bool_) if self.shown is None else np.asarray(self.shown.any(axis=1))

    @property
    def shows(self) -> NDArray[np.bool_]:
        """Which classes each image is known to show, by its masks or by its label: bool (N, K)."""
        drawn = self.truth > 0
        return np.asarray(drawn if self.shown is None else drawn | self.shown[:, :-1])

    @property
    def class_unknown(self) -> NDArray[np.bool_]:
        """Whether each image has a defect of which nobody named the class, whatever else it shows: bool (N,)."""
        return np.zeros(len(self.truth), np.bool_) if self.shown is None else self.shown[:, -1]

    @property
    def defective(self) -> NDArray[np.bool_]:
        """Whether each image has a defect: bool (N,)."""
        return np.asarray(self.shows.any(axis=1) | self.class_unknown)

    @property
    def found(self) -> NDArray[np.bool_]:
        """Whether each image has a mask: bool (N,)."""
        return np.array([bool(regions) for regions in self.regions], np.bool_)

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """Whether something about each image is unusual: bool (N,)."""
        return (
            np.zeros(len(self.truth), np.bool_) if self.flags is None else np.array([bool(one) for one in self.flags])
        )

    def with_masks(self) -> "EvaluationSet":
        """Without the images that are known by a label alone: what masks can be held against."""
        return self if self.shown is None else replace(self.only(np.flatnonzero(~self.label_alone)), shown=None)

    def as_kind(self, kind: EvidenceKind) -> "EvaluationSet":
        """The same images, as evidence of another kind."""
        return replace(self, kind=kind)

    def only(self, images: NDArray[np.intp]) -> "EvaluationSet":
        """Some of the images, in the order given."""
        return EvaluationSet(
            self.kind,
            self.classes,
            tuple(self.image_ids[index] for index in images.tolist()),
            self.folds[images],
            self.groups[images],
            self.sizes[images],
            self.p_defect[images],
            self.truth[images],
            tuple(self.regions[index] for index in images.tolist()),
            None if self.defects is None else self.defects.only(images),
            None if self.counted is None else self.counted[images],
            None if self.shown is None else self.shown[images],
            None if self.flags is None else tuple(self.flags[index] for index in images.tolist()),
            self.grouped_by,
        )
