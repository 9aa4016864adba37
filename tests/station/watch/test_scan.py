"""What a scan takes for an image, and what it does with what cannot be asked."""

import os
from pathlib import Path
from typing import Any

import pytest

from steelsight.station.watch.content import Changed, Content, Gone, ReadFault, read_whole
from steelsight.station.watch.scan import Entry, scan


def write(path: Any, content: bytes = b"content") -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_images_under_names_that_stay_are_found(tmp_path: Path) -> None:
    for name in ("a.JPG", "b.png", ".c.png", "d.png.part", "e.tmp.png", "~f.png", "g.png~", "h.txt", "sub/i.tif"):
        write(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "nowhere.png").symlink_to("missing.png")
    assert sorted(scan(tmp_path).entries) == ["a.JPG", "b.png"]
    entry = scan(tmp_path).entries["b.png"]
    assert entry == Entry.of("b.png", (tmp_path / "b.png").stat())


def test_subfolders_are_looked_into_where_wanted_but_those_apart(tmp_path: Path) -> None:
    for name in ("a.png", "1/b.png", "1/2/c.png", "done/d.png", ".hidden/e.png"):
        write(tmp_path / name)
    (tmp_path / "round").symlink_to(tmp_path)
    found = scan(tmp_path, below=True, apart=frozenset({tmp_path / "done"}))
    assert sorted(found.entries) == ["1/2/c.png", "1/b.png", "a.png"]


def test_a_folder_that_is_called_as_an_image_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "coil.tif" / "a.png")
    assert list(scan(tmp_path, below=True).entries) == ["coil.tif/a.png"]
    assert scan(tmp_path).passed_over == {"coil.tif": "a subfolder, which is not watched; `below=` watches it"}


def test_what_cannot_be_asked_is_neither_there_nor_gone(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    found = scan(tmp_path)
    assert list(found.entries) == ["a.png"]
    assert list(found.unknown) == ["loop.png"]
    assert not found.knows("loop.png")
    assert found.knows("other.png")
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "missing")


def test_a_name_that_is_no_text_is_a_name(tmp_path: Path) -> None:
    try:
        write(tmp_path / os.fsdecode(b"\xff.png"))
    except OSError:
        pytest.skip("this file system wants text")
    assert list(scan(tmp_path).entries) == [os.fsdecode(b"\xff.png")]


def test_content_is_read_as_the_scan_saw_it_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    entry = scan(tmp_path).entries["a.png"]
    assert read_whole(tmp_path, entry, most=7) == Content.of(b"content")
    assert isinstance(read_whole(tmp_path, entry, most=6), ReadFault)
    write(tmp_path / "a.png", b"content and more")
    assert read_whole(tmp_path, entry, most=100) == Changed(scan(tmp_path).entries["a.png"])
    (tmp_path / "a.png").unlink()
    with pytest.raises(Gone):
        read_whole(tmp_path, entry, most=100)


def test_content_that_grows_while_it_is_read_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, status = write(tmp_path / "a.png"), os.fstat
    entry = scan(tmp_path).entries["a.png"]

    def then_it_grows(handle: Any) -> Any:
        found = status(handle)
        with path.open("ab") as stream:
            stream.write(b"more")
        return found

    monkeypatch.setattr("steelsight.station.watch.content.os.fstat", then_it_grows)
    found = read_whole(tmp_path, entry, most=100)
    assert isinstance(found, Changed)
    assert found.entry.size > entry.size
