"""The content of a watched file, read once and whole: these very bytes are hashed and judged."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from steelsight.core.open_inside import NotInsideError, open_inside
from steelsight.station.watch.scan import Entry


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held while its size and time stayed the same."""

    content: bytes
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Content":
        """With its hash."""
        return cls(content, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that somebody has written to since the scan, or while it was read; as it is now."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class ReadFault:
    """Why a file cannot be read."""

    sentence: str


class Gone(Exception):  # noqa: N818 (not a fault: files come and go)
    """There is no such file any more."""


def read_whole(folder: Path, entry: Entry, *, most: int) -> Content | Changed | ReadFault:
    """Read a file that should be as a scan saw it. What is no file by now, such as a pipe, is not waited for, and a link that
    leads out of the folder is not followed.

    Args:
        most: bytes; a larger file is not read.

    Raises:
        Gone: it is not there.
    """
    try:
        with os.fdopen(open_inside(folder, entry.name), "rb") as stream:
            before = Entry.of(entry.name, os.fstat(stream.fileno()))
            if before.stamp != entry.stamp:
                return Changed(before)
            if before.size > most:
                return ReadFault(f"{before.size} bytes are more than the largest allowed image has (max_pixels)")
            content = stream.read(before.size + 1)  # one that grows without end is no longer what the scan saw
            after = Entry.of(entry.name, os.fstat(stream.fileno()))
    except FileNotFoundError as error:
        raise Gone(entry.name) from error
    except NotInsideError as error:
        return ReadFault(f"cannot be read ({error.strerror}); put the image itself into the folder")
    except OSError as error:
        return ReadFault(f"cannot be read ({error.strerror or error}); check its rights and whether a program holds it")
    if after.stamp != entry.stamp or len(content) != entry.size:
        return Changed(after)
    return Content.of(content)
