"""A run that `steelsight.train` has made of twelve images, by networks that learn nothing."""

from pathlib import Path

import pytest
from helpers.made_once import made_once
from helpers.training_samples import SMALL, few_images

import steelsight
from steelsight import Limits, Run

CHANGES = [
    *SMALL,
    "members.*.keep.last=1",
    "members.segment-lite0.decoder_channels=[16, 16, 8, 8, 8]",
    "search.gates=[0, 0.5]",
    "search.area_ratio=2",
    "search.softness=[]",
]
"""Seconds of training, and a rule that is quick to search."""
WIDE = Limits(max_escape=0.6, max_overkill=0.6, confidence=0.6)


def trained_once(factory: pytest.TempPathFactory) -> Run:
    """Made once; not to be changed."""
    return made_once(factory, "trained-run", _train)


def _train(folder: Path) -> Run:
    return steelsight.train(
        few_images(folder / "data"),
        recipe="lite",
        overrides=CHANGES,
        out=folder / "run",
        limits=WIDE,
        device="cpu",
        parallel=1,
    )
