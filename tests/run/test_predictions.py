"""The out-of-fold store: what is written comes back in the order of the record, and foreign evidence is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_samples import severstal

from steelsight.core.errors import UserError
from steelsight.recipe import load_recipe, resolve
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record
from steelsight.run.run import Run

FOLDS = 2


def evidence(run: Path, folds: np.ndarray | None = None) -> OutOfFoldPredictions:
    data = severstal()
    count = len(data.samples)
    record = Record(
        root=data.root,
        layout=data.layout,
        classes=data.classes,
        samples=data.samples,
        folds=np.arange(count) % FOLDS if folds is None else folds,
        groups=np.arange(count),
        skipped=(),
        fingerprint="",
    )
    tiny = [f"folds={FOLDS}", "members.*.input={height: 32, width: 64, colour: grey}"]
    recipe = resolve(load_recipe("lite", tiny), data.classes, [(256, 1600)], grey=True)
    return OutOfFoldPredictions(Run(run), record, recipe)


def test_evidence_comes_back_in_the_order_of_the_record(tmp_path: Path) -> None:
    store = evidence(tmp_path)
    segmenter, classifier = store.recipe.members
    count = len(store.record.samples)
    said = np.random.default_rng(0).random(count)
    maps = np.random.default_rng(1).integers(0, 256, (count, 4, 32, 64), dtype=np.uint8)
    for fold in range(FOLDS):
        assert not store.members("classify") and not store.members("segment")  # noqa: PT018 - neither is whole yet
        indices = store.indices(fold)
        store.write_probabilities(classifier, fold, said[indices])
        store.write_maps(segmenter, fold, np.array_split(maps[indices], 5))
    assert store.members("classify") == (classifier,)
    assert store.members("segment") == (segmenter,)
    reread = evidence(tmp_path)
    assert np.array_equal(reread.probabilities(classifier), said)
    assert all(np.array_equal(reread.map(segmenter, index), maps[index]) for index in range(count))


def test_a_digest_is_that_of_the_content(tmp_path: Path) -> None:
    store = evidence(tmp_path)
    segmenter, classifier = store.recipe.members
    count = len(store.indices(0))
    digests = []
    for value in (1, 2, 1):
        store.write_probabilities(classifier, 0, np.full(count, value / 2))
        store.write_maps(segmenter, 0, [np.full((count, 4, 32, 64), value, np.uint8)])
        digests.append((store.digest(classifier, 0), store.digest(segmenter, 0)))
    first, second, third = digests
    assert first == third
    assert not {*first} & {*second}


def test_evidence_of_other_folds_is_refused(tmp_path: Path) -> None:
    store = evidence(tmp_path)
    segmenter, classifier = store.recipe.members
    for fold in range(FOLDS):
        count = len(store.indices(fold))
        store.write_probabilities(classifier, fold, np.zeros(count))
        store.write_maps(segmenter, fold, [np.zeros((count, 4, 32, 64), np.uint8)])
    other = evidence(tmp_path, folds=(np.arange(66) + 1) % FOLDS)
    with pytest.raises(UserError, match="its images are not those of fold"):
        other.probabilities(classifier)
    with pytest.raises(UserError, match="its images are not those of fold"):
        other.map(segmenter, 0)


def test_a_fold_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = evidence(tmp_path)
    segmenter = store.recipe.member("segment-lite0")

    def broken() -> Iterator[Any]:
        yield np.zeros((2, 4, 32, 64), np.uint8)
        raise RuntimeError("the network failed")

    with pytest.raises(RuntimeError):
        store.write_maps(segmenter, 0, broken())
    assert not store.has(segmenter, 0)
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -0.1, 1.1])
def test_evidence_of_what_is_no_probability_is_refused(tmp_path: Path, odd: float) -> None:
    """Of a run by an earlier version, which stored it without a word."""
    store = evidence(tmp_path)
    classifier = store.recipe.members[1]
    for fold in range(FOLDS):
        said = np.full(len(store.indices(fold)), 0.5)
        said[-1] = odd if fold else 1.0
        store.write_probabilities(classifier, fold, said)
    with pytest.raises(UserError, match=r"fold1\.parquet: holds numbers that are no probabilities"):
        store.probabilities(classifier)
