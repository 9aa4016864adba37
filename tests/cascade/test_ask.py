"""Segmenters that cannot change an answer any more are not asked, and nobody can tell from the tables."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.engines import BrightImage, Engine
from helpers.odd_answers import Odd
from helpers.policies import make_policy
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.cascade.judge import judge_batch
from steelsight.cascade.sources import Source
from steelsight.imaging.combine import combine_maps, may_exceed
from steelsight.imaging.preprocess import Preprocess
from steelsight.results.tables import ResultRow, Tables
from steelsight.rule.rule import Rule

WAY = Preprocess(height=32, width=64, colour="grey")
SMALLER = Preprocess(height=32, width=32, colour="grey")
CLASSES = ("a", "b")
SIZE = (40, 96)


@dataclass(frozen=True)
class Drawn:
    """A segmenter that draws blobs, anew for each brightness of an image; `asked` counts the images."""

    seed: int
    top: float
    preprocess: Preprocess
    asked: list[int] = field(default_factory=list)
    name: str = "drawn:0"

    def probabilities(self, inputs: Any) -> Any:
        self.asked.append(len(inputs))
        return np.stack([self._maps(round(float(one.mean()) * 1000)) for one in inputs])

    def _maps(self, number: int) -> Any:
        random = np.random.default_rng((self.seed, number))
        size = (self.preprocess.height, self.preprocess.width)
        maps = [cv2.GaussianBlur(random.random(size), (0, 0), 2) ** 4 for _ in CLASSES]
        tops = self.top * random.random(len(CLASSES)) ** 2
        return np.stack([top * map_ / map_.max() for top, map_ in zip(tops, maps, strict=True)]).astype(np.float32)


@st.composite
def scenes(draw: st.DrawFn) -> Any:
    networks = draw(st.integers(1, 5))
    top = draw(st.sampled_from([0.1, 0.5, 1.0]))
    ways = [draw(st.sampled_from([WAY, WAY, SMALLER])) for _ in range(networks)]
    upper = draw(st.integers(20, 240))
    rule = Rule(
        gate=draw(st.sampled_from([0.0, 0.4, 1.0])), upper=(upper,) * 2, lower=(upper // 2,) * 2, min_area=(3, 40)
    )
    policy = draw(st.sampled_from([None, make_policy(0.2, 0.8), make_policy(0.9, None)]))
    combine = draw(st.sampled_from(["mean", "logits", "votes"]))
    return [(number, top, way) for number, way in enumerate(ways)], combine, rule, policy


def lines(
    scene: Any, images: Any, *, keep_maps: bool = False, keep_network_maps: bool = False
) -> tuple[list[Any], int]:
    """The rows of all tables and the masks' runs, and how many maps were made."""
    drawn, combine, rule, policy = scene
    networks = tuple(Drawn(*one) for one in drawn)
    engine = Engine((BrightImage(WAY),), networks, CLASSES, combine=combine)
    group = [(Source(f"{place}.png", Path(f"{place}.png")), image) for place, image in enumerate(images)]
    judged = judge_batch(group, engine, rule, policy=policy, keep_maps=keep_maps, keep_network_maps=keep_network_maps)
    rows = [Tables(CLASSES).lines(ResultRow.of(one)) for one in judged]
    return [(row, one.is_segmented) for row, one in zip(rows, judged, strict=True)], sum(sum(n.asked) for n in networks)


IMAGES = [np.full(SIZE, level, np.uint8) for level in range(5, 255, 25)]


@settings(max_examples=120, deadline=None)
@given(scenes())
def test_tables_are_those_of_all_networks(scene: Any) -> None:
    some, few = lines(scene, IMAGES)
    every, all_ = lines(scene, IMAGES, keep_network_maps=True)
    assert some == every
    assert few <= all_ == len(scene[0]) * sum(segmented for _, segmented in every)


@pytest.mark.parametrize(("combine", "networks", "asked"), [("votes", 3, 2), ("votes", 5, 4), ("mean", 5, 2)])
def test_the_last_is_not_asked_where_nothing_can_come_of_it(combine: str, networks: int, asked: int) -> None:
    rule = Rule(gate=0, upper=(200,) * 2, lower=(100,) * 2, min_area=(3, 3))
    passes = make_policy(0.9, None)
    scene = [(number, 0.01, WAY) for number in range(networks)], combine, rule, passes
    assert lines(scene, IMAGES[:2])[1] == 2 * asked
    assert lines(scene, IMAGES[:2], keep_maps=True)[1] == 2 * networks
    loud = [(number, 1.0, WAY) for number in range(networks)], combine, rule, passes
    assert lines(loud, IMAGES, keep_maps=False)[1] > len(IMAGES) * asked


@pytest.mark.parametrize(("combine", "asked"), [("votes", 4), ("mean", 5), ("logits", 5)])
def test_of_what_does_not_pass_the_strongest_place_is_shown_so_that_only_silence_ends_it(
    combine: str, asked: int
) -> None:
    rule = Rule(gate=0, upper=(200,) * 2, lower=(100,) * 2, min_area=(3, 3))
    for policy in (None, make_policy(None, None)):
        faint = [(number, 0.03, WAY) for number in range(5)], combine, rule, policy
        assert lines(faint, IMAGES[:2])[1] > 2 * asked - 2
        silent = [(number, 0.0, WAY) for number in range(5)], combine, rule, policy
        assert lines(silent, IMAGES[:2])[1] == 2 * asked


def test_one_that_gave_no_probability_is_told_of_whoever_would_have_come_after_it() -> None:
    rule = Rule(gate=0, upper=(200,) * 2, lower=(100,) * 2, min_area=(3, 3))
    odd, last = Odd(Drawn(1, 1.0, WAY), float("nan"), "odd:1"), Drawn(2, 1.0, WAY)
    engine = Engine((), (Drawn(0, 1.0, WAY), odd, last), CLASSES)
    judged = judge_batch([(Source("a.png", Path("a.png")), np.full(SIZE, 250, np.uint8))], engine, rule)
    assert "segmenter odd:1 answered nan" in str(judged[0].error)
    assert last.asked == []


@settings(max_examples=60)
@given(st.integers(0, 1 << 30), st.integers(1, 3), st.integers(1, 3), st.sampled_from(["mean", "logits", "votes"]))
def test_whatever_the_others_say_a_settled_class_stays_below(seed: int, known: int, more: int, how: Any) -> None:
    random = np.random.default_rng(seed)
    maps = [random.integers(0, random.integers(1, 257), (2, 32, 64), dtype=np.uint8) for _ in range(known)]
    level = int(random.integers(0, 256))
    may = may_exceed(maps, (level, level), how, more=more)
    greatest = [np.full((2, 32, 64), 255, np.uint8)] * more
    combined = combine_maps([*maps, *greatest], [WAY] * (known + more), (50, 90), how)
    assert not (combined[~may] > level).any()
