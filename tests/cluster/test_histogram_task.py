"""A worker counts what this machine counts, from the maps of its own images alone, and keeps nothing of them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.judged_run import make_run

from steelsight.cluster.described_run import read_description
from steelsight.cluster.histogram_task import CountOrders, count_block
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.stored_maps import SHARD, shard_files
from steelsight.selection.histograms import Choice, histograms_of


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> OutOfFoldPredictions:
    """Two folds, each in two shards."""
    return make_run(tmp_path_factory.mktemp("run"), {"c-a": 0.1, "s-a": 0.2, "s-b": 0.4}, every=1, folds=2)


@pytest.fixture
def orders(evidence: OutOfFoldPredictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountOrders:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return CountOrders(str(tmp_path), read_description(evidence.run))


def maps_of(evidence: OutOfFoldPredictions, fold: int, start: int, stop: int) -> Mapping[str, Any]:
    around = evidence.run.path / "evidence"
    folders = [evidence.run.predictions_file(member, fold) for member in evidence.members("segment")]
    return {
        file.relative_to(around).as_posix(): np.frombuffer(file.read_bytes(), np.uint8)
        for folder in folders
        for file in shard_files(folder, start, stop)
    }


def test_blocks_have_the_histograms_of_their_images(
    evidence: OutOfFoldPredictions, orders: CountOrders, tmp_path: Path
) -> None:
    first, second = evidence.members("segment")
    choices = [Choice((first, second)), Choice((second,), "working")]
    for fold in range(2):
        indices = evidence.indices(fold)
        assert len(indices) > SHARD
        for start, stop in ((0, SHARD), (SHARD, len(indices)), (SHARD - 1, SHARD + 1)):
            told = count_block(orders, choices, indices[start:stop], maps_of(evidence, fold, start, stop))
            for made, expected in zip(
                told["counts"], histograms_of(evidence, choices, indices[start:stop]), strict=True
            ):
                assert made.tobytes() == expected.tobytes()
            assert not list(tmp_path.rglob("*.zarr"))


def test_only_the_maps_of_a_block_travel(evidence: OutOfFoldPredictions) -> None:
    all_of_them = maps_of(evidence, 0, 0, len(evidence.indices(0)))
    of_a_block = maps_of(evidence, 0, SHARD, len(evidence.indices(0)))
    assert {name for name in all_of_them if name not in of_a_block} == {
        f"{name}/fold0.zarr/c/0/0/0/0" for name in ("s-a", "s-b")
    }


def test_damaged_maps_are_told_in_a_sentence(evidence: OutOfFoldPredictions, orders: CountOrders) -> None:
    maps = dict(maps_of(evidence, 0, 0, SHARD))
    damaged = next(name for name in maps if "/c/" in name)
    maps[damaged] = maps[damaged][:100]
    indices = evidence.indices(0)[:SHARD]
    told = count_block(orders, [Choice(evidence.members("segment"))], indices, maps)
    assert "is damaged" in told["failed"]
