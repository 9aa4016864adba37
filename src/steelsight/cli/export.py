"""`steelsight export`: a run as an inspector that needs no torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from steelsight.cli.next_step import inspect_with, quoted
from steelsight.cli.output import finish, results, shown_progress
from steelsight.cli.sign import ask_password
from steelsight.core.errors import UserError

if TYPE_CHECKING:
    from steelsight.export.distil.request import DistilRequest

_NO_EVIDENCE = (
    "it gives no verdicts and has no evidence of its own: its teachers had seen every image of the run; calibrate it on new "
    "labelled images"
)


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `steelsight train --out` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder of the inspector; an inspector that is already there is replaced.")],
    folds: Annotated[str, typer.Option(help="`all`: networks of every fold together; or one fold's number.")] = "all",
    precision: Annotated[
        Literal["fp32", "fp16", "bf16", "int8", "int8-bf16"],
        typer.Option(
            help="fp32 answers as torch does; fp16 takes half the disk, int8 a quarter; bf16 and int8 are faster on a "
            "processor that supports them; int8-bf16 computes in bf16 what int8 leaves in floating point."
        ),
    ] = "fp32",
    max_dice_loss: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Competition Dice that a precision below fp32 may lose.")
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
    distil: Annotated[
        bool,
        typer.Option(
            "--distil",
            help="Train one classifier and one segmenter to answer as the networks of all folds do together, and export "
            "these: about as fast as one fold. It takes about as long as training one fold.",
            rich_help_panel="Distilling",
        ),
    ] = False,
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(
            help="With --distil: images without labels to learn from as well, as files, folders or patterns; repeat it for "
            "each.",
            rich_help_panel="Distilling",
        ),
    ] = None,
    made_up: Annotated[
        int,
        typer.Option(
            min=0,
            help="With --distil: draw so many made-up strips, and learn from them as well.",
            rich_help_panel="Distilling",
        ),
    ] = 0,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="With --distil: labelled images that nothing has learned from; the loss against the ensemble is measured on "
            "them. Default: the later images of a run that was split by time, or fresh made-up strips with --made-up.",
            rich_help_panel="Distilling",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="With --distil: go on where it was interrupted.", rich_help_panel="Distilling"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Write the networks and the rule of RUN as an inspector that runs without torch.

    Export compares it with the trained networks on real images and fails if they differ.
    """
    request = _request(distil, unlabelled, made_up, compare, resume)
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
            distil=request,
            progress=tell,
        )
    about = exported.card.provenance.distilled
    if not as_json:
        parity = exported.parity
        results.print(
            f"{len(exported.card.networks)} networks in {parity.precision}, compared with torch on {parity.images} images:"
        )
        for line in parity_lines(parity):
            results.print(f"  {escape(line)}", soft_wrap=True, highlight=False)
        for note in exported.notes:
            results.print(f"  note: {escape(note)}", soft_wrap=True, highlight=False)
        if about is not None:
            results.print(f"  {escape(about.loss_sentence)}", soft_wrap=True, highlight=False)
            results.print(f"  {_NO_EVIDENCE}", soft_wrap=True, highlight=False)
        elif exported.later is not None:
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
        "distilled": None if about is None else about.model_dump(mode="json"),
    }
    following = inspect_with(out) if about is None else f"steelsight decide {quoted(out)} --calibrate DATA"
    finish([out], following, as_json=as_json, figures=figures)


def _request(
    distil: bool, unlabelled: list[str] | None, made_up: int, compare: Path | None, resume: bool
) -> "DistilRequest | None":
    """What is to be distilled; None for the networks themselves.

    Raises:
        UserError: an option of distilling stands without it.
    """
    if distil:
        from steelsight.export.distil.request import DistilRequest

        return DistilRequest(tuple(unlabelled or ()), made_up, compare, resume)
    given = {"--unlabelled": unlabelled, "--made-up": made_up, "--compare": compare, "--resume": resume}
    for option, value in given.items():
        if value:
            raise UserError(f"{option}: belongs to --distil; add that, or leave it out")
    return None
