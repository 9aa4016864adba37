"""Whether a line's scores are still those of the images that the inspector was tested on.

Of a line another share of strip is defective than of the tested images (label shift: Saerens et al., "Adjusting the
outputs of a classifier to new a priori probabilities", 2002; Lipton et al., "Detecting and correcting for label shift",
2018), and that alone is no drift. So the line's scores are held against every mixture of defective and good tested images,
and drift is what no mixture explains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from steelsight.core.formatting import about
from steelsight.imaging.combine import Combine, combine_probabilities
from steelsight.inspector.artifact import InspectorCard
from steelsight.verdicts.evaluated import EvaluationSet

ALPHA = 0.01
"""Share of windows without drift in which an alarm is put up with."""

FEWEST_IMAGES = 20
"""Scores of the line below which nothing is said."""

FEWEST_GROUPS = 10
"""Twin groups of either kind, defective and good, below which the evidence says nothing."""

BINS = 50
_STEPS = 200  # of the share of defective strip; refined once around the best

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drift:
    """How far a line's scores lie from the evidence.

    Attributes:
        known: whether anything can be said; if not, only `why`, `images` and `sentence` mean something.
        why: why not; empty where known.
        images: scores of the line.
        distance: greatest difference of the cumulative distributions of the line and of the best mixture, in [0, 1].
        limit: what the distance exceeds in at most `ALPHA` of windows without drift; at most 1, which nothing exceeds.
        alarm: whether it does, whatever share of the strip is defective.
        defect_share: of the best mixture: an estimate of the line's, if there is no drift.
        sentence: all of it in words.
        line, evidence: share of scores at most each upper edge, of the line and of the best mixture; `BINS` numbers.
        edges: `BINS` + 1 edges from 0 to 1.
    """

    known: bool
    why: str
    images: int
    distance: float
    limit: float
    alarm: bool
    defect_share: float
    sentence: str
    line: tuple[float, ...]
    evidence: tuple[float, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Weighted:
    """Scores ascending, and what each weighs; a twin group counts once."""

    scores: Floats
    weights: Floats

    def share_at_most(self, levels: Floats) -> Floats:
        summed = np.append(0.0, np.cumsum(self.weights)).clip(0, 1)  # rounding may lift the last above 1
        return np.asarray(summed[np.searchsorted(self.scores, levels, "right")])


def measure_drift(evidence: EvaluationSet | None, scores: Sequence[float]) -> Drift:
    """Hold a line's scores against the images that the inspector was tested on.

    Args:
        evidence: see `read_tested`; None where the inspector has none.
        scores: P(defect) of consecutive images of the line in their order, in [0, 1], said as of the tested images:
            `fold_score`, or what the classifiers say together where that is None.

    Raises:
        ValueError: a score is not a number from 0 to 1.
    """
    line = np.asarray(scores, np.float64)
    if not ((line >= 0) & (line <= 1)).all():
        raise ValueError("a score is not a number from 0 to 1")
    why = _hindrance(evidence, line.size)
    if evidence is None or why:
        return Drift(False, why, line.size, 0.0, 0.0, False, 0.0, f"Drift is not known: {why}.", (), (), ())
    return _measure(evidence, line)


def furthest(found: Mapping[str, Drift], own: str) -> str:
    """The station to be told of: where drift is known the one whose distance is the most of its limit, else the one with most
    images; of equal ones the own.

    Args:
        found: by the stations' names; not empty.
    """

    def rank(name: str) -> tuple[bool, float, bool]:
        drift = found[name]
        return drift.known, drift.distance / drift.limit if drift.known else float(drift.images), name == own

    return max(sorted(found), key=rank)


def scored_folds(card: InspectorCard) -> tuple[int, ...]:
    """The fold of each classifier, where several folds are deployed and the evidence is of one by one; else none."""
    folds = tuple(network.fold for network in card.of_step("classify"))
    is_calibrated = card.policy is not None and card.policy.evidence == "calibrated"
    return () if is_calibrated or len(set(folds)) < 2 else folds


def fold_score(said: Sequence[float], folds: Sequence[int], sha256: str, combine: Combine) -> float | None:
    """P(defect) by the classifiers of one fold, drawn by the image's hash.

    Cross-validated images were each judged by one fold's networks. What all folds say together is less extreme, and would
    look like drift.

    Args:
        said: by each classifier, in [0, 1]; empty where there was no image to judge.
        folds: see `scored_folds`.
        sha256: of the image's file, hexadecimal.
        combine: how the inspector combines its classifiers, and the evidence those of a fold.

    >>> [fold_score([0.2, 0.6, 0.7], [0, 0, 2], sha256, "mean") for sha256 in ("0a", "0b")]
    [0.4, 0.7]
    """
    if not said or not folds:
        return None
    present = sorted(set(folds))
    drawn = present[int(sha256, 16) % len(present)]
    return combine_probabilities([p for p, fold in zip(said, folds, strict=True) if fold == drawn], combine)


def independent_images(scores: Floats) -> float:
    """How many independent images consecutive ones are worth, since strips of one coil resemble each other.

    n / (1 + 2 (r1 + r2 + ...)) with the autocorrelations r of the scores' ranks, summed in pairs up to the first pair that
    is not positive (Geyer, "Practical Markov chain Monte Carlo", 1992). At most n.
    """
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable").astype(np.float64)
    level, place = np.unique(scores, return_inverse=True)
    ranks = np.bincount(place, order) / np.bincount(place) if level.size else order  # equal scores, equal ranks
    centred = ranks[place] - order.mean()
    power = np.abs(np.fft.rfft(centred, 2 * scores.size)) ** 2
    covariance = np.fft.irfft(power)[: scores.size]
    if covariance[0] <= 0:
        return 1.0  # all alike: one image says as much
    correlation = covariance[: scores.size // 2 * 2] / covariance[0]
    pairs = correlation[::2] + correlation[1::2]
    ends = np.flatnonzero(pairs <= 0)
    total = float(pairs[: ends[0] if ends.size else pairs.size].sum())
    return scores.size / max(1.0, 2 * total - 1)


def _hindrance(evidence: EvaluationSet | None, images: int) -> str:
    if evidence is None:
        return "the inspector has no test images with it; export it again, or calibrate it on labelled ones"
    if np.ptp(evidence.p_defect) == 0:
        return "P(defect) is the same for every test image, as without a classifier"
    groups, defective = evidence.groups, evidence.defective
    hits, goods = (np.unique(groups[chosen]).size for chosen in (defective, ~defective))
    if min(hits, goods) < FEWEST_GROUPS:
        return f"the inspector was tested on {hits} defective and {goods} good groups; {FEWEST_GROUPS} each are needed"
    if images < FEWEST_IMAGES:
        return f"{images} image{'s' if images != 1 else ''} of this inspector so far; {FEWEST_IMAGES} are needed"
    return ""


def _measure(evidence: EvaluationSet, scores: Floats) -> Drift:
    line = _Weighted(np.sort(scores), np.full(scores.size, 1 / scores.size))
    defective, good = (_weighted(evidence, chosen) for chosen in (evidence.defective, ~evidence.defective))
    levels = np.unique(np.concatenate([line.scores, evidence.p_defect]))
    at = [one.share_at_most(levels) for one in (line, defective, good)]
    independent = independent_images(scores)
    shares = np.linspace(0, 1, _STEPS + 1)
    for _ in range(2):
        distances = _distances(at[0], at[1], at[2], shares)
        limits = _limits(evidence, independent, shares)
        best = int(np.argmin(distances / limits))
        distance, limit, share = float(distances[best]), min(1.0, float(limits[best])), float(shares[best])
        shares = np.linspace(max(0.0, share - 1 / _STEPS), min(1.0, share + 1 / _STEPS), _STEPS + 1)
    edges = np.linspace(0, 1, BINS + 1)
    mixture = share * defective.share_at_most(edges[1:]) + (1 - share) * good.share_at_most(edges[1:])
    alarm = distance > limit
    return Drift(
        known=True,
        why="",
        images=scores.size,
        distance=distance,
        limit=limit,
        alarm=alarm,
        defect_share=share,
        sentence=_sentence(evidence, scores.size, distance, limit, share),
        line=tuple(line.share_at_most(edges[1:]).tolist()),
        evidence=tuple(mixture.tolist()),
        edges=tuple(edges.tolist()),
    )


def _weighted(evidence: EvaluationSet, chosen: NDArray[np.bool_]) -> _Weighted:
    """The tested images of one kind: each of their twin groups weighs the same."""
    scores = evidence.p_defect[chosen]
    _, place, count = np.unique(evidence.groups[chosen], return_inverse=True, return_counts=True)
    order = np.argsort(scores, kind="stable")
    return _Weighted(scores[order], (1 / (count.size * count[place]))[order])


def _distances(line: Floats, defective: Floats, good: Floats, shares: Floats) -> Floats:
    """Kolmogorov's distance of the line from the mixture of each share."""
    apart, between = line - good, defective - good
    return np.array([np.abs(apart - share * between).max() for share in shares]).clip(0, 1)


def _limits(evidence: EvaluationSet, independent: float, shares: Floats) -> Floats:
    """What the distance from the true mixture exceeds with probability `ALPHA` at most; derived in docs/drift.md.

    sqrt(ln(2 / ALPHA) / 2 * v), v the sum of the squared weights of all independent units: Massart, "The tight constant in
    the Dvoretzky-Kiefer-Wolfowitz inequality", 1990, for one sample, where v is 1 / n.
    """
    hits, goods = (np.unique(evidence.groups[chosen]) for chosen in (evidence.defective, ~evidence.defective))
    both = np.intersect1d(hits, goods).size / (hits.size * goods.size)
    v = 1 / independent + shares**2 / hits.size + (1 - shares) ** 2 / goods.size + 2 * shares * (1 - shares) * both
    return np.asarray(np.sqrt(log(2 / ALPHA) / 2 * v))


def _sentence(evidence: EvaluationSet, images: int, distance: float, limit: float, share: float) -> str:
    figures = f"gap {distance:.3f}, alarm above {limit:.3f}"
    if distance > limit:
        said = (
            f"The scores of the last {images} images fit no share of defective strips ({figures}). Look at the camera, the "
            "light and the surface, and review some images."
        )
    else:
        said = (
            f"No drift. The scores of the last {images} images fit a line with about {about(share)} defective strips "
            f"({figures})."
        )
    match evidence.kind:
        case "own" | "calibrated" | "cross-validated":
            return said
        case "epoch-selected" | "other-precision" | "other-region":
            return (
                f"{said} The evidence is {evidence.kind}: not exactly that of this inspector, so an alarm may be false."
            )
