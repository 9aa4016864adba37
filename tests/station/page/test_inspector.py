"""The inspector's card on the page, in a browser."""

from pathlib import Path

from helpers.browsing import needs_chromium, page_of
from helpers.said_distilled import say_distilled
from helpers.serving import served
from helpers.tiny_inspector import make_inspector
from playwright.sync_api import Browser, expect

from steelsight.inspector.ready import ready_inspector

pytestmark = needs_chromium
WAIT = 60_000  # milliseconds: the machine may be busy
NOT_SEEN = "Each network was trained without its fold"


def test_of_distilled_networks_it_does_not_say_that_they_saw_only_a_part(browser: Browser, tmp_path: Path) -> None:
    folder = make_inspector(tmp_path / "inspector")
    of_folds, distilled = NOT_SEEN, "has learned from the images of all"
    for there, gone in ((of_folds, distilled), (distilled, of_folds)):
        with served(folder, tmp_path / there[:3]) as (_, client), page_of(browser, client.base_url) as page:
            page.goto("/#inspector")
            text = page.locator(".sections > section", has=page.get_by_role("heading", name="Networks", exact=True))
            expect(text).to_contain_text(there, timeout=WAIT)
            expect(text).not_to_contain_text(gone)
        say_distilled(folder)


def test_bounds_come_with_their_confidence_and_one_network_is_not_combined(browser: Browser, tmp_path: Path) -> None:
    """The ready inspector has one network a step, and guaranteed bounds."""
    with served(ready_inspector(), tmp_path) as (_, client), page_of(browser, client.base_url) as page:
        page.goto("/#inspector")
        expect(page.locator(".sections")).to_contain_text("Each bound holds with 95 % confidence", timeout=WAIT)
        expect(page.locator(".sections")).to_contain_text(NOT_SEEN)
        expect(page.locator(".sections")).not_to_contain_text("combined")
