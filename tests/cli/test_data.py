"""`steelsight data check` as a user runs it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE, SHARED, needs_shared, run_cli


def test_clean_data_ends_with_the_command_that_trains_on_it() -> None:
    done = run_cli("data", "check", SAMPLE)
    assert done.returncode == 0, done.stderr
    assert "66 images without a fault, 28 of them defect-free; layout severstal" in done.stdout
    assert "No faults." in done.stdout
    assert "1600 x 256" in done.stdout
    assert f"next: steelsight train {SAMPLE} --groups {SAMPLE / 'groups.csv'} --quick --out run\n" in done.stdout
    assert "Twins, images of one surface: 2 in 1 group, the largest of 2\n" in done.stdout


def test_json_is_one_object_on_standard_output() -> None:
    done = run_cli("data", "check", SAMPLE, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["layout"], figures["images"], figures["defect_free"]) == ("severstal", 66, 28)
    assert [row["images"] for row in figures["classes"]] == [9, 4, 23, 4]
    assert len(figures["classes"][0]["areas"]) == len(figures["area_quantiles"])
    assert figures["twins"]["groups"] == 1  # one strip is the twin of another, as groups.csv says
    assert (figures["faults"], figures["wrote"]) == ([], [])


def test_faults_are_listed_with_file_and_line_and_end_in_status_2(tmp_path: Path) -> None:
    (tmp_path / "train_images").mkdir()
    names = [path.name for path in sorted((SAMPLE / "train_images").iterdir())[:3]]
    for name in names:
        (tmp_path / "train_images" / name).write_bytes((SAMPLE / "train_images" / name).read_bytes())
    table = tmp_path / "train.csv"
    table.write_text(f"ImageId,ClassId,EncodedPixels\n{names[0]},1,1 5\n{names[1]},2,4 5 6\n")
    (tmp_path / "train_images" / names[2]).write_text("[not] an image")
    done = run_cli("data", "check", tmp_path, "--no-twins")
    assert done.returncode == 2
    assert f"{table}:3: run-odd-count: " in done.stdout
    assert f"{tmp_path / 'train_images' / names[2]}: unreadable-image: not an image but text" in done.stdout
    assert "[not] an image" in done.stdout
    assert "--skip-faulty" in done.stdout
    assert "Traceback" not in done.stderr
    as_json = run_cli("data", "check", tmp_path, "--no-twins", "--json")
    assert as_json.returncode == 2
    figures = json.loads(as_json.stdout)
    assert [(fault["kind"], fault["line"]) for fault in figures["faults"]] == [
        ("run-odd-count", 3),
        ("unreadable-image", None),
    ]
    assert figures["twins"] is None


def test_an_empty_folder_and_a_wrong_layout_are_one_sentence(tmp_path: Path) -> None:
    done = run_cli("data", "check", tmp_path)
    assert done.returncode == 2
    assert "the folder is empty" in done.stderr
    assert "Traceback" not in done.stderr
    assert run_cli("data", "check", tmp_path, "--layout", "yolo").returncode == 2


@needs_shared
@pytest.mark.parametrize(("name", "status", "images"), [("magnetic_tile", 2, 1047), ("neu_seg", 0, 908)])
def test_other_layouts_are_found_by_themselves(name: str, status: int, images: int) -> None:
    done = run_cli("data", "check", SHARED / name, "--no-twins", "--json")
    assert done.returncode == status, done.stderr
    assert json.loads(done.stdout)["images"] == images


@needs_shared
def test_what_the_data_cannot_teach_is_said_and_is_no_fault() -> None:
    done = run_cli("data", "check", SHARED / "neu_seg", "--no-twins")
    assert done.returncode == 0, done.stderr
    assert "note: Every image shows a defect" in done.stdout


def test_a_note_steers_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "classes.txt").write_text("pit\n")
    for number, name in enumerate(("a\nb", "c\N{RIGHT-TO-LEFT OVERRIDE}d", "e")):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.full((8, 8), 90 + 40 * number, np.uint8))
    (tmp_path / "labels/e.txt").write_text("0 0.1 0.1 0.6 0.1 0.6 0.6\n")
    done = run_cli("data", "check", tmp_path, "--no-twins")
    assert done.returncode == 2
    assert "2 images have no text file and count as defect-free" in done.stdout
    assert "a\\x0ab.png" in done.stdout
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in done.stdout + done.stderr
