"""The page in a real browser: drop images, see each result as it comes; with the keyboard, on a phone, in the dark."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.browsing import LOOKS, PATIENCE, await_requests, needs_chromium, page_of, screenshot
from helpers.dropping import drop, finished, inked, rows
from helpers.pictures import turned_jpeg
from helpers.serving import IMAGES, SAMPLES, send, served
from playwright.sync_api import Browser, expect

from steelsight.imaging.read import list_images
from steelsight.inspector.ready import READY
from steelsight.station.http.middleware.security import Access
from steelsight.station.people import Person, hash_of

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def client(inspector: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(inspector, tmp_path_factory.mktemp("station"), max_bytes=400_000) as (_, spoken):
        yield spoken


@pytest.fixture
def page(browser: Browser, client: Any) -> Iterator[Any]:
    with page_of(browser, client.base_url) as opened:
        opened.goto("/")
        yield opened


def test_dropped_images_get_their_results_one_by_one(page: Any, client: Any) -> None:
    drop(page, *((path.name, path.read_bytes()) for path in IMAGES[:6]))
    finished(page, 6)
    logged = client.get("/api/v1/inspections", params={"limit": 6}).json()["inspections"]
    by_name = {one["name"]: one for one in logged}
    assert {one["door"] for one in logged} == {"page"}
    for index, path in enumerate(IMAGES[:6]):
        said, row = by_name[path.name], rows(page).nth(index)
        expect(row.locator(".name")).to_have_text(path.name)
        expect(row.locator(".badge")).to_have_text(said["verdict"])
        expect(row.locator(".reason")).to_have_text(said["reason"])
        assert inked(page, index) == (any(said["classes"].values()) or bool(said["suspected"]))
    assert any(any(said["classes"].values()) for said in logged)
    # results stay as long as the page: a canvas for each of thousands would fill the memory
    expect(page.locator(".results canvas")).to_have_count(0)


def test_the_sample_with_one_click(page: Any) -> None:
    page.get_by_role("button", name="Try the sample").click()
    finished(page, len(list_images(SAMPLES)))
    expect(page.locator(".tally")).to_contain_text(f"{len(list_images(SAMPLES))} images")
    screenshot(page, "station-inspect")


def test_a_key_that_is_held_acts_once(page: Any) -> None:
    """It repeats itself thirty times a second, and each time the sample would go into the log."""
    button = page.get_by_role("button", name="Try the sample")
    expect(button).to_be_visible()
    for how, key in enumerate(["s", "Enter"], start=1):
        if key == "Enter":
            button.focus()
        for _ in range(5):
            page.keyboard.down(key)
        page.keyboard.up(key)
        finished(page, how * len(list_images(SAMPLES)))
    for _ in range(3):
        page.keyboard.down("j")  # what only moves may repeat
    expect(rows(page).nth(2).get_by_role("button")).to_be_focused()


def test_an_address_inspects_the_sample_at_once_and_a_reload_does_not(page: Any) -> None:
    """That of `steelsight demo`."""
    page.goto(
        "about:blank"
    )  # else the address would change on a page that is there, and begin before it is loaded anew
    page.goto("/#inspect/try")
    finished(page, len(list_images(SAMPLES)))
    assert page.evaluate("location.hash") == "#inspect"
    page.reload()
    expect(page.get_by_role("button", name="Try the sample")).to_be_visible()
    expect(page.locator(".results li")).to_have_count(0)


def test_what_cannot_be_inspected_says_so_beside_its_name(page: Any) -> None:
    drop(
        page,
        ("notes.jpg", b"no image at all"),
        ("large.png", bytes(500_000)),
        ("<img src=x onerror=alert(1)>.jpg", IMAGES[0].read_bytes()),
    )
    finished(page, 3)
    expect(rows(page).nth(0)).to_contain_text("text, beginning 'no image at all'")
    expect(rows(page).nth(1)).to_contain_text("this station takes up to")
    expect(rows(page).nth(2).locator(".name")).to_have_text("<img src=x onerror=alert(1)>.jpg")
    expect(rows(page).nth(2).locator(".badge")).to_have_text(re.compile("pass|review|reject"))


def test_the_newest_stand_first_and_what_failed_is_one_click_away(page: Any) -> None:
    drop(page, ("old.jpg", IMAGES[0].read_bytes()), ("notes.jpg", b"no image at all"))
    finished(page, 2)
    drop(page, *((f"new{number}.jpg", path.read_bytes()) for number, path in enumerate(IMAGES[:12])))
    finished(page, 14)
    expect(rows(page).first.locator(".name")).to_have_text("new0.jpg")
    failed = page.locator(".results > li.failed")
    expect(failed).not_to_be_in_viewport()
    page.get_by_role("button", name="1 not inspected").click()
    expect(failed).to_be_in_viewport()


def test_flags_and_what_the_colours_mean_stand_in_the_list(page: Any, client: Any) -> None:
    drop(page, *((path.name, path.read_bytes()) for path in IMAGES[:6]))
    finished(page, 6)
    logged = client.get("/api/v1/inspections", params={"limit": 6}).json()["inspections"]
    flagged = {one["name"]: one["flags"] for one in logged if one["flags"]}
    assert flagged
    for name, flags in flagged.items():
        row = page.locator(".results > li", has_text=name)
        expect(row.locator(".flag").first).to_have_text(f"unusual: {', '.join(flags)}")
    expect(page.locator(".gauge-key").first).to_contain_text("passes up to 0.20")


def test_who_loads_the_page_anew_is_told_where_the_results_are(page: Any) -> None:
    drop(page, (IMAGES[0].name, IMAGES[0].read_bytes()))
    finished(page, 1)
    page.reload()
    expect(page.get_by_text("which empties its list")).to_be_visible()
    page.get_by_role("link", name="history", exact=True).click()
    expect(page.locator(".inspections")).to_contain_text(IMAGES[0].name)


def test_a_station_that_is_gone_is_told_in_our_words_in_every_view(page: Any) -> None:
    expect(page.locator(".drop")).to_be_visible()
    page.wait_for_load_state("networkidle")
    for view in ("history", "review"):
        page.context.set_offline(True)
        page.evaluate("(view) => { location.hash = view; }", view)
        expect(page.locator("main")).to_contain_text("The station does not answer")
        for name in ("Older", "More"):  # of what?
            expect(page.get_by_role("button", name=name)).to_be_hidden()
        expect(page.locator(".queue-list:visible, .corrections:visible")).to_have_count(0)
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("main")).not_to_contain_text("The station does not answer")
        expect(
            page.get_by_role("link", name="Drop images, or try the sample").or_(page.locator("[data-id]")).first
        ).to_be_visible()


def test_a_phone_is_not_asked_to_drop_and_has_no_gap_for_a_missing_picture(browser: Browser, client: Any) -> None:
    with page_of(browser, client.base_url, **LOOKS["phone"]) as page:
        page.goto("/#inspect")
        expect(page.get_by_role("heading", name="Images of steel")).to_be_visible()
        drop(page, ("notes.jpg", b"no image at all"))
        finished(page, 1)
        expect(page.locator(".failed .reason")).to_contain_text("no image at all")
        expect(page.locator(".failed .thumb")).to_be_hidden()


def test_an_empty_history_and_an_empty_queue_lead_somewhere(browser: Browser, inspector: Any, tmp_path: Path) -> None:
    with served(inspector, tmp_path) as (_, spoken), page_of(browser, spoken.base_url) as page:
        for view in ("history", "review"):
            page.goto(f"/#{view}")
            page.get_by_role("link", name="Drop images, or try the sample").click()
            expect(page.locator(".drop")).to_be_visible()
        page.goto("/#history")
        page.get_by_label("Name").fill("no such image")
        page.get_by_role("button", name="Clear the filters").click()
        expect(page.get_by_label("Name")).to_have_value("")


def test_a_camera_that_was_turned_is_shown_as_it_is_inspected(page: Any) -> None:
    """An EXIF orientation, here a quarter turn: browser and inspector follow it alike."""
    drop(page, ("turned.jpg", turned_jpeg(IMAGES[0].read_bytes(), 6)))
    finished(page, 1)
    size = "(shown) => [shown.naturalWidth, shown.naturalHeight]"
    width, height = page.locator(".results img.thumb").evaluate(size)
    assert height > 6 * width  # 256 x 1600


def test_what_is_lost_from_a_dropped_folder_costs_itself_alone(page: Any) -> None:
    """A link that leads nowhere, or a folder that may not be opened."""
    expect(page.locator(".drop")).to_be_visible()
    named = page.evaluate("""async () => {
      const {droppedFiles} = await import("/static/js/inspect/dropped_files.js");
      const gone = (_, failed) => failed(new Error("it is gone"));
      const file = (name) => ({isFile: true, name, file: (found) => found(new File([name], name))});
      const folder = (name, ...children) => ({
        isDirectory: true, name, createReader: () => ({readEntries: (found) => found(children.splice(0))}),
      });
      const lost = {isFile: true, name: "b.jpg", file: gone};
      const closed = {isDirectory: true, name: "closed", createReader: () => ({readEntries: gone})};
      const entries = [folder("coil", file("c.jpg"), lost, folder("d", closed)), file("e.jpg")];
      const given = await droppedFiles({items: entries.map((entry) => ({webkitGetAsEntry: () => entry})), files: []});
      return Promise.all(given.map(async ({name, file}) => {
        try { return [name, (await file()).name]; } catch (error) { return [name, error.message]; }
      }));
    }""")
    assert named == [["b.jpg", "it is gone"], ["c.jpg", "c.jpg"], ["closed", "it is gone"], ["e.jpg", "e.jpg"]]


def test_a_network_that_is_away_for_a_while_does_not_cost_all_that_waits(page: Any) -> None:
    expect(page.locator(".drop")).to_be_visible()
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))  # the page sends again after 5 seconds of this clock
    page.context.set_offline(True)
    drop(page, *((path.name, path.read_bytes()) for path in IMAGES[:10]))
    failed = page.locator(".results > li.failed")
    deadline = time.monotonic() + PATIENCE
    while failed.count() < 4 and time.monotonic() < deadline:
        page.clock.run_for(1)
        page.wait_for_timeout(100)
    for _ in range(24):  # two minutes, in which the page looks again and again
        page.clock.run_for(5000)
        page.wait_for_timeout(50)
    expect(failed).to_have_count(4)
    expect(page.locator(".tally")).to_contain_text("what waits is sent when it can")
    closes = "dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert not page.evaluate(closes)  # the browser asks first
    page.context.set_offline(False)
    page.clock.resume()
    finished(page, 10)
    assert page.evaluate(closes)
    expect(failed).to_have_count(4)
    failed.first.get_by_role("button", name="Try again").click()
    finished(page, 10)
    page.get_by_role("button", name="Try all again").click()
    finished(page, 10)
    expect(failed).to_have_count(0)


def test_a_file_that_is_dropped_in_another_view_does_not_replace_the_page(page: Any) -> None:
    """As browsers do with what nothing takes: all results, and what is under way, would be gone."""
    page.goto("/#history")
    expect(page.locator(".inspections")).to_be_visible()
    for kind in ("dragover", "drop"):
        replaced = page.evaluate(
            """(kind) => {
              const dataTransfer = new DataTransfer();
              dataTransfer.items.add(new File(["x"], "a.jpg"));
              const dropped = new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true});
              return document.querySelector(".inspections").dispatchEvent(dropped);
            }""",
            kind,
        )
        assert not replaced


def test_another_inspector_in_the_station_is_known_to_a_page_that_is_open(page: Any, client: Any) -> None:
    """As after `decide` or `export` and a restart."""
    card = client.get("/api/v1/inspector").json()
    before = {**card, "fingerprint": "0" * 64, "policy": {**card["policy"], "pass_at": 0.5}}

    def begin_before(view: str) -> None:
        page.route("**/api/v1/inspector", lambda route: route.fulfill(json=before))
        page.goto("about:blank")
        page.goto(f"/#{view}")
        expect(page.locator("#station")).not_to_be_empty()
        expect(page.locator(".view")).to_be_visible()
        page.unroute("**/api/v1/inspector")

    told = page.locator(".notice", has_text="Another inspector is at work in this station now")
    begin_before("inspect")
    drop(page, *((path.name, path.read_bytes()) for path in IMAGES[:3]))
    finished(page, 3)
    expect(page.locator(".tally .gauge-key")).to_contain_text("passes up to 0.20")
    expect(told).to_have_count(1)
    rows(page).first.get_by_role("button").click()
    expect(page.locator(".sheet .slider input:enabled").first).to_be_visible()
    page.keyboard.press("Escape")
    page.goto("/#inspector")
    expect(page.locator("code").first).to_have_text(card["fingerprint"])
    expect(told).to_have_count(0)  # once is enough
    begin_before("inspector")
    expect(page.locator("code").first).to_have_text(before["fingerprint"])
    page.goto("/#history")
    expect(told).to_be_visible()
    page.locator(".inspections th button").first.click()
    expect(page.locator(".sheet .slider input:enabled").first).to_be_visible()


def test_with_the_keyboard_alone(page: Any) -> None:
    page.on("filechooser", lambda chooser: chooser.set_files(IMAGES[:3]))
    expect(page.locator(".drop")).to_be_visible()
    page.keyboard.press("c")
    finished(page, 3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading", level=2)).to_contain_text(IMAGES[1].name)
    page.keyboard.press("j")
    expect(sheet.get_by_role("heading", level=2)).to_contain_text(IMAGES[2].name)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(rows(page).nth(2).get_by_role("button")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("open the result in the viewer")
    page.keyboard.press("Escape")


def test_the_ready_inspector_says_that_it_knows_made_up_steel_only(browser: Browser, page: Any, tmp_path: Path) -> None:
    told = "knows made-up steel only"
    with served(READY, tmp_path) as (_, spoken), page_of(browser, spoken.base_url) as demo:
        for view in ("inspect", "inspector"):
            demo.goto(f"/#{view}")
            expect(demo.locator(".notice", has_text=told)).to_be_visible()
    for view in ("inspect", "inspector"):
        page.goto(f"/#{view}")
        expect(page.locator(".drop" if view == "inspect" else ".sections")).to_be_visible()
        expect(page.locator(".notice", has_text=told)).to_have_count(0)


def test_a_phone_shows_the_whole_name_of_an_image(browser: Browser, client: Any) -> None:
    with page_of(browser, client.base_url, **LOOKS["phone"]) as page:
        page.goto("/")
        drop(page, ("coil00007_000031.jpg", IMAGES[0].read_bytes()), ("b.jpg", IMAGES[1].read_bytes()))
        finished(page, 2)
        page.locator(".result").first.click()
        name = page.locator(".sheet h2 .name")
        expect(name).to_have_text("coil00007_000031.jpg")
        hidden = "e => Math.max(e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight)"
        assert name.evaluate(hidden) <= 1
        screenshot(page, "viewer-phone", whole=False)


@pytest.mark.parametrize("look", ["phone", "dark"])
def test_on_a_phone_and_in_the_dark(browser: Browser, client: Any, look: str) -> None:
    with page_of(browser, client.base_url, **LOOKS[look]) as page:
        page.goto("/")
        page.get_by_role("button", name="Try the sample").click()
        finished(page, len(list_images(SAMPLES)))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
        background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        darkness = sum(map(int, re.findall(r"\d+", background)[:3])) < 3 * 128
        assert darkness == (look == "dark")
        screenshot(page, f"station-{look}", whole=False)


def test_a_full_station_is_waited_for(browser: Browser, inspector: Any, tmp_path: Path) -> None:
    with served(inspector, tmp_path, queue=1) as (_, spoken), page_of(browser, spoken.base_url) as page:
        page.goto("/")
        drop(page, *((path.name, path.read_bytes()) for path in IMAGES[:3]))
        expect(page.locator(".results > li .badge")).to_have_count(3)
        expect(page.locator(".results > li.failed")).to_have_count(0)
        assert len(spoken.get("/api/v1/inspections").json()["inspections"]) == 3


def test_a_station_with_a_token_asks_for_it(browser: Browser, inspector: Any, tmp_path: Path) -> None:
    with served(inspector, tmp_path, Access("open sesame")) as (_, spoken), page_of(browser, spoken.base_url) as page:
        assert send(spoken, IMAGES[0]).status_code == 401
        page.goto("/")
        page.get_by_label("Token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("token")
        page.get_by_label("Token").fill("open sesame")
        page.keyboard.press("Enter")
        drop(page, (IMAGES[0].name, IMAGES[0].read_bytes()))
        finished(page, 1)
        rows(page).first.get_by_role("button").click()
        expect(page.get_by_role("dialog").locator(".facts")).to_be_visible()


def test_who_signs_out_leaves_no_token_behind(browser: Browser, inspector: Any, page: Any, tmp_path: Path) -> None:
    expect(page.locator("#station")).to_have_text("line 2")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    anna = Person(name="Anna", role="operator", sha256=hash_of("a-token-of-anna-alone"))
    access = Access(people=(anna,))
    with served(inspector, tmp_path, access) as (_, spoken), page_of(browser, spoken.base_url) as opened:
        opened.goto("/")
        opened.get_by_label("Token").fill("a-token-of-anna-alone")
        opened.keyboard.press("Enter")
        expect(opened.locator("#station")).to_have_text("Anna at line 2")
        opened.reload()
        expect(opened.locator(".drop")).to_be_visible()
        opened.get_by_role("button", name="Sign out").click()
        expect(opened.get_by_label("Token")).to_be_visible()
        expect(opened.get_by_role("button", name="Sign out")).to_be_hidden()
        assert opened.evaluate("sessionStorage.getItem('steelsight-token')") is None


def test_a_token_that_changes_costs_neither_what_waits_nor_what_is_typed(
    browser: Browser, inspector: Any, tmp_path: Path
) -> None:
    with served(inspector, tmp_path, Access("open sesame")) as (_, spoken), page_of(browser, spoken.base_url) as page:
        page.goto("/")
        token = page.get_by_label("Token")
        token.fill("\u201copen sesame\u201d")  # as a mail may have it; no header can hold it
        page.keyboard.press("Enter")
        expect(page.locator(".login")).to_contain_text("letters")
        token.fill("open sesame")
        page.keyboard.press("Enter")
        expect(page.locator(".drop")).to_be_visible()
        held: list[Any] = []
        page.route("**/inspections?door=page", lambda route: held.append(route) if len(held) < 4 else route.continue_())
        drop(page, *((path.name, path.read_bytes()) for path in IMAGES[:8]))
        await_requests(page, held, 4)
        held[0].fulfill(status=401, json={"detail": "this station needs its token"})
        token.fill("open")
        held[1].fulfill(status=401, json={"detail": "this station needs its token"})
        page.wait_for_timeout(300)
        expect(token).to_have_value("open")
        token.fill("open sesame ")
        page.keyboard.press("Enter")
        expect(page.locator(".results")).to_be_visible()
        for route in held[2:]:
            route.fulfill(status=401, json={"detail": "this station needs its token"})
        finished(page, 8)
        expect(page.locator(".results > li.failed")).to_have_count(0)
        assert (
            len(
                spoken.get("/api/v1/inspections", headers={"Authorization": "Bearer open sesame"}).json()["inspections"]
            )
            == 8
        )
