"""From what the classifiers say together to the share of such images that are defective."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, model_validator

from steelsight.core.model import Model
from steelsight.metrics.calibration import (
    CLIP,
    brier_score,
    calibration_error_interval,
    error_by_chance,
    expected_calibration_error,
    group_weights,
    log_loss,
    log_losses,
)
from steelsight.metrics.intervals import Interval, bootstrap_interval
from steelsight.verdicts.isotonic import pool_adjacent_violators, straight_lines

CalibrationKind = Literal["none", "temperature", "isotonic"]
"""How P(defect) is mapped: left as it is; one number; as many numbers as the evidence has steps."""

CALIBRATIONS: tuple[CalibrationKind, ...] = get_args(CalibrationKind)

FEWEST = 10
"""Twin groups of either kind, defective and good, below which no calibration is tried."""

PARTS = 5
"""Parts that images without folds are split into."""

_RANGE = 0.01, 100.0  # where the temperature is searched


class Calibration(Model):
    """A rising map from P(defect), what the classifiers say together, to a calibrated probability.

    Attributes:
        kind: `none` leaves it as it is; `temperature` divides its logit; `isotonic` is a rising line in pieces.
        temperature: of that kind, above 0.
        levels, values: of `isotonic`: P(defect) ascending, and the probability at each, straight lines between, flat
            beyond the ends.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    kind: CalibrationKind = "none"
    temperature: float = Field(default=1.0, gt=0)
    levels: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _rises(self) -> "Calibration":
        if self.kind != "temperature" and self.temperature != 1:
            raise ValueError(f"temperature {self.temperature} stands beside kind {self.kind!r}, which has none")
        if len(self.levels) != len(self.values) or bool(self.levels) != (self.kind == "isotonic"):
            raise ValueError(
                f"{len(self.levels)} levels and {len(self.values)} values for kind {self.kind!r}; isotonic has as many "
                "of both, the others have none"
            )
        if np.any(np.diff(self.levels) <= 0) or np.any(np.diff(self.values) < 0):
            raise ValueError("levels must ascend, and values must not fall")
        if not all(0 <= number <= 1 for number in self.levels + self.values):
            raise ValueError("levels and values are probabilities, from 0 to 1")
        return self

    def apply(self, p: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The calibrated probability of each P(defect).

        No pair changes its order; where the map is flat, a pair may become equal. By `temperature`, P(defect) and the
        result are held between 1e-7 and 1 - 1e-7. It holds for strip of which as large a share is defective as of the
        images it was fitted on.

        Args:
            p: any shape, in [0, 1].

        Returns:
            float64, in the shape of `p`, in [0, 1].

        >>> Calibration(kind="temperature", temperature=2.0).apply(np.array([0.1, 0.5, 0.9])).round(2).tolist()
        [0.25, 0.5, 0.75]
        """
        p64 = np.asarray(p).astype(np.float64)
        match self.kind:
            case "none":
                return p64
            case "temperature":
                return np.clip(_sigmoid(_logit(p64) / self.temperature), CLIP, 1 - CLIP)
            case "isotonic":
                return straight_lines(p64, np.array(self.levels), np.array(self.values))


@dataclass(frozen=True)
class CalibrationQuality:
    """What nested probabilities are worth; a twin group counts once.

    Attributes:
        log_loss, brier: as in `metrics.calibration`.
        error, error_interval: expected calibration error, and its 95 % interval over twin groups.
        chance: mean expected calibration error that these probabilities would have if every one were true.
    """

    log_loss: float
    brier: float
    error: float
    error_interval: Interval
    chance: float


@dataclass(frozen=True, eq=False)
class ChosenCalibration:
    """The calibration that the evidence supports.

    Attributes:
        calibration: of the kept kind, fitted on all images.
        nested: float64 (N,), probabilities of the kept kind, each by the calibration that was fitted without its fold.
        judged: the nested probabilities of each kind that was tried, from the simplest; `none` is always there.
        reason: why this kind, one sentence without its final stop.
    """

    calibration: Calibration
    nested: NDArray[np.float64]
    judged: dict[CalibrationKind, CalibrationQuality]
    reason: str

    @property
    def before(self) -> CalibrationQuality:
        """P(defect) as the classifiers say it."""
        return self.judged["none"]

    @property
    def after(self) -> CalibrationQuality:
        """The kept kind."""
        return self.judged[self.calibration.kind]


def choose_calibration(
    p: NDArray[np.float64],
    defective: NDArray[np.bool_],
    folds: NDArray[np.integer[Any]],
    groups: NDArray[np.integer[Any]],
) -> ChosenCalibration:
    """Judge each kind on folds that it was not fitted on, and keep the simplest that none beats beyond noise.

    A richer kind is better beyond noise where the 95 % bootstrap interval of its nested log loss minus that of the kind
    kept so far, paired by twin group, lies below 0. Where all images are of one fold, twin groups are dealt out to 5
    parts, defective and good ones evenly.

    Args:
        p: float64 (N,), P(defect) in [0, 1], said without having seen the image.
        defective: bool (N,).
        folds: int (N,).
        groups: int (N,), twin groups; each within one fold, and counted once.

    Raises:
        ValueError: there is no image, the shapes differ, or a probability is not within 0..1.
    """
    parts = folds if np.unique(folds).size > 1 else _dealt(defective, groups)
    judged: dict[CalibrationKind, CalibrationQuality] = {"none": _judge(p, defective, groups)}
    hindrance = _hindrance(p, defective, parts, groups)
    if hindrance:
        return ChosenCalibration(Calibration(), p, judged, f"P(defect) is not calibrated: {hindrance}")
    kept: CalibrationKind = "none"
    nested, steps = {kept: p}, []
    for kind in CALIBRATIONS[1:]:
        nested[kind] = _nested(kind, p, defective, parts, groups)
        judged[kind] = _judge(nested[kind], defective, groups)
        change = log_losses(nested[kind], defective) - log_losses(nested[kept], defective)
        mean, interval = _mean_of_groups(change, groups)
        better = interval.high < 0
        steps.append(_step(kind, kept, mean, interval))
        kept = kind if better else kept
    found = fit_calibration(kept, p, defective, groups)
    name = {
        "none": "P(defect) is not calibrated",
        "temperature": f"P(defect) is calibrated by temperature {found.temperature:.2f}",
        "isotonic": "P(defect) is calibrated by isotonic regression",
    }
    return ChosenCalibration(found, nested[kept], judged, f"{name[kept]}: {'; '.join(steps)}")


def fit_calibration(
    kind: CalibrationKind,
    p: NDArray[np.float64],
    defective: NDArray[np.bool_],
    groups: NDArray[np.integer[Any]],
) -> Calibration:
    """The calibration of a kind that fits best; each twin group counts once.

    temperature: of least log loss (Guo et al., "On calibration of modern neural networks", 2017), between 0.01 and 100;
        truth is not 0 and 1 but 1 / (g + 2) and (d + 1) / (d + 2) for g good and d defective groups (Platt,
        "Probabilistic outputs for support vector machines", 1999), lest images that happen to part cleanly ask for
        certainty.
    isotonic: the rising function of least squares (`isotonic.py`), with one good and one defective group added at the
        lowest P(defect) and at the highest: either end has then Laplace's share (k + 1) / (n + 2) of its block, and 0
        or 1 is never claimed.
    """
    weights = group_weights(groups)
    match kind:
        case "none":
            return Calibration()
        case "temperature":
            return Calibration(kind=kind, temperature=_temperature(_logit(p), defective, weights))
        case "isotonic":
            levels, place = np.unique(p, return_inverse=True)
            weight = np.bincount(place, weights).astype(np.float64)
            hit = np.bincount(place, weights * defective)
            for end in (0, -1):
                weight[end] += 2
                hit[end] += 1
            ends, values = pool_adjacent_violators(np.asarray(levels, np.float64), hit / weight, weight)
            return Calibration(kind=kind, levels=tuple(ends.tolist()), values=tuple(values.tolist()))


def _temperature(logit: NDArray[np.float64], defective: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Bisection on the slope of the log loss, which rises with 1 / temperature: the loss is convex in it."""
    if not logit.any():
        return 1.0
    hits, goods = float(weights[defective].sum()), float(weights[~defective].sum())
    target = np.where(defective, (hits + 1) / (hits + 2), 1 / (goods + 2))
    low, high = np.log(_RANGE)
    for _ in range(50):
        middle = (low + high) / 2
        slope = float(np.sum(weights * logit * (_sigmoid(logit / np.exp(middle)) - target)))
        low, high = (middle, high) if slope > 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def _nested(
    kind: CalibrationKind,
    p: NDArray[np.float64],
    defective: NDArray[np.bool_],
    parts: NDArray[np.integer[Any]],
    groups: NDArray[np.integer[Any]],
) -> NDArray[np.float64]:
    """The calibrated probability of each image, by what was fitted on the other parts."""
    found = np.empty(p.shape, np.float64)
    for part in np.unique(parts):
        rest, own = parts != part, parts == part
        found[own] = fit_calibration(kind, p[rest], defective[rest], groups[rest]).apply(p[own])
    return found


def _judge(
    p: NDArray[np.float64], defective: NDArray[np.bool_], groups: NDArray[np.integer[Any]]
) -> CalibrationQuality:
    return CalibrationQuality(
        log_loss=log_loss(p, defective, groups),
        brier=brier_score(p, defective, groups),
        error=expected_calibration_error(p, defective, groups),
        error_interval=calibration_error_interval(p, defective, groups),
        chance=error_by_chance(p, groups),
    )


def _mean_of_groups(values: NDArray[np.float64], groups: NDArray[np.integer[Any]]) -> tuple[float, Interval]:
    """Mean over groups of the mean of their images, and its 95 % bootstrap interval over groups."""
    place = np.unique(groups, return_inverse=True)[1]
    means = np.bincount(place, values) / np.bincount(place)
    return float(means.mean()), bootstrap_interval(means, np.arange(means.size))


def _step(kind: CalibrationKind, kept: CalibrationKind, change: float, interval: Interval) -> str:
    of = "the nested log loss" if kept == "none" else f"that of {kept}"
    low, high = interval
    if high < 0:
        return f"{kind} lowers {of} by {-change:.4f} (95 %: {-high:.4f} to {-low:.4f})"
    return f"{kind} does not lower {of} beyond noise (change {change:+.4f}, 95 %: {low:+.4f} to {high:+.4f})"


def _hindrance(
    p: NDArray[np.float64],
    defective: NDArray[np.bool_],
    parts: NDArray[np.integer[Any]],
    groups: NDArray[np.integer[Any]],
) -> str | None:
    """Why no calibration can be tried; None where one can."""
    hits, goods = (np.unique(groups[chosen]).size for chosen in (defective, ~defective))
    if not hits or not goods:
        return f"there is no image {'without' if hits else 'with'} a defect"
    if np.ptp(p) == 0:
        return f"it is {p[0]:.4f} for every image"
    if np.isin(p, (0, 1)).all():
        return "it is 0 or 1 for every image, so it is no probability"
    if min(hits, goods) < FEWEST:
        return f"{hits} defective and {goods} good groups are too few; {FEWEST} of each are needed"
    for part in np.unique(parts):
        if defective[parts != part].all() or not defective[parts != part].any():
            kind = "without" if defective[parts != part].all() else "with"
            return f"all images {kind} a defect are in one fold, so nothing can be fitted without that fold"
    return None


def _dealt(defective: NDArray[np.bool_], groups: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """A part for each image, 0 to 4: groups in turn, those with a defect first."""
    place = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(np.bincount(place, defective) == 0, kind="stable")
    part = np.empty(order.size, np.int64)
    part[order] = np.arange(order.size) % PARTS
    return part[place]


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), np.float64)


def _sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without overflow, and as exact near 0 as elsewhere."""
    return np.asarray(np.exp(-np.logaddexp(0, -logit)), np.float64)
