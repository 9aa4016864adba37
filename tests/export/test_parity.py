"""The comparison and its limits, with engines whose answers can be computed by hand."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from cascade.engines import BrightImage, BrightPixels, Engine
from data import SAMPLE, needs_sample
from hypothesis import given
from hypothesis import strategies as st

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import find_sources
from steelsight.dataset.read import read_dataset
from steelsight.decision.rule import Rule
from steelsight.errors import UserError
from steelsight.export.control import FoldInFp32
from steelsight.export.dice_loss import DiceLoss, FoldDice, image_dice
from steelsight.export.images import sources_of, spread
from steelsight.export.parity import Parity, Tolerance, Where, check, measure
from steelsight.export.readme import parity_lines
from steelsight.preprocess import Preprocess
from steelsight.rle import Runs

pytestmark = needs_sample
HALF = Preprocess(height=128, width=800)
RULE = Rule(gate=0.2, upper=(150, 230), lower=(120, 200), min_area=(800, 400))
WHERE = Where("torch", "OpenVINO", "a processor", "fp32", "fp32")
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


def compare(exported, rule=RULE, where=WHERE):
    told = []
    parity = measure(SOURCES, engine(), exported, rule, where, lambda done, of: told.append((done, of)))
    assert told == [(number + 1, len(SOURCES)) for number in range(len(SOURCES))]
    return parity


def test_the_same_engine_is_the_same():
    parity = compare(engine())
    check(parity)
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
    parity = compare(engine(p=2e-3))
    assert parity.p_defect_difference == pytest.approx(2e-3, abs=1e-6)
    with pytest.raises(
        UserError, match=r"nothing was exported.*P\(defect\) of .*\.jpg differs by 0\.002, more than the 0\.001"
    ):
        check(parity)


def test_a_map_may_differ_by_one_level_and_no_more():
    one, two = (compare(engine(pixel=levels / 255), where=WHERE) for levels in (0.9, 2))
    assert one.map_difference == pytest.approx(1 / 255)
    assert two.map_difference == pytest.approx(2 / 255)
    with pytest.raises(UserError, match=r"a map of .*\.jpg differs by 0\.0078, more than the 0\.0039"):
        check(two)


def test_masks_that_differ_are_counted_in_pixels():
    parity = compare(engine(pixel=0.9 / 255))
    assert parity.differing_pairs > 3
    assert parity.most_pixels > Tolerance().pixels
    assert 0.9 < parity.mean_dice < 1
    assert parity.same_masks_share < 0.995
    with pytest.raises(UserError, match=r"of 40 masks differ by more than 3 pixels, by up to \d+, and 99\.5% must"):
        check(parity)


def test_masks_that_differ_by_single_pixels_are_no_fault():
    parity = compare(engine())
    check(parity.model_copy(update={"most_pixels": 3, "same_masks_share": 0.5, "differing_pairs": 0}))
    with pytest.raises(UserError, match="masks differ"):
        check(parity.model_copy(update={"most_pixels": 4, "differing_pairs": 1}))
    check(parity.model_copy(update={"most_pixels": 9, "differing_pairs": 1, "pairs": 200}))


def test_a_gate_decision_may_differ_only_beside_the_gate():
    said = sorted(one.p_defect for one in judge(SOURCES, engine(), RULE))
    gate = said[10] + 5e-4
    near = RULE.model_copy(update={"gate": gate})
    parity = compare(engine(p=9e-4), near)
    between = sum(gate - 9e-4 < p <= gate for p in said)
    assert between in (1, 2)
    assert (parity.near_gate_images, parity.same_gate_share) == (between, 1 - between / 20)
    check(parity.model_copy(update={"differing_pairs": 0}))
    far = parity.model_copy(update={"near_gate_images": 0})
    with pytest.raises(UserError, match=r"only 9[05]\.00% of the images have the same gate decision"):
        check(far)


def test_numbers_that_are_none_are_refused():
    parity = compare(engine())
    with pytest.raises(UserError, match="differs by nan"):
        check(parity.model_copy(update={"p_defect_difference": float("nan")}))


def test_a_lower_precision_is_not_held_to_the_tolerance():
    parity = compare(engine(p=0.05, pixel=0.05), where=Where("torch", "OpenVINO", "a processor", "int8", "int8"))
    assert parity.tolerance is None
    check(parity)


def test_nothing_passes_the_gate():
    parity = compare(engine(), RULE.model_copy(update={"gate": 1.0}))
    assert (parity.map_difference, parity.mean_dice, parity.same_found_masks_share) == (None, None, None)
    check(parity)
    assert "no image passed the gate" in parity_lines(parity)[0]
    assert Parity.model_validate_json(parity.model_dump_json()) == parity


def test_each_image_counts_alike_in_dice_lost():
    folds = [FoldDice(fold=0, images=30, fp32=0.9, reduced=0.9), FoldDice(fold=1, images=10, fp32=0.8, reduced=0.79)]
    loss = DiceLoss.of(0.002, folds)
    assert (loss.images, loss.fp32, loss.lost) == (40, pytest.approx(0.875), pytest.approx(0.0025))
    assert loss.kept is False
    parity = compare(engine())
    (line,) = parity_lines(parity.model_copy(update={"dice_loss": loss, "precision": "int8"}))[3:]
    assert line == (
        "Dice lost by int8: +0.00250 (0.87500 in fp32, 0.87250), on 40 images that their networks did not see; the limit of "
        "0.002 is NOT kept"
    )


def test_what_was_not_measured_has_no_figure():
    loss = DiceLoss.unknown(0.002, "this processor cannot")
    assert (loss.lost, loss.kept, loss.images) == (None, None, 0)
    parity = compare(engine()).model_copy(update={"dice_loss": loss, "precision": "bf16"})
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
    said = rf"gave no probability for this image, so that a person must look: in step {step}, .* lite:1 answered {answer:g}"
    for one, other in ((engine(), answering(step, answer)), (answering(step, answer), engine())):
        with pytest.raises(UserError, match=said):
            measure(SOURCES, one, other, RULE.model_copy(update={"gate": 0.0}), WHERE, lambda done, of: None)


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
