"""parity.json: how near the exported networks come to torch in fp32, on real images, through the same cascade."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from steelsight.cascade.engine import Engine
from steelsight.cascade.judge import Judged, judge
from steelsight.cascade.sources import Source
from steelsight.decision.rule import Rule
from steelsight.errors import UserError
from steelsight.export.dice_loss import DiceLoss
from steelsight.inspector.artifact import Precision
from steelsight.metrics.dice import pair_dice
from steelsight.rle import shared_area

LEVEL = 1 / 255
"""A map is rounded to 8 bit, so that the smallest difference of a probability may show as one level."""

Advance = Callable[[int, int], None]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tolerance(_Model):
    """What fp32 must keep to.

    Attributes:
        p_defect, map: greatest difference of a probability; a gate decision may differ where P(defect) lies as near to the
            gate.
        same_masks_share: least share of (image, class) pairs with the same masks.
        pixels: by which two masks may differ and still count as the same: one level of rounding moves single pixels at an
            edge, and of a hundred masks about one has such a pixel.
    """

    p_defect: float = 1e-3
    map: float = LEVEL
    same_masks_share: float = 0.995
    pixels: int = 3


class Parity(_Model):
    """What two engines said of the same images; the mean of a step's networks is compared, as the cascade uses it.

    Attributes:
        reference, runtime, processor: what was compared, and where.
        precision, computed_in: of the inspector, and what this processor made of it.
        images, pairs: how many; pairs = images times classes; `found_pairs` have a mask by either engine.
        p_defect_difference, p_defect_image: the greatest, and of which image.
        map_difference, map_image: greatest difference of a pixel's probability on the 8-bit grid, and of which image; None
            where no image passed the gate.
        same_gate_share: of images with the same gate decision; `near_gate_images` of the others lie within the tolerance
            of the gate.
        same_masks_share, same_found_masks_share: of pairs, and of found pairs, with the same run lengths.
        differing_pairs: pairs of images with the same gate decision whose masks differ by more than the tolerance's pixels.
        most_pixels: by which a pair's masks differ.
        mean_dice: between the two masks, mean over found pairs.
        same_answer_share: of images that both call defective, or both not.
        tolerance: of fp32; a lower precision is held against `dice_loss` instead.
        dice_loss: what a lower precision costs; None for fp32.
    """

    schema_version: Literal[1] = 1
    reference: str
    runtime: str
    processor: str
    precision: Precision
    computed_in: Precision
    images: int
    pairs: int
    found_pairs: int
    p_defect_difference: float
    p_defect_image: str
    map_difference: float | None
    map_image: str | None
    same_gate_share: float
    near_gate_images: int
    same_masks_share: float
    same_found_masks_share: float | None
    differing_pairs: int
    most_pixels: int
    mean_dice: float | None
    same_answer_share: float
    tolerance: Tolerance | None
    dice_loss: DiceLoss | None


@dataclass(frozen=True)
class Where:
    """What was compared, and where; see `Parity`."""

    reference: str
    runtime: str
    processor: str
    precision: Precision
    computed_in: Precision


@dataclass(frozen=True, eq=False)
class _Compared:
    """One image: differences of P(defect) and of the map; whether the gate decisions agree, and whether P lies near the gate;
    pixels by which each class's masks differ, their Dice, and whether either has any."""

    image_id: str
    p_defect: float
    map: float | None
    same_gate: bool
    near_gate: bool
    same_answer: bool
    pixels: tuple[int, ...]
    dice: tuple[float, ...]
    found: tuple[bool, ...]


def measure(
    sources: Sequence[Source], reference: Engine, exported: Engine, rule: Rule, where: Where, advance: Advance
) -> Parity:
    """Judge images with both engines and compare what they say.

    Raises:
        UserError: an image cannot be read, or a network gave no probability for it.
    """
    compared: list[_Compared] = []
    both = (judge(sources, engine, rule, keep_maps=True) for engine in (reference, exported))
    for one, other in zip(*both, strict=True):
        if error := one.error or other.error:
            raise UserError(error)
        compared.append(_compare(one, other, rule))
        advance(len(compared), len(sources))
    return _sum_up(compared, where)


def check(parity: Parity) -> None:
    """See that an fp32 export keeps to its tolerance.

    Raises:
        UserError: it does not.
    """
    allowed = parity.tolerance
    if allowed is None:
        return
    fault: str | None = None
    if not parity.p_defect_difference <= allowed.p_defect:
        fault = (
            f"P(defect) of {parity.p_defect_image} differs by {parity.p_defect_difference:.2g}, more than the "
            f"{allowed.p_defect:g} allowed"
        )
    elif not (parity.map_difference or 0.0) <= allowed.map + 1e-9:
        fault = f"a map of {parity.map_image} differs by {parity.map_difference:.2g}, more than the {allowed.map:.2g} allowed"
    elif round(parity.same_gate_share * parity.images) + parity.near_gate_images < parity.images:
        fault = f"only {parity.same_gate_share:.2%} of the images have the same gate decision, and all must"
    elif parity.differing_pairs > (1 - allowed.same_masks_share) * parity.pairs + 1e-9:
        fault = (
            f"{parity.differing_pairs} of {parity.pairs} masks differ by more than {allowed.pixels} pixels, by up to "
            f"{parity.most_pixels}, and {allowed.same_masks_share:.1%} must be the same"
        )
    if fault:
        raise UserError(
            f"nothing was exported: the ONNX networks do not say what torch says ({fault}); update torch, onnxscript and "
            "openvino, or use `steelsight predict` with this run and report the figure"
        )


def _compare(one: Judged, other: Judged, rule: Rule) -> _Compared:
    passed = [judged.p_defect > rule.gate for judged in (one, other)]
    near = abs(one.p_defect - rule.gate) <= Tolerance().p_defect
    maps = None
    if one.maps is not None and other.maps is not None:
        maps = float(np.abs(one.maps.astype(np.int16) - other.maps).max()) / 255
    areas = [np.array([runs.area for runs in judged.runs]) for judged in (one, other)]
    shared = np.array([shared_area(left, right) for left, right in zip(one.runs, other.runs, strict=True)])
    return _Compared(
        one.source.image_id,
        abs(one.p_defect - other.p_defect),
        maps,
        passed[0] == passed[1],
        near,
        one.is_defective == other.is_defective,
        tuple((areas[0] + areas[1] - 2 * shared).tolist()),
        tuple(pair_dice(shared, *areas).tolist()),
        tuple((areas[0] + areas[1] > 0).tolist()),
    )


def _sum_up(compared: Sequence[_Compared], where: Where) -> Parity:
    worst = max(compared, key=lambda one: one.p_defect)
    mapped = [one for one in compared if one.map is not None]
    worst_map = max(mapped, key=lambda one: one.map or 0.0, default=None)
    pixels = np.array([one.pixels for one in compared])
    found = np.array([one.found for one in compared])
    dice = np.array([one.dice for one in compared])
    same_gate = np.array([one.same_gate for one in compared])
    return Parity(
        reference=where.reference,
        runtime=where.runtime,
        processor=where.processor,
        precision=where.precision,
        computed_in=where.computed_in,
        images=len(compared),
        pairs=pixels.size,
        found_pairs=int(found.sum()),
        p_defect_difference=worst.p_defect,
        p_defect_image=worst.image_id,
        map_difference=worst_map.map if worst_map else None,
        map_image=worst_map.image_id if worst_map else None,
        same_gate_share=float(same_gate.mean()),
        near_gate_images=sum(one.near_gate and not one.same_gate for one in compared),
        same_masks_share=float((pixels == 0).mean()),
        same_found_masks_share=float((pixels == 0)[found].mean()) if found.any() else None,
        differing_pairs=int((pixels[same_gate] > Tolerance().pixels).sum()),
        most_pixels=int(pixels[same_gate].max(initial=0)),
        mean_dice=float(dice[found].mean()) if found.any() else None,
        same_answer_share=float(np.mean([one.same_answer for one in compared])),
        tolerance=Tolerance() if where.precision == "fp32" else None,
        dice_loss=None,
    )
