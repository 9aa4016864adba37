"""A real browser at a real station: Debian's Chromium, driven by playwright."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
REQUIRED = os.environ.get("STEELSIGHT_BROWSER") == "required"
"""Then tests fail where there is no browser, rather than to be skipped."""
needs_chromium = pytest.mark.skipif(CHROMIUM is None and not REQUIRED, reason="no chromium is installed")
SHOTS = os.environ.get("STEELSIGHT_SCREENSHOTS")
"""Folder that screenshots are written to, where given."""
SHOWN = os.environ.get("STEELSIGHT_INSPECTOR")
"""INSPECTOR for them, in place of the tests' own."""
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
}
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 120
"""Seconds that any test waits for what is about to come, a machine that does other work being slow; none waits for less."""
expect.set_options(timeout=1000 * PATIENCE)
_MARGIN = 10  # CSS pixels around a whole image; js/lib/viewport.js


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; whatever a page asks for outside of the station fails."""
    if CHROMIUM is None:
        pytest.fail("no chromium is installed, and STEELSIGHT_BROWSER=required")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_of(browser: Browser, url: Any, **look: Any) -> Iterator[Any]:
    """A page of a new profile; it must have no fault on its console, and ask nobody but the station."""
    context = browser.new_context(base_url=str(url), **(look or LOOKS["desktop"]))
    context.set_default_timeout(1000 * PATIENCE)
    # A browser that begins to hold requests when a page is there may, if it is busy, let the next one pass (Fetch.enable
    # is answered before the page has heard of it): so it holds from the first on, of which none has this address.
    context.route("http://never.invalid/", lambda route: route.abort())
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith((str(url), "blob:")) else faults.append(asked.url))
    try:
        yield page
        # the browser's own notes of what a test asked for
        expected = re.compile("status of 4(01|09|13|22|29)|ERR_INTERNET_DISCONNECTED")
        assert [fault for fault in faults if not expected.search(fault)] == []
    finally:
        context.close()


def screenshot(page: Page, name: Any, *, whole: bool = True) -> None:
    """Written where STEELSIGHT_SCREENSHOTS is given; `whole` is the page with what lies below the window."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)


def await_requests(page: Page, held: Any, count: int = 1) -> None:
    """Until a route has put `count` requests into `held`: a browser on a busy machine sends them a while after the key."""
    deadline = time.monotonic() + PATIENCE
    while len(held) < count:
        if time.monotonic() > deadline:
            pytest.fail(f"{len(held)} of {count} requests came within {PATIENCE} seconds")
        page.wait_for_timeout(50)


def on_screen(page: Page, size: Any) -> Any:
    """The function from places in an image that is shown whole to places in the window; see js/lib/viewport.js."""
    stage = page.locator(".viewer")
    box = stage.bounding_box()
    assert box is not None
    wide, high = stage.evaluate("(element) => [element.clientWidth, element.clientHeight]")  # whole pixels
    height, width = size
    scale = min((wide - 2 * _MARGIN) / width, (high - 2 * _MARGIN) / height, 8)
    left = box["x"] + (wide - width * scale) / 2
    top = box["y"] + (high - height * scale) / 2
    return lambda x, y: (left + x * scale, top + y * scale)


def drag(page: Page, *places: Any) -> None:
    """Press the mouse at the first place, move it over the others, let go at the last."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()


def stroke(size: Any, width: Any, *points: Any) -> Any:
    """What a round brush draws: bool (height, width), pixels whose centre is within half its width of the line."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    drawn = np.zeros(size, bool)
    for (x0, y0), (x1, y1) in pairwise(points):
        along = np.array([x1 - x0, y1 - y0])
        share = np.clip(((x - x0) * along[0] + (y - y0) * along[1]) / max(along @ along, 1e-9), 0, 1)
        drawn |= np.hypot(x - x0 - share * along[0], y - y0 - share * along[1]) <= width / 2
    return drawn


def inside(size: Any, *points: Any) -> Any:
    """Pixels whose centre lies in a polygon, by even and odd crossings to its left."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    odd = np.zeros(size, bool)
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
        if y0 != y1:
            odd ^= ((y0 <= y) != (y1 <= y)) & (x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x)
    return odd
