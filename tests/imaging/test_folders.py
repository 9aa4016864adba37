"""What lies in a folder is found, or named."""

import tempfile
from pathlib import Path
from typing import Any

import cv2
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile
from helpers.pictures import steel
from hypothesis import given
from hypothesis import strategies as st

from steelsight.cascade.sources import find
from steelsight.imaging.folders import look_below, look_below_url


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), steel())


def test_what_is_passed_over_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(
        folder / "a.png",
        folder / "sub/b.png",
        folder / ".cache/c.png",
        tmp_path / "store/d.png",
        tmp_path / "store/e.png",
    )
    (folder / "today").symlink_to(tmp_path / "store")
    (folder / "again").symlink_to(folder / "sub")
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "f.webp").write_bytes(b"")
    (folder / "notes").mkdir()
    images, left_out = look_below(folder)
    assert [path.relative_to(folder).as_posix() for path in images] == ["a.png", "gone.png", "sub/b.png"]
    assert [(one.path.name, one.images) for one in left_out] == [("in", 1), (".cache", 1), ("today", 2)]
    assert "f.webp: of a format that is not read" in left_out[0].sentence
    assert "link to a folder" in left_out[2].sentence


def test_a_link_to_a_whole_disk_is_named_without_counting_all_of_it(tmp_path: Path) -> None:
    put(tmp_path / "in/a.png", tmp_path / "disk/b.png")
    for number in range(20_000):
        (tmp_path / "disk" / f"{number}").touch()
    (tmp_path / "in/link").symlink_to(tmp_path / "disk")
    (one,) = look_below(tmp_path / "in")[1]
    assert (one.path.name, one.images) == ("link", 1)
    assert "so much in it that not all was counted" in one.sentence


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.png", tmp_path / "closed/b.png")
    real = Path.iterdir

    def iterdir(path: Path) -> Any:
        if path.name == "closed":  # whoever runs the tests may be root, whom no rights hold
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    found = find([str(tmp_path)])
    assert [source.image_id for source in found.sources] == ["a.png"]
    assert "cannot be read (Permission denied)" in found.left_out[0].sentence


def test_a_link_that_leads_nowhere_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("gone.png")
    assert [source.image_id for source in find([str(tmp_path)]).sources] == ["a.png", "b.png"]


@given(
    names=st.sets(
        st.lists(st.sampled_from(["a", "a-1", "b", ".c", "a b"]), max_size=2).flatmap(
            lambda folders: st.sampled_from(["a.jpg", "b.PNG", ".d.png", "e.webp", "f.txt", "a#1.tif"]).map(
                lambda name: "/".join([*folders, name])
            )
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_prefix_of_an_object_store_is_looked_through_as_a_folder_is(names: set[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"")
        images, left_out = look_below(folder)
        stored, left_out_there = look_below_url(f"file://{folder}")
    assert stored == [image.relative_to(folder).as_posix() for image in images]
    assert {one.sentence for one in left_out_there} == {f"file://{one.sentence}" for one in left_out}


def test_objects_that_are_named_as_no_file_is_are_named_and_left_out() -> None:
    """Of these `a//b.jpg` would be taken for `a/b.jpg`, `/c.jpg` and `../d.jpg` would name pictures outside of the results,
    and `e::f.jpg` an URL within an URL."""
    system = fsspec.filesystem("memory")
    odd = ("a//b.jpg", "/c.jpg", "x/../../d.jpg", "e::f.jpg", "./g.jpg")
    names = [f"/named/below/{name}" for name in ("a/b.jpg", "a#b ?[1]%20:.jpg", "odd//notes.txt", *odd)]
    for name in names:
        content = MemoryFile(system, name)
        content.write(b"0")
        content.commit()
    try:
        stored, left_out = look_below_url("memory://named/below")
    finally:
        for name in names:
            system.store.pop(name)
    assert stored == ["a/b.jpg", "a#b ?[1]%20:.jpg"]
    (one,) = left_out
    assert (str(one.path), one.images) == ("memory://named/below", 5)
    assert "and 2 more: with `..`, `::` or an empty part in the name" in one.sentence
