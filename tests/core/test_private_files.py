"""Files and folders of one account."""

import os
from pathlib import Path

import pytest

from steelsight.core.errors import UserError
from steelsight.core.private_files import (
    close_to_others,
    create_private_file,
    is_open_to_others,
    make_private_folder,
    open_new_file,
    refuse_readable_by_all,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_made_is_private_and_what_is_there_stays(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b")
    create_private_file(tmp_path / "a" / "file")
    assert [mode(tmp_path / name) for name in ("", "a", "a/b", "a/file")] == [0o755, 0o700, 0o700, 0o600]
    (tmp_path / "a" / "file").write_text("kept")
    create_private_file(tmp_path / "a" / "file")
    assert (tmp_path / "a" / "file").read_text() == "kept"
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "a" / "file" / "below")


@pytest.mark.parametrize(("private", "expected"), [(True, 0o600), (False, 0o640)])
def test_a_new_file_is_private_from_the_first_moment_or_as_the_umask_says(
    tmp_path: Path, private: bool, expected: int
) -> None:
    before = os.umask(0o027)
    try:
        with open_new_file(tmp_path / "file", private=private) as stream:
            assert mode(tmp_path / "file") == expected
            stream.write(b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"content"
    with pytest.raises(FileExistsError):
        open_new_file(tmp_path / "file", private=private)


def test_others_lose_their_rights_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    (tmp_path / "outside").chmod(0o644)
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "open").mkdir(0o755)
    paths = [tmp_path / name for name in ("open", "link", "absent")]
    assert is_open_to_others(tmp_path / "open")
    assert close_to_others(paths) == 1
    assert (mode(tmp_path / "open"), mode(tmp_path / "outside")) == (0o700, 0o644)


def test_a_secret_that_all_may_read_is_refused_and_one_of_a_group_is_not(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("")
    for allowed in (0o600, 0o640, 0o400):
        file.chmod(allowed)
        refuse_readable_by_all(file)
    file.chmod(0o644)
    with pytest.raises(
        UserError, match=r"may read it \(mode 644\), and it holds a secret; make it your own: chmod 600"
    ):
        refuse_readable_by_all(file)
