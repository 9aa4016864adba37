"""A job's log read back: what a killed run left half-written is left out, whatever else is wrong is refused."""

import json
from math import isnan, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.run.job_log import JobLog, read_log

ROWS = [
    {"epoch": 0, "phase": 0, "seconds": 1.5, "valid_dice_per_class": [0.5, None]},
    {"epoch": 1, "phase": 0, "seconds": "long", "loss": True},
    {"epoch": 2, "phase": 1, "valid_dice_batch": 0.25, "valid_dice_per_class": [0.75]},
]
TEXT = "".join(json.dumps(row) + "\n" for row in ROWS)


def test_curves_have_a_figure_for_every_epoch() -> None:
    log = JobLog(tuple(ROWS))
    assert (log.epochs, log.phase_starts(), log.is_segmenter) == ((0, 1, 2), (2,), True)
    assert log.seconds == 1.5
    assert log.curve("loss", missing=-1) == (-1, -1, -1)  # True is no number
    first, second = log.class_curves("valid_dice_per_class")
    assert (first[0], isnan(first[1]), first[2]) == (0.5, True, 0.75)
    assert all(map(isnan, second))
    assert JobLog(()).class_curves("x") == ()
    assert isnan(log.curve("x", missing=nan)[0])


@given(cut=st.integers(0, len(TEXT)))
def test_whenever_it_was_killed_whole_epochs_are_read(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.write_text(TEXT[:cut])
    whole = TEXT[:cut].count("\n")
    read = read_log(path).rows
    assert list(read) in (ROWS[:whole], ROWS[: whole + 1])  # the second where the line's end alone is missing


@pytest.mark.parametrize("line", ["{", "[]", '{"epoch": true}', '{"epoch": "1"}', "[" * 100_000])
def test_a_line_that_is_no_epoch_is_refused_unless_it_is_the_last(line: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f"{TEXT}{line}\n")
    assert len(read_log(path).rows) == 3
    path.write_text(f"{line}\n{TEXT}")
    with pytest.raises(UserError, match=r"log\.jsonl, line 1: not the JSON object of an epoch"):
        read_log(path)


def test_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file; a job writes it from its first epoch on"):
        read_log(tmp_path / "log.jsonl")
