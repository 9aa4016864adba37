import io
from pathlib import Path
from typing import Any

import pytest
from helpers.data import SAMPLE

from steelsight.cascade.sources import Source, find_sources
from steelsight.core.errors import UserError


@pytest.fixture
def store() -> None:
    pytest.importorskip("fsspec", reason="the plain install reads no object store")


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    for name in ("a.jpg", "b/a.jpg", "b/c.PNG", "b/notes.txt", "b/.hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def ids(*given: Any) -> Any:
    return [source.image_id for source in find_sources([str(path) for path in given])]


def test_a_folder_gives_what_is_below_it_by_its_path_inside(folder: Any) -> None:
    assert ids(folder) == ["a.jpg", "b/a.jpg", "b/c.PNG"]


def test_files_and_patterns_give_file_names(folder: Any) -> None:
    assert ids(folder / "b" / "c.PNG", folder / "a.jpg") == ["c.PNG", "a.jpg"]
    assert ids(folder / "b" / "*.PNG") == ["c.PNG"]
    assert ids(folder / "**" / "*.txt") == ["notes.txt"]


def test_a_file_named_twice_counts_once(folder: Any) -> None:
    assert find_sources([str(folder / "b"), str(folder / "b/*.PNG"), str(folder / "b/a.jpg")]) == (
        Source("a.jpg", folder / "b/a.jpg"),
        Source("c.PNG", folder / "b/c.PNG"),
    )


def test_two_links_to_one_file_are_two_images(folder: Any) -> None:
    (folder / "b" / "link.jpg").symlink_to(folder / "a.jpg")
    assert ids(folder, folder / "b" / ".." / "a.jpg") == ["a.jpg", "b/a.jpg", "b/c.PNG", "b/link.jpg"]


def test_two_images_of_one_name_are_refused(folder: Any) -> None:
    with pytest.raises(UserError, match=r"would both be named 'a\.jpg'"):
        find_sources([str(folder / "a.jpg"), str(folder / "b")])


@pytest.mark.parametrize("name", ["nothing.jpg", "*.bmp", "empty"])
def test_nothing_there_is_refused_with_the_path(folder: Any, name: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(UserError) as refused:
        find_sources([str(folder / name)])
    assert str(refused.value).startswith(str(folder / name))


def piped(monkeypatch: pytest.MonkeyPatch, content: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_dash_is_a_list_of_paths_on_standard_input(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "b" / " ü.jpg").write_bytes(b"")
    lines = ["\ufeff" + str(folder / "a.jpg"), "", str(folder / "b" / " ü.jpg"), str(folder / "b" / "*.PNG")]
    piped(monkeypatch, "\r\n".join(lines).encode())
    assert ids("-", folder / "b" / "c.PNG") == ["a.jpg", " ü.jpg", "c.PNG"]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_list_is_refused(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    piped(monkeypatch, content)
    with pytest.raises(UserError, match="standard input held no path"):
        find_sources(["-"])


def test_pictures_of_an_earlier_run_are_no_images_of_the_folder_around_them(folder: Any) -> None:
    for name in ("out/overlays/a.jpg", "out/masks/b/c.png", "out/d.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    found = [source.image_id for source in find_sources([str(folder)], results=folder / "out")]
    assert found == ["a.jpg", "b/a.jpg", "b/c.PNG", "out/d.jpg"]
    asked = find_sources([str(folder / "out/overlays")], results=folder / "out")
    assert [source.image_id for source in asked] == ["a.jpg"]


def test_the_sample_is_found_whole() -> None:
    assert len(find_sources([str(SAMPLE / "train_images")])) == 66


@pytest.mark.usefixtures("store")
def test_an_object_store_is_resolved_as_a_folder_is(folder: Any) -> None:
    url = f"file://{folder}"
    assert ids(url) == ids(f"{url}/") == ids(folder)
    assert ids(f"{url}/b/c.PNG", f"{url}/a.jpg") == ["c.PNG", "a.jpg"]
    assert ids(f"{url}/b/*.PNG", f"{url}/b/c.PNG") == ["c.PNG"]
    assert ids(f"{url}/b/notes.txt") == ["notes.txt"]
    assert [str(source.path) for source in find_sources([f"{url}/b"])] == [f"{url}/b/a.jpg", f"{url}/b/c.PNG"]


def test_a_list_of_objects_asks_for_none_of_them(monkeypatch: pytest.MonkeyPatch, folder: Any) -> None:
    piped(monkeypatch, f"file://{folder}/a.jpg\nfile://{folder}/gone.jpg\n".encode())
    assert ids("-") == ["a.jpg", "gone.jpg"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", ["nothing", "*.bmp", "b/*/a.jpg"])
def test_nothing_in_an_object_store_is_refused_with_the_url(folder: Any, name: str) -> None:
    with pytest.raises(
        UserError, match=r"^file://.*: the object store has no image there, and as a pattern it matches nothing"
    ):
        find_sources([f"file://{folder}/{name}"])


@pytest.mark.parametrize("url", ["s3://", "file:///"])
def test_an_url_without_a_place_is_refused(url: str) -> None:
    with pytest.raises(UserError, match=r"names no place in the object store; write a bucket and a prefix"):
        find_sources([url])


@pytest.mark.parametrize(
    "url", ["ftp://me:s3cret@host/a.jpg", "sftp://me:s3:cr@et@host/archive", "https://:s3cret@h/*.png"]
)
def test_an_url_with_a_password_is_refused_before_it_stands_anywhere(url: str) -> None:
    for ask in (lambda: find_sources([url]), lambda: Source.of(url)):
        with pytest.raises(UserError, match=r"give it to fsspec, as in FSSPEC_[A-Z]+_PASSWORD") as refused:
            ask()
        assert "cr" not in str(refused.value)
        assert str(refused.value).startswith(f"{url.partition('://')[0]}://")
    assert str(Source.of("s3://me@host/a:b@c.jpg").path) == "s3://me@host/a:b@c.jpg"


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_or_prefix_of_which_all_is_left_out_is_refused(
    tmp_path: Any, request: pytest.FixtureRequest, scheme: str
) -> None:
    if scheme:
        request.getfixturevalue("store")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"no image .*1 image left out: a hidden folder"):
        find_sources([f"{scheme}{tmp_path}"])
