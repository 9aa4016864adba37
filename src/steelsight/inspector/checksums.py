"""checksums.txt of an INSPECTOR: read once, and every file of the folder is held against what it said then.

Who can write the folder can exchange a file between a look at it and its use. So nothing is looked at and read again: what
is used are the very bytes whose SHA-256 was compared with the one that was read at the start.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from steelsight.core.errors import UserError
from steelsight.core.files import write_text

CHECKSUMS, SIGNATURE, SIGNER = "checksums.txt", "checksums.sig", "signer.pem"
"""The list; the signature of its bytes, and the key that this claims to be of: see `steelsight.inspector.signature`."""
UNLISTED = frozenset({CHECKSUMS, SIGNATURE, SIGNER})
"""Files that no checksum can cover."""


@dataclass(frozen=True, slots=True)
class Checksums:
    """What checksums.txt vouches for.

    Attributes:
        folder: of the inspector.
        content: the bytes of checksums.txt, as they were read.
        digests: SHA-256 of each file, hexadecimal, by name.
    """

    folder: Path
    content: bytes = field(repr=False)
    digests: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the list; no file is compared with it yet.

        Raises:
            UserError: there is none.
        """
        path = folder / CHECKSUMS
        if not path.is_file():
            raise UserError(f"{path}: not found, so nothing proves the inspector whole; copy it again from its source")
        content = path.read_bytes()
        lines = (line.partition("  ") for line in content.decode("utf-8", "replace").splitlines())
        return cls(folder, content, MappingProxyType({name: digest for digest, _, name in lines}))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the list, hexadecimal: two inspectors with the same one are the same to the last byte."""
        return hashlib.sha256(self.content).hexdigest()

    def require(self, *names: str) -> None:
        """See that files are listed.

        Raises:
            UserError: one is not.
        """
        for name in names:
            if name not in self.digests:
                raise UserError(
                    f"{self.folder / name}: not listed in {CHECKSUMS}; copy the inspector again from its source"
                )

    def read_file(self, name: str) -> bytes:
        """The bytes of a listed file, which are those that its checksum is of.

        Raises:
            UserError: it is not listed, is missing, or has changed.
        """
        self.require(name)
        path = self.folder / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise _missing(path) from None
        self.compare(name, hashlib.sha256(content).hexdigest())
        return content

    def compare(self, name: str, digest: str) -> None:
        """See that a listed file has this SHA-256, hexadecimal.

        Raises:
            UserError: it has another.
        """
        if digest != self.digests[name]:
            raise UserError(
                f"{self.folder / name}: changed since it was exported (its checksum is not the one in {CHECKSUMS}); copy "
                "the inspector again from its source, or export the run again"
            )

    def verify(self, known: Mapping[str, bytes] | None = None) -> None:
        """See that every listed file is there and unchanged.

        Args:
            known: bytes of files that were read before, by name, which are compared in place of what lies there now.

        Raises:
            UserError: a file is missing or has changed, or the list names something outside of the folder.
        """
        for name in sorted(self.digests):
            path = self.folder / name
            if Path(name).name != name:
                raise UserError(
                    f"{self.folder / CHECKSUMS}: {name!r} is no file of this folder; copy the inspector again"
                )
            if not path.is_file():
                raise _missing(path)
            self.compare(name, hashlib.sha256(known[name]).hexdigest() if known and name in known else _sha256(path))


def write_checksums(
    folder: Path, names: Iterable[str] | None = None, known: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write checksums.txt over files of the folder: all that a checksum can cover unless they are named.

    Args:
        known: SHA-256 of files, by name, which are not computed: of what was checked, not of what lies there by now.
    """
    chosen = (path.name for path in folder.iterdir() if path.is_file()) if names is None else names
    lines = (f"{known.get(name) or _sha256(folder / name)}  {name}\n" for name in sorted({*chosen} - UNLISTED))
    write_text(folder / CHECKSUMS, "".join(lines))


def _missing(path: Path) -> UserError:
    return UserError(f"{path}: missing from the inspector; copy it again from its source")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
