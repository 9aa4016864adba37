"""An object store gives the images that it has; where it gives no answer, that is said, and not that they are missing."""

import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from helpers.data import SAMPLE

from steelsight.core.errors import UserError
from steelsight.imaging.object_store import (
    StoredObject,
    StoreError,
    image_path,
    is_stored_object,
    is_url,
    matching,
    stored_below,
)
from steelsight.imaging.read import ImageError, list_images, read_image


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    for name in ("2026/a.jpg", "2026/b/a.jpg", "2026/b/c.PNG", "2026-2/z.jpg"):
        system.pipe_file(f"/archive/{name}", name.encode())
    yield system
    system.rm("/archive", recursive=True)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("url", ["memory://archive/2026", "memory://archive/2026/"])
def test_what_is_below_a_prefix_and_nothing_of_one_beside_it(url: str) -> None:
    assert sorted(stored_below(url)) == ["a.jpg", "b/a.jpg", "b/c.PNG"]
    assert not is_stored_object(url)
    assert is_stored_object("memory://archive/2026/b/a.jpg")
    assert stored_below("memory://archive/2025") == ()
    assert not is_stored_object("memory://archive/2025")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("pattern", "urls"),
    [
        ("memory://archive/*/*.jpg", ["memory://archive/2026-2/z.jpg", "memory://archive/2026/a.jpg"]),
        (
            "memory://archive/2026/**/[ac].*",
            [f"memory://archive/2026/{name}" for name in ("a.jpg", "b/a.jpg", "b/c.PNG")],
        ),
        ("memory://archive/2026/?", []),  # `b` is what a file system takes for a folder
        ("memory://archive/2026/?.png", []),
        ("memory://archive/2026", []),
    ],
)
def test_patterns(pattern: str, urls: list[str]) -> None:
    assert list(matching(pattern)) == urls


def test_an_object_has_the_pixels_of_the_file(store: fsspec.AbstractFileSystem) -> None:
    file = list_images(SAMPLE / "train_images")[0]
    store.pipe_file("/archive/one.jpg", file.read_bytes())
    assert (read_image(StoredObject("memory://archive/one.jpg")) == read_image(file)).all()
    assert (read_image(image_path(f"file://{file}")) == read_image(file)).all()
    with pytest.raises(ImageError, match=r"^memory://archive/none\.jpg: there is no such image") as missing:
        read_image(StoredObject("memory://archive/none.jpg"))
    assert missing.value.kind == "missing-image"


def test_a_store_that_does_not_answer_is_no_missing_image(
    store: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TimeoutError("no answer within 60 s\nand much more")

    for name in ("cat_file", "info", "find", "glob"):
        monkeypatch.setattr(type(store), name, broken)
    said = (
        r"^memory://archive/\S+: the object store does not answer \(TimeoutError: no answer within 60 s\); .*`resume=`$"
    )
    for ask in (lambda url: StoredObject(url).read_bytes(), is_stored_object, stored_below, matching):
        with pytest.raises(StoreError, match=said):
            ask("memory://archive/*.jpg")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nothing://archive/a.jpg", r"fsspec knows no such store \(Protocol not known: nothing\); correct the URL"),
        ("zip://a.jpg::file:///a.zip", "an URL within an URL is not read"),
    ],
)
def test_what_is_no_store_is_told(url: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        StoredObject(url).read_bytes()


def test_a_store_whose_file_system_is_not_installed_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(
        UserError, match=r"^s3://archive/a\.jpg: fsspec lacks .*s3fs.*; pip install it here and on every node"
    ):
        StoredObject("s3://archive/a.jpg").read_bytes()
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UserError, match=r"pip install 'steelsight\[object-store\]'"):
        StoredObject("s3://archive/a.jpg").read_bytes()


def test_what_is_an_url() -> None:
    assert all(map(is_url, ["s3://a", "gs://a/b", "abfs://c@d/e", "https://h/a.jpg"]))
    assert not any(map(is_url, ["C://a", "a/b.jpg", "/a//b", "a:b", "://a", "s3:/a"]))
    assert image_path("a.jpg") == Path("a.jpg")
    assert image_path("s3://a/b/c.jpg").name == "c.jpg"
