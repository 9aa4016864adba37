"""The page of a decided RUN: complete, self-contained, and in agreement with what was decided."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers.browsing import chromium, needs_chromium

from steelsight.core.errors import UserError
from steelsight.report.build import build_report
from steelsight.run.record import DATASET
from steelsight.run.resolved_recipe import read_run_recipe, write_run_recipe
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision, write_decision

VOID = {"meta", "img", "br", "hr", "link", "input", "use", "path", "rect"}
ADDRESSES = {"src", "href", "xlink:href", "srcset", "poster", "data", "action"}


class Page(HTMLParser):
    """Collects what a browser would fetch, the ids, and tags that are opened and never closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ADDRESSES]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(decided_run: Path) -> str:
    return build_report(Run(decided_run)).read_text("utf-8")


@pytest.fixture
def copied(decided_run: Path, tmp_path: Path) -> Path:
    """The RUN without logs, whose plots take the most time, and without report."""
    return Path(
        shutil.copytree(decided_run, tmp_path / "<b>$x$ & run", ignore=shutil.ignore_patterns("jobs", "report"))
    )


def test_nothing_is_fetched_from_outside(text: str) -> None:
    page = Page(text)
    assert page.open == []
    outside = [address for address in page.addresses if not address.startswith(("data:image/", "#"))]
    assert outside == []
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not re.search(r"@import|url\((?!#)", text)


def test_every_section_is_there_and_every_id_is_its_own(text: str) -> None:
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    sections = {
        "signing",
        "summary",
        "data",
        "folds",
        "training",
        "classifier",
        "masks",
        "defects",
        "ensemble",
        "gallery",
    }
    assert sections <= set(page.ids)
    links = {address[1:] for address in page.addresses if address.startswith("#")}
    assert links <= set(page.ids)


def test_it_begins_with_figures_images_and_verdicts_under_the_name_of_the_data(text: str, decided_run: Path) -> None:
    name = Run(decided_run).record.root.name
    assert f"<h1>{name}</h1>" in text
    assert f"<title>{name} · steelsight report</title>" in text
    first = text[text.index('<section id="gallery">') : text.index('<section id="signing"')]
    assert first.count('<div class="card">') == 3
    assert first.count("<figure") == 12
    assert "Defects found" in first
    assert "<th>review</th>" in first
    assert text.index("</header>") < text.index('<section id="gallery">') < text.index('<section id="signing"')


@needs_chromium
def test_it_prints_on_fewer_than_twelve_sheets_and_can_be_read_in_the_dark(
    text: str, decided_run: Path, tmp_path: Path
) -> None:
    with chromium() as browser:
        page = browser.new_page(color_scheme="dark")
        page.goto(Run(decided_run).report_page.resolve().as_uri())
        ink, paper = page.evaluate(
            "['color', 'backgroundColor'].map((name) => getComputedStyle(document.documentElement)[name])"
        )
        page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
        # moved sideways within its figure, for it could not be read where it is shrunk; the printing may not be over yet
        page.wait_for_function(
            """() => {
              const charts = [...document.querySelectorAll("svg.wide")].filter((e) => e.checkVisibility());
              const fits = (e) => e.clientWidth >= 600 && e.closest("figure").clientWidth <= 390;
              return charts.length > 3 && charts.every(fits);
            }"""
        )
    assert sum(map(int, re.findall(r"\d+", ink)[:3])) > 3 * 180 > 3 * 60 > sum(map(int, re.findall(r"\d+", paper)[:3]))
    sheets = re.findall(rb"/Type\s*/Page[^s]", (tmp_path / "report.pdf").read_bytes())
    assert 4 < len(sheets) < 12


@needs_chromium
def test_no_sheet_repeats_the_one_behind_it_or_holds_the_last_line_alone(text: str, decided_run: Path) -> None:
    """The verdict table of the first page stands on the page to sign, too."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 700, "height": 990})
        page.goto(Run(decided_run).report_page.resolve().as_uri())
        becomes = page.get_by_role("heading", name="What becomes of the images")
        assert becomes.is_visible()
        page.emulate_media(media="print")
        assert not becomes.is_visible()
        assert page.get_by_role("heading", name="What becomes of the tested images").is_visible()
        space = page.locator("footer").evaluate("(one) => parseFloat(getComputedStyle(one).marginTop)")
        assert space < 12


def test_is_small_enough_to_mail(text: str) -> None:
    assert len(text.encode()) < 5_000_000


def test_figures_are_those_of_the_decision(text: str, decided_run: Path) -> None:
    decision = read_decision(Run(decided_run))
    masks = text[text.index('<section id="masks">') : text.index('<section id="ensemble">')]
    nested = re.search(r"nested</th>\s*<td><b>([0-9.]+)</b>", masks)
    kept = re.search(r"kept rule</th>\s*<td><b>([0-9.]+)</b>", masks)
    assert nested is not None
    assert kept is not None
    assert float(nested[1]) == pytest.approx(decision.nested.figures.dice, abs=5e-5)
    assert float(kept[1]) == pytest.approx(decision.figures.dice, abs=5e-5)
    assert f"{decision.floor:.4f}" in masks
    assert "Not nested: on the images that it was searched on" in masks
    assert f"The nested score is <b>{decision.scores[decision.objective.aim]:.4f}</b>" in masks


def test_what_the_reference_shows_is_shown(text: str, decided_run: Path) -> None:
    """Counts by number of classes, filled masks with a key, random predictions, AUC by epoch, parameters, best epochs."""
    data = text[text.index('<section id="data">') : text.index('<section id="folds">')]
    counts = re.search(r"<th class=\"text\">images</th>((?:<td>\d+</td>)+)", data)
    assert counts is not None
    samples = Run(decided_run).record.samples
    numbers = sorted({len(sample.classes) for sample in samples})
    assert [int(value) for value in re.findall(r"\d+", counts[1])] == [
        sum(len(sample.classes) == number for sample in samples) for number in numbers
    ]
    assert "Images beside their filled masks" in data
    assert data.count('class="swatch"') == 4
    training = text[text.index('<section id="training">') : text.index('<section id="classifier">')]
    assert "1,234,567 parameters" in training
    assert "all jobs added up; by the clock it is less where jobs ran side by side" in text
    assert "accuracy 0.800<br>AUC 0.850<br>" in training
    assert "batch 0.400<br>image 0.300<br>pair 0.700<br>" in training
    assert "<b>at random</b>" in text[text.index('<section id="gallery"') :]


def test_augmented_examples_are_shown_if_training_left_any(text: str) -> None:
    assert "<h3>Augmentations</h3>" in text


def test_evidence_that_chose_its_epoch_is_called_so_and_names_are_never_markup(text: str, copied: Path) -> None:
    assert "epoch-selected" not in text
    recipe = read_run_recipe(copied)
    best = [
        member.model_copy(update={"validate_every": 1, "keep": member.keep.model_copy(update={"weights": "best"})})
        for member in recipe.members
    ]
    write_run_recipe(copied, recipe.model_copy(update={"members": tuple(best)}))
    changed = build_report(Run(copied)).read_text("utf-8")
    assert "This evidence is epoch-selected." in changed
    kept = [f"best on the fold, by {figure}" for figure in ("accuracy", "Dice per image")]
    assert all(said in changed for said in (*kept, "they may be of another epoch"))  # shown is the best Dice per pair
    assert "not recorded" in changed  # the copy has no logs either
    assert "&lt;b&gt;$x$ &amp; run" in changed
    assert "<b>$x$" not in changed


def test_images_that_are_gone_cost_their_pictures_only(copied: Path) -> None:
    header = copied / DATASET
    shutil.rmtree(copied / "augmentations")
    header.write_text(re.sub(r'"root": ".*?"', '"root": "/moved"', header.read_text()))
    text = build_report(Run(copied)).read_text("utf-8")
    assert "could not be read from the places that" in text
    assert "<h3>Augmentations</h3>" not in text
    assert '<section id="masks">' in text


def test_an_undecided_run_is_refused_with_the_command_that_mends_it(copied: Path) -> None:
    (copied / "decision.json").unlink()
    with pytest.raises(UserError, match="steelsight decide"):
        build_report(Run(copied))
    assert not (copied / "report").exists()


def test_a_decision_on_other_data_is_refused(copied: Path) -> None:
    header = copied / DATASET
    header.write_text(header.read_text().replace('"fingerprint": "0', '"fingerprint": "1'))
    with pytest.raises(UserError, match="other data"):
        build_report(Run(copied))


def test_what_is_refused_is_refused_before_an_image_is_judged(copied: Path, tmp_path: Path) -> None:
    judged: list[object] = []
    with pytest.raises(UserError, match=r"images\.csv: not found"):
        build_report(Run(copied), inspected=tmp_path, progress=lambda *said: judged.append(said))
    (copied / "report").mkdir()
    Run(copied).report_options.write_text("{")
    with pytest.raises(UserError, match="delete the file"):
        build_report(Run(copied), progress=lambda *said: judged.append(said))
    assert judged == []


def test_what_reading_the_data_said_stands_with_the_data(copied: Path) -> None:
    header = copied / "dataset.json"
    remark = {"kind": "left-out", "file": "more", "images": 3, "message": "more: 3 images left out: <hidden>"}
    content = json.loads(header.read_text()) | {"notes": ["boxes count as masks"], "remarks": [remark]}
    header.write_text(json.dumps(content))
    page = build_report(Run(copied)).read_text("utf-8")
    section = page[page.index('<section id="data">') :].partition("</section>")[0]
    assert "<li>more: 3 images left out: &lt;hidden&gt;</li><li>boxes count as masks</li>" in section


def test_what_the_images_lack_and_a_class_that_is_never_marked_stand_first(copied: Path) -> None:
    decision = read_decision(Run(copied))
    shows = decision.nested.figures.defective_pairs_per_class
    never = next(place for place, count in enumerate(shows) if count)
    folds = [
        of.model_copy(update={"rule": of.rule.model_copy(update={"upper": _with(of.rule.upper, never, 255)})})
        for of in decision.nested.folds
    ]
    nested = decision.nested.model_copy(update={"folds": tuple(folds)})
    write_decision(Run(copied), decision.model_copy(update={"nested": nested}))
    page = build_report(Run(copied)).read_text("utf-8")
    said = page.index(f"Class {decision.classes[never]} is not found: of {shows[never]} image")
    assert page.index("</header>") < said < page.index('id="summary"')


def _with(values: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*values[:place], value, *values[place + 1 :])
