"""The review view in a real browser: the doubtful first, agree, draw, erase, undo, versions, and the dataset."""

import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.browsing import (
    LOOKS,
    await_requests,
    drag,
    inside,
    needs_chromium,
    on_screen,
    page_of,
    screenshot,
    stroke,
)
from helpers.data import run_cli
from helpers.serving import IMAGES, send, served
from helpers.training_samples import SMALL, sets
from playwright.sync_api import Browser, expect

from steelsight.imaging.rle import decode_runs, parse_runs
from steelsight.station.http.middleware.security import Access
from steelsight.station.people import Person, hash_of
from steelsight.station.queue.incoming import Incoming

pytestmark = needs_chromium
SIZE = (256, 1600)
STRIP = IMAGES[20].name
"""A strip with scuffs and scratches, to be drawn on."""


@pytest.fixture(scope="module")
def client(inspector: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(inspector, tmp_path_factory.mktemp("station")) as (_, spoken):
        assert send(spoken, *IMAGES[:24], timeout=120).status_code == 200
        yield spoken


@pytest.fixture
def page(browser: Browser, client: Any) -> Iterator[Any]:
    with page_of(browser, client.base_url) as opened:
        yield opened


def found(client: Any, **query: Any) -> Any:
    return client.get("/api/v1/inspections", params={"limit": 100, **query}).json()["inspections"]


def open_one(page: Any, client: Any, wanted: Any = lambda one: True) -> Any:
    """Open the most doubtful inspection that nobody has reviewed and that is as wanted; the full inspection."""
    number = next(one["id"] for one in found(client, order="doubt", reviewed=False) if wanted(one))
    page.goto(f"/#review/{number}")
    one = client.get(f"/api/v1/inspections/{number}").json()
    expect(page.locator(".review-head h2")).to_have_text(one["name"])
    expect(page.locator(".drawing [data-class]")).to_have_count(len(one["runs"]))
    return one


def tool(page: Any, name: Any) -> None:
    page.locator(f"[data-tool={name}]").click()
    expect(page.locator(f"[data-tool={name}]")).to_have_attribute("aria-pressed", "true")


def masks(runs: Any) -> Any:
    return {name: decode_runs(parse_runs(text, SIZE), SIZE) for name, text in runs.items()}


def latest(client: Any, number: Any) -> Any:
    return client.get(f"/api/v1/inspections/{number}/reviews").json()["reviews"][-1]


def at(place: Any, points: Any) -> Any:
    """Places in the window that a mouse can take, and where they lie in the image."""
    window = [tuple(map(round, place(*point))) for point in points]
    (x0, y0), (x1, _) = place(0, 0), place(1000, 0)
    return window, [((x - x0) * 1000 / (x1 - x0), (y - y0) * 1000 / (x1 - x0)) for x, y in window]


def save(page: Any, client: Any, one: Any, button: str = "Save correction", word: str = "reject") -> Any:
    page.get_by_label(word, exact=True).check()
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_text("Saved as version")).to_be_visible()
    return latest(client, one["id"])


def test_the_doubtful_come_first_and_keys_agree(page: Any, client: Any) -> None:
    waiting = [one["id"] for one in found(client, order="doubt", reviewed=False)]
    page.goto("/#review")
    entries = page.locator(".queue-list button")
    expect(entries).to_have_count(len(waiting))
    assert [int(entry.get_attribute("data-id")) for entry in entries.all()] == waiting
    first, second = (client.get(f"/api/v1/inspections/{number}").json() for number in waiting[:2])
    expect(page.locator(".review-head h2")).to_have_text(first["name"])
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_enabled()  # the picture comes after the name
    page.keyboard.press("a")
    if first["verdict"] == "review":
        expect(page.get_by_role("alert")).to_contain_text("First choose whether this piece passes")
    page.get_by_label("Reviewer").fill("Ada")
    page.get_by_label("Comment").fill("scale")
    page.locator(".review-stage").click()
    page.keyboard.press("p")
    page.keyboard.press("a")
    expect(page.locator(".review-head h2")).to_have_text(second["name"])
    expect(page.get_by_text(f"{first['name']}: saved as version 1. The next one is shown.")).to_be_visible()
    said = latest(client, first["id"])
    assert (said["agrees"], said["word"], said["reviewer"], said["comment"]) == (True, "pass", "Ada", "scale")
    assert said["runs"] == first["runs"]
    page.keyboard.press("k")
    expect(page.locator(".versions")).to_contain_text("Version 1 pass, masks agreed – Ada")
    page.reload()
    expect(page.get_by_label("Reviewer")).to_have_value("Ada")
    expect(page.locator(".queue-list button").last).to_contain_text("pass, masks agreed – Ada")


def test_the_queue_says_what_its_order_is_and_parts_no_word_from_its_number(page: Any, client: Any) -> None:
    page.goto("/#review")
    expect(page.locator(".queue")).to_contain_text("Most doubtful first: verdict review, then P(defect) near 0.5.")
    expect(page.locator(".queue-list [aria-current=true] .unbroken").first).to_be_visible()
    lines = page.evaluate(
        "[...document.querySelectorAll('.queue-list .unbroken')].map((one) => one.getClientRects().length)"
    )
    assert set(lines) == {1}


def test_without_an_image_there_is_nothing_to_decide(page: Any, client: Any) -> None:
    page.goto("/#review/-1")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".queue-list button").first).to_be_visible()
    expect(page.get_by_role("button", name="Agree", exact=True)).to_have_count(0)  # none that is shown
    page.locator(".queue-list button").first.click()
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_enabled()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_first_image_too_is_agreed_with_when_it_is_there(page: Any, client: Any) -> None:
    first = found(client, order="doubt", reviewed=False)[0]
    held = []
    page.route(f"**/inspections/{first['id']}/image", lambda route: held.append(route))
    page.goto(f"/#review/{first['id']}")
    expect(page.locator(".review-head h2")).to_have_text(first["name"])
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_disabled()
    await_requests(page, held)
    held[0].continue_()
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_enabled()


@pytest.mark.parametrize("comes", [True, False])
def test_nothing_is_said_of_an_image_that_is_not_there_yet(page: Any, client: Any, comes: bool) -> None:
    """The masks on the screen are still those of the image before; where none comes, the inspector's own are agreed with."""
    waiting = found(client, order="doubt", reviewed=False)
    first, second = next(
        (one, other)
        for one, other in pairwise(waiting)
        if one["classes"] != other["classes"] and STRIP not in (one["name"], other["name"])
    )
    page.goto(f"/#review/{first['id']}")
    expect(page.locator(".drawing [data-class]").first).to_be_visible()
    held = []
    page.route(f"**/inspections/{second['id']}/image", lambda route: held.append(route))
    page.keyboard.press("j")
    expect(page.locator(".review-head h2")).to_have_text(second["name"])
    page.keyboard.press("r")
    page.keyboard.press("a")
    expect(page.get_by_text("The image is still loading")).to_be_visible()
    assert client.get(f"/api/v1/inspections/{second['id']}/reviews").json()["reviews"] == []
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_disabled()
    await_requests(page, held)
    if comes:
        held[0].continue_()
    else:
        held[0].fulfill(status=422, json={"detail": "it was lost"})
        expect(page.get_by_text("it was lost")).to_be_visible()
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_enabled()
    expect(page.get_by_text("The image is still loading")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.get_by_text("Saved as version")).to_be_visible()
    said = latest(client, second["id"])
    assert (said["agrees"], said["word"]) == (True, "reject")
    assert said["runs"] == client.get(f"/api/v1/inspections/{second['id']}").json()["runs"]


def test_what_brush_polygon_and_lasso_draw_is_saved_to_the_pixel(page: Any, client: Any) -> None:
    """Around the defects of a strip, as a reviewer would."""
    one = open_one(page, client, lambda one: one["name"] == STRIP)
    names = list(one["runs"])
    number = min(3, len(names))
    page.locator(f"[data-class='{number}']").click()
    place = on_screen(page, SIZE)
    tool(page, "polygon")
    corners_window, corners = at(place, [(1166, 125), (1180, 78), (1256, 72), (1258, 150), (1250, 200), (1192, 204)])
    for corner in [*corners_window, corners_window[0]]:
        page.mouse.click(*corner)
    tool(page, "lasso")
    around_window, around = at(place, [(1320, 4), (1316, 50), (1360, 122), (1424, 70), (1400, 4)])
    drag(page, *around_window)
    tool(page, "brush")
    window, points = at(place, [(1523, 64), (1522, 120), (1523, 184)])
    drag(page, *window)
    page.get_by_label("Reviewer").fill("Ada")
    page.get_by_label("Comment").fill("scuffs and a scratch")
    page.get_by_label("reject", exact=True).check()
    screenshot(page, "review-desktop")
    page.emulate_media(color_scheme="dark")
    screenshot(page, "review-dark")
    said = save(page, client, one)
    assert (said["agrees"], said["word"], said["reviewer"]) == (False, "reject", "Ada")
    before, drawn = masks(one["runs"]), masks(said["runs"])
    shapes = stroke(SIZE, 16, *points) | inside(SIZE, *corners) | inside(SIZE, *around)
    for name in names:
        expected = before[name] | shapes if name == names[number - 1] else before[name]
        assert np.array_equal(drawn[name], expected)


def test_erase_undo_redo_and_a_whole_region_at_once(page: Any, client: Any) -> None:
    one = open_one(page, client, lambda one: len(one["regions"]) > 1)
    place = on_screen(page, SIZE)
    name = max(one["regions"], key=lambda region: region["area"])["class"]
    before = masks(one["runs"])[name]
    page.locator(f"[data-class='{list(one['runs']).index(name) + 1}']").click()
    _, parts = cv2.connectedComponents(before.astype(np.uint8), connectivity=8)
    x, y = deepest(before)
    tool(page, "delete")
    page.mouse.click(*at(place, [(x, y)])[0][0])
    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    expect(undo).to_be_enabled()
    page.keyboard.press("Control+z")
    expect(undo).to_be_disabled()
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_enabled()
    page.keyboard.press("Control+Shift+z")
    expect(redo).to_be_disabled()
    left = before & (parts != parts[int(y), int(x)])
    tool(page, "erase")
    page.keyboard.press("]")
    width = int(page.locator(".brush output").inner_text().split()[0])
    assert width > 16
    window, points = at(place, [deepest(left if left.any() else before), (x, 128), (900, 20)])
    drag(page, *window)
    expected = left & ~stroke(SIZE, width, *points)
    said = save(page, client, one)
    assert np.array_equal(masks(said["runs"])[name], expected)
    assert not expected[before].all()


def deepest(mask: Any) -> Any:
    """A place well inside a mask, as x and y."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return x + 0.5, y + 0.5


def test_a_finger_draws_and_two_move_the_picture(browser: Browser, client: Any) -> None:
    with page_of(browser, client.base_url, **LOOKS["phone"]) as page:
        one = open_one(page, client)
        tool(page, "brush")
        page.locator(".review-stage").scroll_into_view_if_needed()
        window, points = at(on_screen(page, SIZE), [(300, 100), (900, 160)])
        touch = page.context.new_cdp_session(page)

        def fingers(kind: Any, *places: Any) -> None:
            points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        (x, y), (to_x, to_y) = window
        fingers("touchStart", (x, y))
        fingers("touchStart", (x, y), (x + 60, y))
        fingers("touchMove", (x - 10, y), (x + 90, y))
        fingers("touchEnd")
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        page.get_by_role("button", name="Fit").click()
        page.locator(".review-stage").scroll_into_view_if_needed()
        assert at(on_screen(page, SIZE), [(300, 100), (900, 160)])[0] == window
        fingers("touchStart", (x, y))
        fingers("touchMove", (to_x, to_y))
        fingers("touchEnd")
        expect(page.get_by_role("button", name="Undo")).to_be_enabled()
        screenshot(page, "review-phone")
        first = next(iter(one["runs"]))
        drawn = masks(save(page, client, one)["runs"])[first]
        assert np.array_equal(drawn, masks(one["runs"])[first] | stroke(SIZE, 16, *points))


def test_of_two_who_review_at_once_the_later_sees_the_earlier(browser: Browser, client: Any) -> None:
    with page_of(browser, client.base_url) as ada, page_of(browser, client.base_url) as ben:
        one = open_one(ada, client)
        open_one(ben, client)
        place = on_screen(ben, SIZE)
        tool(ben, "polygon")
        window, corners = at(place, [(100, 50), (400, 60), (300, 200)])
        for corner in window:
            ben.mouse.click(*corner)
        ben.locator(".review-stage").press("Enter")
        ada.get_by_label("Reviewer").fill("Ada")
        first = save(ada, client, one, "Agree", "pass")
        assert first["agrees"]
        ben.get_by_label("reject", exact=True).check()
        ben.get_by_role("button", name="Save correction").click()
        expect(ben.get_by_role("alert")).to_contain_text("Version 1 by Ada is shown now")
        expect(ben.locator(".versions .shown")).to_contain_text("Version 1")
        ben.locator("[data-version=own]").click()
        second = save(ben, client, one)
        assert (first["version"], second["version"], second["agrees"]) == (1, 2, False)
        name = next(iter(one["runs"]))
        assert np.array_equal(masks(second["runs"])[name], masks(one["runs"])[name] | inside(SIZE, *corners))


def test_what_another_has_reviewed_is_passed_over_and_shown_so(
    browser: Browser, inspector: Any, tmp_path: Path
) -> None:
    word = {"after_version": 0, "agrees": True, "word": "reject", "reviewer": "Anna", "comment": ""}
    with served(inspector, tmp_path) as (_, spoken), page_of(browser, spoken.base_url) as ben:
        assert send(spoken, *IMAGES[:5], timeout=120).status_code == 200
        first, second, third, fourth, _ = found(spoken, order="doubt")
        ben.clock.install()
        ben.goto("/#review")
        expect(ben.locator(".review-head h2")).to_have_text(first["name"])
        expect(ben.locator(".drawing [data-class]")).to_have_count(2)

        def says_anna(one: Any) -> None:
            spoken.post(f"/api/v1/inspections/{one['id']}/reviews", json=word).raise_for_status()

        says_anna(second)
        ben.get_by_label("reject", exact=True).check()
        ben.get_by_role("button", name="Agree", exact=True).click()
        expect(ben.locator(".review-head h2")).to_have_text(third["name"])
        expect(ben.locator(f".queue [data-id='{second['id']}']")).to_contain_text("Anna")
        says_anna(fourth)
        ben.clock.fast_forward(30_000)
        expect(ben.locator(f".queue [data-id='{fourth['id']}']")).to_contain_text("Anna")
        says_anna(third)
        ben.goto(f"/#review/{third['id']}")
        expect(ben.locator(f".queue [data-id='{third['id']}']")).to_contain_text("Anna")


def test_the_queue_asks_for_no_token_by_itself_and_ends_with_its_view(
    browser: Browser, inspector: Any, tmp_path: Path
) -> None:
    """The form took the place of what somebody was at, and behind it the station was asked on and on."""
    token = "a-token-of-ada-alone"
    ada = Person(name="Ada", role="reviewer", sha256=hash_of(token))
    with served(inspector, tmp_path, Access(people=(ada,))) as (_, spoken), page_of(browser, spoken.base_url) as page:
        spoken.headers["Authorization"] = f"Bearer {token}"
        assert send(spoken, *IMAGES[:3], timeout=120).status_code == 200
        page.clock.install()
        page.goto("/#review")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button").last.click()
        expect(page.locator(".drawing [data-class]")).to_have_count(2)
        page.get_by_label("Comment").fill("scale")
        page.evaluate("sessionStorage.setItem('steelsight-token', 'former')")
        with page.expect_response(lambda answer: answer.status == 401):
            page.clock.fast_forward(30_000)
        page.clock.run_for(1000)
        expect(page.get_by_label("Comment")).to_have_value("scale")
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".login")).to_be_visible()
        asked: list[Any] = []
        page.on("request", lambda request: asked.append(request))
        page.clock.fast_forward(30_000)
        page.clock.run_for(1000)
        page.keyboard.press("Tab")
        page.keyboard.press("k")
        page.wait_for_timeout(300)
        assert asked == []


def draw(page: Any, *points: Any) -> Any:
    """A polygon of the first class; its corners in the image."""
    tool(page, "polygon")
    window, corners = at(on_screen(page, SIZE), points)
    for corner in window:
        page.mouse.click(*corner)
    page.locator(".review-stage").press("Enter")
    expect(page.get_by_role("button", name="Save correction")).to_be_enabled()
    return corners


@pytest.mark.parametrize("away", ["next image", "other view", "save that fails"])
def test_a_drawing_is_not_lost_when_another_image_or_view_is_looked_at(page: Any, client: Any, away: str) -> None:
    one = open_one(page, client)
    corners = draw(page, (100, 50), (400, 60), (300, 200))
    if away == "save that fails":
        refusal = {"status": 422, "json": {"detail": "not now"}}
        page.route("**/reviews", lambda route: route.fulfill(**refusal), times=1)
        page.keyboard.press("r")
        page.keyboard.press("s")
        expect(page.get_by_role("alert")).to_have_text("not now")
    if away == "other view":
        page.goto("/#history")
        expect(page.locator(".inspections")).to_be_visible()
    else:
        page.keyboard.press("j")
        expect(page.locator(".review-head h2")).not_to_have_text(one["name"])
    assert not page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    page.goto(f"/#review/{one['id']}")
    expect(page.get_by_text("What you drew here before is not saved")).to_be_visible()
    page.locator("[data-version=own]").click()
    said = save(page, client, one)
    name = next(iter(one["runs"]))
    assert np.array_equal(masks(said["runs"])[name], masks(one["runs"])[name] | inside(SIZE, *corners))
    assert page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    page.goto(f"/#review/{one['id']}")
    expect(page.locator(".versions .shown")).to_contain_text("Version 1")
    expect(page.locator("[data-version=own]")).to_have_count(0)


@pytest.mark.parametrize("away", ["other image", "other view"])
def test_who_goes_elsewhere_while_a_review_is_saved_stays_there(page: Any, client: Any, away: str) -> None:
    one = open_one(page, client)
    draw(page, (100, 50), (400, 60), (300, 200))
    held = []
    page.route("**/reviews", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.keyboard.press("r")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Save correction")).to_be_disabled()
    await_requests(page, held)
    other = found(client, order="doubt", reviewed=False)[-1]
    if away == "other image":
        page.locator(f".queue-list [data-id='{other['id']}']").click()
        expect(page.locator(".review-head h2")).to_have_text(other["name"])
        expect(page.get_by_role("button", name="Agree", exact=True)).to_be_disabled()
    else:
        page.goto("/#history")
        expect(page.locator(".inspections")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        held[0].continue_()
    if away == "other image":
        expect(page.get_by_text(f"{one['name']}: Saved as version 1.")).to_be_visible()
        draw(page, (700, 50), (900, 60), (800, 200))
    page.wait_for_timeout(500)
    assert page.url.endswith(f"#review/{other['id']}" if away == "other image" else "#history")
    assert len(client.get(f"/api/v1/inspections/{one['id']}/reviews").json()["reviews"]) == 1
    if away == "other image":
        expect(page.locator(".review-head h2")).to_have_text(other["name"])
        expect(page.get_by_role("button", name="Save correction")).to_be_enabled()


def test_a_review_that_stands_is_not_said_to_have_failed(page: Any, client: Any) -> None:
    """Though the corrections cannot be counted anew."""
    one = open_one(page, client)
    refusal = {"status": 422, "json": {"detail": "they cannot be counted"}}
    page.route("**/api/v1/corrections", lambda route: route.fulfill(**refusal))
    save(page, client, one, "Agree", "pass")
    expect(page.locator(".corrections")).to_contain_text("they cannot be counted")
    expect(page.locator(".review-head h2")).not_to_have_text(one["name"])


def test_after_an_image_that_does_not_come_the_one_on_the_screen_can_be_reviewed(page: Any, client: Any) -> None:
    one, other, third = (found(client, order="doubt", reviewed=False)[index] for index in (0, 1, 2))
    page.goto(f"/#review/{one['id']}")
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_enabled()
    held = []
    for number in (other["id"], third["id"]):
        page.route(f"**/inspections/{number}", lambda route: held.append(route))
        page.locator(f".queue-list [data-id='{number}']").click()
    await_requests(page, held, 2)
    for route in held:
        route.fulfill(status=422, json={"detail": "not now"})
    expect(page.get_by_role("alert")).to_have_text("not now")
    save(page, client, one, "Agree", "pass")


def test_the_keys_answer_after_a_click_on_a_word_or_the_brush(page: Any, client: Any) -> None:
    one = open_one(page, client)
    page.get_by_label("pass", exact=True).click()
    page.keyboard.press("r")
    expect(page.get_by_label("reject", exact=True)).to_be_checked()
    page.keyboard.press("b")
    (window, _) = at(on_screen(page, SIZE), [(300, 100), (900, 160)])
    drag(page, *window)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_enabled()
    page.locator(".brush input").click()
    page.keyboard.press("Control+z")
    expect(undo).to_be_disabled()
    page.get_by_label("pass", exact=True).click()
    page.keyboard.press("a")
    expect(page.get_by_text("Saved as version")).to_be_visible()
    assert latest(client, one["id"])["word"] == "pass"


def test_the_queue_is_of_the_verdict_chosen_last_and_keeps_the_focus(page: Any, client: Any) -> None:
    page.goto("/#review")
    entries = page.locator(".queue-list button")
    expect(entries.first).to_be_visible()
    held = []
    page.route("**/inspections?*verdict=reject*", lambda route: held.append(route), times=1)
    verdict = page.get_by_label("Verdicts to review")
    verdict.select_option("reject")
    await_requests(page, held)
    verdict.select_option("pass")
    passed = {one["id"] for one in found(client, verdict="pass")}
    expect(entries).to_have_count(len(passed))
    held[0].continue_()
    page.wait_for_timeout(500)
    assert {int(entry.get_attribute("data-id")) for entry in entries.all()} == passed
    second = entries.nth(1)
    second.focus()
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("button", name="Agree", exact=True)).to_be_enabled()
    expect(second).to_be_focused()


def test_a_file_that_could_not_be_read_can_be_reviewed_again(browser: Browser, inspector: Any, tmp_path: Path) -> None:
    with served(inspector, tmp_path) as (station, spoken), page_of(browser, spoken.base_url) as page:
        broken = Incoming("broken.jpg", b"", "watch", fault="it was cut off")
        number = station.submit(broken).result().id
        for word, version in (("reject", 1), ("pass", 2)):
            page.goto("/#history")
            page.goto(f"/#review/{number}")
            expect(page.locator(".review-head h2")).to_have_text("broken.jpg")
            page.get_by_label(word, exact=True).check()
            page.locator(".decision-form").get_by_role("button", name="Agree").click()
            expect(page.get_by_text(f"Saved as version {version}")).to_be_visible()
            said = latest(spoken, number)
            assert (said["word"], said["agrees"], said["version"]) == (word, True, version)


def test_the_space_bar_moves_the_picture_while_it_is_held_and_nothing_else(page: Any, client: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 420})
    open_one(page, client)
    tool(page, "brush")
    stage = page.locator(".review-stage")
    stage.scroll_into_view_if_needed()
    undo = page.get_by_role("button", name="Undo")
    (window, _) = at(on_screen(page, SIZE), [(300, 100), (900, 160)])
    before = page.evaluate("scrollY")
    stage.focus()
    page.keyboard.down(" ")
    drag(page, *window)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == before
    expect(undo).to_be_disabled()
    page.get_by_label("Comment").focus()
    page.keyboard.up(" ")  # let go elsewhere
    page.get_by_role("button", name="Fit").click()
    stage.scroll_into_view_if_needed()
    drag(page, *at(on_screen(page, SIZE), [(300, 100), (900, 160)])[0])
    expect(undo).to_be_enabled()
    page.keyboard.press("u")


@pytest.mark.parametrize("look", LOOKS)
def test_it_fits_every_screen_whatever_a_reviewer_is_called(browser: Browser, client: Any, look: Any) -> None:
    one = found(client, order="doubt")[0]
    version = one["review"]["version"] if one["review"] else 0
    said = {"after_version": version, "agrees": True, "word": "pass", "reviewer": "R" * 200, "comment": "C" * 900}
    assert client.post(f"/api/v1/inspections/{one['id']}/reviews", json=said).status_code == 200
    with page_of(browser, client.base_url, **LOOKS[look]) as page:
        page.goto(f"/#review/{one['id']}")
        expect(page.locator(".versions")).to_contain_text("R" * 200)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        assert page.evaluate("innerWidth") == LOOKS[look]["viewport"]["width"]


@pytest.mark.slow
def test_the_next_inspector_is_trained_on_the_corrections(page: Any, client: Any, tmp_path: Path) -> None:
    for one in found(client, reviewed=False)[:12]:
        word = "reject" if one["regions"] else "pass"
        said = {"after_version": 0, "agrees": True, "word": word, "runs": None, "reviewer": "Ben", "comment": ""}
        assert client.post(f"/api/v1/inspections/{one['id']}/reviews", json=said).status_code == 200
    page.goto("/#review")
    counted = client.get("/api/v1/corrections").json()
    assert counted["images"] >= 12
    expect(page.locator(".corrections")).to_contain_text(f"a dataset of {counted['images']} images")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download the dataset").click()
    saved.value.save_as(tmp_path / "corrections.zip")
    with zipfile.ZipFile(tmp_path / "corrections.zip") as archive:
        archive.extractall(tmp_path / "corrections")
    small = [change for change in SMALL if ".weights=" not in change]
    done = run_cli(
        "train", tmp_path / "corrections", "--recipe", "demo", "--out", tmp_path / "run", "--device", "cpu",
        *sets(*small, "members.*.keep.last=1", "members.segment-lite0.weights=random", "search.gates=[0.5]",
              "members.*.sampling.least_steps=2", "members.segment-lite0.decoder_channels=[32, 32]"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for member in ("segment-lite0", "classify-lite0"):
        assert len(list((tmp_path / f"run/jobs/{member}").glob("fold*/weights.safetensors"))) == 2
    assert (tmp_path / "run/decision.json").is_file()
    listed = [tmp_path / "run" / name for name in ("samples.csv", "without_masks.csv")]  # rejects without a mask apart
    lines = [path.read_text().count("\n") - 1 for path in listed if path.is_file()]
    assert sum(lines) == counted["images"]


def test_a_reviewer_with_a_name_reviews_under_it_and_takes_nothing_away(
    browser: Browser, inspector: Any, tmp_path: Path
) -> None:
    token = "a-token-of-ada-alone"
    ada = Person(name="Ada", role="reviewer", sha256=hash_of(token))
    with served(inspector, tmp_path, Access(people=(ada,))) as (_, spoken), page_of(browser, spoken.base_url) as page:
        spoken.headers["Authorization"] = f"Bearer {token}"
        number = send(spoken, IMAGES[20]).json()["inspections"][0]["id"]
        page.goto(f"/#review/{number}")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button").last.click()
        expect(page.get_by_label("Reviewer")).to_have_value("Ada")
        expect(page.get_by_label("Reviewer")).to_have_attribute("readonly", "")
        page.get_by_label("reject", exact=True).check()
        page.locator(".decision-form").get_by_role("button", name="Agree").click()
        expect(page.get_by_text("Saved as version 1")).to_be_visible()
        assert latest(spoken, number)["reviewer"] == "Ada"
        expect(page.get_by_text("Download the dataset: for owners")).to_be_visible()
