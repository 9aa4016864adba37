"""The section on new images: from a folder that the real writer made."""

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.policies import make_policy

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import Source, find_sources
from steelsight.core.errors import UserError
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Polygons, Roi
from steelsight.report.build import build_report
from steelsight.report.options import NONE, ReportOptions, renewed
from steelsight.report.page import render
from steelsight.report.sections.inspected import inspected_view
from steelsight.results.writer import ResultWriter
from steelsight.rule.rule import Rule
from steelsight.run.run import Run
from steelsight.verdicts.severity import Severity

CLASSES = ("1", "2", "3", "4")
PREPROCESS = Preprocess(height=64, width=416, colour="grey")


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's test images and one that cannot be read, judged by brightness; classes 3 and 4 are never found."""
    out = tmp_path_factory.mktemp("inspected") / "out"
    sources = (*find_sources([str(SAMPLE / "test_images")]), Source("gone.jpg", SAMPLE / "gone.jpg"))
    rule = Rule(gate=0.25, upper=(150, 230, 255, 255), lower=(120, 200, 255, 255), min_area=(800, 400, 1, 1))
    engine = Engine((BrightImage(PREPROCESS),), (_FourClasses(PREPROCESS),), CLASSES)
    with ResultWriter(out, CLASSES, sources, overlays=True) as writer:
        policy = make_policy(pass_at=0.1, reject_at=0.27)
        for one in judge(sources, engine, rule, flags=_unusual, policy=policy):
            writer.write(one)
    return out


def _unusual(image: Any) -> Any:
    return ("brightness",) if image.mean() > 90 else ()


class _FourClasses(BrightPixels):
    def probabilities(self, inputs: Any) -> Any:
        two = super().probabilities(inputs)
        return two.repeat(2, axis=1)[:, [0, 2, 1, 3]] * [[[[1.0]], [[1.0]], [[0.0]], [[0.0]]]]


def test_counts_and_pictures_are_those_of_the_tables(inspected: Path) -> None:
    view = inspected_view(inspected, CLASSES)
    assert (view.images, view.unreadable) == (13, 1)
    assert 0 < view.defective < 12
    assert view.flagged > 0
    assert sum(count for _, count in view.verdicts) == 13
    assert dict(view.verdicts)["reject"] > 0
    found = [picture for picture in view.pictures if picture.found]
    doubtful = [picture for picture in view.pictures if picture.suspected and not picture.found]
    clean = view.pictures[len(found) + len(doubtful) :]
    assert len(found) == min(view.defective, 8)
    assert len(doubtful) == min(view.suspected, 4) > 0
    assert list(view.pictures[len(found) :][: len(doubtful)]) == doubtful
    assert not any(picture.found or picture.suspected for picture in clean)
    assert [picture.p_defect for picture in found] == sorted((p.p_defect for p in found), reverse=True)
    assert all(re.fullmatch(r"class [12]: [0-9,]+ px, [0-9.]+ % of the image", text) for p in found for text in p.found)
    assert all(str(picture.source).startswith("data:image/jpeg;base64,") for picture in view.pictures)


def test_a_share_is_of_the_region_of_interest_where_there_is_one(tmp_path: Path) -> None:
    """The lower half of each image."""
    engine = Engine((BrightImage(PREPROCESS),), (_FourClasses(PREPROCESS),), CLASSES)
    rule = Rule(gate=0.25, upper=(150, 230, 255, 255), lower=(120, 200, 255, 255), min_area=(800, 400, 1, 1))
    sources = find_sources([str(SAMPLE / "test_images")])
    half = Roi(polygons=Polygons(outside=(((0, 0), (1, 0), (1, 0.5), (0, 0.5)),)))
    with ResultWriter(tmp_path, CLASSES, sources, overlays=True) as writer:
        judged = list(judge(sources, replace(engine, roi=half), rule))
        for one in judged:
            writer.write(one)
    texts = [text for picture in inspected_view(tmp_path, CLASSES).pictures for text in picture.found]
    areas = {f"{one.runs[0].area:,}": one.runs[0].area for one in judged if one.runs[0].area}
    assert texts
    for text in texts:
        assert re.fullmatch(r"class [12]: [0-9,]+ px, [0-9.]+ % of the region of interest", text)
        if text.startswith("class 1"):
            area, share = text.split()[2], float(text.split()[4])
            assert share == pytest.approx(100 * areas[area] / (128 * 1600), abs=0.006)


def test_a_probability_that_no_classifier_gave_is_not_shown(inspected: Path, tmp_path: Path) -> None:
    sources = find_sources([str(SAMPLE / "test_images")])
    rule = Rule(gate=0.25, upper=(150, 230, 255, 255), lower=(120, 200, 255, 255), min_area=(800, 400, 1, 1))
    with ResultWriter(tmp_path, CLASSES, sources, overlays=True) as writer:
        for one in judge(sources, Engine((), (_FourClasses(PREPROCESS),), CLASSES), rule):
            writer.write(one)

    def page(folder: Path) -> str:
        return render({"inspected": inspected_view(folder, CLASSES)}, "inspected.html.j2")

    assert "P(defect)" in page(inspected)
    assert "P(defect)" not in page(tmp_path)


def test_the_page_has_the_section_when_asked(inspected: Path, decided_run: Path, tmp_path: Path) -> None:
    run = Run(shutil.copytree(decided_run, tmp_path / "run", ignore=shutil.ignore_patterns("jobs", "report")))
    without = build_report(run).read_text("utf-8")
    assert 'id="inspected"' not in without
    text = build_report(run, inspected).read_text("utf-8")
    assert '<section id="inspected"' in text
    assert 'href="#inspected"' in text
    assert text.count("what the inspector marks") == len(inspected_view(inspected, CLASSES).pictures)


def test_a_report_that_is_made_again_keeps_the_section_until_none_is_given(
    inspected: Path, decided_run: Path, tmp_path: Path
) -> None:
    run = Run(shutil.copytree(decided_run, tmp_path / "run", ignore=shutil.ignore_patterns("jobs", "report")))
    results = tmp_path / "results"
    shutil.copytree(inspected, results)
    build_report(run, results, 0.5)
    again = build_report(run).read_text("utf-8")
    assert '<section id="inspected"' in again
    assert "per metre of strip" in again
    results.rename(tmp_path / "moved")
    gone = build_report(run).read_text("utf-8")
    assert '<section id="inspected"' not in gone
    assert f"The results on new images in {results.resolve()} are gone" in gone
    build_report(run, NONE)
    without = build_report(run).read_text("utf-8")
    assert '<section id="inspected"' not in without
    assert "are gone" not in without
    run.report_options.write_text('{"inspected": 3}')
    with pytest.raises(UserError, match="delete the file"):
        build_report(run)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"ImageId,verdict", b"ImageId,word", "no column verdict"),
        (b"\nfresh", b"\n\xff", "not a table"),
        (b"\nfresh", b"\nfresh,", "another number of cells"),
        (b",256,1600,0", b",256,1600,7", "no share from 0 to 1"),
        (b",256,1600,0", b",256,1600,x", "could not convert"),
        (b",256,1600,0", b",256,0,0", "a side of 0 pixels"),
    ],
)
def test_a_damaged_table_of_results_is_refused(
    inspected: Path, tmp_path: Path, old: bytes, new: bytes, says: str
) -> None:
    folder = Path(shutil.copytree(inspected, tmp_path / "results", ignore=shutil.ignore_patterns("overlays")))
    table = (folder / "images.csv").read_bytes()
    assert old in table
    (folder / "images.csv").write_bytes(table.replace(old, new, 1))
    with pytest.raises(UserError, match=f"images.csv.*{says}"):
        inspected_view(folder, CLASSES)


def test_a_size_of_a_pixel_that_the_severity_rules_say_is_not_kept() -> None:
    rules = Severity.model_validate(
        {"mm_per_pixel": {"along": 0.8, "across": 0.8}, "rules": [{"verdict": "reject", "class": "1"}]}
    )
    kept = ReportOptions(mm_per_pixel=0.5)
    assert renewed(kept, None, None, None).mm_per_pixel == 0.5
    assert renewed(kept, None, None, make_policy(0.1, 0.9).model_copy(update={"severity": rules})).mm_per_pixel is None


def test_what_did_not_pass_and_shows_nothing_is_pictured(inspected: Path) -> None:
    """Class 3 and 4 are never marked: what the classifiers alone see may be a missed defect."""
    with (inspected / "images.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    nothing = [row for row in rows if not row["error"] and not row["classes"] and not row["flags"]]
    missed = {
        row["ImageId"]
        for row in nothing
        if row["verdict"] != "pass" and all(row[f"suspected_area_{name}"] in ("", "0") for name in CLASSES)
    }
    view = inspected_view(inspected, CLASSES)
    assert view.missed == len(missed)
    shown = {picture.image_id for picture in view.pictures}
    assert len(shown & missed) == min(4, len(missed))


def test_names_that_no_table_shows_plainly_have_their_pictures(tmp_path: Path) -> None:
    names = ("a\nb.jpg", "sub/\u202ec.jpg", "'=d.jpg")
    sources = [
        Source(name, path) for name, path in zip(names, sorted((SAMPLE / "test_images").iterdir()), strict=False)
    ]
    engine = Engine((BrightImage(PREPROCESS),), (_FourClasses(PREPROCESS),), CLASSES)
    rule = Rule(gate=0.25, upper=(150, 230, 255, 255), lower=(120, 200, 255, 255), min_area=(800, 400, 1, 1))
    with ResultWriter(tmp_path, CLASSES, sources, overlays=True) as writer:
        for one in judge(sources, engine, rule):
            writer.write(one)
    assert {picture.image_id for picture in inspected_view(tmp_path, CLASSES).pictures} == {
        "a\\x0ab.jpg",
        "sub/\\u202ec.jpg",
        "'=d.jpg",
    }


@pytest.mark.parametrize("by", ["name", "link"])
def test_no_picture_of_elsewhere_comes_into_the_report(inspected: Path, tmp_path: Path, by: str) -> None:
    """A table of strangers could name any image of the disk, and a link lead to one."""
    folder = Path(shutil.copytree(inspected, tmp_path / "results"))
    shown = inspected_view(folder, CLASSES).pictures[0].image_id
    overlay = (folder / "overlays" / shown).with_suffix(".jpg")
    private = Path(shutil.move(overlay, tmp_path / "private.jpg"))
    if by == "link":
        overlay.symlink_to(private)
    else:
        table = (folder / "images.csv").read_text("utf-8")
        (folder / "images.csv").write_text(table.replace(f"\n{shown},", "\n../../private.png,"), "utf-8")
    with pytest.raises(UserError, match=r"overlays: no picture .*run inspect again with `overlays=`"):
        inspected_view(folder, CLASSES)


def test_tables_of_before_there_was_anything_suspected_are_read(inspected: Path, tmp_path: Path) -> None:
    shutil.copytree(inspected, tmp_path / "older")
    with (inspected / "images.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row[: -2 * len(CLASSES)] for row in csv.reader(stream)]
    with (tmp_path / "older" / "images.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    older, view = (inspected_view(folder, CLASSES) for folder in (tmp_path / "older", inspected))
    assert (older.images, older.defective, older.verdicts) == (view.images, view.defective, view.verdicts)
    assert (older.suspected, {picture.suspected for picture in older.pictures}) == (0, {()})


def test_other_folders_are_one_sentence(inspected: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"images\.csv: not found; name a folder that `steelsight inspect"):
        inspected_view(tmp_path, CLASSES)
    with pytest.raises(UserError, match="no column area_5"):
        inspected_view(inspected, (*CLASSES, "5"))
    (tmp_path / "images.csv").write_bytes((inspected / "images.csv").read_bytes())
    with pytest.raises(UserError, match="run inspect again with `overlays=`"):
        inspected_view(tmp_path, CLASSES)
