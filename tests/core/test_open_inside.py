"""Opening what others put into a folder."""

import os
from pathlib import Path

import pytest

from steelsight.core.open_inside import NotInsideError, leads_out, open_inside

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links of POSIX")


def content(folder: Path, name: str) -> bytes:
    with os.fdopen(open_inside(folder, name), "rb") as stream:
        return stream.read()


def test_files_and_links_within_are_read(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("a/b/file")
    (tmp_path / "folder").symlink_to("a")
    assert [content(tmp_path, name) for name in ("a/b/file", "link", "folder/b/file")] == [b"x"] * 3
    assert content(tmp_path / "folder", "b/file") == b"x"
    with pytest.raises(FileNotFoundError):
        open_inside(tmp_path, "a/absent")


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "a/../../outside"])
def test_what_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "in"
    (folder / "a").mkdir(parents=True)
    (tmp_path / "outside").write_bytes(b"x")
    (folder / "link").symlink_to(target)
    assert leads_out(folder, "link")
    with pytest.raises(NotInsideError, match="it leads to a file outside of the folder"):
        open_inside(folder, "link")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "sub").mkdir()
    for name in ("pipe", "sub"):
        with pytest.raises(NotInsideError, match="no file but a pipe, a device or a folder"):
            open_inside(tmp_path, name)
