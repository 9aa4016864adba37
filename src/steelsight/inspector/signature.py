"""Who released an INSPECTOR: an Ed25519 signature of the bytes of checksums.txt, and so of every file that this lists.

checksums.sig is the plain signature, 64 bytes, and signer.pem the public key that it claims to be of: OpenSSL checks both
without this program. The key in the folder is no reason to believe anything: who can write there can put another. What
counts is a key that a mill holds elsewhere.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import resolved, write_bytes
from steelsight.inspector.checksums import SIGNATURE, SIGNER, Checksums

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_LARGEST = 10_000  # bytes of a file with a key or a signature; a key of this kind has a hundred
_SHOWN_DIGITS = 16
_MAKE = "make one with `openssl genpkey -algorithm ed25519 -out KEY.pem`"
_PUBLIC = "`openssl pkey -in KEY.pem -pubout -out KEY.pub.pem` writes the public key"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key whose holder may release inspectors.

    Attributes:
        name: of its file, without suffixes: for people.
        number: SHA-256 of the key in DER, hexadecimal: what `openssl pkey -pubin -in FILE -outform DER | sha256sum` says.
    """

    name: str
    number: str
    key: "Ed25519PublicKey" = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """For a sentence: `mill (key 3fa20c...)`."""
        return f"{self.name} (key {self.number[:_SHOWN_DIGITS]})"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed an inspector, as far as it was looked at.

    Attributes:
        state: `trusted`: by a key that is trusted here; `unchecked`: there is a signature, and nobody looked at it.
        name, number: of the trusted key; None where the state is another.
    """

    state: Literal["unsigned", "unchecked", "trusted"]
    name: str | None = None
    number: str | None = None

    @classmethod
    def unchecked(cls, folder: Path) -> Self:
        """Whether an inspector has a signature, whatever that is worth."""
        return cls("unchecked" if (folder / SIGNATURE).is_file() else "unsigned")


def read_trusted_keys(paths: Sequence[Path]) -> tuple[TrustedKey, ...]:
    """Public keys from PEM files, and from the files *.pem of folders.

    Raises:
        UserError: one is no public key of the kind Ed25519, a folder has none, or the library is not installed.
    """
    return tuple(_read_public_key(file) for path in paths for file in _key_files(path))


def refuse_keys_inside(folder: Path, paths: Sequence[Path]) -> None:
    """See that no trusted key lies in the inspector that it is to vouch for, as `signer.pem` does.

    Raises:
        UserError: one does.
    """
    for path in paths:
        if resolved(path).is_relative_to(resolved(folder)):
            raise UserError(
                f"{path}: lies in the inspector that it is to vouch for, and who can exchange that can exchange the key; "
                "keep the keys that you trust elsewhere"
            )


def read_signing_key(path: Path, password: Callable[[], bytes | None] = lambda: None) -> "Ed25519PrivateKey":
    """A private key from its PEM file.

    Args:
        password: asked where the file is encrypted; gives None where there is nobody to ask.

    Raises:
        UserError: it is none, is of another kind, others can read it, or the password is wrong.
    """
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path)
    if os.name == "posix" and b"PRIVATE KEY" in content and path.stat().st_mode & 0o077:
        raise UserError(f"{path}: others can read this private key; run `chmod 600` on it")
    if b"PUBLIC KEY" in content:
        raise UserError(f"{path}: this is a public key; name the private key that belongs to it")
    try:
        try:
            key = load_pem_private_key(content, None)
        except TypeError:  # it is encrypted
            given = password()
            if not given:
                raise UserError(f"{path}: the key is encrypted, and nobody can be asked for its password") from None
            key = load_pem_private_key(content, given)
    except (ValueError, UnsupportedAlgorithm) as error:
        said = "the password is wrong, or it is damaged" if b"ENCRYPTED" in content else "no private key in PEM"
        raise UserError(f"{path}: {said}; {_MAKE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path}: a key of another kind than Ed25519; {_MAKE}")
    return key


def write_signature(checksums: Checksums, key: "Ed25519PrivateKey", folder: Path | None = None) -> TrustedKey:
    """Sign what a list of checksums says, and so all files that it lists.

    Args:
        folder: where to write the signature, if not beside the list.

    Returns:
        The public key.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key()
    where = folder or checksums.folder
    write_bytes(where / SIGNER, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    write_bytes(where / SIGNATURE, key.sign(checksums.content))
    return TrustedKey("this key", _number(public), public)


def check_signature(checksums: Checksums, trusted: Sequence[TrustedKey]) -> Signature:
    """See that one of some keys has signed a list of checksums.

    Raises:
        UserError: it is not signed, is signed by another key, or was changed since.
    """
    from cryptography.exceptions import InvalidSignature

    folder, wanted = checksums.folder, " or ".join(key.text for key in trusted)
    given = _bytes_of(folder / SIGNATURE)
    if given is None:
        raise UserError(
            f"{folder}: nobody has signed it, and `trust=` takes what {wanted} has signed; let the holder of the key look at "
            f"it and run `{command('sign', folder, key='KEY')}`"
        )
    for key in trusted:
        try:
            key.key.verify(given, checksums.content)
        except InvalidSignature:
            continue
        return Signature("trusted", key.name, key.number)
    claimed = _claimed(folder)
    signer = next((key for key in trusted if claimed == key.number), None)
    if signer is not None:
        raise UserError(
            f"{folder}: changed after {signer.text} had signed it; copy it again from its source, or let the holder of the "
            f"key look at it and run `{command('sign', folder, key='KEY')}`"
        )
    by = f"key {claimed[:_SHOWN_DIGITS]}" if claimed else "a key that it does not name"
    raise UserError(
        f"{folder}: signed by {by}, and `trust=` takes what {wanted} has signed; let the holder of that key look at it "
        f"and run `{command('sign', folder, key='KEY')}`, or trust the other key"
    )


def _key_files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    files = sorted(path.glob("*.pem"))
    if not files:
        raise UserError(f"{path}: no file *.pem there; put the public keys that you trust into it")
    yield from files


def _read_public_key(path: Path) -> TrustedKey:
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _read(path)
    if b"PRIVATE KEY" in content:
        raise UserError(f"{path}: this holds a private key, which signs; trust takes the public one, and {_PUBLIC}")
    if content.count(b"-----BEGIN ") > 1:
        raise UserError(f"{path}: more than one key in a file; give each a file of its own")
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UserError(f"{path}: no public key in PEM; {_PUBLIC}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UserError(f"{path}: a key of another kind than Ed25519; {_MAKE}, and {_PUBLIC}")
    return TrustedKey(path.name.partition(".")[0], _number(key), key)


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            f"signatures need the library {error.name}, which is not installed; pip install 'steelsight[sign]'"
        ) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); name a PEM file with a key") from error


def _bytes_of(path: Path) -> bytes | None:
    """What lies in a small file of the inspector; None where there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(_LARGEST)


def _claimed(folder: Path) -> str | None:
    """The number of the key that an inspector claims to be signed by: for a sentence alone."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_bytes_of(folder / SIGNER) or b"")
    except (ValueError, UnsupportedAlgorithm):
        return None
    return _number(key) if isinstance(key, Ed25519PublicKey) else None


def _number(key: "Ed25519PublicKey") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
