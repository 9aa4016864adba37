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


def test_what_is_taken_out_is_not_found(disk: ImagesOnDisk) -> None:
    assert ImagesOnDisk(disk.root, without=[disk.root / "a.jpg"]).find("a.jpg").path is None
    assert disk.of_stem("b", disk.root / "line 1") == [disk.root / "line 1" / "b.jpg"]
