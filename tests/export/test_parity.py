"""The comparison and its limits, with engines whose answers can be computed by hand."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.policies import make_policy
from hypothesis import given
from hypothesis import strategies as st

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import find_sources, sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.export.accuracy_control import FoldInFp32
from steelsight.export.compare_image import ComparedSide
from steelsight.export.compare_image import compare as of_image
from steelsight.export.dice_loss import image_dice
from steelsight.export.images import spread
from steelsight.export.parity import Platform, check, measure
from steelsight.export.tolerance import DICE, LEVEL, PIXELS
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import Runs, shared_area
from steelsight.inspector.parity import DiceLoss, FoldDice, Parity
from steelsight.inspector.readme import parity_lines
from steelsight.metrics.dice import pair_dice
from steelsight.rule.rule import Rule

HALF = Preprocess(height=128, width=800)
RULE = Rule(gate=0.2, upper=(150, 230), lower=(120, 200), min_area=(800, 400))
WHERE = Platform("torch", "OpenVINO", "a processor", "fp32", "fp32")
SOURCES = find_sources([str(SAMPLE / "train_images")])[:20]


@dataclass(frozen=True)
class Shifted:
    """A network whose answers are moved by a little."""

    network: BrightImage | BrightPixels
    by: float

    @property
    def preprocess(self):
        return self.network.preprocess

    def probabilities(self, inputs):
        return np.clip(self.network.probabilities(inputs) + np.float32(self.by), 0, 1)


def engine(p=0.0, pixel=0.0):
    return Engine((Shifted(BrightImage(HALF), p),), (Shifted(BrightPixels(HALF), pixel),))


def compare(exported, rule=RULE, where=WHERE, policy=None):
    told = []
    sides = (ComparedSide(name, one, rule, policy) for name, one in (("torch", engine()), ("OpenVINO", exported)))
    measured = measure(SOURCES, *sides, where, lambda done, of: told.append((done, of)))
    assert told == [(number + 1, len(SOURCES)) for number in range(len(SOURCES))]
    return measured


def test_the_same_engine_is_the_same():
    measured = compare(engine())
    check(measured)
    parity = measured.parity
    assert (parity.images, parity.pairs) == (20, 40)
    assert parity.found_pairs == sum(runs.area > 0 for one in judge(SOURCES, engine(), RULE) for runs in one.runs) > 3
    assert (parity.p_defect_difference, parity.map_difference, parity.differing_pairs, parity.most_pixels) == (
        0,
        0,
        0,
        0,
    )
    assert parity.same_gate_share == parity.same_masks_share == parity.same_found_masks_share == 1
    assert parity.mean_dice == parity.same_answer_share == 1


def test_a_probability_too_far_away_is_refused_with_both_figures():
    measured = compare(engine(p=2e-3))
    assert measured.parity.p_defect_difference == pytest.approx(2e-3, abs=1e-6)
    with pytest.raises(
        UserError, match=r"nothing was exported.*P\(defect\) of .*\.jpg differs by 0\.002, more than the 0\.001"
    ):
        check(measured)


def test_a_map_may_differ_by_one_level_and_no_more():
    one, two = (compare(engine(pixel=levels / 255), where=WHERE) for levels in (0.9, 2))
    assert one.parity.map_difference == pytest.approx(LEVEL)
    assert two.parity.map_difference == pytest.approx(2 * LEVEL)
    assert {fault.kind for fault in one.faults} == {"mask"}
    with pytest.raises(UserError, match=r"a map of .*\.jpg differs by 0\.0078, more than the 0\.0039"):
        check(two)


def test_a_mask_that_differs_is_named_with_its_pixels():
    measured = compare(engine(pixel=0.9 / 255))
    parity = measured.parity
    assert parity.differing_pairs > 3
    assert parity.most_pixels > PIXELS
    assert parity.least_dice < DICE
    assert 0.9 < parity.mean_dice < 1
    worst = max(
        (left.area + right.area - 2 * shared_area(left, right), one.source.image_id, name)
        for one, other in zip(
            judge(SOURCES, engine(), RULE), judge(SOURCES, engine(pixel=0.9 / 255), RULE), strict=True
        )
        for name, left, right in zip(("bright", "dark"), one.runs, other.runs, strict=True)
        if left.area and right.area and pair_dice(*np.array([shared_area(left, right), left.area, right.area])) < DICE
    )
    with pytest.raises(
        UserError,
        match=rf"the masks of class {worst[2]} of {worst[1]} differ by {worst[0]} pixels, at Dice 0\.9\d+, and 3 pixels "
        rf"or Dice 0\.999 are allowed; {len(measured.faults) - 1} more such differences\)",
    ):
        check(measured)


def test_how_many_masks_are_the_same_is_told_and_not_asked():
    """Of each, three pixels at its end are gone."""
    rule = RULE.model_copy(update={"gate": 0.0})
    side = ComparedSide("torch", engine(), rule)
    judged = list(judge(SOURCES, engine(), rule, keep_maps=True))
    for one in judged:
        for cut, faults in ((PIXELS, 0), (PIXELS + 1, sum(0 < runs.area < 1900 for runs in one.runs))):
            runs = tuple(shortened(runs, cut) for runs in one.runs)
            compared = of_image(one, replace(one, runs=runs), side, side)
            assert len(compared.faults) == faults
            assert [pair.pixels for pair in compared.masks] == [cut if runs.area else 0 for runs in one.runs]


def shortened(runs, by):
    """The last pixels taken away."""
    if not runs.area:
        return runs
    positions = np.concatenate([np.arange(start, end) for start, end in zip(runs.starts, runs.ends, strict=True)])
    return Runs(positions[:-by], np.ones(len(positions) - by, np.int64))


def test_a_gate_decision_may_differ_only_beside_the_gate():
    said = sorted(one.p_defect for one in judge(SOURCES, engine(), RULE))
    gate = said[10] + 5e-4
    near = RULE.model_copy(update={"gate": gate})
    measured = compare(engine(p=9e-4), near)
    between = sum(gate - 9e-4 < p <= gate for p in said)
    assert between in (1, 2)
    assert (measured.parity.near_gate_images, measured.parity.same_gate_share) == (between, 1 - between / 20)
    check(measured)
    assert f"{between} gate" in parity_lines(measured.parity)[1]
    assert "within the tolerance of a threshold" in parity_lines(measured.parity)[1]
    far = compare(engine(p=9e-3), near)
    assert "gate" in {fault.kind for fault in far.faults}


def test_a_verdict_may_differ_only_beside_a_bound():
    nothing = RULE.model_copy(update={"gate": 1.0})
    said = sorted(one.p_defect for one in judge(SOURCES, engine(), nothing))
    policy = make_policy(said[10] + 5e-4, None)
    measured = compare(engine(p=9e-4), nothing, policy=policy)
    between = sum(said[10] - 4e-4 < p <= said[10] + 5e-4 for p in said)
    assert (measured.parity.near_verdict_images, measured.parity.same_verdict_share) == (between, 1 - between / 20)
    check(measured)
    assert "verdicts for 9" in parity_lines(measured.parity)[1]
    assert compare(engine(), nothing).parity.same_verdict_share is None


def test_numbers_that_are_none_are_refused():
    side = ComparedSide("torch", engine(), RULE)
    (one,) = judge(SOURCES[:1], engine(), RULE, keep_maps=True)
    (fault, *_) = of_image(one, replace(one, p_defect=float("nan")), side, side).faults
    assert "differs by nan" in fault.text


def test_a_lower_precision_is_not_held_to_the_tolerance():
    measured = compare(engine(p=0.05, pixel=0.05), where=Platform("torch", "OpenVINO", "a processor", "int8", "int8"))
    assert measured.parity.tolerance is None
    assert measured.faults
    check(measured)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_what_was_written_before_is_still_read(precision):
    """parity.json as steelsight 0.1 wrote it, schema_version 1."""
    tolerance = {"p_defect": 0.001, "map": 1 / 255, "same_masks_share": 0.995, "pixels": 3}
    before = {
        "schema_version": 1, "reference": "torch 2.14.1 in fp32", "runtime": "OpenVINO 2026.4.1", "processor": "AMD EPYC",
        "precision": precision, "computed_in": precision, "images": 66, "pairs": 264, "found_pairs": 19,
        "p_defect_difference": 1e-6, "p_defect_image": "a.jpg", "map_difference": 1 / 255, "map_image": "a.jpg",
        "same_gate_share": 1.0, "near_gate_images": 0, "same_masks_share": 0.996, "same_found_masks_share": 0.99,
        "differing_pairs": 1, "most_pixels": 4, "mean_dice": 0.9999, "same_answer_share": 1.0,
        "tolerance": tolerance if precision == "fp32" else None, "dice_loss": None,
    }  # fmt: skip
    parity = Parity.model_validate_json(json.dumps(before))
    assert parity.model_dump(mode="json", include=set(before), exclude_none=True) == {
        name: value for name, value in before.items() if value is not None
    }
    assert parity_lines(parity)[2] == (
        "masks the same for 99.60 % of 264 (image, class) pairs, 19 of them with a mask, by 4 pixels at most; Dice between "
        "the masks 0.99990"
    )


def test_nothing_passes_the_gate():
    measured = compare(engine(), RULE.model_copy(update={"gate": 1.0}))
    parity = measured.parity
    assert (parity.map_difference, parity.mean_dice, parity.same_found_masks_share) == (None, None, None)
    check(measured)
    assert "no image passed the gate" in parity_lines(parity)[0]
    assert Parity.model_validate_json(parity.model_dump_json()) == parity


def test_each_image_counts_alike_in_dice_lost():
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


def test_what_was_not_measured_has_no_figure():
    loss = DiceLoss.unknown(0.002, "this processor cannot")
    assert (loss.lost, loss.kept, loss.images) == (None, None, 0)
    parity = compare(engine()).parity.model_copy(update={"dice_loss": loss, "precision": "bf16"})
    assert parity_lines(parity)[3] == "Dice lost by bf16: not measured, since this processor cannot"


@given(st.integers(0, 50), st.integers(1, 60))
def test_a_spread_is_even_ascending_and_keeps_both_ends(count, most):
    chosen = spread(range(count), most)
    assert list(chosen) == sorted(set(chosen))
    assert len(chosen) == min(count, most)
    if most > 1 and count:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
    steps = np.diff(chosen)
    assert steps.size == 0 or steps.max() - steps.min() <= 1


@dataclass(frozen=True)
class Answering:
    """A network that says another one's answers, and one number in their place."""

    network: BrightImage | BrightPixels
    answer: float
    name: str = "lite:1"

    @property
    def preprocess(self):
        return self.network.preprocess

    def probabilities(self, inputs):
        said = self.network.probabilities(inputs).copy()
        said[-1] = self.answer
        return said


def answering(step, answer):
    networks = [BrightImage(HALF), BrightPixels(HALF)]
    networks[step - 1] = Answering(networks[step - 1], answer)
    return Engine((networks[0],), (networks[1],))


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), 1.5])
@pytest.mark.parametrize("step", [1, 2])
def test_what_is_no_probability_is_never_compared(step, answer):
    """Of either engine: a nan differs from nothing by more than anything."""
    said = rf"gave no probability for this image, so a person must look: in step {step}, .* lite:1 answered {answer:g}"
    for one, other in ((engine(), answering(step, answer)), (answering(step, answer), engine())):
        always = RULE.model_copy(update={"gate": 0.0})
        sides = (ComparedSide(name, each, always) for name, each in (("torch", one), ("OpenVINO", other)))
        with pytest.raises(UserError, match=said):
            measure(SOURCES, *sides, WHERE, lambda done, of: None)


def test_int8_that_gives_no_probability_for_an_image_has_the_worst_score_on_it():
    """So that the operations that overflow go back to fp32; where they do not, nothing is exported."""
    samples = read_dataset(SAMPLE, decode=False).samples[:2]
    samples = [replace(one, runs=(Runs.empty(), Runs.empty())) for one in samples]
    always = RULE.model_copy(
        update={"gate": 0.0, "upper": (255, 255), "lower": (255, 255)}
    )  # finds nothing, as is right
    known = FoldInFp32.of(samples, Engine((BrightImage(HALF),), (BrightPixels(HALF),)), always)
    assert known.dice(1, BrightPixels(HALF), 0) == 1
    assert known.dice(1, Answering(BrightPixels(HALF), float("nan")), 0) == 0
    (judged,) = judge(sources_of(samples[:1]), answering(2, float("nan")), always)
    with pytest.raises(UserError, match=r"nothing was exported: .* the networks gave no probability"):
        image_dice(samples[0], judged)
