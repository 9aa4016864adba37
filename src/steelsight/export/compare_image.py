"""One image, judged by two sides: where they differ, and whether that is more than numbers of another processor explain."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.engine import Engine
from steelsight.cascade.judge import Prediction
from steelsight.export.tolerance import DICE, LEVEL, PIXELS, PROBABILITY, are_alike
from steelsight.imaging.rle import Runs, shared_area
from steelsight.metrics.dice import pair_dice
from steelsight.rule.rule import Rule, masks
from steelsight.verdicts.policy import Policy

DifferenceKind = Literal["probability", "map", "gate", "mask", "verdict"]
"""Of a fault, the one that explains the others first."""


@dataclass(frozen=True, eq=False)
class ComparedSide:
    """One of the two that are compared, with what it decides by.

    Attributes:
        name: for messages.
        policy: gives verdicts; None: there are none to compare.
    """

    name: str
    engine: Engine
    rule: Rule
    policy: Policy | None = None


@dataclass(frozen=True)
class Difference:
    """A difference beyond the tolerance: how great among those of its kind, and the sentence that names it."""

    kind: DifferenceKind
    size: float
    text: str


@dataclass(frozen=True)
class MaskPair:
    """The masks of one class.

    Attributes:
        pixels, dice: in which they differ, and their Dice.
        found: whether either side has one.
        near_area: whether one side alone has one, and its area is at the minimum area.
    """

    pixels: int
    dice: float
    found: bool
    near_area: bool


@dataclass(frozen=True)
class ImageComparison:
    """One image.

    Attributes:
        p_defect, map: differences of P(defect), and the greatest of the maps; None where either side has none.
        same_gate, near_gate: whether the gate decisions agree, and whether P(defect) is near enough to it for them to differ.
        same_answer: whether both have a mask, or neither.
        same_suspected: whether both suspect the same pixels; where a class has a mask on one side alone, they cannot.
        same_verdict: None without policies.
        near_verdict: whether verdicts differ for what lies within the tolerance.
        masks: of each class.
        faults: all that is beyond the tolerance.
    """

    image_id: str
    p_defect: float
    map: float | None
    same_gate: bool
    near_gate: bool
    same_answer: bool
    same_suspected: bool
    same_verdict: bool | None
    near_verdict: bool
    masks: tuple[MaskPair, ...]
    faults: tuple[Difference, ...]


def compare(one: Prediction, other: Prediction, reference: ComparedSide, exported: ComparedSide) -> ImageComparison:
    """Hold what `exported` says of an image against what `reference` says.

    Args:
        one, other: of the reference and of the export, with maps: without these a mask that one side alone has is a fault.
    """
    apart = abs(one.p_defect - other.p_defect)
    passed = one.p_defect > reference.rule.gate, other.p_defect > exported.rule.gate
    near_gate = abs(one.p_defect - reference.rule.gate) <= PROBABILITY
    gate_differs = passed[0] != passed[1]
    found: list[tuple[MaskPair, list[Difference]]] = [
        _compare_masks(one, other, reference, exported, index, same_gate=not gate_differs)
        for index in range(reference.rule.classes)
    ]
    pairs = tuple(pair for pair, _ in found)
    same_verdict = _same_verdict(one, other)
    touched = gate_differs or any(pair.pixels for pair in pairs) or _is_near_bound(one.p_defect, reference.policy)
    faults = [
        *_of_probability(one, other, apart),
        *_of_maps(one, (levels := _levels_apart(one, other))),
        *([] if not gate_differs or near_gate else [_of_gate(one, other, reference, exported)]),
        *(fault for _, mine in found for fault in mine),
        *([] if same_verdict in (True, None) or touched else [_of_verdict(one, other, reference, exported)]),
    ]
    return ImageComparison(
        one.source.image_id,
        apart,
        levels,
        not gate_differs,
        near_gate,
        one.is_defective == other.is_defective,
        _same_suspected(one, other),
        same_verdict,
        same_verdict is False and touched,
        pairs,
        tuple(faults),
    )


def _compare_masks(
    one: Prediction, other: Prediction, reference: ComparedSide, exported: ComparedSide, index: int, *, same_gate: bool
) -> tuple[MaskPair, list[Difference]]:
    left, right = one.runs[index], other.runs[index]
    pixels, dice = _runs_apart(left, right)
    pixels = _as_cut(pixels, one, reference)
    alone = bool(left.area) != bool(right.area)
    near_area = alone and same_gate and _is_at_least_area(one, other, reference, exported, index)
    pair = MaskPair(pixels, dice, left.area + right.area > 0, near_area)
    if not same_gate or near_area or (not alone and are_alike(pixels, dice)):
        return pair, []
    what = f"class {reference.engine.classes[index]} of {one.source.image_id}"
    if alone:
        owner = reference if left.area else exported
        why = "and its area above the upper threshold is not at the minimum area within the pixels that differ"
        return pair, [Difference("mask", pixels, f"{what} has a mask of {pixels} pixels by {owner.name} alone, {why}")]
    said = f"the masks of {what} differ by {pixels} pixels, at Dice {dice:.4f}"
    return pair, [Difference("mask", pixels, f"{said}, and {PIXELS} pixels or Dice {DICE:g} are allowed")]


def _is_at_least_area(
    one: Prediction, other: Prediction, reference: ComparedSide, exported: ComparedSide, index: int
) -> bool:
    """Whether a mask that one side alone has hangs on single pixels.

    So it is where both sides' areas above `upper`, and those above `lower`, are alike, and the reference's own rule, given
    the export's numbers, decides as the export did: the minimum area then lies between two counts that are all but equal.
    """
    if one.maps is None or other.maps is None:
        return False
    mine, its = one.maps[index], other.maps[index]
    for name in ("upper", "lower"):
        level, other_level = (getattr(side.rule, name)[index] for side in (reference, exported))
        pixels, dice = _areas_apart(mine > level, its > other_level)
        if not are_alike(_as_cut(pixels, one, reference), dice):
            return False
    kept = masks(reference.rule.only([index]), other.p_defect, its[None]).any()
    return bool(kept) == bool(other.runs[index].area)


def _as_cut(pixels: int, one: Prediction, side: ComparedSide) -> int:
    """Pixels of the size at which masks are cut: at the working size, one that flips takes a block of the image's along."""
    if side.rule.at == "image" or one.size is None:
        return pixels
    *_, height, width = side.engine.segmenters[0].preprocess.frame(one.size)
    return round(pixels * height * width / (one.size[0] * one.size[1]))


def _runs_apart(left: Runs, right: Runs) -> tuple[int, float]:
    return _apart(left.area, right.area, shared_area(left, right))


def _areas_apart(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[int, float]:
    return _apart(int(left.sum()), int(right.sum()), int((left & right).sum()))


def _apart(left: int, right: int, shared: int) -> tuple[int, float]:
    """Pixels in which two areas differ, and their Dice."""
    dice = pair_dice(np.array([shared]), np.array([left]), np.array([right]))
    return left + right - 2 * shared, float(dice[0])


def _levels_apart(one: Prediction, other: Prediction) -> float | None:
    """Of each network's map, not of the combined one: averaging log odds can make more of one level than it is."""
    if one.network_maps is None or other.network_maps is None:
        return None
    pairs = zip(one.network_maps, other.network_maps, strict=True)
    return max(float(np.abs(left.astype(np.int16) - right).max()) for left, right in pairs) / 255


def _same_verdict(one: Prediction, other: Prediction) -> bool | None:
    if one.verdict is None or other.verdict is None:
        return None
    return one.verdict.answer == other.verdict.answer


def _same_suspected(one: Prediction, other: Prediction) -> bool:
    pairs = zip_longest(one.suspected_runs, other.suspected_runs, fillvalue=Runs.empty())
    return all(_runs_apart(left, right)[0] == 0 for left, right in pairs)


def _is_near_bound(p_defect: float, policy: Policy | None) -> bool:
    bounds = () if policy is None else (policy.pass_at, policy.reject_at)
    return any(bound is not None and abs(p_defect - bound) <= PROBABILITY for bound in bounds)


def _of_probability(one: Prediction, other: Prediction, apart: float) -> list[Difference]:
    if apart <= PROBABILITY:  # nan is not
        return []
    text = f"P(defect) of {one.source.image_id} differs by {apart:.2g}, more than the {PROBABILITY:g} allowed"
    return [Difference("probability", apart, text)]


def _of_maps(one: Prediction, levels: float | None) -> list[Difference]:
    if levels is None or levels <= LEVEL + 1e-9:
        return []
    text = f"a map of {one.source.image_id} differs by {levels:.2g}, more than the {LEVEL:.2g} allowed"
    return [Difference("map", levels, text)]


def _of_gate(one: Prediction, other: Prediction, reference: ComparedSide, exported: ComparedSide) -> Difference:
    said = " and ".join(
        f"{judged.p_defect:.4g} at a gate of {side.rule.gate:.4g} by {side.name}"
        for judged, side in ((one, reference), (other, exported))
    )
    distance = abs(one.p_defect - reference.rule.gate)
    text = (
        f"one side alone lets {one.source.image_id} through its gate, with P(defect) {said}, which is further than "
        f"{PROBABILITY:g} from the gate"
    )
    return Difference("gate", distance, text)


def _of_verdict(one: Prediction, other: Prediction, reference: ComparedSide, exported: ComparedSide) -> Difference:
    said = " and ".join(
        f"{judged.verdict.answer} by {side.name}"
        for judged, side in ((one, reference), (other, exported))
        if judged.verdict is not None
    )
    text = (
        f"the verdict of {one.source.image_id} is {said}, though its masks are the same and P(defect) {one.p_defect:.4g} is "
        f"further than {PROBABILITY:g} from every bound"
    )
    return Difference("verdict", 0.0, text)
