"""The browser and the inspector that the page's tests look at; one of each for a file."""

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.browsing import SHOWN, chromium
from helpers.serving import make_judging_inspector


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tests' own, or the one that screenshots are to show."""
    return SHOWN or make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started
