"""What a lower precision costs in Dice: each image counts alike, and what was not measured has no figure."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.compared import RULE, answering, compare, engine
from helpers.data import SAMPLE

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.export.dice_loss import FoldEngines, image_dice, measure_fold
from steelsight.imaging.rle import Runs, decode_runs, encode_mask
from steelsight.inspector.parity import ClassDice, DefectDice, DiceLoss, FoldDice, Int8Network
from steelsight.inspector.readme import parity_lines


def test_each_image_counts_alike_in_dice_lost() -> None:
    folds = [FoldDice(fold=0, images=30, fp32=0.9, reduced=0.9), FoldDice(fold=1, images=10, fp32=0.8, reduced=0.79)]
    loss = DiceLoss.of(0.002, folds)
    assert (loss.images, loss.fp32, loss.lost) == (40, pytest.approx(0.875), pytest.approx(0.0025))
    assert loss.kept is False
    parity = compare(engine()).parity
    (line,) = parity_lines(parity.model_copy(update={"dice_loss": loss, "precision": "int8"}))[3:]
    assert line == (
        "Dice lost by int8: +0.00250 (0.87500 in fp32, 0.87250), on 40 images that their networks did not see; the limit of "
        "0.002 is NOT kept"
    )


def _class(name: str, fp32: float, reduced: float, pairs: int) -> ClassDice:
    defects = DefectDice(pairs=pairs, fp32=fp32, reduced=reduced) if pairs else None
    return ClassDice(defect_class=name, images=10, fp32=fp32, reduced=reduced, defects=defects)


def test_pairs_with_a_defect_count_alike_and_the_class_that_suffers_most_is_named() -> None:
    parts = [
        (_class("pit", 0.8, 0.7, 1), _class("scratch", 0.9, 0.9, 0)),
        (_class("pit", 0.6, 0.5, 3), _class("scratch", 0.5, 0.49, 4)),
    ]
    folds = [FoldDice(fold=n, images=10, fp32=0.9, reduced=0.9, classes=part) for n, part in enumerate(parts)]
    loss = DiceLoss.of(0.002, folds)
    assert (loss.defects.pairs, loss.defects.lost) == (8, pytest.approx(0.055))
    assert [(part.images, part.defects.pairs) for part in loss.classes] == [(20, 4), (20, 4)]
    assert (loss.worst_class.defect_class, loss.worst_class.defects.lost) == ("pit", pytest.approx(0.1))
    parity = compare(engine()).parity.model_copy(update={"dice_loss": loss, "precision": "int8"})
    assert parity_lines(parity)[3].endswith(
        "is kept; pairs with a defect lose +0.05500 (8 of them), those of class pit most: +0.10000 (4 of them)"
    )
    gained = [_class("pit", 0.7, 0.8, 1), _class("scratch", 0.9, 0.9, 0)]
    loss = DiceLoss.of(0.002, [FoldDice(fold=0, images=10, fp32=0.9, reduced=0.9, classes=tuple(gained))])
    parity = parity.model_copy(update={"dice_loss": loss})
    assert parity_lines(parity)[3].endswith("lose -0.10000 (1 of them), and no class loses")


def test_what_went_back_to_floating_point_is_said() -> None:
    network = Int8Network(
        file="a.onnx", int8_share=0.7, floating_point=(), difference_before=0.02, difference=0.02, max_difference=0.015
    )
    folds = [FoldDice(fold=0, images=10, fp32=0.9, reduced=0.9)]
    back = {"floating_point": ("stem", "head"), "difference_before": 0.1}
    networks = [network, network.model_copy(update=back), network.model_copy(update={**back, "difference": 0.01})]
    networks.append(networks[-1].model_copy(update={"floating_point": tuple("abcde")}))
    parity = compare(engine()).parity
    lines = parity_lines(parity.model_copy(update={"dice_loss": DiceLoss.of(0.002, folds, networks)}))[4:]
    start = "70 % of the multiplications of a.onnx are in int8; its answers lie "
    end = "; 0.100 before these layers went back to floating point: stem, head"
    many = end.replace("stem, head", "a, b, c and 2 more, see parity.json")
    assert lines == (
        f"{start}0.020 from those of fp32 (1 minus soft Dice)",
        f"{start}0.020 from those of fp32 (1 minus soft Dice), beyond the 0.015 aimed at{end}",
        f"{start}0.010 from those of fp32 (1 minus soft Dice){end}",
        f"{start}0.010 from those of fp32 (1 minus soft Dice){many}",
    )


def test_what_was_not_measured_has_no_figure() -> None:
    loss = DiceLoss.unknown(0.002, "this processor cannot")
    assert (loss.lost, loss.kept, loss.images) == (None, None, 0)
    parity = compare(engine()).parity.model_copy(update={"dice_loss": loss, "precision": "bf16"})
    assert parity_lines(parity)[3] == "Dice lost by bf16: not measured, since this processor cannot"


EVERYTHING = RULE.model_copy(update={"gate": 0.0, "upper": (0, 0), "lower": (0, 0), "min_area": (1, 1)})
"""A rule that finds whatever is not quite black, or not quite white."""
NOTHING = RULE.model_copy(update={"gate": 0.0, "upper": (255, 255), "lower": (255, 255)})
"""A rule that finds nothing."""


def test_an_image_without_a_probability_has_no_dice() -> None:
    samples = read_dataset(SAMPLE, decode=False).samples[:1]
    (judged,) = judge(sources_of(samples), answering(2, float("nan")), NOTHING)
    with pytest.raises(UserError, match=r"nothing was exported: .* the networks gave no probability"):
        image_dice(samples[0], judged)


def test_dice_of_an_image_is_that_of_its_pixels() -> None:
    """By class, from drawn masks: shared pixels twice over all of both, and 1 where neither has any."""
    (sample,) = read_dataset(SAMPLE, decode=False).samples[:1]
    (judged,) = judge(sources_of([sample]), engine(), EVERYTHING)
    rng = np.random.default_rng(0)
    for empty in (True, False):
        masks = [rng.random(judged.size) < 0.3, np.zeros(judged.size, bool)]
        sample = replace(sample, runs=tuple(encode_mask(mask) for mask in masks))
        found = [decode_runs(runs, judged.size) for runs in judged.runs]
        one = replace(judged, runs=(judged.runs[0], Runs.empty() if empty else judged.runs[1]))
        found[1] &= not empty
        expected = [
            2 * (mask & other).sum() / both if (both := mask.sum() + other.sum()) else 1.0
            for mask, other in zip(masks, found, strict=True)
        ]
        assert image_dice(sample, one) == pytest.approx(expected)
        assert expected[1] == (1.0 if empty else 0.0)


def judged_size(sample: Any) -> Any:
    (judged,) = judge(sources_of([sample]), engine(), EVERYTHING)
    return judged.size


def test_a_fold_is_judged_by_both_precisions_on_the_same_images() -> None:
    samples = tuple(
        replace(one, runs=(Runs.empty(), Runs.empty())) for one in read_dataset(SAMPLE, decode=False).samples[:3]
    )
    told: list[int] = []
    fold = measure_fold(FoldEngines(1, samples, engine(), engine(p=-1.0)), EVERYTHING, lambda: told.append(1))
    assert (fold.fold, fold.images, len(told)) == (1, 3, 6)
    same = measure_fold(FoldEngines(1, samples, engine(), engine()), EVERYTHING, lambda: None)
    assert same.fp32 == same.reduced == fold.fp32
    assert [part.defects for part in fold.classes] == [None, None]
    assert np.mean([part.reduced for part in fold.classes]) == fold.reduced
    one = replace(samples[0], runs=(encode_mask(np.ones(judged_size(samples[0]), bool)), Runs.empty()))
    shown = measure_fold(FoldEngines(1, (one,), engine(), engine(p=-1.0)), EVERYTHING, lambda: None).classes
    assert (shown[0].defects.pairs, shown[1].defects) == (1, None)
    assert shown[0].defects.reduced == 0 < shown[0].defects.fp32
    assert fold.fp32 < fold.reduced == 1  # what never passes the gate finds nothing, as is right here
