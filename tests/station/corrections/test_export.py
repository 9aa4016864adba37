import csv
import hashlib
import io
import itertools
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE, run_cli
from helpers.reviewed import CLASSES, INSPECTOR, Station, a_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.dataset.model import UNKNOWN
from steelsight.dataset.read import read_dataset
from steelsight.imaging.read import list_images
from steelsight.imaging.rle import encode_mask, format_runs
from steelsight.station.corrections.export import (
    CorrectionsSummary,
    LeftOutReview,
    choose,
    summarise,
    write_corrections,
    zip_corrections,
)
from steelsight.station.log.log import InspectionLog
from steelsight.station.writers import note_writer

UNREAD = "its file could not be read, so there is nothing to draw on"
FOREIGN = (
    "it was inspected for the classes crack, and the newest reviewed image that is stored here for crack, scale, rolled in; "
    "inspect it again, and review that"
)
SEEDS = itertools.count()


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path / "data")


def masks_of(folder: Path) -> dict[str, tuple[str, ...]]:
    dataset = read_dataset(folder)
    assert not dataset.faults
    assert dataset.classes == CLASSES
    return {sample.image_id: tuple(map(format_runs, sample.runs)) for sample in dataset.samples}


def name_of(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:16]}.png"


def test_images_whose_hashes_begin_alike_have_names_of_their_own(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two that somebody has made: one file would have lain over the other, under the other's masks."""

    def alike(content: bytes) -> SimpleNamespace:
        return SimpleNamespace(hexdigest=lambda: "ab" * 8 + hashlib.sha256(content).hexdigest()[16:])

    monkeypatch.setattr("helpers.reviewed.hashlib", SimpleNamespace(sha256=alike))
    for seed, runs in ((1, ("1 2", "")), (2, ("", "3 4"))):
        number = station.inspect(a_picture(seed, (4, 5)), (4, 5))
        station.log.review(number, after_version=0, agrees=False, word="reject", runs=runs)
    write_corrections(station.log, station.store, tmp_path / "out")
    assert sorted(masks_of(tmp_path / "out").values()) == [("", "3 4"), ("1 2", "")]
    assert {len(path.stem) for path in (tmp_path / "out" / "images").iterdir()} == {64}


@st.composite
def some_masks(draw: st.DrawFn) -> tuple[tuple[int, int], list[tuple[str, ...]]]:
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    cells = st.lists(st.booleans(), min_size=size[0] * size[1], max_size=size[0] * size[1])
    mask = cells.map(lambda values: format_runs(encode_mask(np.array(values).reshape(size))))
    return size, draw(st.lists(st.tuples(mask, mask), min_size=1, max_size=3))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Station:
    return Station(tmp_path_factory.mktemp("shared"))


@settings(deadline=None, max_examples=50)
@given(some_masks())
def test_the_reviewed_masks_are_read_back_exactly(
    shared: Station, tmp_path_factory: pytest.TempPathFactory, drawn: tuple[tuple[int, int], list[tuple[str, ...]]]
) -> None:
    size, masks = drawn
    for stored in list(shared.store.files()):
        shared.store.remove(stored.sha256)  # what earlier examples reviewed is left out by that
    wanted = {}
    for runs in masks:
        content = a_picture(next(SEEDS), size)
        wanted[name_of(content)] = runs
        shared.review(shared.inspect(content, size), runs, "reject" if any(runs) else "pass")
    folder = tmp_path_factory.mktemp("corrections") / "set"
    summary = write_corrections(shared.log, shared.store, folder)
    assert masks_of(folder) == wanted
    assert summary == summarise(shared.log, shared.store)
    assert summary.images == len(masks)
    assert summary.defective == sum(any(runs) for runs in masks)
    assert tuple(summary.classes.values()) == tuple(sum(bool(runs[k]) for runs in masks) for k in range(2))


def zipped(station: Station) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(zip_corrections(station.log, station.store))))


def test_the_archive_holds_the_same_files_and_says_who_said_what(station: Station, tmp_path: Path) -> None:
    contents = [a_picture(next(SEEDS)) for _ in range(3)]
    named = ["Ω/../" + "\udcff.png", "b.png", "c.png"]
    for content, name, runs in zip(contents, named, (("1 3", "7 2"), ("", "4 4"), None), strict=True):
        station.review(station.inspect(content, (8, 12), ("5 1", ""), name=name), runs)
    write_corrections(station.log, station.store, tmp_path / "set")
    with zipped(station) as archive:
        assert archive.testzip() is None
        written = {path.relative_to(tmp_path / "set").as_posix(): path for path in tmp_path.glob("set/**/*.*")}
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: path.read_bytes() for name, path in written.items()
        }
    assert masks_of(tmp_path / "set") == {
        name_of(content): runs
        for content, runs in zip(contents, (("1 3", "7 2"), ("", "4 4"), ("5 1", "")), strict=True)
    }
    rows = list(csv.DictReader(io.StringIO((tmp_path / "set" / "reviews.csv").read_text(encoding="utf-8"), newline="")))
    assert [row["image"] for row in rows] == [name_of(content) for content in contents]
    assert rows[0]["name"] == "Ω/../\\udcff.png"
    assert rows[0] | {"inspection": ""} == rows[0] | {
        "inspection": "",
        "inspector": INSPECTOR,
        "reviewed": "2026-03-01T12:00:00+00:00",
        "reviewer": "Ada",
        "version": "1",
        "agrees": "no",
        "word": "reject",
        "comment": 'says "so",\\x0aand more',
    }
    assert rows[2]["agrees"] == "yes"
    assert "3 images, 3 of them with a defect" in (tmp_path / "set" / "README.txt").read_text()
    assert not list(station.store.data.glob("tmp*"))


def test_of_an_image_reviewed_several_times_the_latest_word_counts(station: Station, tmp_path: Path) -> None:
    content = a_picture(next(SEEDS))
    first, second = station.inspect(content, (8, 12)), station.inspect(content, (8, 12))
    station.review(second, ("1 1", ""), minutes=5)
    station.review(first, ("2 2", ""), minutes=10)
    station.review(first, ("3 3", ""), minutes=20)
    station.review(second, ("4 4", ""), minutes=15)
    write_corrections(station.log, station.store, tmp_path / "set")
    assert masks_of(tmp_path / "set") == {name_of(content): ("3 3", "")}


def test_what_is_no_example_is_left_out_with_why(station: Station, tmp_path: Path) -> None:
    gone, beyond, unread, foreign, turned, kept = (a_picture(next(SEEDS)) for _ in range(6))
    black = bytes(cv2.imencode(".png", np.full((8, 12), 3, np.uint8))[1])
    station.log.register("cd" * 32, ("crack",), "{}")
    station.log.register("ef" * 32, CLASSES[::-1], "{}")
    ids = {
        "gone": station.inspect(gone, (8, 12)),
        "beyond": station.inspect(beyond, (8, 12)),
        "unread": station.inspect(unread, None),
        "foreign": station.inspect(foreign, (8, 12), ("1 1",), inspector="cd" * 32),
        "black": station.inspect(black, (8, 12)),
    }
    station.inspect(a_picture(next(SEEDS)), (8, 12), ("1 1", ""))  # nobody has looked at it
    station.review(ids["gone"], ("1 1", ""))
    station.store.remove(hashlib.sha256(gone).hexdigest())
    station.review(ids["beyond"], ("90 9", ""))
    station.review(ids["unread"], None, "pass")
    station.review(ids["foreign"], None)
    station.review(ids["black"], None, "pass")
    station.review(station.inspect(turned, (8, 12), ("1 1", "2 2"), inspector="ef" * 32), None)
    station.review(station.inspect(kept, (8, 12)), ("", ""), "pass", minutes=1)
    summary = write_corrections(station.log, station.store, tmp_path / "set")
    assert masks_of(tmp_path / "set") == {name_of(turned): ("2 2", "1 1"), name_of(kept): ("", "")}
    assert not (tmp_path / "set/labels.csv").exists()
    why = {one.id: one.why for one in summary.left_out}
    assert {name: why[number] for name, number in ids.items()} == {
        "gone": "its image is not stored (any more)",
        "beyond": "its mask does not fit it: run 90 9 ends at pixel 98, beyond the 96 pixels of an image of 8 x 12; "
        "correct the run or the size",
        "unread": UNREAD,
        "foreign": FOREIGN,
        "black": "its image is all black, which no dataset may contain",
    }
    before = summarise(station.log, station.store)
    assert before.images == summary.images + 1  # the black one, which nobody has opened yet
    assert set(before.left_out) == {one for one in summary.left_out if one.id != ids["black"]}


def test_an_image_of_an_earlier_inspector_does_not_bring_its_classes_back(station: Station) -> None:
    """Whoever follows the link to what is left out, and reviews it once more, must not leave out all the others."""
    station.log.register("cd" * 32, ("crack",), "{}")
    first = a_picture(next(SEEDS))
    early = station.inspect(first, (8, 12), ("5 3",), inspector="cd" * 32)
    station.review(early, None, minutes=1)
    late = station.inspect(a_picture(next(SEEDS)), (8, 12), ("5 3", ""))
    station.review(late, None, minutes=2)
    station.review(early, None, minutes=3)
    chosen = choose(station.log, station.store)
    assert chosen.classes == CLASSES
    assert [one.id for one in chosen.corrections] == [late]
    assert [(one.id, one.why) for one in chosen.left_out] == [(early, FOREIGN)]
    again = station.inspect(first, (8, 12), ("5 3", ""))  # as the reason says
    station.review(again, None, minutes=4)
    chosen = choose(station.log, station.store)
    assert [one.id for one in chosen.corrections] == [late, again]
    assert not chosen.left_out


def test_a_review_of_another_line_in_the_same_log_leaves_the_corrections_as_they_are(
    station: Station, tmp_path: Path
) -> None:
    """Its image lies in that line's own folder, and its inspector knows other classes."""
    station.log.register("cd" * 32, ("dent",), "{}")
    own = station.inspect(a_picture(next(SEEDS)), (8, 12), ("5 3", ""))
    station.review(own, None)
    other = Station(tmp_path / "other")
    other.log = station.log
    foreign = other.inspect(a_picture(next(SEEDS)), (8, 12), ("1 1",), inspector="cd" * 32)
    other.review(foreign, None, minutes=1)
    chosen = choose(station.log, station.store)
    assert (chosen.classes, [one.id for one in chosen.corrections]) == (CLASSES, [own])
    assert [(one.id, one.why) for one in chosen.left_out] == [(foreign, FOREIGN.replace("crack", "dent", 1))]
    assert write_corrections(station.log, station.store, tmp_path / "set").images == 1
    chosen = choose(other.log, other.store)
    assert (chosen.classes, [one.id for one in chosen.corrections]) == (("dent",), [foreign])


def test_an_image_that_another_line_has_too_does_not_bring_its_classes(tmp_path: Path) -> None:
    """As a strip that the pages of both offer to try."""
    log = InspectionLog.open(f"sqlite:///{tmp_path}/shared.sqlite")
    log.register(INSPECTOR, CLASSES, "{}")
    log.register("cd" * 32, ("dent",), "{}")
    one, other = Station(tmp_path / "one"), Station(tmp_path / "other")
    one.log = other.log = log
    note_writer(one.store.data, "line 2")
    own = one.inspect(a_picture(next(SEEDS)), (8, 12), ("5 3", ""))
    one.review(own, None)
    both = a_picture(next(SEEDS))
    one.inspect(both, (8, 12))
    other.review(other.inspect(both, (8, 12), ("1 1",), inspector="cd" * 32, station="line 3"), None, minutes=1)
    chosen = choose(log, one.store)
    assert (chosen.classes, [one.id for one in chosen.corrections]) == (CLASSES, [own])
    assert choose(log, other.store).classes == ("dent",)


def test_without_a_usable_review_nothing_is_written(station: Station, tmp_path: Path) -> None:
    number = station.inspect(a_picture(next(SEEDS)), None)
    assert summarise(station.log, station.store) == CorrectionsSummary(0, 0, {}, ())
    station.review(number, None)
    for write in (
        lambda: write_corrections(station.log, station.store, tmp_path / "set"),
        lambda: zip_corrections(station.log, station.store),
    ):
        with pytest.raises(UserError, match=r"no reviewed image to train on \(1 left out\)"):
            write()
    assert not (tmp_path / "set").exists()
    assert summarise(station.log, station.store) == CorrectionsSummary(
        0,
        0,
        dict.fromkeys(CLASSES, 0),
        (LeftOutReview(number, "its file could not be read, so there is nothing to draw on"),),
    )


def test_a_rejection_without_a_mask_is_kept_as_known_to_be_bad(station: Station, tmp_path: Path) -> None:
    marked, unmarked, good = (a_picture(next(SEEDS)) for _ in range(3))
    for content, runs, word in ((marked, ("1 1", ""), "reject"), (unmarked, None, "reject"), (good, None, "pass")):
        station.review(station.inspect(content, (8, 12)), runs, word)
    summary = write_corrections(station.log, station.store, tmp_path / "set")
    assert (summary.images, summary.defective, summary.without_masks, summary.left_out) == (3, 2, 1, ())
    dataset = read_dataset(tmp_path / "set")
    assert not dataset.faults
    assert not dataset.left_out
    assert masks_of(tmp_path / "set") == {name_of(marked): ("1 1", ""), name_of(good): ("", "")}
    (known,) = dataset.without_masks
    assert (known.image_id, known.shown, known.is_defective, known.classes) == (name_of(unmarked), (UNKNOWN,), True, ())
    assert "1 images that show a defect which nobody drew" in (tmp_path / "set/README.txt").read_text()
    with zipped(station) as opened:
        rows = opened.read("labels.csv").decode().splitlines()
    assert rows == ["image,class", f"images/{name_of(unmarked)},bad"]


def test_a_folder_that_holds_something_is_left_alone(station: Station, tmp_path: Path) -> None:
    station.review(station.inspect(a_picture(next(SEEDS)), (8, 12)), ("1 1", ""))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    with pytest.raises(UserError, match="nothing is overwritten"):
        write_corrections(station.log, station.store, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_data_check_finds_no_fault_in_corrected_strips(station: Station, tmp_path: Path) -> None:
    for number, path in enumerate(list_images(SAMPLE / "train_images")[:6]):
        runs = ("29102 12 29346 24", "1 256") if number % 2 else ("", "")
        identity = station.inspect(path.read_bytes(), (256, 1600), name=path.name)
        station.review(identity, runs, "reject" if number % 2 else "pass")
    write_corrections(station.log, station.store, tmp_path / "set")
    checked = run_cli("data", "check", tmp_path / "set", "--json", "--no-twins")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)["images"] == 6
