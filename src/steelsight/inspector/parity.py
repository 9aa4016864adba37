"""parity.json of an INSPECTOR: how near its networks come to torch in fp32, on real images, through the same cascade."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError

from steelsight.core.errors import UserError
from steelsight.core.model import Model, explain
from steelsight.inspector.artifact import PARITY, Precision, require_listed


class Tolerance(Model):
    """What an inspector was held to, in its parity.json.

    Attributes:
        p_defect, map, pixels, dice: what `export/tolerance.py` defines; no `dice` was asked of inspectors of before.
        same_masks_share: least share of masks within `pixels`, asked of inspectors of before in place of `dice`.
    """

    p_defect: float
    map: float
    pixels: int
    dice: float | None = None
    same_masks_share: float | None = None


class DefectDice(Model):
    """Mean Dice of the (image, class) pairs that have a defect."""

    pairs: int
    fp32: float
    reduced: float

    @property
    def lost(self) -> float:
        """From fp32 to the lower precision."""
        return self.fp32 - self.reduced


class ClassDice(Model):
    """Competition Dice of one class, and that of its defects; None where it has none."""

    defect_class: str
    images: int
    fp32: float
    reduced: float
    defects: DefectDice | None


class FoldDice(Model):
    """Competition Dice of one fold's networks on images that they did not see, in fp32 and in the lower precision.

    Attributes:
        classes: the same by class; empty in older files.
    """

    fold: int
    images: int
    fp32: float
    reduced: float
    classes: tuple[ClassDice, ...] = ()


class Int8Network(Model):
    """What of a network is in int8.

    Attributes:
        file: of the network.
        int8_share: of the multiplications of its layers, those in int8.
        floating_point: layers that went back to floating point, since they moved the answer most for their time; beside
            the first layer, depthwise convolutions and the last layer, which stay there in any case.
        difference_before, difference: how far its answers lie from those of fp32 (1 minus soft Dice), with all layers in
            int8 that may be, and as it is.
        max_difference: up to which layers went back.
    """

    file: str
    int8_share: float
    floating_point: tuple[str, ...]
    difference_before: float
    difference: float
    max_difference: float


class DiceLoss(Model):
    """Dice that a lower precision loses.

    Attributes:
        limit: the loss that was allowed.
        folds: each fold's figures; empty where it was not measured.
        images: judged together.
        fp32, reduced, lost: competition Dice over all of them, and the difference; None where it was not measured.
        kept: whether the limit was kept; None where it was not measured.
        not_measured: why, in one sentence; None where it was.
        defects: of all pairs with a defect; None where there is none, and in older files.
        classes: by class, over all folds; empty in older files.
        networks: what is in int8; empty in other precisions and in older files.
    """

    limit: float
    folds: tuple[FoldDice, ...]
    images: int
    fp32: float | None
    reduced: float | None
    lost: float | None
    kept: bool | None
    not_measured: str | None
    defects: DefectDice | None = None
    classes: tuple[ClassDice, ...] = ()
    networks: tuple[Int8Network, ...] = ()

    @classmethod
    def unknown(cls, limit: float, why: str) -> "DiceLoss":
        """Not measured."""
        return cls(limit=limit, folds=(), images=0, fp32=None, reduced=None, lost=None, kept=None, not_measured=why)

    @classmethod
    def of(cls, limit: float, folds: Sequence[FoldDice], networks: Sequence[Int8Network] = ()) -> "DiceLoss":
        """Sum up the folds; each image counts alike, and each pair with a defect."""
        fp32, reduced = _mean(folds, [fold.images for fold in folds])
        by_class = zip(*(fold.classes for fold in folds), strict=True)
        classes = tuple(_of_class(parts) for parts in by_class)
        return cls(
            limit=limit,
            folds=tuple(folds),
            images=sum(fold.images for fold in folds),
            fp32=fp32,
            reduced=reduced,
            lost=fp32 - reduced,
            kept=fp32 - reduced <= limit,
            not_measured=None,
            defects=_of_defects(part.defects for part in classes),
            classes=classes,
            networks=tuple(networks),
        )

    @property
    def worst_class(self) -> ClassDice | None:
        """The class whose defects lose most; None where none loses."""
        losing = [part for part in self.classes if part.defects is not None and part.defects.lost > 0]
        return max(losing, key=lambda part: part.defects.lost if part.defects else 0.0, default=None)


def _of_class(parts: Sequence[ClassDice]) -> ClassDice:
    fp32, reduced = _mean(parts, [part.images for part in parts])
    return ClassDice(
        defect_class=parts[0].defect_class,
        images=sum(part.images for part in parts),
        fp32=fp32,
        reduced=reduced,
        defects=_of_defects(part.defects for part in parts),
    )


def _of_defects(parts: Iterable[DefectDice | None]) -> DefectDice | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    fp32, reduced = _mean(known, [part.pairs for part in known])
    return DefectDice(pairs=sum(part.pairs for part in known), fp32=fp32, reduced=reduced)


def _mean(parts: Sequence[FoldDice | ClassDice | DefectDice], weights: Sequence[int]) -> tuple[float, float]:
    """Of fp32 and of the lower precision."""
    return (
        float(np.average([part.fp32 for part in parts], weights=weights)),
        float(np.average([part.reduced for part in parts], weights=weights)),
    )


class Parity(Model):
    """What two engines said of the same images; the mean of a step's networks is compared, as the cascade uses it.

    Attributes:
        schema_version: 1 of inspectors of before, which know neither verdicts nor what is `near` a minimum area.
        reference, runtime, processor: what was compared, and where.
        precision, computed_in: of the inspector, and what this processor made of it.
        images, pairs: how many; pairs = images times classes; `found_pairs` have a mask by either engine.
        p_defect_difference, p_defect_image: the greatest, and of which image.
        map_difference, map_image: greatest difference of a pixel's probability on the 8-bit grid, and of which image; None
            where none was segmented.
        same_gate_share: of images with the same gate decision; `near_gate_images` of the others lie within the tolerance
            of the gate.
        same_verdict_share: of images with the same verdict, None without a policy; `near_verdict_images` of the others lie
            within the tolerance of a bound, or have masks that differ within it.
        same_masks_share, same_found_masks_share: of pairs, and of found pairs, with the same run lengths.
        near_area_pairs: pairs of which one side alone has a mask, whose area is at the minimum area.
        differing_pairs: pairs of images with the same gate decision, beside these, whose masks differ by more than allowed.
        most_pixels, least_dice: by which the masks of a pair differ at most, and their least Dice, over pairs of images with
            the same gate decision that are not near the minimum area; None where there is no mask.
        mean_dice: between the two masks, mean over found pairs.
        same_answer_share: of images that both call defective, or both not.
        same_suspected_share: of images of which both suspect the same pixels beside what they found; None in older files.
        tolerance: of fp32; a lower precision is held against `dice_loss` instead.
        dice_loss: what a lower precision costs; None for fp32.
    """

    schema_version: Literal[1, 2] = 2
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
    same_verdict_share: float | None = None
    near_verdict_images: int = 0
    same_masks_share: float
    same_found_masks_share: float | None
    near_area_pairs: int = 0
    differing_pairs: int
    most_pixels: int
    least_dice: float | None = None
    mean_dice: float | None
    same_answer_share: float
    same_suspected_share: float | None = None
    tolerance: Tolerance | None
    dice_loss: DiceLoss | None


def read_parity(folder: Path) -> Parity:
    """The proof that an INSPECTOR carries.

    Raises:
        UserError: it is damaged, or not what `export` wrote.
    """
    path = folder / PARITY
    require_listed(folder, PARITY)
    try:
        return Parity.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(
            f"{path}: not the proof that `steelsight export` wrote ({explain(error, mend='')}); export the run again"
        ) from error
