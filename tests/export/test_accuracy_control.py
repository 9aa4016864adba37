"""What int8 answers in place of a probability goes back to fp32."""

from dataclasses import replace

from helpers.compared import HALF, RULE, Answering
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine

from steelsight.dataset.read import read_dataset
from steelsight.export.accuracy_control import FoldInFp32
from steelsight.imaging.rle import Runs


def test_int8_that_gives_no_probability_for_an_image_has_the_worst_score_on_it() -> None:
    """So that the operations that overflow go back to fp32; where they do not, nothing is exported."""
    samples = read_dataset(SAMPLE, decode=False).samples[:2]
    samples = [replace(one, runs=(Runs.empty(), Runs.empty())) for one in samples]
    always = RULE.model_copy(
        update={"gate": 0.0, "upper": (255, 255), "lower": (255, 255)}
    )  # finds nothing, as is right
    known = FoldInFp32.of(samples, Engine((BrightImage(HALF),), (BrightPixels(HALF),)), always)
    assert known.dice(1, BrightPixels(HALF), 0) == 1
    assert known.dice(1, Answering(BrightPixels(HALF), float("nan")), 0) == 0
