"""The report's first sentence: what it counts, and its verdict."""

from helpers.counted import GROUPS, PERFECT, counts

from steelsight.report.sections.masks import judge
from steelsight.report.sections.summary import meaning


def test_an_empty_answer_gains_exactly_nothing() -> None:
    nothing = counts([[0]] * 4, [[0]] * 4, [[5], [7], [0], [0]])
    judged = judge("nested", nothing, GROUPS)
    assert judged.gain == 0
    assert judged.gain_interval == (0, 0)
    assert "is 0.000 above the 0.500 that an empty answer scores, since nothing is marked" in meaning(judged, nothing)


def test_the_sentence_counts_images_and_gives_its_verdict() -> None:
    sentence = meaning(judge("nested", PERFECT, GROUPS), PERFECT)
    assert "on 2 of 2 images with a defect and on 0 of 2 without" in sentence
    assert "0.500 above the 0.500" in sentence
    alarmed = counts([[0]] * 4, [[9]] * 4, [[0]] * 4)
    assert "worse than marking nothing" in meaning(judge("nested", alarmed, GROUPS), alarmed)
