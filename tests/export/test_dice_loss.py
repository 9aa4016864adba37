"""What a lower precision costs in Dice: each image counts alike, and what was not measured has no figure."""

from dataclasses import replace

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
from steelsight.inspector.parity import DiceLoss, FoldDice
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


def test_a_fold_is_judged_by_both_precisions_on_the_same_images() -> None:
    samples = tuple(
        replace(one, runs=(Runs.empty(), Runs.empty())) for one in read_dataset(SAMPLE, decode=False).samples[:3]
    )
    told: list[int] = []
    fold = measure_fold(FoldEngines(1, samples, engine(), engine(p=-1.0)), EVERYTHING, lambda: told.append(1))
    assert (fold.fold, fold.images, len(told)) == (1, 3, 6)
    same = measure_fold(FoldEngines(1, samples, engine(), engine()), EVERYTHING, lambda: None)
    assert same.fp32 == same.reduced == fold.fp32
    assert fold.fp32 < fold.reduced == 1  # what never passes the gate finds nothing, as is right here
