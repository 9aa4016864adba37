"""Key pairs as OpenSSL makes them, and signatures."""

import subprocess
from pathlib import Path
from typing import Any

from steelsight.inspector.checksums import Checksums
from steelsight.inspector.signature import read_signing_key, write_signature


def make_key(stem: Path, password: str | None = None) -> tuple[Path, Path]:
    """`STEM.key` and `STEM.pub.pem`."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    private, public = stem.with_suffix(".key"), stem.with_suffix(".pub.pem")
    hidden = [] if password is None else ["-aes256", "-pass", f"pass:{password}"]
    _openssl("genpkey", "-algorithm", "ed25519", "-out", private, *hidden)
    _openssl("pkey", "-in", private, "-pubout", "-out", public, *(hidden and ["-passin", f"pass:{password}"]))
    return private, public


def sign(folder: Path, private: Path) -> None:
    """Sign what lies there."""
    write_signature(Checksums.read(folder), read_signing_key(private))


def _openssl(*words: Any) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
