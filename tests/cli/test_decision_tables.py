"""The line that says when an image passes or is rejected, above the table of bounds."""

import re

import numpy as np
import pytest
from helpers.policies import make_policy, make_statement

from steelsight.cli.decision_tables import headline
from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.policy import Limits, Policy
from steelsight.verdicts.thresholds import find_policy


def decide(images: int, wish: Limits) -> Policy:
    """Half of the images defective, told apart by P(defect) without an error, each of another surface."""
    defective = np.arange(images) % 2 == 0
    tested = EvaluationSet(
        kind="own",
        classes=("dark", "light"),
        image_ids=tuple(map(str, range(images))),
        folds=np.zeros(images, np.int64),
        groups=np.arange(images),
        sizes=np.tile([64, 256], (images, 1)),
        truth=np.where(defective[:, None], [[50, 0]], [[0, 0]]),
        p_defect=np.where(defective, 0.9, 0.1) + np.linspace(0, 0.05, images),
        regions=((),) * images,
    )
    return find_policy(tested, wish, Calibration(), None)


def test_too_few_images_are_told_what_they_need_and_what_they_support() -> None:
    policy = decide(80, Limits())
    said = headline(policy)
    assert said == (
        "Every image goes to review: limits of 5 % / 5 % need 19 more defective and 19 more good images, each of another "
        "surface (and coil or heat, where these were given). With these images: --max-escape 0.08 --max-overkill 0.08."
    )
    within = [float(share) for share in re.findall(r"0\.\d+", said)]
    wider = decide(80, Limits(max_escape=within[0], max_overkill=within[1]))
    assert all(bound.kept for bound in wider.statements)
    assert headline(wider).startswith("An image passes up to P(defect) 0.")


def test_a_limit_on_a_class_is_named_with_its_class() -> None:
    said = headline(decide(80, Limits(max_escape=None, max_overkill=None, never_miss={"dark": 0.01})))
    assert "a limit of 1 % needs 259 more class dark images" in said
    assert "With these images: --never-miss dark=0.08." in said


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (make_policy(0.04, 0.72), "An image passes up to P(defect) 0.0400 and is rejected above P(defect) 0.7200;"),
        (make_policy(0.04, None), "An image passes up to P(defect) 0.0400; every other image goes to review, and"),
        (
            make_policy(3e-5, 0.99997),
            "An image passes up to P(defect) 0.00003 and is rejected above P(defect) 0.99997; every other image goes to "
            "review, and so does each unusual one.",
        ),
        (make_policy(None, None), "Every image goes to review: none passes, and none is rejected"),
        (
            make_policy(None, None, statements=(make_statement(among="passed", kept=False, missing=10),)),
            "Every image goes to review: a limit of 5 % needs 10 more defective images, each of another surface "
            "(and coil or heat, where these were given).",
        ),
    ],
)
def test_it_says_what_passes_and_what_is_rejected(policy: Policy, words: str) -> None:
    assert headline(policy).startswith(words)
    assert "With these images" not in headline(policy)
