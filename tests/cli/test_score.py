"""`steelsight score`: any submission against any truth file."""

import csv
import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE, run_cli

from steelsight.core.formatting import percent
from steelsight.imaging.rle import decode_runs, encode_mask, format_runs, parse_runs
from steelsight.metrics.dice import dice_figures

TRUTH = SAMPLE / "train.csv"
IMAGES = SAMPLE / "train_images"
SIZE = (256, 1600)

Rows = list[tuple[str, str, str]]


def score(*args: str | Path) -> dict[str, Any]:
    done = run_cli("score", *args, "--json")
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def refused(*args: str | Path) -> str:
    done: CompletedProcess[str] = run_cli("score", *args)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def long(path: Path, rows: Rows) -> Path:
    return write(path, ["ImageId,ClassId,EncodedPixels", *(",".join(row) for row in rows)])


def wide(path: Path, rows: Rows) -> Path:
    return write(path, ["ImageId_ClassId,EncodedPixels", *(f"{image}_{name},{text}" for image, name, text in rows)])


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def real_rows(path: Path) -> Rows:
    csv.field_size_limit(2**31 - 1)
    with path.open(newline="") as stream:
        return [(row["ImageId"], row["ClassId"], row["EncodedPixels"]) for row in csv.DictReader(stream)]


def moved(text: str) -> str:
    """The same mask as a network might draw it: closed, and shifted by four columns."""
    mask = np.roll(decode_runs(parse_runs(text, SIZE), SIZE), 4, axis=1).astype(np.uint8)
    return format_runs(encode_mask(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return long(tmp_path / "truth.csv", [("a.jpg", "1", "1 10"), ("b.jpg", "2", "5 4")])


def test_real_masks_against_decoded_pixels(tmp_path: Path) -> None:
    truth = {(image, name): text for image, name, text in real_rows(TRUTH)}
    predicted = {key: moved(text) for key, text in truth.items()}
    empty = sorted(path.name for path in IMAGES.iterdir())[:6]
    predicted |= {(image, "2"): "1 3 700 50" for image in empty}
    submission = wide(tmp_path / "submission.csv", [(*key, text) for key, text in predicted.items()])

    found = score(TRUTH, submission, "--images", IMAGES, "--size", "256x1600")

    keys = [(path.name, name) for path in sorted(IMAGES.iterdir()) for name in "1234"]
    pixels = [[decode_runs(parse_runs(rows.get(key, ""), SIZE), SIZE) for key in keys] for rows in (predicted, truth)]
    counts = (
        [(p & t).sum() for p, t in zip(*pixels, strict=True)],
        *([mask.sum() for mask in masks] for masks in pixels),
    )
    expected = dice_figures(*(np.reshape(count, (66, 4)) for count in counts)).as_dict()
    assert {name: found[name] for name in expected} == expected
    assert (found["images"], found["pairs"], found["classes"]) == (66, 264, ["1", "2", "3", "4"])
    assert found["floor"] < 1
    assert 0.5 < found["defective_dice"] < 1
    assert found["false_alarm_share"] > 0


def test_either_layout_on_either_side_says_the_same(tmp_path: Path) -> None:
    rows = {(image, name): text for image, name, text in real_rows(TRUTH)}
    names = [path.name for path in sorted(IMAGES.iterdir())]
    every = wide(tmp_path / "wide.csv", [(image, c, rows.get((image, c), "")) for image in names for c in "1234"])
    rest = [(image, "", "") for image in names if not any((image, c) in rows for c in "1234")]
    listed = long(tmp_path / "listed.csv", [(*key, text) for key, text in rows.items()] + rest)
    figures = [
        score(every, TRUTH),
        score(TRUTH, every),
        score(listed, every),
        score(TRUTH, TRUTH, "--images", IMAGES),
        score(TRUTH, TRUTH, "--images", write(tmp_path / "names.txt", names)),
        score(TRUTH, TRUTH, "--images", every),
    ]
    assert [(f["dice"], f["images"], f["floor"], f["classes"]) for f in figures] == [
        (1.0, 66, figures[0]["floor"], ["1", "2", "3", "4"])
    ] * 6


def test_people_see_the_table_and_what_was_assumed() -> None:
    done = run_cli("score", TRUTH, TRUTH)
    assert done.returncode == 0
    for word in ("Dice", "floor", "false alarms", "defects", "38 images x 4 classes", "--images names them"):
        assert word in done.stdout


def test_images_without_rows_are_empty(small: Path, tmp_path: Path) -> None:
    prediction = long(tmp_path / "p.csv", [("a.jpg", "1", "1 10"), ("c.jpg", "2", "5 4")])
    found = score(small, prediction)
    assert (found["images"], found["dice"], found["false_alarm_share"]) == (3, 4 / 6, 1 / 4)
    found = score(small, prediction, "--images", write(tmp_path / "list.csv", ["image_id,fold", "a.jpg,0", "d.jpg,1"]))
    as_groups = score(
        small, prediction, "--images", write(tmp_path / "groups.csv", ["image,coil", "a.jpg,0", "d.jpg,1"])
    )
    assert as_groups == found
    assert (found["images"], found["dice"]) == (2, 1)
    assert any("left out" in note for note in found["notes"])


def test_a_truth_that_lists_empty_images_must_list_all(small: Path, tmp_path: Path) -> None:
    truth = wide(tmp_path / "t.csv", [("a.jpg", "1", "1 10"), ("b.jpg", "1", "")])
    prediction = long(tmp_path / "p.csv", [("z.jpg", "1", "1 10")])
    message = refused(truth, prediction)
    assert "t.csv: no row for z.jpg" in message
    assert "--images" in message
    found = score(small, truth)
    assert found["notes"] == []
    found = score(truth, wide(tmp_path / "q.csv", [("a.jpg", "1", "")]))
    assert "no row for b.jpg: counted as empty" in found["notes"][0]


def test_classes_are_any_text_and_in_natural_order(tmp_path: Path) -> None:
    rows = [("d/x_1.png", name, "1 2") for name in ("MT_Crack", "type 10", "type 9")]
    found = score(long(tmp_path / "t.csv", rows), wide(tmp_path / "p.csv", rows))
    assert (found["classes"], found["dice"]) == (["MT_Crack", "type 9", "type 10"], 1)


def test_a_class_of_the_prediction_alone_is_added_where_truth_may_lack_it(small: Path, tmp_path: Path) -> None:
    prediction = long(tmp_path / "p.csv", [("a.jpg", "1.0", "1 10"), ("a.jpg", "4", "1 10")])
    found = score(small, prediction)
    assert found["classes"] == ["1", "2", "4"]
    assert "class '4' has no row in truth.csv" in found["notes"][0]
    assert score(small, small, "--classes", "1,2,3,4")["pairs"] == 8
    assert "p.csv:3: class '4' is unknown" in refused(small, prediction, "--classes", "1,2")


def test_a_class_that_truth_cannot_have_is_refused_with_the_nearest(tmp_path: Path) -> None:
    truth = long(tmp_path / "t.csv", [("a.jpg", "Crack", "1 2"), ("b.jpg", "", "")])
    prediction = long(tmp_path / "p.csv", [("a.jpg", "crack", "1 2")])
    assert "p.csv:2: class 'crack' is unknown; did you mean 'Crack'?" in refused(truth, prediction)


def test_masks_beside_images_are_no_images(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.jpg", "a.png", "b.jpg", "e.JPG"):
        (folder / name).touch()
    assert score(small, small, "--images", folder)["images"] == 3


def test_a_faulty_row_is_named_with_file_and_line(small: Path, tmp_path: Path) -> None:
    file = long(tmp_path / "faulty.csv", [("a.jpg", "1", "1 2"), ("b.jpg", "1", "409600 2")])
    assert "faulty.csv:3: b.jpg, class 1: run 409600 2 ends at pixel 409601" in refused(
        small, file, "--size", "256x1600"
    )


def test_what_is_no_such_file_is_named(small: Path, tmp_path: Path) -> None:
    assert "none.csv: no such file" in refused(small, tmp_path / "none.csv")
    assert "a folder, but a file is needed" in refused(tmp_path, small)
    binary = tmp_path / "image.csv"
    binary.write_bytes(b"\xff\xd8\xff\xe0")
    assert "image.csv: not UTF-8 text" in refused(small, binary)
    assert "--size: '256' is no size" in refused(small, small, "--size", "256")
    assert "is no size" in refused(small, small, "--size", f"{'1' * 5000}x2")
    assert "--images: none of its 1 names, such as 'q.jpg'" in refused(
        small, small, "--images", write(tmp_path / "list.txt", ["q.jpg"])
    )
    (tmp_path / "empty").mkdir()
    assert "no file ending in .jpg here" in refused(small, small, "--images", tmp_path / "empty")


def test_connected_defects_of_drawn_masks(tmp_path: Path) -> None:
    """Against decoded pixels; every other image is left unmarked, and images without a defect get two specks."""
    truth = {(image, name): text for image, name, text in real_rows(TRUTH)}
    predicted = {key: moved(text) for key, text in list(truth.items())[::2]}
    clean = sorted({path.name for path in IMAGES.iterdir()} - {image for image, _ in truth})[:6]
    predicted |= {(image, "2"): "1 3 700 50" for image in clean}
    submission = wide(tmp_path / "submission.csv", [(*key, text) for key, text in predicted.items()])
    found = score(TRUTH, submission, "--images", IMAGES, "--mm-per-pixel", "0.5")["defects"]

    keys = [(path.name, name) for path in sorted(IMAGES.iterdir()) for name in "1234"]
    annotated = touched = false = 0
    for key in keys:
        true, marked = (decode_runs(parse_runs(rows.get(key, ""), SIZE), SIZE) for rows in (truth, predicted))
        for of, other in ((true, marked), (marked, true)):
            count, labels = cv2.connectedComponents(of.astype(np.uint8), connectivity=8)
            hit = len(set(labels[other].tolist()) - {0})
            if of is true:
                annotated, touched = annotated + count - 1, touched + hit
            else:
                false += count - 1 - hit
    assert (found["annotated"], found["found"], found["false_alarms"]) == (annotated, touched, false)
    assert 0 < found["half_found"] <= touched < annotated
    images = len(list(IMAGES.iterdir()))
    assert false >= 12
    assert found["false_alarms_per_image"] == false / images
    assert found["metres"] == pytest.approx(images * 1600 * 0.0005)
    assert found["false_alarms_per_metre"] == pytest.approx(false / found["metres"])
    for parts in (found["per_class"], found["by_area"]):
        assert sum(part["annotated"] for part in parts) == annotated
        assert sum(part["false_alarms"] for part in parts) == false
    said = run_cli("score", TRUTH, submission, "--images", IMAGES, "--mm-per-pixel", "0.5").stdout
    assert f"{touched} ({percent(touched / annotated, 1)})" in said
    assert "per metre" in said


def test_connected_defects_need_the_size_of_every_image(small: Path, tmp_path: Path) -> None:
    assert score(small, small)["defects"] is None
    assert "give --size" in run_cli("score", small, small).stdout
    assert "--mm-per-pixel 0.5: a length needs the images' widths" in refused(small, small, "--mm-per-pixel", "0.5")
    no_length = refused(small, small, "--size", "4x100", "--mm-per-pixel", "inf")
    assert "--mm-per-pixel inf: the size of a pixel is a number above 0" in no_length
    found = score(small, small, "--size", "4x100")["defects"]  # 10 pixels of 4 rows are one defect
    assert (found["annotated"], found["found"], found["false_alarms_per_metre"]) == (2, 2, None)
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((3, 3), np.uint8))
    assert "truth.csv:2: a run ends at pixel 10, beyond a.jpg of 3 x 3 pixels" in refused(
        small, small, "--images", folder
    )


@pytest.mark.parametrize("name", ["test/{}.jpg", "{}.png", "{}.JPG", "other_{}.jpg"])
def test_images_of_which_none_is_in_both_files_get_no_figure(tmp_path: Path, name: str) -> None:
    truth = long(tmp_path / "t.csv", [("a.jpg", "1", "1 10"), ("b.jpg", "1", "1 10"), ("c.jpg", "2", "1 10")])
    strangers = long(tmp_path / "p.csv", [(name.format(one), "1", "1 10") for one in "ab"])
    said = refused(truth, strangers)
    assert name.format("a") in said
    assert "a.jpg" in said


def test_one_image_under_another_spelling_is_refused(tmp_path: Path) -> None:
    truth = long(tmp_path / "t.csv", [("a.jpg", "1", "1 10"), ("b.jpg", "1", "1 10")])
    half = long(tmp_path / "p.csv", [("a.jpg", "1", "1 10"), ("test/B.jpg", "1", "1 10")])
    assert "p.csv:3: 'test/B.jpg' is not in" in refused(truth, half)


def test_hidden_files_and_guarded_names(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    for name in ("a.jpg", "=b.jpg", "._a.jpg", ".thumbs/c.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    truth = long(tmp_path / "t.csv", [("a.jpg", "1", "1 10"), ("=b.jpg", "1", "1 10")])
    same = long(tmp_path / "p.csv", [("a.jpg", "1", "1 10"), ("'=b.jpg", "1", "1 10")])
    figures = score(truth, same, "--images", folder)
    assert (figures["images"], figures["dice"]) == (2, 1.0)


@pytest.mark.parametrize("other", ["{}.JPG", "{}.png", "test/{}.jpg", "{}.jpeg"])
def test_a_list_that_spells_some_names_otherwise_is_refused(tmp_path: Path, other: str) -> None:
    truth = long(tmp_path / "t.csv", [(f"{one}.jpg", "1", "1 4") for one in "abc"])
    half = long(tmp_path / "p.csv", [("b.jpg", "1", "1 4")])
    names = [other.format("a"), "b.jpg", other.format("c")]
    said = refused(truth, half, "--images", write(tmp_path / "list.txt", names))
    assert f"--images: '{names[0]}' stands in {truth} as 'a.jpg'" in said
    # of a prediction, what it found would be missed
    full = long(tmp_path / "f.csv", [(name, "1", "1 4") for name in names])
    listed = write(tmp_path / "names.txt", ["a.jpg", "b.jpg", "c.jpg"])
    assert f"--images: 'a.jpg' stands in {full} as '{names[0]}'" in refused(truth, full, "--images", listed)


def test_a_list_may_leave_out_images_that_only_look_alike(tmp_path: Path) -> None:
    """Of another folder, another number, or beside the very name."""
    rows = [(name, "1", "1 4") for name in ("cam1/1.jpg", "cam2/2.jpg", "x_01.jpg", "d.jpg", "d.png")]
    truth = long(tmp_path / "t.csv", rows)
    names = write(tmp_path / "list.txt", ["cam2/1.jpg", "cam2/2.jpg", "x_1.jpg", "d.jpg"])
    found = score(truth, truth, "--images", names)
    assert (found["images"], found["dice"]) == (4, 1.0)
    assert "cam1/1.jpg and 2 more left out" in found["notes"][0]


@pytest.mark.parametrize("other", ["coil1/a.jpg", "a.png", "A.jpg"])
def test_two_names_of_one_file_are_two_images(tmp_path: Path, other: str) -> None:
    """Though the other file, which found nothing on one of them, has the name of the other alone."""
    truth = long(tmp_path / "t.csv", [(name, "1", "1 4") for name in ("a.jpg", other, "b.jpg")])
    found = long(tmp_path / "p.csv", [(name, "1", "1 4") for name in ("a.jpg", "b.jpg")])
    judged = score(truth, found, "--images", write(tmp_path / "list.txt", [other, "b.jpg"]))
    assert (judged["images"], judged["dice"]) == (2, 0.5)


def test_a_name_in_a_list_keeps_its_commas(tmp_path: Path) -> None:
    truth = write(tmp_path / "t.csv", ["ImageId,ClassId,EncodedPixels", '"a, b.jpg",1,1 4', '"c,  d.jpg",1,1 4'])
    for lines in (["a, b.jpg", "", "c,  d.jpg", ",,"], ['"a, b.jpg"', ' "c,  d.jpg"'.strip()]):
        found = score(truth, truth, "--images", write(tmp_path / "list.txt", lines))
        assert (found["images"], found["dice"], found["notes"]) == (2, 1.0, [])


def test_classes_are_named_as_in_the_files(tmp_path: Path) -> None:
    small = long(tmp_path / "t.csv", [("a.jpg", "1.0", "1 10"), ("b.jpg", "2", "5 4")])
    assert score(small, small, "--classes", "1.0, 2.0")["classes"] == ["1", "2"]
    commas = long(tmp_path / "c.csv", [("a.jpg", '"dent, deep"', "1 10"), ("b.jpg", "z", "5 4")])
    assert score(commas, commas, "--classes", '"dent, deep", z')["classes"] == ["dent, deep", "z"]
    assert "--classes: ' ,' names no class" in refused(small, small, "--classes", " ,")
    assert "is no row of CSV" in refused(small, small, "--classes", "1\n2")
