"""The verdict: its order, its reasons, and what can never be."""

import re
from typing import Any

import numpy as np
import pytest
from helpers.policies import make_policy, make_statement
from hypothesis import given
from hypothesis import strategies as st

from steelsight.imaging.regions import Region
from steelsight.verdicts.policy import Policy
from steelsight.verdicts.verdict import UNREADABLE, Verdict, give_verdict, say_nothing_seen, say_suspected

CLASSES = ("1", "2", "3")
SIZE = (256, 1600)
SMALL, LARGE, OTHER = (
    Region(2, 10, 100, 9, 9, 50, 0.8),
    Region(2, 90, 100, 99, 9, 640, 0.9),
    Region(0, 1, 99, 9, 9, 70, 0.7),
)
RULES = [{"verdict": "review", "more_than": 1}, {"verdict": "reject", "class": "1"}]


def verdict(policy: Policy, p: float, regions: Any = (), flags: Any = ()) -> tuple[str, str]:
    said = give_verdict(policy, CLASSES, p, regions, SIZE, flags)
    return said.answer, said.reason


@pytest.mark.parametrize(
    ("p", "regions", "flags", "expected"),
    [
        (0.01, (), (), ("pass", "P(defect) 0.01 is at most 0.04, and nothing was found")),
        (0.04, (), (), ("pass", "P(defect) 0.04 is at most 0.04, and nothing was found")),
        (0.0400001, (), (), ("review", "P(defect) 0.0400001 lies between 0.0400000 and 0.7200000")),
        (0.31, (), (), ("review", "P(defect) 0.31 lies between 0.04 and 0.72")),
        (
            0.31,
            (SMALL, OTHER, LARGE),
            (),
            ("review", "P(defect) 0.31 lies between 0.04 and 0.72; found: class 3, 99 x 9 px, and 2 more"),
        ),
        (
            0.31,
            (SMALL,),
            ("size",),
            ("review", "size is far outside the range of the training images, so no bound covers this image"),
        ),
        (0.02, (SMALL,), (), ("review", "P(defect) 0.02 is low enough to pass, yet 1 defect of class 3 was found")),
        (
            0.02,
            (SMALL, OTHER, LARGE),
            (),
            ("review", "P(defect) 0.02 is low enough to pass, yet 3 defects of classes 1 and 3 were found"),
        ),
        (
            0.02,
            (),
            ("size",),
            ("review", "size is far outside the range of the training images, so no bound covers this image"),
        ),
        (
            0.02,
            (),
            ("size", "brightness"),
            (
                "review",
                "size and brightness are far outside the range of the training images, so no bound covers this image",
            ),
        ),
        (
            0.93,
            (),
            (),
            (
                "reject",
                "P(defect) 0.93 exceeds 0.72, by the classifiers alone: no region is large and likely enough for a mask",
            ),
        ),
        (0.93, (SMALL,), (), ("reject", "P(defect) 0.93 exceeds 0.72: 1 defect of class 3, 50 px")),
        (
            0.93,
            (SMALL, OTHER, LARGE),
            (),
            ("reject", "P(defect) 0.93 exceeds 0.72: 3 defects of classes 1 and 3, the largest (class 3) of 640 px"),
        ),
        (
            0.93,
            (SMALL,),
            ("light", "contrast"),
            (
                "review",
                "light and contrast are far outside the range of the training images, so no bound covers this image",
            ),
        ),
        (float("nan"), (), (), ("review", "the classifiers gave no number for P(defect)")),
    ],
)
def test_of_two_bounds(p: Any, regions: Any, flags: Any, expected: Any) -> None:
    assert verdict(make_policy(), p, regions, flags) == expected


def test_severity_comes_before_the_bounds_where_it_rejects_and_before_passing_where_it_asks_for_review() -> None:
    policy = make_policy(rules=RULES)
    assert verdict(policy, 0.01, (OTHER,)) == ("reject", "1 defect of class 1 (rule 2)")
    assert verdict(policy, 0.99, (OTHER,)) == ("reject", "1 defect of class 1 (rule 2)")
    assert verdict(policy, 0.01, (SMALL, LARGE)) == ("review", "2 defects, more than 1 (rule 1)")
    assert verdict(policy, 0.99, (SMALL, LARGE))[0] == "reject"
    assert verdict(policy, 0.99, (SMALL, LARGE))[1].startswith("P(defect) 0.99 exceeds 0.72")


def test_without_a_bound_to_pass_none_passes_and_it_says_why() -> None:
    unkept = (make_statement(kept=False, missing=250),)
    none = make_policy(pass_at=None, statements=unkept)
    assert verdict(none, 0.0) == (
        "review",
        "P(defect) 0.00 does not exceed 0.72, and no image passes, since the test images do not support the limit on escapes",
    )
    neither = make_policy(pass_at=None, reject_at=None, statements=unkept)
    assert verdict(neither, 1.0) == (
        "review",
        "P(defect) 1.00: no image passes, since the test images do not support the limit on escapes",
    )
    by_cost = make_policy(pass_at=None, reject_at=None)
    assert verdict(by_cost, 1.0) == ("review", "P(defect) 1.00: no image passes under this policy")


def test_without_a_bound_to_reject() -> None:
    policy = make_policy(reject_at=None)
    assert verdict(policy, 0.31) == (
        "review",
        "P(defect) 0.31 lies above 0.04, and no image is rejected for its P(defect) alone",
    )


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (make_policy(), "suspected: class 3, 99 x 9 px, and 1 more"),
        (make_policy(rules=RULES), "suspected: class 3, 50 x 4.5 mm, and 1 more"),
    ],
)
def test_what_is_suspected_is_said_of_all_but_what_passes(policy: Any, text: Any) -> None:
    """By the largest, in mm where the size of a pixel is known."""
    for p, flags in ((0.31, ()), (0.02, ("size",)), (0.93, ())):
        bare = give_verdict(policy, CLASSES, p, (), SIZE, flags)
        assert say_suspected(bare, policy, CLASSES, (), SIZE) == bare
        said = say_suspected(bare, policy, CLASSES, (SMALL, LARGE), SIZE)
        assert said == Verdict(bare.answer, f"{bare.reason}; {text}")
    passes = give_verdict(policy, CLASSES, 0.01, (), SIZE)
    assert say_suspected(passes, policy, CLASSES, (SMALL,), SIZE) == passes


def test_the_strongest_of_what_is_suspected_is_named_and_the_largest_of_what_was_found() -> None:
    small, large = Region(2, 0, 0, 20, 10, 100, 0.9), Region(1, 0, 0, 60, 30, 400, 0.1)
    bare = give_verdict(make_policy(), CLASSES, 0.31, (), SIZE)
    said = say_suspected(bare, make_policy(), CLASSES, (large, small), SIZE)
    assert said.reason.endswith("; suspected: class 3, 20 x 10 px, and 1 more")
    found = give_verdict(make_policy(), CLASSES, 0.31, (small, large), SIZE)
    assert found.reason.endswith("; found: class 2, 60 x 30 px, and 1 more")


def test_where_nothing_stands_out_the_reason_says_so_with_how_likely_the_strongest_place_is() -> None:
    weak = Region(2, 0, 0, 20, 10, 100, 0.0312)
    for policy, size in ((make_policy(), "20 x 10 px"), (make_policy(rules=RULES), "10 x 5 mm")):
        bare = give_verdict(policy, CLASSES, 0.31, (), SIZE)
        said = say_suspected(bare, policy, CLASSES, (weak,), SIZE, is_faint=True)
        place = f"strongest place: class 3, {size}, mean probability 0.031"
        assert said == Verdict("review", f"{bare.reason}; nothing stands out; {place}")
    nothing = say_nothing_seen(bare)
    assert nothing == Verdict("review", f"{bare.reason}; where to look is not known: the segmenters see nothing in it")
    passes = give_verdict(make_policy(), CLASSES, 0.01, (), SIZE)
    assert (
        say_nothing_seen(passes)
        == say_suspected(passes, make_policy(), CLASSES, (weak,), SIZE, is_faint=True)
        == passes
    )


def test_an_unreadable_image_goes_to_review() -> None:
    assert UNREADABLE.answer == "review"
    assert "could not be read" in UNREADABLE.reason


SHARE = st.floats(0, 1) | st.sampled_from([0.04, 0.0400001, 0.72])
REGIONS = st.lists(st.sampled_from([SMALL, LARGE, OTHER]), max_size=3)
FLAGS = st.sampled_from([(), ("size",), ("size", "brightness")])
ORDER = {"pass": 0, "review": 1, "reject": 2}


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    low, high = sorted((draw(SHARE), draw(SHARE)))
    return make_policy(
        draw(st.sampled_from([None, low])), draw(st.sampled_from([None, high])), draw(st.sampled_from([None, RULES]))
    )


@given(policies(), SHARE, REGIONS, FLAGS)
def test_an_image_that_passes_has_no_mask_and_one_that_is_rejected_has_a_reason_for_it(
    policy: Any, p: Any, regions: Any, flags: Any
) -> None:
    answer, reason = verdict(policy, p, regions, flags)
    severe = policy.severity is not None and OTHER in regions
    may_pass = policy.pass_at is not None and p <= policy.pass_at
    assert (answer == "pass") == (may_pass and not regions and not flags)
    assert (answer == "reject") == (not flags and (severe or (policy.reject_at is not None and p > policy.reject_at)))
    if answer == "reject":
        assert ("of class" in reason) == bool(regions)
        assert ("by the classifiers alone" in reason) == (not regions)
    assert reason
    assert not reason.endswith(".")


@given(policies(), SHARE, SHARE, REGIONS, FLAGS)
def test_more_doubt_is_never_a_milder_verdict(policy: Any, one: Any, two: Any, regions: Any, flags: Any) -> None:
    low, high = sorted((one, two))
    answers = [ORDER[verdict(policy, p, regions, flags)[0]] for p in (low, high)]
    assert answers[0] <= answers[1]


@given(policies(), SHARE, REGIONS)
def test_what_is_flagged_goes_to_a_person_whatever_was_found(policy: Any, p: Any, regions: Any) -> None:
    assert verdict(policy, p, regions, ("light",))[0] == "review"
    assert verdict(make_policy(rules=RULES), p, (OTHER,), ("contrast",))[0] == "review"


@given(policies(), SHARE)
def test_what_the_sentence_says_of_its_numbers_is_true(policy: Any, p: Any) -> None:
    _, reason = verdict(policy, p)
    numbers = [float(text) for text in re.findall(r"\d+\.\d+(?:e-\d+)?|\de-\d+", reason)]
    match re.search(r"is at most|lies between|lies above|does not exceed|exceeds|no image", reason)[0]:
        case "is at most" | "does not exceed":
            assert numbers[0] <= numbers[1]
        case "exceeds" | "lies above":
            assert numbers[0] > numbers[1]
        case "lies between":
            assert numbers[1] < numbers[0] <= numbers[2]
        case _:
            assert np.isclose(numbers[0], p, atol=0.0051)
