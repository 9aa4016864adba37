"""The comparison and its limits, with engines whose answers can be computed by hand."""

from typing import Any

import pytest
from helpers.compared import RULE, SOURCES, WHERE, answering, compare, engine
from helpers.policies import make_policy

from steelsight.cascade.judge import judge
from steelsight.core.errors import UserError
from steelsight.export.compare_image import ComparedSide
from steelsight.export.parity import Platform, check, measure
from steelsight.inspector.parity import Parity
from steelsight.inspector.readme import parity_lines


def test_the_same_engine_is_the_same() -> None:
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


def test_a_probability_too_far_away_is_refused_with_both_figures() -> None:
    measured = compare(engine(p=2e-3))
    assert measured.parity.p_defect_difference == pytest.approx(2e-3, abs=1e-6)
    with pytest.raises(
        UserError, match=r"nothing was exported.*P\(defect\) of .*\.jpg differs by 0\.002, more than the 0\.001"
    ):
        check(measured)


def test_a_gate_decision_may_differ_only_beside_the_gate() -> None:
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
    far = compare(engine(p=gate - said[5] + 1e-4), near)  # carries the sixth across, from far below
    assert "gate" in {fault.kind for fault in far.faults}


def test_a_verdict_may_differ_only_beside_a_bound() -> None:
    nothing = RULE.model_copy(update={"gate": 1.0})
    said = sorted(one.p_defect for one in judge(SOURCES, engine(), nothing))
    policy = make_policy(said[10] + 5e-4, None)
    measured = compare(engine(p=9e-4), nothing, policy=policy)
    between = sum(said[10] - 4e-4 < p <= said[10] + 5e-4 for p in said)
    assert (measured.parity.near_verdict_images, measured.parity.same_verdict_share) == (between, 1 - between / 20)
    check(measured)
    assert "verdicts for 9" in parity_lines(measured.parity)[1]
    assert compare(engine(), nothing).parity.same_verdict_share is None


def test_a_lower_precision_is_not_held_to_the_tolerance() -> None:
    measured = compare(engine(p=0.05, pixel=0.05), where=Platform("torch", "OpenVINO", "a processor", "int8", "int8"))
    assert measured.parity.tolerance is None
    assert measured.faults
    check(measured)


def test_nothing_passes_the_gate() -> None:
    measured = compare(engine(), RULE.model_copy(update={"gate": 1.0}))
    parity = measured.parity
    assert (parity.map_difference, parity.mean_dice, parity.same_found_masks_share) == (None, None, None)
    check(measured)
    assert "no image passed the gate" in parity_lines(parity)[0]
    assert Parity.model_validate_json(parity.model_dump_json()) == parity


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), 1.5])
@pytest.mark.parametrize("step", [1, 2])
def test_what_is_no_probability_is_never_compared(step: int, answer: Any) -> None:
    """Of either engine: a nan differs from nothing by more than anything."""
    said = rf"gave no probability for this image, so a person must look: in step {step}, .* lite:1 answered {answer:g}"
    for one, other in ((engine(), answering(step, answer)), (answering(step, answer), engine())):
        always = RULE.model_copy(update={"gate": 0.0})
        sides = (ComparedSide(name, each, always) for name, each in (("torch", one), ("OpenVINO", other)))
        with pytest.raises(UserError, match=said):
            measure(SOURCES, *sides, WHERE, lambda done, of: None)
