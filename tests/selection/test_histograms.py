"""Histograms against the pixels that they count."""

import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from helpers.judged_run import make_run

from steelsight.imaging.combine import CutAt, combine_maps
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection import histograms as module
from steelsight.selection.histograms import Choice, histogram, image_histograms, prepare_histograms


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    return make_run(tmp_path_factory.mktemp("run"), {"c-a": 0.1, "s-a": 0.2, "s-b": 0.4}, every=4)


def test_a_histogram_counts_truth_and_background_apart() -> None:
    map_ = np.array([[[7, 7, 255], [0, 7, 9]]] * 2, np.uint8)
    truth = np.array([[1, 0, 1], [0, 0, 0]], np.bool_)
    counts = histogram(map_.reshape(2, 2, 3), [encode_mask(truth), Runs.empty()])
    assert counts.dtype == np.uint32
    assert {int(value): int(counts[0, 1, value]) for value in np.flatnonzero(counts[0, 1])} == {7: 1, 255: 1}
    assert {int(value): int(counts[0, 0, value]) for value in np.flatnonzero(counts[0, 0])} == {0: 1, 7: 2, 9: 1}
    assert counts[1, 1].sum() == 0
    assert counts[1, 0].sum() == 6


def test_what_is_ignored_is_not_counted() -> None:
    map_ = np.array([[7, 7, 255], [0, 7, 9]], np.uint8)
    truth, ignored = np.array([[1, 0, 0], [0, 0, 0]], np.bool_), np.array([[0, 1, 1], [0, 0, 0]], np.bool_)
    counts = histogram(map_[None], [encode_mask(truth)], encode_mask(ignored))
    assert np.array_equal(counts[0, 1], np.bincount([7], minlength=256))
    assert np.array_equal(counts[0, 0], np.bincount([0, 7, 9], minlength=256))


def test_more_pixels_than_a_float_counts_are_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    map_, truth = rng.integers(0, 256, (1, 37, 53)).astype(np.uint8), rng.random((37, 53)) < 0.4
    whole = histogram(map_, [encode_mask(truth)])
    monkeypatch.setattr(module, "_MOST_PIXELS", 200)
    assert np.array_equal(histogram(map_, [encode_mask(truth)]), whole)


def test_they_are_of_the_combined_maps_at_the_images_own_size(evidence: OutOfFoldPredictions) -> None:
    members = evidence.members("segment")
    found = image_histograms(evidence, dict.fromkeys(range(3), members))
    for index, sample in enumerate(evidence.record.samples):
        map_ = combine_maps(
            [evidence.map(member, index) for member in members], [m.preprocess for m in members], sample.size
        )
        for plane, mask, counts in zip(map_, sample.mask(), found[index], strict=True):
            assert np.array_equal(counts[1], np.bincount(plane[mask], minlength=256))
            assert np.array_equal(counts[0], np.bincount(plane[~mask], minlength=256))


def test_each_fold_may_have_its_own_members(evidence: OutOfFoldPredictions) -> None:
    first, second = ((member,) for member in evidence.members("segment"))
    mixed = image_histograms(evidence, {0: first, 1: second, 2: second})
    alone = [image_histograms(evidence, dict.fromkeys(range(3), team)) for team in (first, second)]
    for fold, whole in ((0, alone[0]), (1, alone[1]), (2, alone[1])):
        images = evidence.indices(fold)
        assert np.array_equal(mixed[images], whole[images])


def test_they_are_kept_and_made_again_when_the_evidence_is_newer_or_the_file_is_broken(
    evidence: OutOfFoldPredictions,
) -> None:
    (member,) = team = evidence.members("segment")[:1]
    folder = evidence.run.path / "evidence" / "histograms"
    before = image_histograms(evidence, dict.fromkeys(range(3), team))
    kept = sorted(folder.iterdir())
    assert np.array_equal(image_histograms(evidence, dict.fromkeys(range(3), team)), before)
    assert sorted(folder.iterdir()) == kept
    for file in kept:
        file.write_bytes(file.read_bytes()[:40])
    assert np.array_equal(image_histograms(evidence, dict.fromkeys(range(3), team)), before)
    maps = np.stack([evidence.map(member, index) for index in evidence.indices(1)])
    evidence.write_maps(member, 1, [255 - maps])
    fresh = OutOfFoldPredictions(evidence.run, evidence.record, evidence.recipe)
    after = image_histograms(fresh, dict.fromkeys(range(3), team))
    assert not np.array_equal(after[evidence.indices(1)], before[evidence.indices(1)])
    assert np.array_equal(after[evidence.indices(0)], before[evidence.indices(0)])


def test_all_choices_in_one_pass_give_the_bytes_of_each_alone(
    evidence: OutOfFoldPredictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fits into a pass, on however many threads; nothing is left for later, not even a map to read."""
    first, second = evidence.members("segment")
    choices = [Choice(team, at) for team in ((first, second), (first,), (second,)) for at in get_args(CutAt)]
    alone = {
        choice: image_histograms(evidence, dict.fromkeys(range(3), choice.members), at=choice.at) for choice in choices
    }
    told: list[tuple[int, int]] = []

    def tell(done: int, of: int) -> None:
        told.append((done, of))

    for memory in (module._MEMORY, 1):
        monkeypatch.setattr(module, "_MEMORY", memory)
        copied = Path(shutil.copytree(evidence.run.path, tmp_path / str(memory)))
        shutil.rmtree(copied / "evidence/histograms")
        fresh = OutOfFoldPredictions.of(Run(copied))
        told.clear()
        prepare_histograms(fresh, dict.fromkeys(range(3), choices), tell)
        images = len(fresh.record.samples)
        assert told[-1] == ((images, images) if memory > 1 else (6 * images, 6 * images))
        for name in ("s-a", "s-b"):
            shutil.rmtree(copied / "evidence" / name)
        for choice in choices:
            made = image_histograms(fresh, dict.fromkeys(range(3), choice.members), at=choice.at)
            assert made.tobytes() == alone[choice].tobytes()
