"""The inspector's card on the page, in a browser."""

from pathlib import Path

from helpers.browsing import needs_chromium, page_of
from helpers.serving import served
from helpers.tiny_inspector import make_inspector
from playwright.sync_api import Browser, expect

from steelsight.inspector.artifact import InspectorCard, read_card, write_card
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.distilled import Distilled

pytestmark = needs_chromium
WAIT = 60_000  # milliseconds: the machine may be busy
NOT_SEEN = "a part of the training images that it did not see"


def test_of_distilled_networks_it_does_not_say_that_they_saw_only_a_part(browser: Browser, tmp_path: Path) -> None:
    folder = make_inspector(tmp_path / "inspector")
    of_folds, distilled = NOT_SEEN, "has learned from the images of all"
    for there, gone in ((of_folds, distilled), (distilled, of_folds)):
        with served(folder, tmp_path / there[:3]) as (_, client), page_of(browser, client.base_url) as page:
            page.goto("/#inspector")
            text = page.locator(".sections > section", has=page.get_by_role("heading", name="Networks", exact=True))
            expect(text).to_contain_text(there, timeout=WAIT)
            expect(text).not_to_contain_text(gone)
        _distil(folder)


def _distil(folder: Path) -> None:
    """Let its card say that its networks are distilled."""
    card = read_card(folder)
    about = Distilled(teachers=6, training=9, unlabelled=0, made_up=0, seconds=1.0, loss=None, not_measured="none")
    origin = dict(card.provenance) | {"evidence": "distilled", "out_of_fold": None, "distilled": about}
    write_card(folder, InspectorCard.model_validate(dict(card) | {"schema_version": 7, "provenance": origin}))
    write_checksums(folder)
