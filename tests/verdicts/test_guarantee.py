"""What bounds are worth: guaranteed only where the deployed networks were tested, and all that was asked for is kept."""

from typing import get_args

import pytest
from helpers.policies import make_policy, make_statement

from steelsight.verdicts.evaluated import BEARS_BOUND, EvidenceKind
from steelsight.verdicts.guarantee import guarantee_of


@pytest.mark.parametrize("evidence", get_args(EvidenceKind))
def test_only_evidence_of_what_is_deployed_guarantees(evidence: EvidenceKind) -> None:
    said = guarantee_of(make_policy(evidence=evidence, statements=(make_statement(),)))
    assert said.guaranteed == (evidence in BEARS_BOUND)
    assert ("not guaranteed" in said.title) != said.guaranteed
    assert ("steelsight decide INSPECTOR --calibrate DATA" in said.text) != said.guaranteed


@pytest.mark.parametrize(
    ("kept", "title"),
    [
        ((), "No bound was asked for"),
        ((True, True), "Guaranteed, each bound with 95 % confidence"),
        ((True, False), "1 of 2 bounds guaranteed, with 95 % confidence"),
        ((False, False), "None of 2 bounds guaranteed"),
    ],
)
def test_how_many_of_those_asked_for(kept: tuple[bool, ...], title: str) -> None:
    said = guarantee_of(make_policy(statements=tuple(make_statement(kept=one) for one in kept)))
    assert said.title == title
    assert said.guaranteed == (bool(kept) and all(kept))
