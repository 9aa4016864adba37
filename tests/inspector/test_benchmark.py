"""The measuring of an inspector, on drawn strips."""

import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.policies import make_policy
from helpers.tiny_inspector import RULE, make_inspector

from steelsight.cascade.sources import Source, find_sources
from steelsight.core.errors import UserError
from steelsight.inspector.benchmark import measure, peak_memory_mb
from steelsight.inspector.inspector import Inspector


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return Inspector.open(make_inspector(tmp_path_factory.mktemp("made") / "inspector"), threads=1)


def test_figures_agree_with_one_another_and_with_the_clock(inspector: Any) -> None:
    sources = find_sources([str(SAMPLE / "train_images")])[:8]
    start = time.perf_counter()
    speed = measure(inspector, sources, 2.0)
    spent = time.perf_counter() - start
    assert 1.0 <= speed.seconds < spent
    assert speed.images_per_second == pytest.approx(speed.images / speed.seconds)
    assert speed.images > len(sources)
    assert 0 < speed.p50_ms <= speed.p95_ms <= speed.p99_ms < 1000 * spent
    assert 20 <= speed.singles <= (spent - speed.seconds) * 1000 / speed.p50_ms * 2
    assert speed.mean_width == 1600
    passed = [inspector(source.path).p_defect > RULE.gate for source in sources]
    judged = list(islice(cycle(passed), speed.images))  # round and round, however far that went on a busy machine
    assert speed.passed_share == pytest.approx(sum(judged) / len(judged))
    assert speed.segmented_share == speed.passed_share  # without a policy
    assert speed.metres_per_second(2.0) == pytest.approx(speed.images_per_second * 3.2)


def test_what_does_not_pass_is_segmented_too(tmp_path: Path) -> None:
    sources = find_sources([str(SAMPLE / "train_images")])[:24]
    policy = make_policy(0.2, 0.95)
    judging = Inspector.open(make_inspector(tmp_path / "inspector", policy=policy), threads=1)
    speed = measure(judging, sources, 3.0)
    seen = [judged.p_defect > RULE.gate or judged.verdict.answer != "pass" for judged in judging.stream(sources)]
    judged = list(islice(cycle(seen), speed.images))
    assert speed.segmented_share == pytest.approx(sum(judged) / len(judged))
    assert speed.passed_share < speed.segmented_share < 1


def test_memory_is_that_of_the_process_in_mb() -> None:
    before = peak_memory_mb()
    held = bytearray(300_000_000)
    held[::4096] = b"\1" * len(held[::4096])
    after = peak_memory_mb()
    assert 30 < before <= after < 20_000
    assert after >= 300


def test_however_short_the_time_there_are_figures(inspector: Any) -> None:
    speed = measure(inspector, find_sources([str(SAMPLE / "test_images")])[:1], 0.001)
    assert speed.images >= 1
    assert speed.singles == 20


def test_an_unreadable_image_is_one_sentence(inspector: Any, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    with pytest.raises(UserError, match=r"text\.jpg"):
        measure(inspector, [Source("text.jpg", tmp_path / "text.jpg")], 1.0)
