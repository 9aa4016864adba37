"""The history view in a real browser: filters, paging, counts, score drift, and the viewer."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet
import pytest
from helpers.browsing import LOOKS, SHOWN, await_requests, needs_chromium, page_of, screenshot
from helpers.data import SAMPLE
from helpers.serving import IMAGES, make_judging_inspector, send, served
from helpers.tiny_inspector import STRETCHED, by_hand
from playwright.sync_api import Browser, expect

from steelsight.dataset.read import read_dataset
from steelsight.imaging.read import read_image
from steelsight.inspector.checksums import write_checksums
from steelsight.station.http.middleware.security import Access
from steelsight.station.log.query import Query
from steelsight.station.writers import note_writer
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import write_evaluation_set

pytestmark = needs_chromium
PAGE = 25  # rows; js/history/history.js
PLACES = "pair => [...pair.querySelectorAll('input')].map(one => one.getBoundingClientRect()).map(({x, y}) => ({x, y}))"
KINDS = ("pass", "review", "reject", "none", "unreadable", "flagged")


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An inspector that carries what it was tested on: the sample, with its own scores and the sample's truth."""
    folder = make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")
    samples = read_dataset(SAMPLE, decode=False).samples
    scores = [by_hand("classify", STRETCHED.to_input(read_image(one.path))[None])[0] for one in samples]
    number = np.arange(len(samples))
    tested = EvaluationSet(
        kind="calibrated",
        classes=("bright", "dark"),
        image_ids=tuple(one.image_id for one in samples),
        folds=0 * number,
        groups=number,
        sizes=np.array([one.size for one in samples]),
        p_defect=np.array(scores, np.float64),
        truth=np.array([[one.is_defective, 0] for one in samples], np.int64),
        regions=((),) * len(samples),
    )
    write_evaluation_set(folder, tested)
    write_checksums(folder)
    return folder


@pytest.fixture(scope="module")
def client(tested: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(SHOWN or tested, tmp_path_factory.mktemp("station"), max_files=64) as (_, spoken):
        assert send(spoken, *IMAGES[:52], timeout=120).status_code == 200
        assert send(spoken, *IMAGES[52:54], door="page").status_code == 200
        yield spoken


@pytest.fixture
def page(browser: Browser, client: Any) -> Iterator[Any]:
    with page_of(browser, client.base_url) as opened:
        opened.goto("/#history")
        yield opened


def names(client: Any, **query: Any) -> Any:
    found = client.get("/api/v1/inspections", params={"limit": 100, **query}).json()["inspections"]
    return [one["name"] for one in found]


def rows(page: Any, expected: Any) -> None:
    expect(page.locator(".inspections tbody th")).to_have_text(expected)


def test_filters_and_pages_show_what_the_log_finds(page: Any, client: Any) -> None:
    newest = names(client)
    rows(page, newest[:PAGE])
    older = page.get_by_role("button", name="Older")
    older.click()
    rows(page, newest[: 2 * PAGE])
    older.click()
    rows(page, newest)
    expect(older).to_be_hidden()
    page.get_by_label("Name").fill("00")
    rows(page, names(client, name="00"))
    page.get_by_label("Name").fill("")
    page.get_by_label("reject", exact=True).check()
    page.get_by_label("Order").select_option("doubt")
    rejected = names(client, verdict="reject", order="doubt")
    assert 0 < len(rejected) < len(newest)
    rows(page, rejected[:PAGE])
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    table = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8"))))
    assert sorted(row["name"] for row in table) == sorted(rejected)
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Channel").select_option("page")
    rows(page, names(client, door="page"))
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("To", exact=True).fill("2020-12-31")
    expect(page.get_by_text("No entry matches.")).to_be_visible()
    expect(page.get_by_text("Nothing was inspected on the chosen dates.")).to_be_visible()


def test_a_row_says_what_the_reason_says(page: Any, client: Any) -> None:
    one = client.get("/api/v1/inspections", params={"limit": 1}).json()["inspections"][0]
    row = page.locator(".inspections tbody tr").first
    expect(row.locator("[data-label='P(defect)']")).to_have_text(re.compile(rf"^[<>]? ?{one['p_defect']:.2f}$"))
    expect(row.locator("[data-label=Channel]")).to_have_text({"page": "page", "http": "HTTP"}[one["door"]])


def test_of_several_stations_each_line_is_told_apart(browser: Browser, page: Any, tested: Any, tmp_path: Path) -> None:
    expect(page.locator(".inspections tbody tr").first).to_be_visible()
    for alone in (page.locator("select[name=station]"), page.get_by_role("columnheader", name="Station")):
        expect(alone).to_be_hidden()
    with served(tested, tmp_path) as (station, spoken), page_of(browser, spoken.base_url) as opened:
        note_writer(tmp_path, "line 1")
        assert send(spoken, *IMAGES[:2]).status_code == 200
        one = station.log.find(Query(limit=1)).inspections[0].result
        station.log.add([replace(one, station="line 1", name="other.jpg")])
        opened.goto("/#history")
        lines = opened.locator(".inspections tbody tr")
        expect(lines.locator("[data-label=Station]")).to_have_text(["line 1", "line 2", "line 2"])
        heading = opened.get_by_role("heading", name="Counts over time")
        expect(heading).to_have_text("Counts over time: all 2 stations")
        expect(opened.get_by_role("img", name="Verdicts of 3 images")).to_be_visible()
        opened.locator("select[name=station]").select_option("line 1")
        expect(lines).to_have_count(1)
        expect(heading).to_have_text("Counts over time: line 1")
        expect(opened.get_by_role("img", name="Verdicts of 1 image in the last 30 days, line 1")).to_be_visible()
        with opened.expect_download() as saved:
            opened.get_by_role("link", name="CSV").click()
        assert len(Path(saved.value.path()).read_text().splitlines()) == 2
        opened.get_by_role("button", name="other.jpg").click()
        expect(opened.locator(".facts")).to_contain_text("line 1")


def test_from_and_to_stand_side_by_side(browser: Browser, client: Any) -> None:
    for width in (1440, 1280, 390):
        with page_of(browser, client.base_url, viewport={"width": width, "height": 900}) as page:
            page.goto("/#history")
            expect(page.get_by_label("To", exact=True)).to_be_visible()
            # at one moment: what loads above moves both
            since, until = page.locator(".pair").evaluate(PLACES)
            assert abs(since["y"] - until["y"]) < 2
            assert since["x"] < until["x"]


def test_counts_are_those_of_the_log_and_images_open_in_the_viewer(page: Any, client: Any) -> None:
    totals = client.get("/api/v1/statistics").json()["totals"]
    figure = page.locator(".chart-figure", has_text="Verdicts of 54 images")
    for verdict in ("pass", "review", "reject"):
        expect(figure.locator(".legend")).to_contain_text(f"({totals[verdict]})")
    bars = page.locator(".chart-figure").first
    expect(bars.get_by_role("img", name="Images per hour")).to_be_visible()
    bars.get_by_text("As a table").click()
    counted = [int(cell) for cell in bars.locator("tbody td").all_inner_texts()]
    assert sum(counted) == 54
    first, second = names(client)[:2]
    page.get_by_role("button", name=first).click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text(first)
    page.keyboard.press("j")
    expect(sheet.locator(".name")).to_have_text(second)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_an_image_that_cannot_be_shown_does_not_leave_the_picture_before_it(page: Any, client: Any) -> None:
    """Else one image's pixels would stand under another's name and verdict."""
    first, second = client.get("/api/v1/inspections", params={"limit": 2}).json()["inspections"]
    page.route(f"**/inspections/{second['id']}/image", lambda route: route.fulfill(status=422, json={"detail": "gone"}))
    page.get_by_role("button", name=first["name"]).click()
    sheet = page.get_by_role("dialog")
    facts = sheet.locator(".facts dd").last
    expect(facts).to_have_text(str(first["id"]))
    page.keyboard.press("j")
    expect(sheet.get_by_role("alert")).to_have_text("gone")
    expect(sheet.locator(".name")).to_have_text(second["name"])
    expect(facts).to_have_text(str(second["id"]))
    assert not inked(page)
    page.keyboard.press("+")
    page.keyboard.press("h")
    page.keyboard.press("1")
    page.keyboard.press("r")
    page.locator(".viewer-canvas").hover()
    assert not inked(page)
    page.keyboard.press("k")
    expect(facts).to_have_text(str(first["id"]))
    assert inked(page)


def test_a_row_stays_where_it_came(browser: Browser, client: Any) -> None:
    """However late the charts above it are: who presses on a row must not let go of the button on another."""
    with page_of(browser, client.base_url) as page:
        held: list[Any] = []
        for late in ("**/statistics?*", "**/drift*"):
            page.route(late, lambda route: held.append(route) if len(held) < 2 else route.continue_())
        page.add_init_script(_FIRST_PLACE)
        with page.expect_response("**/inspections?*"):
            page.goto("/#history")
        await_requests(page, held, 2)
        for route in held:
            route.continue_()
        expect(page.get_by_role("img", name="Verdicts of 54 images")).to_be_visible()
        expect(page.locator(".curve-line")).to_have_count(1)
        row = page.locator(".inspections tbody tr").first
        expect(row).to_be_visible()
        assert page.evaluate("window.firstPlace") == row.evaluate("(row) => row.getBoundingClientRect().top + scrollY")


_FIRST_PLACE = """new MutationObserver(() => {
  const row = document.querySelector(".inspections tbody tr");
  if (row) window.firstPlace ??= row.getBoundingClientRect().top + scrollY;
}).observe(document, {childList: true, subtree: true})"""


def inked(page: Any) -> Any:
    """Whether the viewer shows anything."""
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    return page.locator(".viewer-canvas").evaluate(
        """(canvas) => {
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value) => value);
        }"""
    )


def test_asked_twice_for_older_ones_each_comes_once(page: Any, client: Any) -> None:
    newest = names(client)
    rows(page, newest[:PAGE])
    held = []
    page.route("**/inspections?*cursor=*", lambda route: held.append(route), times=2)
    page.keyboard.press("o")
    page.keyboard.press("o")
    await_requests(page, held, 2)
    for route in held:
        route.continue_()
    rows(page, newest[: 2 * PAGE])
    page.keyboard.press("o")
    rows(page, newest)
    page.keyboard.press("o")  # though there are none
    page.wait_for_timeout(300)
    rows(page, newest)


def test_counts_are_of_the_dates_chosen_last_whatever_answer_comes_last(page: Any) -> None:
    all_of_them = page.get_by_role("img", name="Verdicts of 54 images")
    expect(all_of_them).to_be_visible()
    held = []
    page.route("**/statistics?*until=2021-01-01*", lambda route: held.append(route))
    until = page.get_by_label("To", exact=True)
    with page.expect_request("**/statistics?*until=2021-01-01*") as asked:
        until.fill("2020-12-31")
    assert "since" not in asked.value.url  # the last 30 days would end after they begin
    await_requests(page, held)
    with page.expect_response("**/statistics?*since=*per=hour*"):  # the last that is asked for
        until.fill("")
    expect(all_of_them).to_be_visible()
    held[0].fulfill(
        json={"buckets": [], "totals": dict.fromkeys(KINDS, 0), "reviewed": 0, "waiting": 0, "stations": []}
    )
    page.wait_for_timeout(200)
    expect(all_of_them).to_be_visible()


def test_the_curves_of_the_score_drift_are_those_measured(page: Any, client: Any) -> None:
    drift = client.get("/api/v1/drift").json()
    assert drift["known"]
    assert not drift["alarm"]
    panel = page.locator(".chart-figure", has_text="and of the test images")
    expect(panel.get_by_role("img", name=f"last {drift['images']} images")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    points = panel.locator(".curve-line").get_attribute("points").split()
    heights = [float(point.split(",")[1]) for point in points]
    assert np.allclose([(heights[0] - y) / (heights[0] - heights[-1]) for y in heights[1:]], drift["line"], atol=0.001)


def test_an_alarm_stands_first_in_words(browser: Browser, tested: Any, tmp_path: Path) -> None:
    """A line whose every strip is about as bright as the classifier's threshold, which hardly a tested image was."""
    draw = np.random.default_rng(0)
    paths = []
    for path in IMAGES[:50]:
        parts = np.split(read_image(path)[:64].astype(np.float64), 10, axis=1)
        part = max(parts, key=np.mean)  # not of the black beside the steel, which no factor makes as bright
        part *= 255 * draw.normal(0.33, 0.005) / part.mean()
        paths.append(tmp_path / f"{path.stem}.png")
        cv2.imwrite(str(paths[-1]), np.clip(part, 0, 255).astype(np.uint8))
    with served(tested, tmp_path / "data", max_files=64) as (_, spoken):
        assert send(spoken, *paths).status_code == 200
        drift = spoken.get("/api/v1/drift").json()
        assert drift["alarm"], drift["sentence"]
        with page_of(browser, spoken.base_url) as page:
            page.goto("/#history")
            expect(page.get_by_role("alert")).to_have_text(f"Score drift: {drift['sentence']}")
            screenshot(page, "history-alarm")


def test_with_a_token_files_are_fetched_with_it(browser: Browser, tested: Any, tmp_path: Path) -> None:
    token = "a-token-of-this-test-alone"
    with served(tested, tmp_path / "data", Access(token)) as (_, spoken):
        assert send(spoken, IMAGES[0], headers={"Authorization": f"Bearer {token}"}).status_code == 200
        with page_of(browser, spoken.base_url) as page:
            page.goto("/#history")
            page.locator(".login input").fill(token)
            page.locator(".login input").press("Enter")
            rows(page, [IMAGES[0].name])
            with page.expect_download() as saved:
                page.get_by_role("link", name="Parquet").click()
            assert pyarrow.parquet.read_table(saved.value.path()).num_rows == 1


@pytest.mark.parametrize("look", LOOKS)
def test_it_fits_every_screen(look: Any, browser: Browser, client: Any) -> None:
    with page_of(browser, client.base_url, **LOOKS[look]) as page:
        page.goto("/#history")
        expect(page.locator(".inspections tbody tr")).to_have_count(PAGE)
        expect(page.locator(".curve-line")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        screenshot(page, f"history-{look}")
