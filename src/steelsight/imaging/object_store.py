"""Images in an object store, by URL: whatever fsspec has a file system for (s3, gs, abfs and many more).

What an URL says between its prefix and an object is kept as it was given, so that the host of one that names a host stays.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from steelsight.core.errors import UserError

T = TypeVar("T")

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters at least: one is a drive
_MAGIC = re.compile(r"[*?\[]")
_WITH_PASSWORD = re.compile(r"([^/]+://[^/:]*):[^/]*@")
_ONCE_A_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


class StoreError(UserError):
    """An object store gave neither what was asked for nor that it is not there; asked again, it may."""


@dataclass(frozen=True)
class StoredObject:
    """An object by its URL, with what reading an image asks of a `Path`."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """What follows the last slash."""
        return self.url.rstrip("/").rpartition("/")[2]

    def read_bytes(self) -> bytes:
        """All of it.

        Raises:
            FileNotFoundError, PermissionError: there is no such object, or it may not be read.
            StoreError: the store does not answer, so that nothing is known of the object.
        """
        system, path = file_system(self.url)
        try:
            content: bytes = system.cat_file(path)
        except (FileNotFoundError, PermissionError):
            raise
        except Exception as error:  # each store has errors of its own
            raise unanswered(self.url, error) from error
        return content


ImagePath = Path | StoredObject
"""Where an image lies."""


def is_url(text: str) -> bool:
    """Whether a text names something in an object store, rather than a file.

    >>> is_url("s3://archive/2026"), is_url("C://strips"), is_url("strips/*.jpg")
    (True, False, False)
    """
    return _URL.match(text) is not None


def has_magic(url: str) -> bool:
    """Whether an URL may be a pattern."""
    return _MAGIC.search(url) is not None


def was_url(path: Path) -> bool:
    """Whether a path was an URL before it was taken for a path, which keeps one slash of two.

    >>> was_url(Path("s3://archive/2026")), was_url(Path("C:/strips")), was_url(Path("a/b:/c"))
    (True, False, False)
    """
    return _ONCE_A_URL.match(str(path)) is not None


def image_path(text: ImagePath | str) -> ImagePath:
    """A file, or an object where the text is an URL.

    Raises:
        UserError: the URL has a password in it.
    """
    if isinstance(text, StoredObject):
        return text
    if not (isinstance(text, str) and is_url(text)):
        return Path(text)
    refuse_password(text)
    return StoredObject(text)


def refuse_password(url: str) -> None:
    """See that an URL can stand in tables, labels and logs.

    Raises:
        UserError: it has a password in it, which the sentence does not repeat.
    """
    found = _WITH_PASSWORD.match(url)
    if found is not None:
        name = url.partition("://")[0]
        raise UserError(
            f"{found[1]}:...@{url[found.end() :]}: a password in an URL would stand in tables and logs; leave it out, and "
            f"give it to fsspec, as in FSSPEC_{name.upper()}_PASSWORD"
        )


def is_stored_object(url: str) -> bool:
    """Whether there is an object of exactly this URL.

    Raises:
        StoreError: the store does not answer.
    """
    system, path = file_system(url)
    return _asked(url, lambda: system.info(path)["type"] == "file", missing=False)


def stored_below(url: str) -> tuple[str, ...]:
    """The objects below a prefix, by their way from it, with slashes; none where there is nothing.

    Raises:
        StoreError: the store does not answer.
    """
    system, root = file_system(url)
    return _asked(url, lambda: tuple(_relative(system.find(root), root)), missing=())


def matching(pattern: str) -> tuple[str, ...]:
    """The URLs of the objects that match a pattern such as `s3://archive/2026/**/*.jpg`, sorted.

    Raises:
        StoreError: the store does not answer.
    """
    found = _MAGIC.search(pattern)
    if found is None:
        return ()
    prefix, slash, _ = pattern[: found.start()].rpartition("/")
    system, path = file_system(pattern)
    root = file_system(prefix + slash)[1]

    def objects() -> list[str]:  # a pattern may match what is a folder to the file system, too
        return [name for name, info in system.glob(path, detail=True).items() if info["type"] != "directory"]

    matches: tuple[str, ...] = _asked(pattern, lambda: tuple(_relative(objects(), root)), missing=())
    return tuple(sorted(f"{prefix}{slash}{inside}" for inside in matches))


def file_system(url: str) -> tuple[Any, str]:
    """The file system of an URL, and its path there; kept, so that a second call costs nothing.

    Raises:
        UserError: fsspec is not installed here, or has no such file system; or the URL has a password in it.
    """
    refuse_password(url)
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UserError(
            f"{url}: reading from an object store needs fsspec; pip install 'steelsight[object-store]' and the file system "
            "of this store, such as s3fs"
        ) from error
    if "::" in url:
        raise UserError(f"{url}: an URL within an URL is not read; name the folder or the object itself")
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise UserError(
            f"{url}: fsspec lacks the file system of this store ({error}); pip install it here and on every node"
        ) from error
    except ValueError as error:
        raise UserError(f"{url}: fsspec knows no such store ({error}); correct the URL") from error
    except Exception as error:  # each store has errors of its own
        raise unanswered(url, error) from error
    return system, path


def unanswered(url: str, error: Exception) -> StoreError:
    """What to tell where a store gave neither an object nor that there is none."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return StoreError(
        f"{url}: the object store does not answer ({type(error).__name__}{f': {said}' if said else ''}); see to the address, "
        "the network and your credentials, then go on by `resume=`"
    )


def _asked(url: str, ask: Callable[[], T], *, missing: T) -> T:
    try:
        return ask()
    except FileNotFoundError:
        return missing
    except Exception as error:  # each store has errors of its own
        raise unanswered(url, error) from error


def _relative(paths: list[str], root: str) -> Iterator[str]:
    """Ways from a root; a store names it with a slash at its end, or without."""
    start = root.rstrip("/") + "/"
    for path in paths:
        if path.startswith(start):
            yield path.removeprefix(start)
