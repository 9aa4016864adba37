"""`steelsight sign`: release an inspector under one's key; and the options of signing and trusting."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steelsight.cli.judging import AsJson
from steelsight.cli.next_step import quoted
from steelsight.cli.output import finish, results

if TYPE_CHECKING:
    from steelsight.inspector.signature import Signature

PASSWORD_VARIABLE = "STEELSIGHT_KEY_PASSWORD"

InspectorFolder = Annotated[Path, typer.Argument(metavar="INSPECTOR", help="Folder that `steelsight export` wrote.")]
Key = Annotated[
    Path,
    typer.Option(
        "--key",
        metavar="KEY",
        help="PEM file of an Ed25519 private key, as `openssl genpkey -algorithm ed25519 -out KEY` writes it; the password "
        f"of an encrypted one is asked for, or stands in {PASSWORD_VARIABLE}.",
    ),
]
Trust = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust",
        metavar="KEY",
        help="PEM file of a public key, or a folder of such files: take the inspector only if one of them signed it. "
        "Repeat it for more.",
        show_default="any inspector",
    ),
]


def sign(inspector: InspectorFolder, key: Key, as_json: AsJson = False) -> None:
    """Sign an existing INSPECTOR: every file that its checksums list. An earlier signature is replaced."""
    from steelsight.inspector.artifact import open_artifact
    from steelsight.inspector.signature import read_signing_key, write_signature

    private = read_signing_key(key, ask_password)
    card, checksums, _ = open_artifact(inspector)
    signer = write_signature(checksums, private)
    if not as_json:
        provenance, policy = card.provenance, card.policy
        said = f"{len(checksums.digests)} files, exported {provenance.created} of data {provenance.fingerprint[:16]}"
        said += "; no verdicts" if policy is None else f"; verdicts rest on evidence: {policy.evidence}"
        for line in (f"signed: {said}", f"fingerprint: {checksums.fingerprint}", f"key: {signer.number}"):
            results.print(line, markup=False, highlight=False, soft_wrap=True)
    figures = {"inspector": str(inspector), "fingerprint": checksums.fingerprint, "key": signer.number}
    following = f"steelsight inspect {quoted(inspector)} IMAGES --out DIR --trust PUBLIC_KEY"
    finish([inspector], following, as_json=as_json, figures=figures)


def ask_password() -> bytes | None:
    """The password of an encrypted key: of the environment, else asked on the terminal; None where there is neither."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is None and sys.stdin.isatty():
        given = str(typer.prompt("password of the key", hide_input=True, err=True))
    return None if given is None else given.encode()


def signature_text(signature: "Signature") -> str:
    """Who signed an inspector, in words: `signed by mill (key 3fa2...)`."""
    if signature.state == "trusted":
        return f"signed by {signature.name} (key {signature.number})"
    return (
        "signed, which nobody has checked: name the keys that you trust"
        if signature.state == "unchecked"
        else "unsigned"
    )
