"""Who may release an inspector: what is unsigned, signed by another key or changed since is refused before it is used."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data import ROOT
from helpers.signing import make_key, sign
from helpers.tiny_inspector import make_inspector

from steelsight.core.errors import UserError
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.signature import read_signing_key, read_trusted_keys

pytest.importorskip("cryptography", reason="without the extra sign nothing is signed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_inspector(tmp_path_factory.mktemp("made") / "inspector")


@pytest.fixture
def folder(made: Any, tmp_path: Path) -> Any:
    return shutil.copytree(made, tmp_path / "inspector")


@pytest.fixture
def mill(tmp_path: Path) -> Any:
    """A private key and its public key."""
    return make_key(tmp_path / "mill")


def refusal(folder: Any, *trust: Path) -> str:
    with pytest.raises(UserError) as refused:
        Inspector.open(folder, trust=trust)
    return str(refused.value)


def test_what_a_trusted_key_signed_is_opened_and_judges(folder: Any, mill: Any) -> None:
    private, public = mill
    sign(folder, private)
    inspector = Inspector.open(folder, trust=[public])
    assert (inspector.signature.state, inspector.signature.name) == ("trusted", "mill")
    assert inspector(np.full((64, 416), 200, np.uint8)).p_defect > 0.5


def test_a_signature_changes_neither_the_fingerprint_nor_what_is_listed(made: Any, folder: Any, mill: Any) -> None:
    sign(folder, mill[0])
    assert Inspector.open(folder).checksums.fingerprint == Inspector.open(made).checksums.fingerprint
    write_checksums(folder)
    assert not {"checksums.sig", "signer.pem"} & set(Inspector.open(folder).checksums.digests)


def test_without_trust_a_signature_is_not_looked_at(made: Any, folder: Any, mill: Any) -> None:
    assert Inspector.open(made).signature.state == "unsigned"
    sign(folder, mill[0])
    (folder / "checksums.sig").write_bytes(b"x" * 64)
    assert Inspector.open(folder).signature.state == "unchecked"


def test_an_unsigned_inspector_is_refused(folder: Any, mill: Any) -> None:
    assert "nobody has signed it, and `trust=` takes what mill (key " in refusal(folder, mill[1])


def test_another_key_is_refused_and_named(folder: Any, mill: Any, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    sign(folder, other[0])
    number = read_trusted_keys([other[1]])[0].number[:16]
    assert f"signed by key {number}, and `trust=` takes what mill (key " in refusal(folder, mill[1])


@pytest.mark.parametrize("signer", [None, b"", b"no key", b"-----BEGIN PUBLIC KEY-----\n"])
def test_the_key_in_the_folder_is_believed_nothing(folder: Any, mill: Any, tmp_path: Path, signer: Any) -> None:
    sign(folder, make_key(tmp_path / "other")[0])
    claim = folder / "signer.pem"
    claim.unlink() if signer is None else claim.write_bytes(signer)
    assert "signed by a key that it does not name" in refusal(folder, mill[1])
    sign(folder, mill[0])
    claim.unlink() if signer is None else claim.write_bytes(signer)
    assert Inspector.open(folder, trust=[mill[1]]).signature.state == "trusted"


@pytest.mark.parametrize("key", ["", "signer.pem"])
def test_a_key_that_lies_in_the_inspector_is_no_key_to_trust(folder: Any, mill: Any, tmp_path: Path, key: str) -> None:
    """`--trust INSPECTOR` would take whatever key stands there."""
    sign(folder, mill[0])
    (tmp_path / "link").symlink_to(folder)
    for inspector in (folder, tmp_path / "link"):
        assert "lies in the inspector that it is to vouch for" in refusal(inspector, folder / key)


@pytest.mark.parametrize("name", ["inspector.json", "segment-1-fold0.onnx"])
def test_whoever_changes_a_file_and_its_checksum_is_refused(folder: Any, mill: Any, name: str) -> None:
    """Checksums alone would take it."""
    sign(folder, mill[0])
    path = folder / name
    if name == "inspector.json":
        card = json.loads(path.read_text("utf-8"))
        card["rule"]["gate"] = 0.99
        path.write_text(json.dumps(card), "utf-8")
    else:
        shutil.copy(folder / "segment-0-fold0.onnx", path)
    assert "changed since it was exported" in refusal(folder, mill[1])
    write_checksums(folder)
    Inspector.open(folder)
    assert "changed after mill (key " in refusal(folder, mill[1])


def test_a_card_is_not_read_before_its_signature_is_seen(folder: Any, mill: Any) -> None:
    (folder / "inspector.json").write_text("{", "utf-8")
    assert "nobody has signed it" in refusal(folder, mill[1])


@pytest.mark.parametrize("signature", [b"", b"x", b"x" * 64, b"x" * 65, b"x" * 100_000])
def test_a_damaged_signature_is_refused(folder: Any, mill: Any, signature: bytes) -> None:
    sign(folder, mill[0])
    (folder / "checksums.sig").write_bytes(signature)
    assert "changed after mill (key " in refusal(folder, mill[1])


def test_what_is_exchanged_after_the_check_is_not_used(folder: Any, mill: Any) -> None:
    """The list that was signed is kept, and each file is held against it when it is read: a new list does not help."""
    sign(folder, mill[0])
    inspector = Inspector.open(folder, trust=[mill[1]])
    shutil.copy(folder / "segment-0-fold0.onnx", folder / "segment-1-fold0.onnx")
    write_checksums(folder)
    with pytest.raises(UserError, match=r"segment-1-fold0\.onnx: changed since it was exported"):
        inspector.engine("throughput")


def test_any_of_several_keys_will_do_as_files_or_in_a_folder(folder: Any, mill: Any, tmp_path: Path) -> None:
    others = [make_key(tmp_path / "keys" / name)[1] for name in ("line1", "line2")]
    sign(folder, mill[0])
    assert Inspector.open(folder, trust=[*others, mill[1]]).signature.name == "mill"
    for private in (tmp_path / "keys").glob("*.key"):
        private.unlink()
    said = refusal(folder, tmp_path / "keys")
    assert "line1 (key " in said
    assert " or line2 (key " in said
    shutil.copy(mill[1], tmp_path / "keys")
    assert Inspector.open(folder, trust=[tmp_path / "keys"]).signature.name == "mill"


def test_openssl_checks_it_without_this_program(folder: Any, mill: Any) -> None:
    sign(folder, mill[0])
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(mill[1]), "-rawin", "-in", "checksums.txt"]
    words += ["-sigfile", "checksums.sig"]
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in said.stdout, said.stderr
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(mill[1]), "-outform", "DER"], capture_output=True, check=True
    ).stdout
    assert hashlib.sha256(der).hexdigest() == read_trusted_keys([mill[1]])[0].number


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("no key"), "no public key in PEM"),
        (lambda path: path.write_text(""), "no public key in PEM"),
        (lambda path: path.mkdir(), "no file *.pem there"),
        (lambda path: shutil.copy(path.parent / "mill.key", path), "this holds a private key, which signs"),
        (lambda path: path.write_text(2 * (path.parent / "mill.pub.pem").read_text()), "more than one key"),
        (lambda path: None, "cannot be read (No such file or directory)"),
        (lambda path: openssl_public(path, "rsa"), "a key of another kind than Ed25519"),
        (lambda path: openssl_public(path, "ed448"), "a key of another kind than Ed25519"),
    ],
)
def test_what_is_no_public_key_is_refused(folder: Any, mill: Any, tmp_path: Path, make: Any, words: str) -> None:
    make(tmp_path / "trusted")
    assert words in refusal(folder, tmp_path / "trusted")


def openssl_public(path: Path, kind: str) -> None:
    private = path.with_suffix(".key")
    subprocess.run(["openssl", "genpkey", "-algorithm", kind, "-out", str(private)], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(path)], check=True)


def test_an_encrypted_key_signs_with_its_password_alone(tmp_path: Path) -> None:
    path = make_key(tmp_path / "mill", password="right")[0]
    assert read_signing_key(path, lambda: b"right")
    with pytest.raises(UserError, match="the password is wrong"):
        read_signing_key(path, lambda: b"wrong")
    with pytest.raises(UserError, match="nobody can be asked for its password"):
        read_signing_key(path)


def test_a_private_key_that_others_can_read_is_refused(mill: Any) -> None:
    mill[0].chmod(0o640)
    with pytest.raises(UserError, match="others can read this private key; run `chmod 600` on it"):
        read_signing_key(mill[0])


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_what_is_no_private_key_is_not_called_one(mill: Any, tmp_path: Path, mode: int) -> None:
    mill[1].chmod(mode)
    with pytest.raises(UserError, match="this is a public key; name the private key that belongs to it"):
        read_signing_key(mill[1])
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "notes.txt").chmod(mode)
    with pytest.raises(UserError, match="no private key in PEM"):
        read_signing_key(tmp_path / "notes.txt")


def test_without_the_library_trust_says_what_to_install(folder: Any, mill: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "cryptography.py").write_text("raise ModuleNotFoundError('no', name='cryptography')")
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from steelsight.cli.main import main; main()"
    words = ["inspect", folder, folder, "--out", tmp_path / "out", "--trust", mill[1]]
    done = subprocess.run(
        [sys.executable, "-c", program, blocked, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert (
        "signatures need the library cryptography, which is not installed; pip install 'steelsight[sign]'"
        in done.stderr
    )
    assert not (tmp_path / "out").exists()
