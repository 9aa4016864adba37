"""The longest files start first, so that no worker of xdist has one of them left at the end; examples have no deadline.

With STEELSIGHT_REAL_IMAGES=required nothing starts where the real images are not at hand.
"""

import pytest
from helpers.data import REAL_IMAGES, SHARED
from helpers.longest import LONGEST
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # a wait for a processor is no fault of the code
settings.load_profile("shared machine")


def pytest_configure() -> None:
    if REAL_IMAGES == "required" and not SHARED.is_dir():
        raise pytest.UsageError(
            f"real images are not at {SHARED}, and STEELSIGHT_REAL_IMAGES=required: name their folder in STEELSIGHT_TEST_DATA"
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
