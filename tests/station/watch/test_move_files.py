"""Moving never loses a file, never overwrites one, and can be killed at any step."""

import os
from pathlib import Path
from typing import Any

import pytest

from steelsight.station.watch import move_files as moving
from steelsight.station.watch.move_files import move
from steelsight.station.watch.scan import Entry


def put(path: Any, content: bytes = b"one") -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    return Entry.of(path.name, path.stat())


def contents(folder: Any) -> Any:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=["links", "no links", "another file system"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """How the target's file system takes second names."""
    link = os.link

    def no_link(source: Any, target: Any) -> Any:
        if request.param == "another file system" and Path(source).parent == Path(target).parent:
            return link(source, target)
        raise OSError(18 if request.param == "another file system" else 1, "no")

    if request.param != "links":
        monkeypatch.setattr(moving.os, "link", no_link)
    return str(request.param)


@pytest.mark.usefixtures("links")
def test_a_file_goes_and_keeps_its_time(tmp_path: Path) -> None:
    entry = put(tmp_path / "in" / "a.png")
    place = move(tmp_path / "in", entry, tmp_path / "out")
    assert place == tmp_path / "out" / "a.png"
    assert contents(tmp_path) == {"out/a.png": b"one"}
    assert place.stat().st_mtime_ns == entry.modified_ns


@pytest.mark.usefixtures("links")
def test_another_file_of_that_name_stays(tmp_path: Path) -> None:
    put(tmp_path / "out" / "a.png", b"other")
    put(tmp_path / "out" / "a.2.png", b"two")  # of the same size and time, with another content
    entry = put(tmp_path / "in" / "a.png")
    assert move(tmp_path / "in", entry, tmp_path / "out") == tmp_path / "out" / "a.3.png"
    assert contents(tmp_path) == {"out/a.png": b"other", "out/a.2.png": b"two", "out/a.3.png": b"one"}


@pytest.mark.usefixtures("links")
def test_killed_between_the_new_name_and_the_old(tmp_path: Path) -> None:
    entry = put(tmp_path / "in" / "a.png")
    put(tmp_path / "out" / "a.png")
    assert move(tmp_path / "in", entry, tmp_path / "out") == tmp_path / "out" / "a.png"
    assert contents(tmp_path) == {"out/a.png": b"one"}


def test_killed_after_linking(tmp_path: Path) -> None:
    entry = put(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    os.link(tmp_path / "in" / "a.png", tmp_path / "out" / "a.png")
    move(tmp_path / "in", entry, tmp_path / "out")
    assert contents(tmp_path) == {"out/a.png": b"one"}


def test_a_next_image_under_the_name_is_left_alone(tmp_path: Path) -> None:
    entry = put(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "a.png", b"the next one")
    assert move(tmp_path / "in", entry, tmp_path / "out") is None
    assert contents(tmp_path) == {"in/a.png": b"the next one"}


def test_what_is_gone_is_no_error(tmp_path: Path) -> None:
    entry = put(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "a.png").unlink()
    assert move(tmp_path / "in", entry, tmp_path / "out") is None


def test_a_link_is_moved_as_the_image_it_leads_to(tmp_path: Path) -> None:
    put(tmp_path / "in" / "store" / "x.png")
    (tmp_path / "in" / "a.png").symlink_to("store/x.png")
    entry = Entry.of("a.png", (tmp_path / "in" / "a.png").stat())
    move(tmp_path / "in", entry, tmp_path / "out")
    assert contents(tmp_path) == {"out/a.png": b"one", "in/store/x.png": b"one"}


def test_a_target_that_cannot_be_written_leaves_the_file(tmp_path: Path) -> None:
    entry = put(tmp_path / "in" / "a.png")
    put(tmp_path / "out")  # a file where the folder should be
    with pytest.raises(OSError, match="out"):
        move(tmp_path / "in", entry, tmp_path / "out")
    assert (tmp_path / "in" / "a.png").is_file()
