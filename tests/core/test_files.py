"""Files appear whole or not at all, whoever writes them at the same time, and what a kill leaves is known by its name."""

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from steelsight.core import files
from steelsight.core.errors import UserError
from steelsight.core.files import (
    disk_errors,
    is_temporary,
    moved_aside,
    replacing,
    resolved,
    sweep,
    temporary_beside,
    write_bytes,
)


def test_many_threads_write_one_file_and_it_is_always_one_of_theirs(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    contents = [bytes([number]) * 200_000 for number in range(8)]
    path.write_bytes(contents[0])
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write_bytes, path, content, durable=True) for content in contents * 5]
        while not all(one.done() for one in writing):
            assert path.read_bytes() in contents
        for one in writing:
            one.result()
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("former")

    def break_off() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "former"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_content_that_the_disk_does_not_take_leaves_the_former_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "image.jpg"
    write_bytes(path, b"former", durable=True)

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UserError, match=r"image\.jpg: the disk is full"):
        write_bytes(path, b"later", durable=True)
    assert path.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(params=["exchanged", "moved aside"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a folder takes another's name: in one step, or in two where the system knows no such step."""
    if request.param == "moved aside":
        monkeypatch.setattr(files, "exchange", lambda one, other: False)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_a_folder_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "inspector"
    for text in ("first", "second"):
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / f"{text}.txt").write_text(text)
    assert [one.name for one in path.iterdir()] == ["second.txt"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("way")
def test_many_threads_write_one_folder_and_it_is_always_one_of_theirs(tmp_path: Path) -> None:
    path = tmp_path / "inspector"

    def write(text: str) -> None:
        with replacing(path) as temporary:
            temporary.mkdir()
            for name in ("a", "b"):
                (temporary / name).write_text(text)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, map(str, range(400))))
    first, second = ((path / name).read_text() for name in ("a", "b"))
    assert first == second
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_put_back_where_its_successor_cannot_have_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename, failing = tmp_path / "inspector", os.replace, ["the second rename"]
    monkeypatch.setattr(files, "exchange", lambda one, other: False)
    path.mkdir()
    (path / "a").write_text("former")

    def break_down(source: str, target: str) -> None:
        if str(target) == str(path) and failing:
            raise OSError(errno.EIO, failing.pop())
        rename(source, target)

    monkeypatch.setattr(os, "replace", break_down)
    with pytest.raises(OSError, match="the second rename"), replacing(path) as temporary:
        temporary.mkdir()
    assert (path / "a").read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def _replace_interrupted_at(path: Path, number: int) -> bool:
    """Replace a folder, with Ctrl-C before a line of it, whichever it is; False where there are fewer."""
    passed = iter(range(number))

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != files.__file__ or frame.f_code.co_name == "replacing":
            return None
        if event == "line" and next(passed, None) is None:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    former = sys.gettrace()
    try:
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / "a").write_text("new")
            sys.settrace(trace)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(former)
    return False


@pytest.mark.usefixtures("way")
def test_an_interrupted_replacement_leaves_the_former_folder_or_the_new_one(tmp_path: Path) -> None:
    left = set()
    for number in range(1000):
        path = tmp_path / str(number) / "inspector"
        path.mkdir(parents=True)
        (path / "a").write_text("former")
        was_interrupted = _replace_interrupted_at(path, number)
        assert path.is_dir(), f"Ctrl-C before line {number}"
        left.add((path / "a").read_text())
        sweep(path.parent)
        assert list(path.parent.iterdir()) == [path]
        if not was_interrupted:
            break
    assert not was_interrupted
    assert left == {"former", "new"}


def kill_between_the_renames(path: Path) -> None:
    """Replace a folder where the two cannot change names, and die when the former one is moved aside."""
    script = (
        "import os, sys; from pathlib import Path; from steelsight.core import files\n"
        "files.exchange = lambda one, other: False\n"
        "rename = os.replace\n"
        "os.replace = lambda one, other: (rename(one, other), os._exit(9))\n"
        "with files.replacing(Path(sys.argv[1])) as new: new.mkdir()"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == 9


def test_what_a_kill_left_aside_is_found_until_its_name_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "inspector"
    path.mkdir()
    (path / "a").write_text("former")
    assert moved_aside(path) is None
    kill_between_the_renames(path)
    (tmp_path / ".inspector.old.0123abcd.former").mkdir()  # of another one
    sweep(tmp_path)
    assert not path.exists()
    aside = moved_aside(path)
    assert aside is not None
    assert (aside / "a").read_text() == "former"
    with replacing(path) as temporary:
        temporary.mkdir()
    assert moved_aside(path) is None
    sweep(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {"inspector", ".inspector.old.0123abcd.former"}


def test_what_a_kill_leaves_is_swept_and_nothing_else(tmp_path: Path) -> None:
    kept = [
        tmp_path / name for name in ("a.part", ".hidden.csv", ".a.cafe.part.csv", ".a.part.csv", "a.0123abcd.part.csv")
    ]
    left = [
        temporary_beside(tmp_path / "a.csv"),
        tmp_path / ".a.4711.part.csv",
    ]  # the second as older ones called theirs
    for path in (*kept, *left):
        path.write_text("")
    assert [is_temporary(path) for path in (*kept, *left)] == [False] * 5 + [True] * 2
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (
            errno.ENOSPC,
            {},
            "the disk is full; free some space and run the same command again (nothing was half-written)",
        ),
        (
            errno.EDQUOT,
            {"again": "the export"},
            "the disk is full; free some space and run the export (nothing was half-written)",
        ),
        (errno.ENOSPC, {"room": "prune the log"}, "the disk is full; prune the log"),
        (errno.EROFS, {}, "no permission to write here; choose another folder or change its rights"),
        (errno.EIO, {"all_as": "read"}, f"cannot be read ({os.strerror(errno.EIO)}); see to the disk and its rights"),
    ],
)
def test_what_the_disk_refuses_is_one_sentence(code: int, words: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as refused, disk_errors(Path("a.csv"), **words):
        raise OSError(code, os.strerror(code))
    assert str(refused.value) == f"a.csv: {said}"


def test_what_is_no_fault_of_the_disk_is_not_hidden() -> None:
    with pytest.raises(OSError, match="error"), disk_errors(Path("a.csv")):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_link_is_followed_and_one_in_a_circle_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "circle").symlink_to("circle")
    assert resolved(tmp_path / "link" / "a.png") == tmp_path.resolve() / "there" / "a.png"
    assert resolved(tmp_path / "circle") == tmp_path.resolve() / "circle"
