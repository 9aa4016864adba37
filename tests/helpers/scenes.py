"""Drawn maps of networks that nobody asks, with a rule: blobs, specks and nothing, at any place."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from helpers.engines import Engine
from hypothesis import strategies as st

from steelsight.cascade.masks import CombinedMaps
from steelsight.imaging.combine import combine_maps
from steelsight.imaging.preprocess import Preprocess
from steelsight.rule.rule import Rule


@dataclass(frozen=True)
class Named:
    """As much of a network as cutting masks asks for."""

    preprocess: Preprocess
    name: str = "drawn:0"

    def probabilities(self, inputs: Any) -> Any:
        raise AssertionError("no network is asked")


@st.composite
def scenes(draw: st.DrawFn) -> Any:
    """Maps of one to three networks, a rule, and what of the image counts: blobs, specks and nothing, at any place."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    size = draw(st.sampled_from([(1, 70), (9, 1), (37, 210), (64, 96), (40, 300)]))
    way = draw(st.sampled_from([Preprocess(height=32, width=96), Preprocess(height=64, width=64, fit="pad")]))
    other = draw(st.sampled_from([way, Preprocess(height=32, width=64)]))
    ways = draw(st.sampled_from([[way], [way, other], [way, way, other]]))
    fineness, top = draw(st.sampled_from([0.4, 1.5, 6.0])), draw(st.integers(1, 255))
    maps = [_drawn(random, way, fineness, top) for way in ways]
    upper = tuple(draw(st.integers(0, 255)) for _ in range(3))
    rule = Rule(
        gate=0.3,
        softness=draw(st.sampled_from([1.0, 2.5])),
        upper=upper,
        lower=tuple(draw(st.integers(0, level)) for level in upper),
        min_area=tuple(draw(st.integers(1, 60)) for _ in upper),
        at="working" if len(set(ways)) == 1 and draw(st.booleans()) else "image",
    )
    counted = random.random(size) < 0.8 if draw(st.booleans()) else None
    return maps, ways, draw(st.sampled_from(["mean", "logits", "votes"])), size, rule, counted


def combined_of(scene: Any, *, keep: bool) -> tuple[CombinedMaps, Any]:
    """What the networks of a scene say together, and the same as plain pixels: (classes, height, width)."""
    maps, ways, combine, size, rule, counted = scene
    engine = Engine((), tuple(map(Named, ways)), ("a", "b", "c"), combine=combine)
    combined = CombinedMaps(np.zeros(size, np.uint8), maps, engine, rule.at, counted=counted, keep=keep)
    return combined, combine_maps(maps, ways, size, combine, rule.at) * (True if counted is None else counted)


def pairs(runs: Any) -> Any:
    return list(zip(runs.starts.tolist(), runs.lengths.tolist(), strict=True))


def _drawn(random: Any, way: Preprocess, fineness: float, top: int) -> Any:
    blurred = cv2.GaussianBlur(random.random((way.height, way.width, 3)).astype(np.float32), (0, 0), fineness)
    spread = (blurred - blurred.min()) / (blurred.max() - blurred.min())
    return (top * spread**3).transpose(2, 0, 1).astype(np.uint8)
