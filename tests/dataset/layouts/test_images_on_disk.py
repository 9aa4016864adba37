"""Which image a path means that was written on another machine, or by another system."""

from pathlib import Path

import pytest
from helpers.layout_writers import write_picture

from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk

NAMES = ("a.jpg", "line 1/b.jpg", "line 2/b.jpg", "line 2/c.jpg", ".hidden/d.jpg")


@pytest.fixture
def disk(tmp_path: Path) -> ImagesOnDisk:
    for name in NAMES:
        write_picture(tmp_path / name, (2, 2))
    return ImagesOnDisk(tmp_path)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ("a.jpg", "a.jpg"),
        ("line 2/b.jpg", "line 2/b.jpg"),
        ("line 2\\b.jpg", "line 2/b.jpg"),
        ("line%202/b.jpg", "line 2/b.jpg"),
        ("D:\\mill\\2024\\line 1\\b.jpg", "line 1/b.jpg"),
        ("/home/me/images/c.jpg", "line 2/c.jpg"),
        ("../images/c.jpg", "line 2/c.jpg"),
        ("/data/upload/2/0123abcd-c.jpg", "line 2/c.jpg"),
        ("b.jpg", None),
        ("line 3/b.jpg", None),
        ("d.jpg", None),
        ("gone.jpg", None),
        ("", None),
        ("..", None),
        ("a\0.jpg", None),
    ],
)
def test_a_path_finds_the_image_that_it_means_or_none(disk: ImagesOnDisk, stated: str, found: str | None) -> None:
    one = disk.find(stated)
    assert (None if one.path is None else disk.name_of(one.path)) == found
    assert bool(one.why_not) == (found is None)


def test_a_folder_beside_decides_first(disk: ImagesOnDisk) -> None:
    for line in ("line 1", "line 2"):
        assert disk.find("b.jpg", [disk.root / line]).path == disk.root / line / "b.jpg"
    assert disk.find("../a.jpg", [disk.root / "line 1"]).path == disk.root / "a.jpg"
    assert "may be any of 2 (line 1/b.jpg, line 2/b.jpg)" in disk.find("b.jpg").why_not


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ("line 1/c.jpg", None),  # which is there, and has no such image
        ("/home/me/line 3/c.jpg", None),  # another number is another line
        ("day 2\\line 1\\c.jpg", None),
        ("Line 02/c.jpg", "line 2/c.jpg"),
        ("images/c.jpg", "line 2/c.jpg"),  # the folder has another name on this machine
        ("/data/upload/2/c.jpg", "line 2/c.jpg"),
    ],
)
def test_an_image_of_a_sibling_folder_is_not_the_one_that_is_stated(
    disk: ImagesOnDisk, stated: str, found: str | None
) -> None:
    one = disk.find(stated)
    assert (None if one.path is None else disk.name_of(one.path)) == found
    assert ("(line 2/c.jpg is another)" in one.why_not) == (found is None)


@pytest.mark.parametrize("others", [["line 2/c.jpg"], ["left/a.jpg", "line 2/b.jpg"]])
def test_what_other_entries_say_tells_which_image_is_not_meant(disk: ImagesOnDisk, others: list[str]) -> None:
    """One of them names the image itself, or the file has both folders, side by side."""
    assert disk.find("left/c.jpg").path == disk.root / "line 2" / "c.jpg"
    assert disk.find("left/c.jpg", (), disk.stated(["left/c.jpg", *others])).path is None
    apart = disk.stated(["a/left/c.jpg", "b/line 2/b.jpg"])
    assert disk.find("a/left/c.jpg", (), apart).path == disk.root / "line 2" / "c.jpg"


def test_what_is_taken_out_is_not_found(disk: ImagesOnDisk) -> None:
    assert ImagesOnDisk(disk.root, without=[disk.root / "a.jpg"]).find("a.jpg").path is None
    assert disk.of_stem("b", disk.root / "line 1") == [disk.root / "line 1" / "b.jpg"]
