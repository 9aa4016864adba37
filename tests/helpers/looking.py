"""The viewer, as the page's tests look at it."""

from typing import Any

import cv2
import numpy as np
from httpx import Client
from playwright.sync_api import Page, expect

from steelsight.imaging.rle import decode_runs, parse_runs

VIEWER = "document.querySelector('.stage').viewer"
_MASK = f"""async (number) => {{
  const {{encodeRuns}} = await import("/static/js/lib/rle.js");
  const {{masks, inspection}} = {VIEWER};
  return encodeRuns(masks.get(number), inspection.height, inspection.width);
}}"""
SLIDE = """(slider, value) => { slider.value = value; slider.dispatchEvent(new Event("input", {bubbles: true})); }"""


def look_at(page: Page, one: Any) -> None:
    """Open an inspection of the history in the viewer."""
    page.goto("/#history")
    page.locator(f"[data-id='{one['id']}'] button").click()
    expect(page.get_by_role("dialog").locator(".facts")).to_be_visible()


def mask(page: Page, number: Any, size: Any) -> Any:
    """What the viewer shows of a class: bool (height, width)."""
    return decode_runs(parse_runs(page.evaluate(_MASK, number), size), size)


def picture(client: Client, path: Any, one: Any) -> Any:
    content = client.get(f"/api/v1/inspections/{one['id']}/{path}").content
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
