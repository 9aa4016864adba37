"""The viewer in a real browser: masks as the server has them, thresholds that move, modes, classes, zoom."""

import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.browsing import LOOKS, PATIENCE, needs_chromium, page_of, screenshot
from helpers.looking import SLIDE, VIEWER, look_at, mask, picture
from helpers.serving import IMAGES, send, served
from playwright.sync_api import Browser, expect

from steelsight.imaging.rle import encode_mask, format_runs
from steelsight.rule.rule import Rule, masks

pytestmark = needs_chromium

_FAINT = """(root) => {
  const parse = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
    return {rgb: [red, green, blue], alpha};
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const {rgb, alpha} = parse(getComputedStyle(one).backgroundColor);
      if (alpha === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelector(root).querySelectorAll("*")) {
    const says = [...element.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    if (!says || !element.checkVisibility() || element.closest(":disabled, .unseen, .skip")) continue;
    const [a, b] = [parse(getComputedStyle(element).color).rgb, behind(element)].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push([element.textContent, contrast]);
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def client(inspector: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(inspector, tmp_path_factory.mktemp("station")) as (_, spoken):
        assert send(spoken, *IMAGES[:20]).status_code == 200
        yield spoken


@pytest.fixture(scope="module")
def one(client: Any) -> Any:
    """The inspection with the most found."""
    logged = client.get("/api/v1/inspections", params={"limit": 100}).json()["inspections"]
    return max(logged, key=lambda one: sum(one["classes"].values()))


@pytest.fixture
def modules(browser: Browser, client: Any) -> Iterator[Any]:
    """The page as it opens, whose modules a test calls by themselves."""
    with page_of(browser, client.base_url) as opened:
        opened.goto("/")
        yield opened


@pytest.fixture
def page(browser: Browser, client: Any, one: Any) -> Iterator[Any]:
    with page_of(browser, client.base_url) as opened:
        look_at(opened, one)
        expect(opened.get_by_role("dialog").locator(".slider input:enabled").first).to_be_visible()
        yield opened


def test_masks_are_the_servers_and_thresholds_cut_them_anew(page: Any, client: Any, one: Any) -> None:
    card, size = client.get("/api/v1/inspector").json(), (one["height"], one["width"])
    index = picture(client, "mask.png", one)
    number = next(of["number"] for of in card["classes"] if one["classes"][of["name"]])
    own = mask(page, number, size)
    assert own.any()
    assert np.array_equal(own, index == number)  # no two classes overlap in this image
    map_ = picture(client, f"maps/{number}.png", one)
    row = page.locator(f".class-row[data-class='{number}']")
    upper, lower = row.locator("input.upper"), row.locator("input.lower")
    decided = card["rule"]["lower"][number - 1]
    for level in (decided + 30, decided - 30):
        lower.evaluate(SLIDE, level)
        expect(row.locator(".area")).to_have_text(f"{int((map_ > level).sum()):,} px")
        assert np.array_equal(mask(page, number, size), map_ > level)
    screenshot(page, "station-viewer-moved", whole=False)
    upper.evaluate(SLIDE, 255)
    expect(row.locator(".area")).to_have_text("–")
    page.keyboard.press("r")
    assert np.array_equal(mask(page, number, size), own)
    # the page's own cut at the rule's thresholds says what the server's said
    cut = page.evaluate(
        f"""async ([number, upper, lower]) => {{
          const viewer = {VIEWER};
          await viewer.setThreshold(number, {{upper, lower}});
          return Array.from(viewer.masks.get(number)).reduce((sum, one) => sum + one, 0);
        }}""",
        [number, card["rule"]["upper"][number - 1], decided],
    )
    assert cut == own.sum()
    assert np.array_equal(mask(page, number, size), own)


def test_a_slider_is_moved_with_the_arrows(page: Any, client: Any, one: Any) -> None:
    row = page.locator(".class-row").first
    lower = row.locator("input.lower")
    before = int(lower.input_value())
    lower.focus()
    page.keyboard.press("ArrowLeft")
    assert int(lower.input_value()) == before - 1


def test_a_slider_reckons_with_the_image_on_the_screen_alone(page: Any, client: Any, one: Any) -> None:
    """However many were looked at before it."""
    dialog = page.get_by_role("dialog")
    for key in "jkjk":
        shown = dialog.locator(".facts dd").last.inner_text()
        page.keyboard.press(key)
        expect(dialog.locator(".facts dd").last).not_to_have_text(shown)
    expect(dialog.locator(".slider input:enabled").first).to_be_visible()
    areas = page.evaluate(f"""async () => {{
      const viewer = {VIEWER};
      const areaOf = viewer.areaOf.bind(viewer);
      let areas = 0;
      viewer.areaOf = (number) => {{ areas++; return areaOf(number); }};
      viewer.setMask(1, viewer.masks.get(1));
      return areas;
    }}""")
    assert areas == len(one["classes"])


def test_modes_classes_and_zoom(page: Any, one: Any) -> None:
    def shown() -> Any:
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        return page.locator(".viewer-canvas").evaluate("(canvas) => canvas.toDataURL()")

    outline = shown()
    pictures = {outline}
    for key in ("f", "h"):
        page.keyboard.press(key)
        pictures.add(shown())
    screenshot(page, "station-viewer-heat", whole=False)
    assert len(pictures) == 3
    page.keyboard.press("o")
    assert shown() == outline
    number = next(i for i, area in enumerate(one["classes"].values(), start=1) if area)
    page.keyboard.press(str(number))
    assert shown() != outline
    page.keyboard.press(str(number))
    page.keyboard.press("+")
    zoomed = shown()
    assert zoomed != outline
    page.keyboard.press("ArrowRight")
    assert shown() != zoomed
    page.keyboard.press("0")
    assert shown() == outline


def until(page: Any, true: str) -> None:
    """The page allows no text to be evaluated by itself, as playwright's own waiting does."""
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(true):
        assert time.monotonic() < deadline, true
        page.wait_for_timeout(50)


def test_the_heat_map_stays_on_from_image_to_image_and_is_fetched_once(page: Any, client: Any, one: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/maps/" in request.url else None)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Heat").click()
    listed = client.get("/api/v1/inspections", params={"limit": 100}).json()["inspections"]
    place = next(index for index, other in enumerate(listed) if other["id"] == one["id"])
    newer, older = listed[:place][::-1][:3], listed[place + 1 :][:3]
    key, passed = ("k", newer) if any(other["has_maps"] for other in newer) else ("j", older)
    assert any(other["has_maps"] for other in passed)
    for other in passed:
        page.keyboard.press(key)
        drawn = f"{VIEWER}.layer !== null" if other["has_maps"] else "true"
        until(page, f"{VIEWER}.inspection?.id === {other['id']} && {drawn}")
        wanted = page.evaluate(f"{VIEWER}.classes.length") if other["has_maps"] else 0
        assert len([url for url in asked if f"/{other['id']}/maps/" in url]) == wanted
    assert asked
    assert len(asked) == len(set(asked))
    page.keyboard.press("Escape")
    page.locator("[data-id] button").first.click()
    expect(dialog.get_by_role("button", name="Heat")).to_have_attribute("aria-pressed", "true")
    waiting = client.get("/api/v1/inspections", params={"limit": 100, "order": "doubt", "reviewed": False}).json()
    first, second = [one["id"] for one in waiting["inspections"] if one["has_maps"]][:2]
    page.goto(f"/#review/{first}")
    page.get_by_role("button", name="Heat").click()
    until(page, "document.querySelector('.review-stage').viewer.layer !== null")
    page.locator(f".queue-list [data-id='{second}']").click()
    review = "document.querySelector('.review-stage').viewer"
    until(page, f"{review}.inspection?.id === {second} && {review}.layer !== null")


def test_what_is_listed_is_what_is_outlined(page: Any, client: Any, one: Any) -> None:
    regions = page.locator(".regions")
    expect(regions.locator("h3").first).to_have_text("Regions")
    for row in page.locator(".class-row").all():
        row.locator("input.upper").evaluate(SLIDE, 255)
    expect(regions).to_contain_text("Nothing is found at these thresholds")
    row = page.locator(".class-row").first
    for name in ("lower", "upper"):
        row.locator(f"input.{name}").evaluate(SLIDE, 0)
    expect(regions.locator("h3").first).to_have_text("Regions at these thresholds")
    expect(regions.locator("ol").first.locator(".region").first).to_contain_text("px")
    page.keyboard.press("r")
    expect(regions.locator("h3").first).to_have_text("Regions")
    expect(regions.locator("ol").first.locator(".region")).to_have_count(len(one["regions"]))


def test_thumbs_and_the_numbers_of_regions_are_named(page: Any) -> None:
    expect(page.locator(".thumbs")).to_have_text(
        "lower threshold: edge of the mask upper threshold: whether there is one"
    )
    colours = page.locator(".thumbs .dot").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert colours[0] != colours[1]  # as of the thumbs themselves
    expect(page.locator(".regions")).to_contain_text("Width × height at left, top; area; mean probability.")


def test_keys_are_as_high_as_their_letters(browser: Browser, client: Any, one: Any) -> None:
    with page_of(browser, client.base_url, **LOOKS["phone"]) as page:
        look_at(page, one)
        page.keyboard.press("?")
        heights = page.locator("#keys kbd").evaluate_all("all => all.map((one) => one.offsetHeight)")
        assert len(heights) > 5
        assert max(heights) - min(heights) <= 2


def test_images_that_the_gate_held_back_say_so(browser: Browser, client: Any) -> None:
    card = client.get("/api/v1/inspector").json()
    logged = client.get("/api/v1/inspections", params={"limit": 100}).json()["inspections"]
    held = [one for one in logged if one["p_defect"] <= card["rule"]["gate"] and one["verdict"] in ("pass", None)]
    if not held:
        pytest.skip("no image of these is held back by this inspector's gate")
    with page_of(browser, client.base_url) as page:
        look_at(page, held[0])
        expect(page.get_by_role("dialog")).to_contain_text("Not searched for defects: P(defect) ")
        expect(page.get_by_role("dialog")).to_contain_text(" is not above 0.050, the limit for any mask.")
        expect(page.locator(".thumbs")).to_be_hidden()  # there is none to explain
        expect(page.locator(".slider")).to_have_count(0)


def test_bounds_are_shown_for_what_the_present_inspector_decided_alone(browser: Browser, client: Any, one: Any) -> None:
    """Those of an inspector before it are not known here: its verdict would seem to break the present ones."""
    whole = client.get(f"/api/v1/inspections/{one['id']}").json()
    with page_of(browser, client.base_url) as page:
        look_at(page, one)
        expect(page.locator(".facts .gauge .reject")).to_have_count(1)
        page.keyboard.press("Escape")
        page.route(f"**/inspections/{one['id']}", lambda route: route.fulfill(json=whole | {"inspector": "ab" * 32}))
        page.locator(f"[data-id='{one['id']}'] button").click()
        expect(page.locator(".facts")).to_contain_text("abababababab")
        expect(page.locator(".facts .gauge")).to_be_visible()
        expect(page.locator(".facts .gauge .reject")).to_have_count(0)
        expect(page.get_by_role("dialog")).to_contain_text("Another inspector judged this image")


def test_run_lengths_and_the_rule_are_those_of_the_inspector(modules: Any) -> None:
    random = np.random.default_rng(0)
    size = (12, 31)
    for share in (0.0, 0.1, 0.5, 1.0):
        drawn = random.random(size) < share
        text = format_runs(encode_mask(drawn))
        again = modules.evaluate(
            """async ([text, height, width]) => {
              const {decodeRuns, encodeRuns, areaOf} = await import("/static/js/lib/rle.js");
              const mask = decodeRuns(text, height, width);
              return [Array.from(mask), encodeRuns(mask, height, width), areaOf(mask)];
            }""",
            [text, *size],
        )
        assert again == [drawn.ravel().astype(int).tolist(), text, drawn.sum()]
    map_ = random.integers(0, 256, size).astype(np.uint8)
    for softness, p_defect, gate in ((1.0, 0.7, 0.5), (5.0, 0.7, 0.5), (3.7, 0.51, 0.5), (5.0, 0.5, 0.5)):
        for least in (int((map_ > 90).sum() / (1 + (softness - 1) * (1 - p_defect))) + more for more in (0, 1)):
            rule = Rule(gate=gate, softness=softness, upper=(90,), lower=(60,), min_area=(least,))
            cut = modules.evaluate(
                """async ([rule, p, map]) => {
                  const {cutMask, histogramOf, leastArea} = await import("/static/js/lib/rule.js");
                  const values = Uint8Array.from(map);
                  const level = {upper: rule.upper[0], lower: rule.lower[0]};
                  const cut = cutMask(rule, 0, p, values, histogramOf(values), level);
                  return [Array.from(cut), leastArea(rule, 0, p)];
                }""",
                [rule.model_dump(), p_defect, map_.ravel().tolist()],
            )
            assert cut[0] == masks(rule, p_defect, map_[None]).ravel().astype(int).tolist()
            if p_defect > gate:
                assert ((map_ > 90).sum() >= cut[1]) == masks(rule, p_defect, map_[None]).any()


def test_outlines_as_pixels_lie_on_the_edge_of_the_mask(modules: Any) -> None:
    random = np.random.default_rng(1)
    size, thickness = (20, 40), 4
    drawn = cv2.GaussianBlur(random.random(size), (0, 0), 2) > 0.5
    painted = modules.evaluate(
        """async ([text, height, width, thickness]) => {
          const [{decodeRuns}, {rowRuns}, {paintOutline}] =
            await Promise.all(["rle", "row_runs", "outline_pixels"].map((name) => import(`/static/js/lib/${name}.js`)));
          const pixels = new Uint32Array(height * width);
          const runs = rowRuns(decodeRuns(text, height, width), height, width);
          paintOutline(runs, pixels, width, {thickness, rim: 1, colour: 2, dark: 1});
          return Array.from(pixels);
        }""",
        [format_runs(encode_mask(drawn)), *size, thickness],
    )

    def grown(mask: Any, by: Any) -> Any:
        return cv2.dilate(np.pad(mask, by).astype(np.uint8), np.ones((2 * by + 1,) * 2))[by:-by, by:-by] > 0

    outer, inner = grown(drawn, thickness // 2), ~grown(~np.pad(drawn, 4), thickness // 2)[4:-4, 4:-4]
    expected = np.where(outer & ~inner, 2, np.where(grown(drawn, thickness // 2 + 1) & ~outer, 1, 0))
    assert np.array_equal(np.reshape(painted, size), expected)


@pytest.mark.parametrize("look", LOOKS)
def test_everything_can_be_read_in_any_look(browser: Browser, client: Any, one: Any, look: Any) -> None:
    """Text stands out from what is behind it by 4.5 to 1 at least: WCAG 2, level AA."""
    with page_of(browser, client.base_url, **LOOKS[look]) as page:
        look_at(page, one)
        expect(page.locator(".slider input:enabled").first).to_be_visible()
        assert page.evaluate(_FAINT, ".sheet") == []
        assert page.evaluate("document.querySelector('.sheet').scrollWidth <= window.innerWidth"), "it scrolls sideways"
        screenshot(page, "station-viewer" if look == "desktop" else f"station-viewer-{look}", whole=False)
        page.keyboard.press("Escape")
        page.goto("/#inspector")
        expect(page.locator(".sections")).to_be_visible()
        assert page.evaluate(_FAINT, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
