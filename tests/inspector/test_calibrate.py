"""Fresh labelled images give an inspector a bound of its own; those that it learned from are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.fresh import fresh_images

from steelsight.core.errors import UserError
from steelsight.dataset.read import read_dataset
from steelsight.inspector.artifact import read_card, write_checksums
from steelsight.inspector.calibrate import judge_fresh
from steelsight.inspector.decide_policy import decide_inspector
from steelsight.inspector.inspector import Inspector
from steelsight.verdicts.evaluated_files import read_evaluation_set


def test_fresh_images_give_a_bound_to_averaged_folds(inspector: Any, tmp_path: Path) -> None:
    from steelsight.report.sign_off.sheet import sheet_of  # the plain install has no report

    dataset = read_dataset(fresh_images(tmp_path), decode=False)
    opened = Inspector.open(inspector)
    fresh = judge_fresh(opened, dataset, np.arange(len(dataset.samples)), lambda done, of: None)
    assert fresh.kind == "calibrated"
    assert fresh.defective.tolist() == [sample.is_defective for sample in dataset.samples]
    said = list(opened.stream([sample.path for sample in dataset.samples]))
    assert fresh.p_defect.tolist() == [one.p_defect for one in said]
    assert fresh.regions == tuple(one.regions for one in said)
    card = decide_inspector(inspector, read_card(inspector).policy.wish, "keep", fresh)
    assert card.bears_bound
    assert read_evaluation_set(inspector).image_ids == fresh.image_ids
    assert "on fresh images that none of its networks has seen." in sheet_of(
        inspector, tmp_path / "fresh" / "train_images"
    )
    assert decide_inspector(inspector, None, "keep").policy == card.policy


def test_images_that_it_learned_from_are_refused(inspector: Any) -> None:
    dataset = read_dataset(SAMPLE, decode=False)
    with pytest.raises(UserError, match="were trained on this file; 11 of the given images"):
        judge_fresh(Inspector.open(inspector), dataset, np.arange(66), lambda done, of: None)
    (inspector / "seen.txt").unlink()
    write_checksums(inspector)
    with pytest.raises(UserError, match="fresh images cannot be told"):
        judge_fresh(Inspector.open(inspector), dataset, np.arange(66), lambda done, of: None)
