"""A row stays a file's own only while the file has the bytes that were judged."""

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.data import SAMPLE

from steelsight.cascade.sources import Source
from steelsight.imaging.object_store import StoredObject, StoreError
from steelsight.imaging.read import list_images
from steelsight.results.contents import CONTENTS_HEADER, JudgedContent, read_contents
from steelsight.results.tables import FinishedRow

STRIP, OTHER = list_images(SAMPLE / "train_images")[:2]
ROW = FinishedRow("a.jpg", "", 0, False, "", True, 0, ())
CONTENT = JudgedContent("a.jpg", hashlib.sha256(STRIP.read_bytes()).hexdigest())
NO_CONTENT = JudgedContent("a.jpg", "")


def test_a_copy_is_the_same_image_and_other_bytes_of_its_size_and_time_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    shutil.copyfile(STRIP, path)
    assert CONTENT.is_still(Source("a.jpg", path), ROW)
    before = path.stat()
    path.write_bytes(STRIP.read_bytes()[:-1] + b"\0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert not CONTENT.is_still(Source("a.jpg", path), ROW)
    path.unlink()
    assert not CONTENT.is_still(Source("a.jpg", path), ROW)


def test_an_object_is_told_by_its_bytes_and_a_store_that_does_not_answer_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the plain install reads no object store")

    def broken(*_: object, **__: object) -> None:
        raise TimeoutError

    store = fsspec.filesystem("memory")
    source = Source("a.jpg", StoredObject("memory://line/a.jpg"))
    store.pipe_file("/line/a.jpg", STRIP.read_bytes())
    assert CONTENT.is_still(source, ROW)
    store.pipe_file("/line/a.jpg", OTHER.read_bytes())
    assert not CONTENT.is_still(source, ROW)
    store.rm("/line", recursive=True)
    assert not CONTENT.is_still(source, ROW)
    monkeypatch.setattr(type(store), "cat_file", broken)
    with pytest.raises(StoreError, match="does not answer"):
        CONTENT.is_still(source, ROW)


def test_what_was_missing_is_the_same_while_it_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a\n.jpg"
    missing = replace(ROW, error=f"{tmp_path}/a\\x0a.jpg: there is no such image; correct the path, or add the image")
    assert NO_CONTENT.is_still(Source("a.jpg", path), missing)
    assert not NO_CONTENT.is_still(Source("a.jpg", tmp_path / "b.jpg"), missing)
    shutil.copyfile(STRIP, path)
    assert not NO_CONTENT.is_still(Source("a.jpg", path), missing)


def test_a_sentence_on_a_damaged_file_is_that_of_its_place(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"nothing")
    damaged = JudgedContent("a.jpg", hashlib.sha256(b"nothing").hexdigest())
    row = replace(ROW, error=f"{tmp_path / 'a.jpg'}: not an image; save it again")
    assert damaged.is_still(Source("a.jpg", tmp_path / "a.jpg"), row)
    assert not damaged.is_still(Source("a.jpg", tmp_path / "b.jpg"), row)


def test_pixels_that_were_judged_without_a_file_are_the_same_as_nothing(tmp_path: Path) -> None:
    assert not NO_CONTENT.is_still(Source("a.jpg", tmp_path / "gone.jpg"), ROW)
    assert not NO_CONTENT.is_still(Source("a.jpg", STRIP), ROW)


def test_rows_are_read_up_to_the_first_that_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "contents.csv"
    rows = [JudgedContent(name, "0f" * 32) for name in ("a,b.jpg", r"c\x0a.jpg", "=d.jpg")]
    whole = CONTENTS_HEADER + b"".join(one.line for one in rows)
    path.write_bytes(whole)
    ends = [len(CONTENTS_HEADER) + sum(len(one.line) for one in rows[: count + 1]) for count in range(3)]
    assert list(read_contents(path)) == list(zip(rows, ends, strict=True))
    for torn in (whole[:-1], whole[:-5] + b"\n\n", whole[: ends[1]] + b"\xff,\n", whole[: ends[1]] + b"a\n"):
        path.write_bytes(torn)
        assert [one for one, _ in read_contents(path)][:2] == rows[:2]
    path.write_bytes(b"Image,hash\n" + rows[0].line)
    assert list(read_contents(path)) == []
    assert list(read_contents(tmp_path / "missing.csv")) == []
