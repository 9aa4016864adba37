"""Labels that are planted wrong are among the first that the networks doubt."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.judged_run import make_run

from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.imaging.rle import Runs, decode_runs, encode_mask
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import write_record
from steelsight.run.run import Run
from steelsight.selection.doubt import disagreement, rank_doubts


def without(sample: Sample) -> Sample:
    return replace(sample, runs=(Runs.empty(),) * len(sample.runs))


def of_another_class(sample: Sample) -> Sample:
    return replace(sample, runs=(sample.runs[-1], *sample.runs[:-1]))


def elsewhere(sample: Sample) -> Sample:
    moved = [np.roll(decode_runs(runs, sample.size), sample.size[1] // 2, axis=1) for runs in sample.runs]
    return replace(sample, runs=tuple(map(encode_mask, moved)))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[OutOfFoldPredictions, set[int]]:
    """66 strips, whose maps and probabilities were drawn from the true masks, with noise; then six masks are planted
    wrong."""
    evidence = make_run(tmp_path_factory.mktemp("run") / "run", {"c0": 0.1, "s0": 0.05}, every=1)
    samples = list(evidence.record.samples)
    large = [place for place, sample in enumerate(samples) if sum(runs.area for runs in sample.runs) > 3000]
    defective = large[:: len(large) // 9]
    clean = [place for place, sample in enumerate(samples) if not sample.is_defective]
    for place, change in zip(
        defective, (without, without, of_another_class, of_another_class, elsewhere), strict=False
    ):
        samples[place] = change(samples[place])
    lent = samples[defective[6]]
    samples[clean[3]] = replace(samples[clean[3]], runs=lent.runs)
    write_record(evidence.run.path, replace(evidence.record, samples=tuple(samples)))
    wrong = {*defective[:5], clean[3]}
    return OutOfFoldPredictions.of(Run(evidence.run.path)), wrong


def test_planted_labels_come_first_and_are_named_for_what_they_are(
    planted: tuple[OutOfFoldPredictions, set[int]],
) -> None:
    run, wrong = planted
    doubts = rank_doubts(run)
    order = [one.index for one in doubts.ranked]
    assert sorted(order) == list(range(66))
    assert len(wrong & set(order[:7])) >= 5  # of six, among the first tenth
    assert len(wrong & set(order[:12])) == 6
    scores = [one.score for one in doubts.ranked]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    said = {one.index: one.why(run.record.classes) for one in doubts.ranked}
    gone = [place for place in wrong if not run.record.samples[place].is_defective]
    assert len(gone) == 2
    assert all("where there is no mask" in said[place] for place in gone)


def test_what_the_maps_are_sure_of_is_what_was_taken_away(planted: tuple[OutOfFoldPredictions, set[int]]) -> None:
    run, wrong = planted
    doubts = rank_doubts(run)
    gone = next(place for place in sorted(wrong) if not run.record.samples[place].is_defective)
    assert doubts.marked(gone).shape == (4, *run.record.samples[gone].size)
    assert doubts.marked(gone).any()


def test_a_map_that_confirms_its_mask_speaks_against_nothing_and_each_half_counts_alone() -> None:
    histograms = np.zeros((4, 1, 2, 256), np.uint32)
    histograms[:, 0, 0, 0] = 1000
    histograms[0, 0, 1, 255] = 100  # a mask that the map confirms
    histograms[1, 0, 1, 0] = 100  # one that it denies
    histograms[2, 0, 0, 255] = 100  # a map without a mask
    missing, denied = disagreement(histograms)
    np.testing.assert_allclose(missing[:, 0], [0, 0, 0.8, 0])
    np.testing.assert_allclose(denied[:, 0], [0, 0.8, 0, 0])


def test_without_a_segmenter_on_every_fold_nothing_is_ranked(tmp_path: Path) -> None:
    evidence = make_run(tmp_path / "run", {"c0": 0.1, "s0": 0.1}, every=6, leave_out=[("s0", 1)])
    with pytest.raises(UserError, match="no segmenter is trained on every fold"):
        rank_doubts(evidence)
