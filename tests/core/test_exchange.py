"""A name is never without its folder, at whatever moment one looks or pulls the plug."""

import ctypes
import errno
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from steelsight.core import exchange as module
from steelsight.core.exchange import exchange
from steelsight.core.files import replacing

linux = pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")


@linux
def test_names_change_places(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    (one / "a").write_text("of one")
    other.write_text("a file")
    assert exchange(one, other)
    assert one.read_text() == "a file"
    assert (other / "a").read_text() == "of one"
    with pytest.raises(FileNotFoundError, match="gone"):
        exchange(one, tmp_path / "gone")
    assert one.exists()


@linux
def test_a_folder_that_is_replaced_is_there_at_every_moment(tmp_path: Path) -> None:
    path, missing, ended = tmp_path / "inspector", [0], threading.Event()
    with replacing(path) as temporary:
        temporary.mkdir()

    def look() -> None:
        while not ended.is_set():
            try:
                path.stat()
            except FileNotFoundError:
                missing[0] += 1

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(500):
        with replacing(path) as temporary:
            temporary.mkdir()
    ended.set()
    looking.join()
    assert missing == [0]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_that_cannot_says_so(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        ctypes.set_errno(code)
        return -1

    monkeypatch.setattr(module, "_renameat2", lambda: refuse)
    assert not exchange(tmp_path / "one", tmp_path / "other")
    monkeypatch.setattr(module, "_renameat2", lambda: None)
    assert not exchange(tmp_path / "one", tmp_path / "other")
