"""The proof of parity: how near the exported networks come to torch in fp32, on real images, through the same cascade."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.export.compare_image import ComparedSide, Difference, DifferenceKind, ImageComparison, compare
from steelsight.export.tolerance import TOLERANCE, are_alike
from steelsight.inspector.artifact import Precision
from steelsight.inspector.parity import Parity

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Platform:
    """What was compared, and where; see `Parity`."""

    reference: str
    runtime: str
    processor: str
    precision: Precision
    computed_in: Precision


@dataclass(frozen=True)
class MeasuredParity:
    """The figures, and every difference beyond the tolerance, those that explain others first and the greatest first."""

    parity: Parity
    faults: tuple[Difference, ...]


def measure(
    sources: Sequence[Source], reference: ComparedSide, exported: ComparedSide, where: Platform, advance: Advance
) -> MeasuredParity:
    """Judge images by both sides, each by its own rule and policy, and compare what they say.

    What is unusual about an image is left out of its verdict: it is the same for both, and would hide that they differ.

    Raises:
        UserError: an image cannot be read, or a network gave no probability for it.
    """
    compared: list[ImageComparison] = []
    both = (
        judge(sources, side.engine, side.rule, keep_maps=True, keep_network_maps=True, policy=side.policy)
        for side in (reference, exported)
    )
    for one, other in zip(*both, strict=True):
        if error := one.error or other.error:
            raise UserError(error)
        compared.append(compare(one, other, reference, exported))
        advance(len(compared), len(sources))
    kinds = get_args(DifferenceKind)
    faults = [fault for one in compared for fault in one.faults]
    return MeasuredParity(
        _sum_up(compared, where), tuple(sorted(faults, key=lambda one: (kinds.index(one.kind), -one.size)))
    )


def check(measured: MeasuredParity) -> None:
    """See that an fp32 export keeps to its tolerance.

    Raises:
        UserError: it does not.
    """
    if measured.parity.tolerance is None or not measured.faults:
        return
    first, *others = measured.faults
    more = f"; {len(others)} more such difference{'s' if len(others) > 1 else ''}" if others else ""
    raise UserError(
        f"nothing was exported: the ONNX networks answer differently from torch ({first.text}{more}); update torch, "
        "onnxscript and openvino, or use `steelsight predict` with this run and report the figure"
    )


def _sum_up(compared: Sequence[ImageComparison], where: Platform) -> Parity:
    worst = max(compared, key=lambda one: one.p_defect)
    mapped = [one for one in compared if one.map is not None]
    worst_map = max(mapped, key=lambda one: one.map or 0.0, default=None)
    masks = [pair for one in compared for pair in one.masks]
    found = [pair for pair in masks if pair.found]
    cut = [pair for one in compared if one.same_gate for pair in one.masks if not pair.near_area]
    verdicts = [one.same_verdict for one in compared if one.same_verdict is not None]
    return Parity(
        reference=where.reference,
        runtime=where.runtime,
        processor=where.processor,
        precision=where.precision,
        computed_in=where.computed_in,
        images=len(compared),
        pairs=len(masks),
        found_pairs=len(found),
        p_defect_difference=worst.p_defect,
        p_defect_image=worst.image_id,
        map_difference=worst_map.map if worst_map else None,
        map_image=worst_map.image_id if worst_map else None,
        same_gate_share=float(np.mean([one.same_gate for one in compared])),
        near_gate_images=sum(one.near_gate and not one.same_gate for one in compared),
        same_verdict_share=float(np.mean(verdicts)) if verdicts else None,
        near_verdict_images=sum(one.near_verdict for one in compared),
        same_masks_share=float(np.mean([pair.pixels == 0 for pair in masks])),
        same_found_masks_share=float(np.mean([pair.pixels == 0 for pair in found])) if found else None,
        near_area_pairs=sum(pair.near_area for pair in masks),
        differing_pairs=sum(not are_alike(pair.pixels, pair.dice) for pair in cut),
        most_pixels=max((pair.pixels for pair in cut), default=0),
        least_dice=min((pair.dice for pair in cut if pair.found), default=None),
        mean_dice=float(np.mean([pair.dice for pair in found])) if found else None,
        same_answer_share=float(np.mean([one.same_answer for one in compared])),
        same_suspected_share=float(np.mean([one.same_suspected for one in compared])),
        tolerance=TOLERANCE if where.precision == "fp32" else None,
        dice_loss=None,
    )
