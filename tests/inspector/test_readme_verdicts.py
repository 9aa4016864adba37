"""What an inspector's README says of its verdicts."""

from typing import Any

import pytest
from helpers.policies import make_policy, make_statement
from helpers.tiny_inspector import make_inspector

from steelsight.inspector.artifact import read_card
from steelsight.inspector.readme import combined_sentence
from steelsight.inspector.readme_verdicts import verdict_paragraphs
from steelsight.verdicts.policy import Limits


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return read_card(make_inspector(tmp_path_factory.mktemp("made") / "inspector"))


def paragraphs(card: Any, policy: Any) -> Any:
    return verdict_paragraphs(card.with_policy(policy))


def test_the_bounds_and_what_they_mean(card: Any) -> None:
    statements = (
        make_statement(),
        make_statement(defect_class="dark", limit=0.01, kept=False, groups=49, bound=0.0593, missing=250),
        make_statement(kind="overkill", among="rejected", limit=0.05, bound=0.0241, groups=1, lost=1),
    )
    policy = make_policy(statements=statements, wish=Limits(overkill_among="both", defect_share=0.03))
    text = paragraphs(card, policy)
    assert text[0] == (
        "An image passes if P(defect) is at most 0.0400, nothing is found in it and nothing about it is unusual. It is "
        "rejected if P(defect) exceeds 0.7200 and nothing about it is unusual. Every other image goes to review, and so does "
        "a file that cannot be read."
    )
    assert text[1].startswith("2 of 3 bounds guaranteed, with 95 % confidence. The networks are those of one fold.")
    assert "It no longer holds with another steel, line, camera or light." in text[1]
    assert text[2:5] == [
        "- Kept: at most 4.8 % of the defective images pass (asked for 5 %; none of 61 tested groups).",
        "- NOT KEPT: at most 1 % of the images with a defect of class dark pass. The test images can promise 6 % at "
        "best (none of 49 tested groups); 250 more are needed, all judged right.",
        "- Kept: at most 2.5 % of the images that are rejected are good, if 3 % of all images are defective (asked for 5 %; "
        "1 of 1 tested group).",
    ]
    assert text[5].startswith(
        "30 images of 20 groups were tested: 15 passed, 1 of them defective; 5 to review; 10 rejected, 1 of"
    )


@pytest.mark.parametrize(
    ("evidence", "precision", "words"),
    [
        ("other-precision", "int8", "Tested in another precision, not guaranteed"),
        ("cross-validated", "fp32", "Cross-validated, not guaranteed"),
        ("epoch-selected", "fp32", "Epoch-selected, not guaranteed"),
        ("calibrated", "int8", "Guaranteed, each bound with 95 % confidence. The inspector was judged as it is"),
    ],
)
def test_a_bound_that_is_not_its_own_is_said_not_to_be(card: Any, evidence: str, precision: str, words: str) -> None:
    other = card.model_copy(update={"precision": precision})
    text = " ".join(paragraphs(other, make_policy(evidence=evidence, statements=(make_statement(),))))
    assert words in text
    assert ("Kept: at most 4.8 %" in text) == (evidence == "calibrated")
    assert ("Not guaranteed: at most 4.8 %" in text) == (evidence != "calibrated")
    assert ("--calibrate" in text) == (evidence != "calibrated")


def test_evidence_that_bears_nothing_guarantees_nothing(card: Any) -> None:
    text = " ".join(paragraphs(card, make_policy(None, statements=(make_statement(kept=False, missing=10),))))
    assert "None of 1 bounds guaranteed." in text
    assert "NOT KEPT" in text


def test_fp32_evidence_is_not_the_own_of_lower_precision(card: Any) -> None:
    with pytest.raises(ValueError, match="which computes in int8"):
        card.model_copy(update={"precision": "int8"}).with_policy(make_policy(evidence="own"))


def test_severity_rules_and_bounds_that_are_not_there(card: Any) -> None:
    rules = [{"verdict": "reject", "class": "dark"}, {"verdict": "review", "more_than": 5, "per": "metre"}]
    text = paragraphs(card, make_policy(None, None, rules))
    assert text[0].startswith("No image passes. What no severity rule rejects goes to review.")
    assert "(a pixel is 0.5 mm across the strip and 0.5 mm along it), unless the image is unusual; reject" in text[1]
    assert text[2:4] == ["- rule 1: reject: a defect of class dark", "- rule 2: review: more than 5 defects per metre"]
    assert verdict_paragraphs(card) == ["It gives no verdicts: none were decided for it."]


@pytest.mark.parametrize(
    ("combine", "said"), [("mean", "are averaged"), ("logits", "log odds"), ("votes", "2 of them reach")]
)
def test_it_says_how_networks_are_combined(card: Any, combine: str, said: str) -> None:
    """The networks of `lite` and `demo` vote; that they are averaged would be wrong."""
    assert len(card.of_step("segment")) == 2
    assert said in combined_sentence(card.model_copy(update={"combine": combine}))
    one = card.model_copy(update={"networks": tuple(card.of_step(step)[0] for step in ("classify", "segment"))})
    assert combined_sentence(one) == ""
