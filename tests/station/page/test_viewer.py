"""The viewer in a real browser: masks as the server has them, thresholds that move, modes, classes, zoom."""

import cv2
import numpy as np
import pytest
from data import needs_sample
from playwright.sync_api import expect
from station.http.serving import IMAGES, make_judging_inspector, send, served
from station.page.browsing import SHOWN, chromium, needs_chromium, page_of, screenshot

pytestmark = [needs_sample, needs_chromium]

_VIEWER = "document.querySelector('.stage').viewer"
_MASK = f"(number) => Array.from({_VIEWER}.masks.get(number), (one, at) => one ? at : -1).filter((at) => at >= 0)"
_SLIDE = """(slider, value) => { slider.value = value; slider.dispatchEvent(new Event("input", {bubbles: true})); }"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    made = SHOWN or make_judging_inspector(tmp_path_factory.mktemp("made") / "inspector")
    with served(made, tmp_path_factory.mktemp("station")) as (_, spoken):
        assert send(spoken, *IMAGES[:20]).status_code == 200
        yield spoken


@pytest.fixture(scope="module")
def one(client):
    """The inspection with the most found."""
    logged = client.get("/api/v1/inspections", params={"limit": 100}).json()["inspections"]
    return max(logged, key=lambda one: sum(one["classes"].values()))


@pytest.fixture
def page(browser, client, one):
    with page_of(browser, client.base_url) as opened:
        look_at(opened, one)
        expect(opened.get_by_role("dialog").locator(".slider input:enabled").first).to_be_visible()
        yield opened


def look_at(page, one):
    """Open an inspection of the history in the viewer."""
    page.goto("/#history")
    page.locator(f"[data-id='{one['id']}'] button").click()
    expect(page.get_by_role("dialog").locator(".facts")).to_be_visible()


def mask(page, number, size):
    """What the viewer shows of a class: bool (height, width)."""
    drawn = np.zeros(size[0] * size[1], bool)
    drawn[page.evaluate(_MASK, number)] = True
    return drawn.reshape(size)


def picture(client, path, one):
    content = client.get(f"/api/v1/inspections/{one['id']}/{path}").content
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def test_masks_are_the_servers_and_thresholds_cut_them_anew(page, client, one):
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
        lower.evaluate(_SLIDE, level)
        expect(row.locator(".area")).to_have_text(f"{int((map_ > level).sum()):,} px")
        assert np.array_equal(mask(page, number, size), map_ > level)
    upper.evaluate(_SLIDE, 255)
    expect(row.locator(".area")).to_have_text("–")
    page.keyboard.press("r")
    assert np.array_equal(mask(page, number, size), own)
    # the page's own cut at the rule's thresholds says what the server's said
    cut = page.evaluate(
        f"""async ([number, upper, lower]) => {{
          const viewer = {_VIEWER};
          await viewer.setThreshold(number, {{upper, lower}});
          return Array.from(viewer.masks.get(number)).reduce((sum, one) => sum + one, 0);
        }}""",
        [number, card["rule"]["upper"][number - 1], decided],
    )
    assert cut == own.sum()
    assert np.array_equal(mask(page, number, size), own)


def test_a_slider_is_moved_with_the_arrows(page, client, one):
    row = page.locator(".class-row").first
    lower = row.locator("input.lower")
    before = int(lower.input_value())
    lower.focus()
    page.keyboard.press("ArrowLeft")
    assert int(lower.input_value()) == before - 1


def test_modes_classes_and_zoom(page, one):
    def shown():
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        return page.locator(".viewer-canvas").evaluate("(canvas) => canvas.toDataURL()")

    outline = shown()
    pictures = {outline}
    for key in ("f", "h"):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        pictures.add(shown())
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
    screenshot(page, "station-viewer", whole=False)


def test_images_that_the_gate_held_back_say_so(browser, client):
    card = client.get("/api/v1/inspector").json()
    logged = client.get("/api/v1/inspections", params={"limit": 100}).json()["inspections"]
    held = [one for one in logged if one["p_defect"] <= card["rule"]["gate"]]
    if not held:
        pytest.skip("no image of these is held back by this inspector's gate")
    with page_of(browser, client.base_url) as page:
        look_at(page, held[0])
        expect(page.get_by_role("dialog")).to_contain_text("The gate held this image back")
        expect(page.locator(".slider")).to_have_count(0)
