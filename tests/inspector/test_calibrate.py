"""Fresh labelled images give an inspector a bound of its own; those that it learned from are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.fresh import fresh_images

from steelsight.core.errors import UserError
from steelsight.dataset.model import UNKNOWN
from steelsight.dataset.read import read_dataset
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.inspector.artifact import read_card
from steelsight.inspector.calibrate import judge_fresh
from steelsight.inspector.checksums import write_checksums
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


def test_what_is_ignored_in_fresh_images_counts_neither_as_truth_nor_as_found(inspector: Any, tmp_path: Path) -> None:
    dataset = read_dataset(fresh_images(tmp_path), decode=False)
    groups = np.arange(len(dataset.samples))
    opened = Inspector.open(inspector)
    whole = judge_fresh(opened, dataset, groups, lambda done, of: None)
    samples = []
    for sample in dataset.samples:
        ignored = np.zeros(sample.size, np.bool_)
        ignored[:, sample.size[1] // 3 :] = True
        runs = tuple(encode_mask(mask & ~ignored) for mask in sample.mask())
        samples.append(replace(sample, runs=runs, ignored=encode_mask(ignored)))
    left = judge_fresh(opened, replace(dataset, samples=tuple(samples)), groups, lambda done, of: None)
    assert left.p_defect.tolist() == whole.p_defect.tolist()
    edge = [sample.size[1] // 3 for sample in samples]
    beyond = [region for of_image in whole.regions for region in of_image]
    assert any(one.left + one.width > edge[0] for one in beyond)
    for of_image, limit, judged in zip(left.regions, edge, opened.stream([one.path for one in samples]), strict=True):
        assert all(one.left + one.width <= limit for one in of_image)
        inside = judged.masks[:, :, :limit].sum()
        assert sum(one.area for one in of_image) <= inside  # less where what is left of a class is too small
    place = [opened.classes.index(name) for name in dataset.classes]
    assert left.truth[:, place].tolist() == [[runs.area for runs in sample.runs] for sample in samples]
    assert left.truth.sum() == left.truth[:, place].sum()


def test_images_with_a_label_alone_are_judged_and_no_mask_is_held_against_them(inspector: Any, tmp_path: Path) -> None:
    dataset = read_dataset(fresh_images(tmp_path), decode=False)
    opened = Inspector.open(inspector)
    whole = judge_fresh(opened, dataset, np.arange(len(dataset.samples)), lambda done, of: None)
    bad = [sample for sample in dataset.samples if sample.is_defective]
    nothing = (Runs.empty(),) * len(dataset.classes)
    named = [replace(one, runs=nothing, shown=one.classes) for one in bad[1::2]]
    partly = replace(bad[0], shown=(UNKNOWN, 0))  # one class is drawn, another said
    samples = tuple(one for one in dataset.samples if one not in bad or one in bad[2::2])
    labelled = replace(dataset, samples=samples, without_masks=(*named, partly))
    count = len(dataset.samples)
    tested = judge_fresh(opened, labelled, np.arange(count), lambda done, of: None)
    order = [whole.image_ids.index(name) for name in tested.image_ids]
    assert sorted(order) == list(range(count))
    assert tested.p_defect.tolist() == whole.p_defect[order].tolist()
    assert tested.regions == tuple(whole.regions[at] for at in order)
    assert tested.defective.tolist() == whole.defective[order].tolist()
    assert np.flatnonzero(tested.label_alone).tolist() == list(range(len(samples), count))
    assert tested.shows[:-1].tolist() == whole.shows[order][:-1].tolist()
    place = {opened.classes.index(dataset.classes[at]) for at in (0, *bad[0].classes)}
    assert set(np.flatnonzero(tested.shows[-1]).tolist()) == place
    assert tested.class_unknown.tolist() == [False] * (count - 1) + [True]
    assert whole.shown is None
    drawn, same = tested.with_masks(), whole.only(np.array(order[: len(samples)]))
    assert drawn.truth.tolist() == same.truth.tolist()
    assert drawn.defects is not None
    assert same.defects is not None
    assert drawn.defects.marked.tolist() == same.defects.marked.tolist()
    assert len(tested.defects.marked) == len(drawn.defects.marked)
    strange = replace(labelled, classes=("spare", *dataset.classes[1:]))
    with pytest.raises(UserError, match="class 'spare' is not one of the inspector's"):
        judge_fresh(opened, strange, np.arange(count), lambda done, of: None)


def test_unusual_images_are_kept_as_such_and_the_inspector_says_so(inspector: Any, tmp_path: Path) -> None:
    dataset = read_dataset(fresh_images(tmp_path), decode=False)
    groups = np.arange(len(dataset.samples))
    dark = dataset.samples[0].path
    cv2.imwrite(str(dark), cv2.imread(str(dark)) // 12)
    opened = Inspector.open(inspector)
    said = [one.flags for one in opened.stream([sample.path for sample in dataset.samples])]
    assert said[0]
    fresh = judge_fresh(opened, dataset, groups, lambda done, of: None)
    assert fresh.flags == tuple(said)
    card = decide_inspector(inspector, read_card(inspector).policy.wish, "keep", fresh)
    assert card.policy.outcome.flagged == sum(bool(one) for one in said)
    assert card.schema_version == 8
    assert read_evaluation_set(inspector).flags == fresh.flags
    assert "whatever P(defect) is" in (inspector / "README.md").read_text()


def test_a_class_that_no_fresh_image_shows_is_passed_over(inspector: Any, tmp_path: Path) -> None:
    dataset = read_dataset(fresh_images(tmp_path), decode=False)
    groups = np.arange(len(dataset.samples))
    opened = Inspector.open(inspector)
    alone = judge_fresh(opened, dataset, groups, lambda done, of: None)
    samples = tuple(replace(sample, runs=(Runs.empty(), *sample.runs)) for sample in dataset.samples)
    spare = replace(dataset, classes=("spare", *dataset.classes), samples=samples)
    np.testing.assert_array_equal(judge_fresh(opened, spare, groups, lambda done, of: None).truth, alone.truth)
    shown = replace(samples[0], runs=(encode_mask(np.ones(samples[0].size, np.bool_)), *samples[0].runs[1:]))
    with pytest.raises(UserError, match="class 'spare' is not one of the inspector's"):
        judge_fresh(opened, replace(spare, samples=(shown, *samples[1:])), groups, lambda done, of: None)
