"""`steelsight export`: a run as an inspector that needs no torch."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from steelsight.cli.next_step import inspect_with
from steelsight.cli.output import finish, results, shown_progress
from steelsight.cli.sign import ask_password


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `steelsight train --out` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder of the inspector; an inspector that is already there is replaced.")],
    folds: Annotated[str, typer.Option(help="`all`: networks of every fold together; or one fold's number.")] = "all",
    precision: Annotated[
        Literal["fp32", "fp16", "bf16", "int8"],
        typer.Option(
            help="fp32 answers as torch does; fp16 takes half the disk, int8 a quarter; bf16 and int8 are faster on a "
            "processor that supports them."
        ),
    ] = "fp32",
    max_dice_loss: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Competition Dice that fp16, bf16 or int8 may lose.")
    ] = 0.002,
    images: Annotated[
        list[str] | None,
        typer.Option(
            help="Images, folders or patterns to compare with torch on; repeat it for each. Default: the run's own."
        ),
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option(
            metavar="KEY",
            help="Sign it: PEM file of an Ed25519 private key, as `openssl genpkey -algorithm ed25519 -out KEY` writes it.",
            show_default="not signed",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Write the networks and the rule of RUN as an inspector that runs without torch.

    Export compares it with the trained networks on real images and fails if they differ.
    """
    from steelsight.export.export import export_run
    from steelsight.inspector.readme import parity_lines
    from steelsight.inspector.signature import read_signing_key
    from steelsight.run.run import Run
    from steelsight.selection.later_figures import said_of_later

    key = None if sign is None else read_signing_key(sign, ask_password)
    with shown_progress() as tell:
        exported = export_run(
            Run(run),
            out,
            folds=folds,
            precision=precision,
            max_dice_loss=max_dice_loss,
            images=images or (),
            sign=key,
            progress=tell,
        )
    if not as_json:
        parity = exported.parity
        results.print(
            f"{len(exported.card.networks)} networks in {parity.precision}, compared with torch on {parity.images} images:"
        )
        for line in parity_lines(parity):
            results.print(f"  {escape(line)}", soft_wrap=True, highlight=False)
        if exported.later is not None:
            results.print(f"  {escape(said_of_later(exported.later))}", soft_wrap=True, highlight=False)
        elif held_back := len(Run(run).record.later):
            results.print(
                f"  {held_back} later images were not judged: not all of them are where the run names them",
                soft_wrap=True,
                highlight=False,
            )
    figures = {
        "networks": len(exported.card.networks),
        "folds": list(exported.card.provenance.folds),
        "evidence": exported.card.provenance.evidence,
        "parity": exported.parity.model_dump(mode="json"),
        "later": None if exported.later is None else exported.later.model_dump(mode="json"),
    }
    finish([out], inspect_with(out), as_json=as_json, figures=figures)
