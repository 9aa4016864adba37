"""On the page, an image for which the networks gave no probability is one to be reviewed: seen, explained, drawn on."""

from pathlib import Path

import pytest
from helpers.browsing import needs_chromium, page_of
from helpers.odd_answers import ODD, make_odd_inspector
from helpers.serving import IMAGES, served
from playwright.sync_api import Browser, expect

pytestmark = needs_chromium
WAIT = 60_000  # milliseconds: the machine may be busy
SENTENCE = "the networks gave no probability for this image"


@pytest.mark.parametrize("step", ["classify", "segment"])
def test_it_is_inspected_listed_and_reviewed_as_any_other(step: str, browser: Browser, tmp_path: Path) -> None:
    folder, path = make_odd_inspector(tmp_path / "inspector", step), IMAGES[ODD[0]]
    with served(folder, tmp_path / "data") as (_, client), page_of(browser, client.base_url) as page:
        page.set_default_timeout(WAIT)
        page.goto("/")
        page.locator("#files").set_input_files([path])
        row = page.locator("li.row.review")
        expect(row).to_contain_text(SENTENCE, timeout=WAIT)
        expect(row.locator(".gauge")).to_have_count(
            int(step == "segment"), timeout=WAIT
        )  # a place on the line is a number
        page.goto("/#history")
        listed = page.locator("table.inspections tbody tr")
        expect(listed.locator(".badge")).to_have_text("review", timeout=WAIT)
        expect(listed).to_contain_text(SENTENCE, timeout=WAIT)
        listed.get_by_role("button", name=path.name).click()
        expect(page.locator(".facts .reason")).to_contain_text(SENTENCE, timeout=WAIT)
        page.keyboard.press("Escape")
        page.goto("/#review/1")
        expect(page.locator(".review-head h2", has_text=path.name)).to_be_visible(timeout=WAIT)
        expect(page.locator(".review-stage canvas").first).to_be_visible(timeout=WAIT)
