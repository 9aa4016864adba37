"""Files written to a temporary name and renamed, so that a killed run leaves no half file."""

import csv
import errno
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

from steelsight.core.errors import UserError
from steelsight.core.exchange import exchange
from steelsight.core.private_files import create_private_file, make_private_folder, open_new_file
from steelsight.core.safe_names import no_formula

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""What the system says of a full disk."""
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
"""What the system says of a name that is another folder's."""
_LONGEST_STEM = 180  # bytes, of 255 that most file systems allow
_TEMPORARY = re.compile(
    r"\..+\.(\d+|[0-9a-f]{8})\.part(\.[^.]+)?"
)  # those of `temporary_beside`, and of older steelsights
_FORMER = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.former", re.DOTALL)
"""A folder that was moved aside for its successor."""


@contextmanager
def disk_errors(
    path: Path, *, again: str = "the same command again", room: str | None = None, all_as: str | None = None
) -> Iterator[None]:
    """Turn a full or read-only disk met while writing `path` into one sentence for the user.

    Args:
        again: what to run when there is room again.
        room: how to make room, where running something again is not what follows.
        all_as: what cannot be done ("written", "read"), where whatever the disk refuses is to be such a sentence.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            mend = room or f"free some space and run {again} (nothing was half-written)"
            raise UserError(f"{path}: the disk is full; {mend}") from error
        if all_as is not None:
            why = error.strerror or error
            raise UserError(f"{path}: cannot be {all_as} ({why}); see to the disk and its rights") from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise UserError(
                f"{path}: no permission to write here; choose another folder or change its rights"
            ) from error
        raise


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path`, on failure it is removed.

    The temporary keeps the suffix of `path`, since many writers choose a format by it. Works for files and folders. Any
    number of threads and processes may write the same path: the last one's content stays.

    Args:
        private: of a file: it, and folders that are made for it, are this account's alone.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    temporary = temporary_beside(path)
    with disk_errors(path):
        if private:
            make_private_folder(path.parent)
            create_private_file(temporary)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _take_place(temporary, path)
        finally:
            _remove(temporary)


def _take_place(temporary: Path, path: Path) -> None:
    """Rename a file or folder. A folder takes no other's name, so the two change names. Where the system cannot do that, the
    one that is there is moved aside first: a moment without it, rather than the time that deleting takes; it is put back if
    its successor cannot have its place, or Ctrl-C comes between. A kill there leaves both; see `moved_aside`."""
    former = _former_beside(path)
    try:
        while not _exchanged(temporary, path, former) and not _renamed(temporary, path):
            _discard(former)  # another process was faster, and its folder is the one to be moved aside now
    finally:
        if former.exists():
            if not path.exists():
                _put_back(former, path)
            _discard(former)


def _exchanged(temporary: Path, path: Path, former: Path) -> bool:
    """Whether two folders changed names; where they cannot, the one that is there is moved aside."""
    with suppress(FileNotFoundError):  # another process moves it aside
        if path.is_dir() and temporary.is_dir():
            if exchange(temporary, path):
                return True
            path.replace(former)
    return False


def _renamed(temporary: Path, path: Path) -> bool:
    """Whether a file or folder got the name; not where it is another folder's."""
    try:
        temporary.replace(path)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _put_back(former: Path, path: Path) -> None:
    try:
        former.replace(path)
    except OSError as error:  # another process may be faster here, too
        if error.errno not in _TAKEN:
            raise


def _discard(former: Path) -> None:
    """Remove what was moved aside, under a temporary's name: one that is called former is whole, whenever a kill comes."""
    doomed = temporary_beside(former)
    with suppress(FileNotFoundError):
        former.replace(doomed)
        _remove(doomed)


def _former_beside(path: Path) -> Path:
    """A name for what is moved aside, which `sweep` takes for a temporary's only once its successor is there."""
    return path.with_name(f".{_short(path.name)}.{os.urandom(4).hex()}.former")


def moved_aside(path: Path) -> Path | None:
    """Where the folder of this name lies, if a kill came while another was taking its place: its successor never did."""
    if path.exists():
        return None
    name = _short(path.name)
    found = ((one, _FORMER.fullmatch(one.name)) for one in sorted(path.parent.glob(f".{escape(name)}.*.former")))
    return next((one for one, of in found if of and of["name"] == name), None)


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that `sweep` knows, and nobody else takes: of containers that share one, each may be process
    1."""
    return path.with_name(f".{_short(path.stem)}.{os.urandom(4).hex()}.part{path.suffix}")


def _short(stem: str) -> str:
    """A stem that leaves room for what a temporary name adds: a file's own name may be as long as a system allows."""
    content = os.fsencode(stem)
    return stem if len(content) <= _LONGEST_STEM else hashlib.blake2b(content, digest_size=16).hexdigest()


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write `text` as UTF-8 with plain newlines, atomically; see `replacing`."""
    with replacing(path, private=private) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV in UTF-8 with plain newlines, atomically; texts as `names.no_formula` makes them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in ([*columns], *rows):
        writer.writerow([no_formula(cell) if isinstance(cell, str) else cell for cell in row])
    write_text(path, text.getvalue())


Refusals = Callable[[Path], AbstractContextManager[None]]
"""`disk_errors`, or the same with words of the caller's own."""


def write_bytes(
    path: Path,
    content: bytes | memoryview,
    *,
    durable: bool = False,
    private: bool = False,
    refusals: Refusals = disk_errors,
) -> None:
    """Write `content` atomically, as `replacing` does, which opens a file for each step and asks for folders where a file may
    be: a station, which writes two files an image, would feel that.

    Args:
        durable: its content outlives a power cut as soon as it has its name.
        private: see `replacing`.
        refusals: how what the disk refuses is told.

    Raises:
        UserError: see `replacing`.
    """
    temporary = temporary_beside(path)
    with refusals(path):
        if private:
            make_private_folder(path.parent)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open_new_file(temporary, private=private) as stream:
                stream.write(content)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any, *, private: bool = False) -> None:
    """Write `value` as indented JSON, atomically; see `replacing`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n", private=private)


def resolved(path: Path) -> Path:
    """A path without links, as far as these lead somewhere: one in a circle stays as it is, where `Path.resolve` raises
    `RuntimeError` before Python 3.13."""
    return Path(os.path.realpath(path))


def refuse_links_out(folder: Path, *below: str) -> None:
    """See that nothing below some parts of a folder is a symbolic link that leads out of it: a folder from strangers could
    have files of the user's written over.

    Raises:
        UserError: something is.
    """
    inside = resolved(folder)
    for part in below:
        for path in (folder / part, *(folder / part).rglob("*")):
            if path.is_symlink() and not resolved(path).is_relative_to(inside):
                raise UserError(
                    f"{path}: a link that leads out of {folder}, where its files would be written over; put what it leads to "
                    "in its place, or move the whole folder and link that"
                )


def sweep(folder: Path, *, below: bool = True, stem: str = "*") -> None:
    """Remove the temporary files that a killed run left in a folder, and below it if wanted; of files of one stem alone where
    it is given, since other processes may write others."""
    find = folder.rglob if below else folder.glob
    for path in find(f".{stem}.*.part*"):
        if is_temporary(path):
            _remove(path)
    for path in find(f".{stem}.*.former"):
        of = _FORMER.fullmatch(path.name)
        if of and path.with_name(of["name"]).exists():  # else it is all that there is
            _remove(path)


def is_temporary(path: Path) -> bool:
    """Whether a file is one that a killed run left, by its name."""
    return _TEMPORARY.fullmatch(path.name) is not None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
