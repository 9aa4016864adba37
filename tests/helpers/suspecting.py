"""Drawn strips as judged by an engine whose masks hold less than what it suspects."""

from typing import Any

from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.policies import make_policy

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import find_sources
from steelsight.imaging.preprocess import Preprocess
from steelsight.rule.rule import Rule

HALF = Preprocess(height=128, width=800)
CLASSES = ("bright", "dark")
RULE = Rule(gate=0.3, upper=(180, 245), lower=(120, 225), min_area=(3000, 900))
POLICY = make_policy(0.2, 0.42, [{"verdict": "reject", "class": "bright", "total_area_above": "20 %"}])
SOURCES = find_sources([str(SAMPLE / "train_images")])[:24]


def engine(batch: int = 4) -> Any:
    return Engine((BrightImage(HALF),), (BrightPixels(HALF),), CLASSES, batch=batch)


def flag(image: Any) -> Any:
    return ("size",) if image.sum() % 3 == 0 else ()


def judged(policy: Any = POLICY, rule: Any = RULE, **options: Any) -> Any:
    return list(judge(SOURCES, engine(), rule, flags=flag, policy=policy, **options))
