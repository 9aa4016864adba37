"""The folds: what a group is, as far as the run knows, and how many images are twins."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steelsight.report.page import render
from steelsight.report.sections.folds import folds_view
from steelsight.run.record import DATASET, Record, read_record, write_record


@pytest.fixture
def pairs(decided_run: Path) -> Record:
    """Images by two in a group."""
    record = read_record(decided_run)
    count = len(record.samples) // 2 * 2
    chosen = replace(record, samples=record.samples[:count], groups=np.arange(count) // 2)
    return replace(chosen, folds=chosen.groups % 3)


def said(record: Record) -> str:
    return " ".join(render({"folds": folds_view(record)}, "folds.html.j2").split())


def test_coils_are_not_called_twins_and_twins_are_counted_apart(pairs: Record) -> None:
    page, count = said(replace(pairs, grouped_by=("coil",), twins=2)), len(pairs.samples)
    assert f"{count} images share a group with another (a group: images of one coil, or twins (photographs" in page
    assert f"They form {count // 2} groups, the largest of 2 images. 2 of the images are near-duplicates" in page
    assert "None is split over folds." in page


def test_twins_alone_are_called_so(pairs: Record) -> None:
    page = said(replace(pairs, twins=len(pairs.samples)))
    assert f"{len(pairs.samples)} images are near-duplicates of another (twins). They form" in page
    alone = said(replace(pairs, groups=np.arange(len(pairs.samples))))
    assert "No twins (near-duplicates) were found." in alone


def test_groups_of_a_run_of_before_are_of_any_kind(pairs: Record, tmp_path: Path) -> None:
    write_record(tmp_path, pairs)
    written = json.loads((tmp_path / DATASET).read_text("utf-8"))
    assert not {"grouped_by", "twins"} & set(written)
    page = said(read_record(tmp_path))
    assert (
        "(a group: twins (photographs of the same surface), and images of one coil or heat where these were given)"
        in page
    )
    assert "are near-duplicates" not in page
    write_record(tmp_path, replace(pairs, grouped_by=("coil",), twins=2))
    again = read_record(tmp_path)
    assert (again.grouped_by, again.twins) == (("coil",), 2)
