"""An alarm in at most a hundredth of the windows without drift, whatever is defective; and one where there is drift."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import SAMPLE, SHARED, needs_shared
from helpers.tiny_inspector import PADDED, STRETCHED, make_inspector
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.dataset.read import read_dataset
from steelsight.imaging.combine import combine_probabilities
from steelsight.imaging.read import list_images, read_image
from steelsight.inspector.artifact import read_card, write_card
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.inspector import Inspector
from steelsight.station.drift import ALPHA, BINS, Drift, fold_score, furthest, independent_images, measure_drift
from steelsight.station.queue.incoming import Incoming
from steelsight.station.settings import StationSettings
from steelsight.station.station import Station
from steelsight.verdicts.evaluated import EvaluationSet, EvidenceKind

DEFECTIVE, GOOD = (5, 1.5), (1.5, 5)  # of beta distributions
WINDOWS = 60


def evidence_of(
    p: np.ndarray, defective: np.ndarray, groups: np.ndarray | None = None, kind: EvidenceKind = "own"
) -> EvaluationSet:
    count = len(p)
    return EvaluationSet(
        kind=kind,
        classes=("crack",),
        image_ids=tuple(map(str, range(count))),
        folds=np.zeros(count, np.int64),
        groups=np.arange(count) if groups is None else groups,
        sizes=np.ones((count, 2), np.int64),
        p_defect=p.astype(np.float64),
        truth=defective[:, None].astype(np.int64),
        regions=((),) * count,
    )


def draw(rng: np.random.Generator, defective: np.ndarray) -> np.ndarray:
    return np.where(defective, rng.beta(*DEFECTIVE, defective.size), rng.beta(*GOOD, defective.size))


def drawn_evidence(rng: np.random.Generator, defective: int = 40, good: int = 26) -> EvaluationSet:
    truth = np.repeat([True, False], [defective, good])
    return evidence_of(draw(rng, truth), truth)


def test_without_drift_at_most_the_stated_share_of_windows_alarms_whatever_is_defective() -> None:
    rng = np.random.default_rng(1)
    alarms = 0
    for share in (0.0, 0.1, 0.5, 1.0):
        for _ in range(WINDOWS):
            scores = draw(rng, rng.random(200) < share)
            alarms += measure_drift(drawn_evidence(rng), scores.tolist()).alarm
    assert ALPHA == 0.01
    assert alarms < 10  # of 240 windows; at ALPHA, 10 or more come in 1 of 5000 runs


def test_strips_of_one_coil_that_resemble_each_other_do_not_alarm() -> None:
    rng = np.random.default_rng(2)
    alarms, careless = 0, 0
    for _ in range(WINDOWS // 2):
        coils = draw(rng, rng.random(20) < 0.3)
        scores = np.clip(np.repeat(coils, 25) + rng.normal(0, 0.02, 500), 0, 1)
        evidence = drawn_evidence(rng, 1000, 1000)
        alarms += measure_drift(evidence, scores.tolist()).alarm
        careless += measure_drift(evidence, rng.permutation(scores).tolist()).alarm
    assert alarms <= 2
    assert careless > 15  # the same scores, taken for independent ones


def test_the_share_of_a_line_without_drift_is_estimated() -> None:
    rng = np.random.default_rng(3)
    for share in (0.0, 0.2, 0.7, 1.0):
        found = measure_drift(drawn_evidence(rng, 2000, 2000), draw(rng, rng.random(2000) < share).tolist())
        assert found.known
        assert not found.alarm
        assert found.defect_share == pytest.approx(share, abs=0.06)
        said = re.search(r"about (\S+) % defective", found.sentence)
        assert said
        assert float(said[1]) == pytest.approx(100 * found.defect_share, rel=0.05)
        assert said[1] == "100" or len(said[1].replace(".", "").strip("0")) <= 2
        assert np.abs(np.array(found.line) - np.array(found.evidence)).max() <= found.distance + 1e-9


def test_scores_that_no_share_explains_alarm() -> None:
    rng = np.random.default_rng(4)
    found = measure_drift(drawn_evidence(rng, 200, 200), rng.beta(30, 30, 500).tolist())  # all in the middle
    assert found.alarm
    assert found.distance > found.limit
    assert "fit no share of defective strips" in found.sentence


@given(st.lists(st.floats(0, 1), min_size=20, max_size=60), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_what_is_answered_can_be_drawn(scores: list[float], seed: int) -> None:
    found = measure_drift(drawn_evidence(np.random.default_rng(seed), 12, 12), scores)
    assert found.known
    assert found.images == len(scores)
    assert found.alarm == (found.distance > found.limit)
    assert 0 <= found.distance <= 1
    assert 0 <= found.defect_share <= 1
    assert len(found.line) == len(found.evidence) == BINS
    assert len(found.edges) == BINS + 1
    for curve in (found.line, found.evidence):
        assert np.diff([0, *curve]).min() >= -1e-12
        assert curve[-1] == pytest.approx(1)
    assert 1 <= independent_images(np.array(scores)) <= len(scores)


def test_a_twin_group_counts_once() -> None:
    rng = np.random.default_rng(5)
    alone = drawn_evidence(rng)
    twins = evidence_of(np.repeat(alone.p_defect, 3), np.repeat(alone.defective, 3), np.repeat(alone.groups, 3))
    scores = draw(rng, rng.random(100) < 0.3).tolist()
    found, other = measure_drift(alone, scores), measure_drift(twins, scores)
    assert (found.distance, found.limit) == pytest.approx((other.distance, other.limit))


def test_what_cannot_be_known_is_said() -> None:
    rng = np.random.default_rng(6)
    evidence, scores = drawn_evidence(rng), [0.5, 0.25] * 20
    flat = evidence_of(np.ones(66), evidence.defective)
    few = drawn_evidence(rng, 40, 9)
    for tested, line, why in (
        (None, scores, "the inspector has no test images"),
        (flat, scores, "without a classifier"),
        (few, scores, "tested on 40 defective and 9 good groups; 10 each are needed"),
        (evidence, [0.5], "1 image of this inspector so far; 20 are needed"),
    ):
        found = measure_drift(tested, line)
        assert not found.known
        assert not found.alarm
        assert why in found.why
        assert why in found.sentence
    with pytest.raises(ValueError, match="not a number from 0 to 1"):
        measure_drift(evidence, [*scores, float("nan")])
    unsure = evidence_of(evidence.p_defect, evidence.defective, kind="epoch-selected")
    assert "epoch-selected" in measure_drift(unsure, scores).sentence


@needs_shared
def test_real_strips_do_not_alarm_and_dark_ones_or_tiles_do(tmp_path: Path) -> None:
    inspector = Inspector.open(make_inspector(tmp_path / "inspector"), device="cpu", threads=1)
    (network,) = inspector.engine("latency").classifiers
    samples = read_dataset(SHARED / "severstal").samples
    strips = [read_image(one.path, grey=True) for one in samples]
    tiles = list_images(SHARED / "magnetic_tile" / "MT_Free" / "Imgs")[:80:2]

    def judged(images: Any) -> Any:
        return network.probabilities(np.stack([STRETCHED.to_input(image) for image in images])).astype(np.float64)

    tested = evidence_of(judged(strips[::2]), np.array([one.is_defective for one in samples])[::2])
    others = strips[1::2]
    assert not measure_drift(tested, judged(others).tolist()).alarm
    assert measure_drift(tested, judged([image // 4 for image in others]).tolist()).alarm
    assert measure_drift(tested, judged([255 - image // 2 for image in others]).tolist()).alarm
    assert measure_drift(tested, judged([read_image(path, grey=True) for path in tiles]).tolist()).alarm


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=6), st.binary(min_size=32, max_size=32)
)
def test_a_fold_is_drawn_by_the_image_alone(networks: list[tuple[float, int]], digest: bytes) -> None:
    said, folds = zip(*networks, strict=True)
    score = fold_score(said, folds, digest.hex(), "mean")
    of_fold = {fold: np.mean([p for p, of in networks if of == fold]) for fold in folds}
    assert score == fold_score(said, folds, digest.hex(), "mean")
    assert score in of_fold.values()


def test_a_station_scores_images_as_cross_validated_ones_were(tmp_path: Path) -> None:
    folder = make_inspector(tmp_path / "inspector", classifiers=(STRETCHED, PADDED), segmenters=(STRETCHED,))
    card = read_card(folder)
    networks = tuple(one.model_copy(update={"fold": int(one.preprocess == PADDED)}) for one in card.networks)
    provenance = card.provenance.model_copy(update={"folds": (0, 1), "evidence": "cross-validated"})
    write_card(folder, card.model_copy(update={"networks": networks, "provenance": provenance}))
    write_checksums(folder)
    paths = list_images(SAMPLE / "train_images")[:12]
    station = Station.open(folder, StationSettings(data=tmp_path / "data"), device="cpu", threads=1)
    try:
        results = [station.submit(Incoming(one.name, one.read_bytes(), "http")).result(30).result for one in paths]
        (scores,) = station.log.scores(station.fingerprint, 20, [station.settings.name]).values()
    finally:
        station.close()
    assert scores == [one.fold_score for one in reversed(results)]
    classifiers = station.inspector.engine("latency").classifiers
    drawn = set()
    for path, result in zip(paths, results, strict=True):
        said = station.inspector(path).classifiers
        assert result.p_defect == np.mean(said)
        assert result.fold_score in said
        drawn.add(said.index(result.fold_score))
    assert len(classifiers) == 2
    assert drawn == {0, 1}


@pytest.mark.parametrize("combine", ["mean", "logits", "votes"])
def test_the_classifiers_of_a_fold_are_combined_as_in_its_evidence(tmp_path: Path, combine: Any) -> None:
    """Two classifiers of one fold; as `EnsembleOutputs` combines them where evidence is made of a run."""
    folder = make_inspector(
        tmp_path / "inspector", classifiers=(STRETCHED, PADDED, STRETCHED, PADDED), segmenters=(STRETCHED,)
    )
    card = read_card(folder)
    classifiers, segmenters = card.of_step("classify"), card.of_step("segment")
    networks = tuple(one.model_copy(update={"fold": place // 2}) for place, one in enumerate(classifiers)) + segmenters
    provenance = card.provenance.model_copy(update={"folds": (0, 1), "evidence": "cross-validated"})
    changed = {"networks": networks, "provenance": provenance, "combine": combine}
    write_card(folder, card.model_copy(update=changed))
    write_checksums(folder)
    path = list_images(SAMPLE / "train_images")[0]
    station = Station.open(folder, StationSettings(data=tmp_path / "data"), device="cpu", threads=1)
    try:
        result = station.submit(Incoming(path.name, path.read_bytes(), "http")).result(30).result
    finally:
        station.close()
    said = station.inspector(path).classifiers
    assert said[:2] == said[2:]
    assert said[0] != said[1]
    assert result.fold_score == combine_probabilities(said[:2], combine)


def test_of_several_stations_the_furthest_is_told_of() -> None:
    def drift(known: bool, images: int, distance: float = 0.0) -> Drift:
        return Drift(known, "", images, distance, 0.2, distance > 0.2, 0.0, "", (), (), ())

    assert furthest({"a": drift(False, 0), "b": drift(False, 0)}, "b") == "b"
    assert furthest({"a": drift(False, 3), "b": drift(False, 2)}, "b") == "a"
    assert furthest({"a": drift(True, 20), "b": drift(False, 19)}, "b") == "a"
    assert furthest({"a": drift(True, 500, 0.1), "b": drift(True, 50, 0.3), "c": drift(True, 50, 0.2)}, "a") == "b"
