"""Who works with a station: names and roles, each known by a token of which only the SHA-256 is kept."""

import hashlib
import json
import os
import secrets
import stat
import tomllib
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, resolved, write_text
from steelsight.core.lock import Lock
from steelsight.core.model import Model, explain, keys_of
from steelsight.core.private_files import create_private_file, make_private_folder

Role = Literal["operator", "reviewer", "owner"]
"""What one may: `operator` looks and sends images; `reviewer` also reviews and corrects; `owner` also takes the log, the
corrections and the audit trail away."""
ROLES: tuple[Role, ...] = get_args(Role)
"""The least one first; each may what those before it may."""

_BYTES = 32  # of a token: with so many, nobody finds it from its hash
_OTHERS_MAY_WRITE = 0o022


class Person(Model):
    """One who has a token.

    Attributes:
        name: as it stands in reviews and in the audit trail.
        role: see `Role`.
        sha256: of the token, hexadecimal.
    """

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    role: Role
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    def may(self, least: Role) -> bool:
        """Whether the role is this one, or more."""
        return ROLES.index(self.role) >= ROLES.index(least)


class _People(Model):
    """The file: a table `[[token]]` for each token."""

    token: tuple[Person, ...] = Field(min_length=1)


def hash_of(token: str) -> str:
    """SHA-256 of a token, hexadecimal: what `printf %s TOKEN | sha256sum` says."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def read_people(path: Path) -> tuple[Person, ...]:
    """Who is in a file of tokens.

    Raises:
        UserError: it cannot be read, others can write to it, it is not such a file, or two of its tokens have one name or are
            the same.
    """
    try:
        with path.open("rb") as stream:
            if os.name == "posix" and os.fstat(stream.fileno()).st_mode & _OTHERS_MAY_WRITE:
                raise UserError(
                    f"{path}: others can write to it, and so give themselves any role; run `chmod go-w` on it"
                )
            content = tomllib.loads(stream.read().decode("utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); make it with "
            f"`{command('token', path, name='NAME', role='owner')}`"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); see to its rights") from error
    except ValueError as error:
        raise UserError(f"{path}: not TOML ({error}); make tokens with `steelsight token`") from error
    try:
        people = _People.model_validate(content).token
    except ValidationError as error:
        keys = keys_of(Person)
        raise UserError(
            f"{path}: {explain(error, keys=lambda _: keys, mend='make tokens with `steelsight token`')}"
        ) from error
    for what, values in (("name", [one.name for one in people]), ("token", [one.sha256 for one in people])):
        twice = next((value for value, count in Counter(values).items() if count > 1), None)
        if twice is not None:
            raise UserError(f"{path}: two entries have the {what} {twice!r}; take one out")
    return people


def add_person(path: Path, name: str, role: Role) -> str:
    """Make a token, and write its name, role and hash at the end of a file, which is made for this account alone if it is not
    there; else its mode and owner stay, since a station may run under another account, and so does a link to it. Who makes
    another one meanwhile waits.

    Returns:
        The token itself, which stands nowhere.

    Raises:
        UserError: the name is taken or is none, or the file is no such file or cannot be written.
    """
    file = resolved(path)
    lock = file.with_name(f".{file.name}.lock")
    with disk_errors(path, all_as="written"):
        make_private_folder(file.parent)
        create_private_file(lock)
    with Lock(lock, f"{path}: another process writes to it", needed=False).waited_for():
        return _add_person(path, name, role)


def _add_person(path: Path, name: str, role: Role) -> str:
    former = path.stat() if path.exists() else None
    people = () if former is None else read_people(path)
    if name in {one.name for one in people}:
        raise UserError(f"{path}: there is a token of {name!r}; take that out first, or give another name")
    token = secrets.token_urlsafe(_BYTES)
    try:
        new = Person(name=name, role=role, sha256=hash_of(token))
    except ValidationError as error:
        raise UserError(explain(error, place=lambda where: f"`{'.'.join(map(str, where))}=`")) from error
    before = "" if former is None else path.read_text("utf-8")
    # the strings of JSON are strings of TOML
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in new.model_dump().items()]
    if before and not before.endswith("\n"):
        before += "\n"
    write_text(resolved(path), "\n".join([*([before] if before else []), "[[token]]", *lines, ""]), private=True)
    if former is not None:
        _restore(path, former)
    return token


def _restore(path: Path, former: os.stat_result) -> None:
    """Give a file that was written anew its owner, where this account may, and its mode."""
    if os.name == "posix":
        with suppress(PermissionError):
            os.chown(path, former.st_uid, former.st_gid)
    path.chmod(stat.S_IMODE(former.st_mode))
