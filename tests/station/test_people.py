"""Names, roles and tokens: of a token its hash alone is kept."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.core.errors import UserError
from steelsight.station.people import add_person, read_people

ENTRY = '[[token]]\nname = "Anna"\nrole = "owner"\nsha256 = "{}"\n'
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=100)


def test_a_token_is_told_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    token = add_person(path, "Anna Schmidt", "reviewer")
    assert len(token) >= 43
    text = path.read_text("utf-8")
    assert token not in text
    assert hashlib.sha256(token.encode()).hexdigest() in text
    assert path.stat().st_mode & 0o777 == 0o600
    other = add_person(path, 'Bert "B" \\ 7', "operator")
    assert other != token
    assert [(one.name, one.role) for one in read_people(path)] == [
        ("Anna Schmidt", "reviewer"),
        ('Bert "B" \\ 7', "operator"),
    ]


@settings(max_examples=30, deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_whatever_people_are_called_they_are_read_back(tmp_path_factory: Any, names: Any) -> None:
    path = tmp_path_factory.mktemp("people") / "tokens.toml"
    for name in names:
        add_person(path, name, "operator")
    assert [one.name for one in read_people(path)] == names


def test_tokens_that_are_made_at_once_are_all_there(tmp_path: Path) -> None:
    """Each writes the file anew, and one that had read it before would take the other's out."""
    path, names = tmp_path / "tokens.toml", [f"line {number}" for number in range(12)]
    with ThreadPoolExecutor(len(names)) as pool:
        tokens = list(pool.map(lambda name: add_person(path, name, "operator"), names))
    found = {one.name: one.sha256 for one in read_people(path)}
    assert found == {
        name: hashlib.sha256(token.encode()).hexdigest() for name, token in zip(names, tokens, strict=True)
    }
    assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}


def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text("# of line 2\n" + ENTRY.format("0" * 64) + "# end", "utf-8")
    path.chmod(0o600)
    add_person(path, "Bert", "operator")
    assert path.read_text("utf-8").startswith("# of line 2\n")
    assert [one.name for one in read_people(path)] == ["Anna", "Bert"]


def test_the_account_of_a_station_may_still_read_the_file(tmp_path: Path) -> None:
    """It is often another one than that of who makes tokens."""
    path = tmp_path / "tokens.toml"
    add_person(path, "Anna", "owner")
    path.chmod(0o640)
    if os.name == "posix" and os.geteuid() == 0:
        os.chown(path, 0, 65534)
    before = path.stat()
    add_person(path, "Bert", "operator")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "token: "),
        ("token = 3", "token: 3 is refused"),
        ("[[token", "not TOML"),
        (b"\xff", "not TOML"),
        (ENTRY.format("0" * 63), "sha256"),
        (ENTRY.format("0" * 64).replace("owner", "ownr"), "did you mean 'owner'"),
        (ENTRY.format("0" * 64) + 'more = "x"', "there is no such key"),
        (ENTRY.format("0" * 64).replace("Anna", ""), "name"),
        (ENTRY.format("0" * 64).replace("Anna", "An\\nna"), "name"),
        (ENTRY.format("0" * 64) + ENTRY.format("1" * 64), "two entries have the name 'Anna'"),
        (ENTRY.format("0" * 64) + ENTRY.format("0" * 64).replace("Anna", "Bert"), "two entries have the token"),
    ],
)
def test_what_is_no_file_of_tokens_is_refused(tmp_path: Path, content: Any, words: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    with pytest.raises(UserError) as refused:
        read_people(path)
    assert words in str(refused.value)
    with pytest.raises(UserError):
        add_person(path, "Carl", "owner")


def test_a_link_to_the_file_stays(tmp_path: Path) -> None:
    path, link = tmp_path / "tokens.toml", tmp_path / "link.toml"
    add_person(path, "Anna", "owner")
    link.symlink_to(path)
    add_person(link, "Bert", "operator")
    assert link.is_symlink()
    assert [one.name for one in read_people(path)] == ["Anna", "Bert"]


def test_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    add_person(path, "Anna", "owner")
    path.chmod(0o620)
    with pytest.raises(UserError, match="others can write to it, and so give themselves any role"):
        read_people(path)


@pytest.mark.parametrize("name", ["Anna", "", "x" * 101, "a\nb"])
def test_a_name_is_one_line_and_one_persons(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tokens.toml"
    add_person(path, "Anna", "owner")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"there is a token of 'Anna'|`name=`"):
        add_person(path, name, "owner")
    assert path.read_bytes() == before


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"cannot be read .*; make it with `steelsight token .*tokens\.toml --name NAME"
    ):
        read_people(tmp_path / "tokens.toml")
