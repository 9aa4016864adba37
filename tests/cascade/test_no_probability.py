"""What a network answers in place of a probability leaves the image to a person, whichever step and network it is of."""

from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.odd_answers import Odd
from helpers.policies import make_policy

from steelsight.cascade.judge import judge
from steelsight.cascade.no_probability import odd_answers
from steelsight.cascade.sources import Source, find_sources
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import format_runs
from steelsight.results.tables import IMAGES, ResultRow, Tables, cells
from steelsight.results.writer import ResultWriter
from steelsight.rule.rule import Rule

HALF = Preprocess(height=128, width=800)
RULE = Rule(gate=0.1, upper=(150, 230), lower=(120, 200), min_area=(800, 400))
POLICY = make_policy(0.18, 0.25)
SOURCES = find_sources([str(SAMPLE / "train_images")])[:12]


def engine(step: Any, answer: Any, batch: int = 8) -> Any:
    networks = {1: [BrightImage(HALF), BrightImage(HALF)], 2: [BrightPixels(HALF), BrightPixels(HALF)]}
    networks[step][1] = Odd(networks[step][1], answer, "lite:3")
    return Engine(tuple(networks[1]), tuple(networks[2]), batch=batch)


def whole(policy: Any) -> Any:
    healthy = Engine((BrightImage(HALF),) * 2, (BrightPixels(HALF),) * 2)
    return list(judge(SOURCES, healthy, RULE, keep_maps=True, flags=lambda image: ("size",), policy=policy))


@pytest.mark.parametrize("policy", [None, POLICY], ids=["without a policy", "with one"])
@pytest.mark.parametrize("answer", [nan, inf, -inf, 1.5, -0.2])
@pytest.mark.parametrize("step", [1, 2])
def test_the_image_goes_to_review_and_the_others_go_on(step: int, answer: Any, policy: Any) -> None:
    judged = judge(SOURCES, engine(step, answer), RULE, keep_maps=True, flags=lambda image: ("size",), policy=policy)
    odd = 0
    for one, other in zip(judged, whole(policy), strict=True):
        if not one.is_unjudged:
            assert (one.p_defect, one.verdict, one.probability) == (other.p_defect, other.verdict, other.probability)
            assert [format_runs(runs) for runs in one.runs] == [format_runs(runs) for runs in other.runs]
            assert one.error is None
            continue
        odd += 1
        kind = "classifier" if step == 1 else "segmenter"
        assert one.verdict.answer == "review"
        assert one.verdict.reason == (
            "the networks gave no probability for this image, so a person must look: "
            f"in step {step}, {kind} lite:3 answered {answer:g}"
        )
        assert one.error == f"{one.source.path}: {one.verdict.reason}"
        assert (one.size, one.flags, one.is_defective, one.regions) == (other.size, ("size",), False, ())
        assert (one.maps, one.network_maps) == (None, None)
        if step == 1:
            assert isnan(one.p_defect)
            assert (one.classifiers, one.probability) == ((), None)
        else:  # what step 1 says stands
            assert (one.p_defect, one.classifiers) == (other.p_defect, other.classifiers)
            assert one.probability == other.probability
    assert odd == sum(one.p_defect > 0.35 for one in whole(None)) > 1


def test_a_batch_of_nothing_else_is_judged_to_its_end() -> None:
    always = Engine((Odd(BrightImage(HALF), nan, "lite:3"),), (BrightPixels(HALF),), batch=1)
    bright = [one.source for one in whole(None) if one.p_defect > 0.35]
    assert [one.is_unjudged for one in judge(bright, always, RULE)] == [True] * len(bright)


def test_what_rounding_adds_is_no_fault() -> None:
    """Of 16 bits, a sigmoid may end a little beyond 1."""
    assert odd_answers(np.array([1 + 1e-5, -1e-5, 1.01, nan, 0.5], np.float32))[:2] == [None, None]
    wide = engine(1, 1 + 5e-5)
    for one in judge(SOURCES, wide, RULE, policy=POLICY):
        assert one.error is None
        assert 0 <= one.p_defect <= max(one.classifiers) <= 1


def test_the_row_says_what_is_known_and_the_other_tables_nothing() -> None:
    tables = Tables(("bright", "dark"))
    for step in (1, 2):
        for one in judge(SOURCES, engine(step, nan), RULE, flags=lambda image: ("size", "brightness"), policy=POLICY):
            lines = tables.lines(ResultRow.of(one))
            row = tables.read_image_row(lines[IMAGES])
            assert "nan" not in cells(lines[IMAGES])
            assert (row.image_id, row.is_read, row.is_flagged) == (one.source.image_id, True, True)
            assert (row.error, row.verdict) == (one.error or "", one.verdict.answer)
            if one.is_unjudged:
                assert (lines["submission.csv"], lines["defects.csv"], row.area) == (b"", b"", 0)


def test_a_writer_counts_it_apart_draws_nothing_of_it_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    sources = [*SOURCES, Source("text.jpg", text)]
    judged = list(judge(sources, engine(2, nan), RULE, policy=POLICY))
    odd = [one.source.image_id for one in judged if one.is_unjudged]

    def writer(resume: Any) -> Any:
        return ResultWriter(
            tmp_path / "out", ("bright", "dark"), sources, masks=True, overlays=True, resume=resume, batch=1
        )

    first = writer(False).__enter__()
    for one in judged[:9]:
        first.write(one)
    first.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert sum(one.is_unjudged for one in judged[:9]) > 0
    with writer(True) as second:
        assert len(second.remaining) == len(sources) - 9
        for one in judged[9:]:
            second.write(one)
    tally = second.tally
    assert [name for name, _ in tally.unjudged] == odd
    assert [name for name, _ in tally.unreadable] == ["text.jpg"]
    assert tally.verdicts["review"] >= len(odd) + 1
    drawn = {path.stem for path in (tmp_path / "out" / "masks").iterdir()}
    assert drawn == {path.stem for path in (tmp_path / "out" / "overlays").iterdir()}
    assert drawn == {one.source.path.stem for one in judged if one.error is None}


def test_its_review_is_no_count_of_verdicts_where_the_others_have_none(tmp_path: Path) -> None:
    """Without a policy; they would look as if each of them had been asked for."""
    judged = list(judge(SOURCES, engine(2, nan), RULE))
    odd = [one.source.image_id for one in judged if one.is_unjudged]
    assert 0 < len(odd) < len(judged)
    with ResultWriter(tmp_path / "out", ("bright", "dark"), SOURCES) as writer:
        for one in judged:
            writer.write(one)
    assert writer.tally.verdicts is None
    assert [name for name, _ in writer.tally.unjudged] == odd
