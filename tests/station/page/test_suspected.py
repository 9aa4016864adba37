"""Where to look, in a real browser: what is suspected is outlined with dashes, listed apart, and never part of a mask."""

import base64
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.browsing import needs_chromium, page_of, screenshot
from helpers.dropping import drop, finished, inked
from helpers.looking import SLIDE, VIEWER, look_at, mask, picture
from helpers.policies import make_policy
from helpers.serving import IMAGES, send, served
from helpers.tiny_inspector import RULE, make_inspector
from playwright.sync_api import Browser, expect

from steelsight.cascade.suspect import least_area, strongest_few
from steelsight.imaging.regions import RegionRuns
from steelsight.imaging.rle import decode_runs, encode_mask, format_runs, parse_runs
from steelsight.results.overlay import class_colour

pytestmark = needs_chromium
_SUSPECTED = f"""async (number) => {{
  const {{encodeRuns}} = await import("/static/js/lib/rle.js");
  const {{suspected, inspection: {{width, height}}}} = {VIEWER};
  const {{rows, begins, ends}} = suspected.get(number).runs;
  const mask = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {{
    for (let i = rows[y]; i < rows[y + 1]; i++) mask.fill(1, y * width + begins[i], y * width + ends[i]);
  }}
  return encodeRuns(mask, height, width);
}}"""
_DRAWN = f"""() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => {{
  const {{canvas, view}} = {VIEWER};
  drawn([canvas.toDataURL(), view.scale, view.left, view.top]);
}})))"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """At this gate some images have no mask and go to review all the same."""
    inspector = make_inspector(tmp_path_factory.mktemp("made") / "inspector", policy=make_policy(0.1, 0.95))
    with served(inspector, tmp_path_factory.mktemp("station")) as (_, spoken):
        assert send(spoken, *IMAGES[:24]).status_code == 200
        yield spoken


@pytest.fixture(scope="module")
def one(client: Any) -> Any:
    """An image that the gate held back, which goes to review, with a place to look at."""
    listed = client.get("/api/v1/inspections", params={"limit": 100}).json()["inspections"]
    held_back = [one for one in listed if one["p_defect"] <= RULE.gate and one["suspected"]]
    return client.get(f"/api/v1/inspections/{max(held_back, key=lambda one: len(one['suspected']))['id']}").json()


@pytest.fixture
def page(browser: Browser, client: Any, one: Any) -> Iterator[Any]:
    with page_of(browser, client.base_url) as opened:
        look_at(opened, one)
        expect(opened.get_by_role("dialog").locator(".slider input:enabled").first).to_be_visible()
        yield opened


def suspected(page: Any, number: Any, size: Any) -> Any:
    """What the viewer outlines with dashes of a class: bool (height, width)."""
    return decode_runs(parse_runs(page.evaluate(_SUSPECTED, number), size), size)


def coloured_along(page: Any, region: Any, colour: Any) -> Any:
    """Along the outline of a region, from pixel to pixel, whether its class's colour is drawn on the screen there."""
    url, scale, left, top = page.evaluate(_DRAWN)
    content = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    shown = cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    is_coloured = cv2.dilate((np.abs(shown - colour).max(axis=2) < 60).astype(np.uint8), np.ones((3, 3)))
    (outline, *_), _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    x, y = ((outline[:, 0, :] + 0.5) * scale + (left, top)).round().astype(int).T
    return is_coloured[y, x].astype(bool)


def test_it_is_outlined_with_dashes_and_listed_apart(page: Any, client: Any, one: Any) -> None:
    assert one["verdict"] == "review"
    assert "suspected: class " in one["reason"]
    size = (one["height"], one["width"])
    largest = max(one["suspected"], key=lambda region: region["area"])
    for name, number in (("bright", 1), ("dark", 2)):
        assert not mask(page, number, size).any()
        expected = decode_runs(parse_runs(one["suspected_runs"][name], size), size)
        assert np.array_equal(suspected(page, number, size), expected)
    at = largest["number"]
    whole = suspected(page, at, size).astype(np.uint8)
    labels = cv2.connectedComponents(whole, connectivity=8)[1]
    region = labels == next(label for label in range(1, labels.max() + 1) if (labels == label).sum() == largest["area"])
    dashes = coloured_along(page, region, class_colour(at - 1))
    assert 0.3 < dashes.mean() < 0.95
    assert sum(before != after for before, after in pairwise(dashes)) >= 4
    screenshot(page, "station-suspected", whole=False)
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".regions")).to_contain_text("Nothing was found.")
    expect(dialog.locator(".regions h3").last).to_have_text("Suspected")
    expect(dialog.locator(".regions li")).to_have_count(len(one["suspected"]))
    expect(dialog.locator(".facts .reason")).to_contain_text("suspected: class ")
    expect(page.locator(f"[data-id='{one['id']}'] td[data-label=Found]")).to_contain_text("nothing found; suspected: ")
    dialog.locator(".regions li button").last.click()  # the weakest: which goes to it
    assert page.evaluate(f"{VIEWER}.view.fitted") is False
    page.keyboard.press(str(at))  # hidden with its class
    page.keyboard.press("0")
    assert coloured_along(page, region, class_colour(at - 1)).mean() < 0.05


def test_moved_thresholds_find_it_anew_as_the_inspector_would(page: Any, client: Any, one: Any) -> None:
    number, size = one["suspected"][0]["number"], (one["height"], one["width"])
    maps = [picture(client, f"maps/{of}.png", one) for of in (1, 2)]
    row = page.locator(f".class-row[data-class='{number}']")
    expect(row.locator(".why")).to_contain_text("Not marked: P(defect) ")
    before = suspected(page, number, size)
    for level in (RULE.lower[number - 1] - 60, RULE.lower[number - 1] - 90):
        row.locator("input.lower").evaluate(SLIDE, level)
        expect(page.locator(".reset")).to_be_enabled()
        lower = [level if of == number else RULE.lower[of - 1] for of in (1, 2)]
        every = [RegionRuns.of_mask(map_ > above, map_) for map_, above in zip(maps, lower, strict=True)]
        large = {of: one.only(one.areas >= least_area(RULE.min_area[of], size)) for of, one in enumerate(every)}
        few = strongest_few(large, 0)
        for of in (1, 2):  # what is suspected of a class depends on the other
            expected = decode_runs(few[of - 1].runs(), size) if of - 1 in few else np.zeros(size, bool)
            assert np.array_equal(suspected(page, of, size), expected)
        assert not np.array_equal(suspected(page, number, size), before)
        assert not mask(page, number, size).any()
    page.keyboard.press("r")
    assert np.array_equal(suspected(page, number, size), before)


def test_a_class_that_gets_a_mask_is_suspected_no_longer(browser: Browser, client: Any) -> None:
    """Of an image that the gate let through: the upper threshold kept a class from its mask."""
    listed = client.get("/api/v1/inspections", params={"limit": 100}).json()["inspections"]
    through = next(one for one in listed if one["p_defect"] > RULE.gate and one["suspected"])
    number, size = through["suspected"][0]["number"], (through["height"], through["width"])
    with page_of(browser, client.base_url) as page:
        look_at(page, through)
        expect(page.locator(".slider input:enabled").first).to_be_visible()
        assert suspected(page, number, size).any()
        page.locator(f".class-row[data-class='{number}'] input.upper").evaluate(SLIDE, 30)
        expect(page.locator(f".class-row[data-class='{number}'] .area")).not_to_have_text("–")
        assert mask(page, number, size).any()
        assert not suspected(page, number, size).any()


def test_the_list_and_the_review_show_it(browser: Browser, client: Any, one: Any) -> None:
    path = next(path for path in IMAGES if path.name == one["name"])
    with page_of(browser, client.base_url) as page:
        page.goto("/")
        drop(page, (path.name, path.read_bytes()))
        finished(page, 1)
        assert inked(page, 0)
        screenshot(page, "station-suspected-list")
        page.goto(f"/#review/{one['id']}")
        expect(page.locator(".review-head h2")).to_have_text(one["name"])
        expect(page.locator(".review-head")).to_contain_text("suspected: class ")
        expect(page.locator(".drawing [data-class]")).to_have_count(2)
        held = page.evaluate(
            "() => [...document.querySelector('.review-stage').viewer.suspected.values()].map(({regions}) => regions.length)"
        )
        assert sum(held) == len(one["suspected"])
        screenshot(page, "station-suspected-review")


def test_closed_lines_go_round_every_region_and_hole(browser: Browser, client: Any) -> None:
    """Filled, they give the mask back: no piece is left out or drawn twice."""
    random = np.random.default_rng(3)
    with page_of(browser, client.base_url) as page:
        page.goto("/")
        for share in (0.0, 0.2, 0.5, 0.9, 1.0):
            drawn = random.random((17, 23)) < share
            alpha = page.evaluate(
                """async ([text, height, width]) => {
                  const [{decodeRuns}, {closedPath}, {rowRuns}] =
                    await Promise.all(["rle", "outline", "row_runs"].map((name) => import(`/static/js/lib/${name}.js`)));
                  const context = new OffscreenCanvas(width, height).getContext("2d");
                  context.fill(closedPath(rowRuns(decodeRuns(text, height, width), height, width)), "evenodd");
                  return Array.from(context.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 3));
                }""",
                [format_runs(encode_mask(drawn)), *drawn.shape],
            )
            assert np.array_equal(np.reshape(alpha, drawn.shape) > 127, drawn)
