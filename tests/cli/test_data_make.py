"""`steelsight data make` as a user runs it."""

import json
import subprocess
from pathlib import Path

import pytest
from helpers.data import run_cli

SMALL = ("--size", "64x400")


def test_it_makes_a_folder_that_the_check_finds_without_fault(tmp_path: Path) -> None:
    folder = tmp_path / "strips"
    made = run_cli("data", "make", folder, "--images", "12", "--seed", "5", *SMALL)
    assert made.returncode == 0, made.stderr
    assert "12 made-up strips of 3 coils" in made.stdout
    again = sum(line.rpartition(",")[2] != "" for line in (folder / "groups.csv").read_text().splitlines()[1:])
    assert f"; {again} show{'s' if again == 1 else ''} the surface of another again (twins)" in made.stdout
    assert f"next: steelsight data check {folder}" in made.stdout
    checked = run_cli("data", "check", folder, "--json", "--no-twins")
    assert checked.returncode == 0, checked.stdout
    figures = json.loads(checked.stdout)
    assert (figures["layout"], figures["images"], figures["faults"]) == ("severstal", 12, [])


def test_the_groups_beside_them_are_proposed_and_taken(tmp_path: Path) -> None:
    folder = tmp_path / "strips"
    run_cli("data", "make", folder, "--images", "6", *SMALL, "--layout", "cvat")
    proposed = f"--groups {folder / 'groups.csv'} --quick"
    for data in (folder, folder / "annotations.xml"):
        checked = run_cli("data", "check", data, "--no-twins")
        assert f"next: steelsight train {data} {proposed}" in checked.stdout
    taken = run_cli("data", "check", folder, "--no-twins", "--groups", folder / "groups.csv")
    assert taken.returncode == 0, taken.stderr
    assert "2 coils among 6 images" in taken.stderr


def test_options_reach_the_strips_and_json_counts_them(tmp_path: Path) -> None:
    options = ("--defective", "1", "--strips-per-coil", "1", "--line", "2", "--layout", "coco", "--loose-labels")
    made = run_cli(
        "data", "make", tmp_path / "strips", "--images", "6", *SMALL, "--difficulty", "0.2", *options, "--json"
    )
    assert made.returncode == 0, made.stderr
    figures = json.loads(made.stdout)
    assert (figures["images"], figures["defective"]) == (6, 6)
    wish = json.loads((tmp_path / "strips" / "strips.json").read_text())
    assert (wish["line"], wish["difficulty"], wish["layout"], wish["loose_labels"]) == (2, 0.2, "coco", True)
    assert (tmp_path / "strips" / "annotations.json").is_file()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--images", "0"), "0 images: at least 1 must be made"),
        (("--size", "256"), "--size '256': write height x width in pixels, as in 256x1600"),
        (("--size", "8x8"), "size 8x8: height and width must each be"),
        (("--defective", "1.2"), "share of defective strips 1.2: it must lie between 0 and 1"),
        (("--difficulty", "-1"), "difficulty -1: it must lie between 0 and 1"),
        (("--strips-per-coil", "0"), "0 strips per coil"),
        (("--line", "3"), "line 3: there are two lines; choose 1 or 2"),
        (("--seed", "-4"), "seed -4"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    done = run_cli("data", "make", tmp_path / "strips", *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run_cli("data", "make", tmp_path, *SMALL)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "is already there, and is never written over" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """A file system of 160 kB, where the user may mount one."""
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("may not mount a small file system here")
    try:
        done = run_cli("data", "make", mount / "strips", "--images", "60", "--size", "128x800")
        assert done.returncode == 2, done.stderr
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(mount.iterdir()) == []
    finally:
        subprocess.run(["umount", str(mount)], check=True)
