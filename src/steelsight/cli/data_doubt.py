"""`steelsight data doubt`: labels that the networks of a run doubt most."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from steelsight.cli.output import finish, results, shown_progress

_SHOWN = 20


def doubt(
    run: Annotated[Path, typer.Argument(help="Folder that `steelsight train --out` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the table and the page. Default: RUN/doubt.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many images the page and the labels show.")] = 50,
    labels: Annotated[
        Literal["labelme", "cvat", "coco"] | None,
        typer.Option(help="Write labels_TOOL/ too: these images with their masks, and what networks see beside them."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Rank the images of RUN by how much their masks disagree with networks that did not see them."""
    from steelsight.dataset.writers.write import refuse_existing
    from steelsight.plots.style import class_names
    from steelsight.report.doubt_page import write_doubt_labels, write_doubts
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run
    from steelsight.selection.doubt import rank_doubts

    folder = out or run / "doubt"
    if labels:
        refuse_existing(folder / f"labels_{labels}")
    evidence = OutOfFoldPredictions.of(Run(run))
    with shown_progress() as tell:
        doubts = rank_doubts(evidence, tell)
    wrote = list(write_doubts(doubts, folder, most))
    if labels:
        wrote.append(write_doubt_labels(doubts, folder / f"labels_{labels}", labels, most))
    record, names = evidence.record, class_names(evidence.record.classes)
    first = [
        (rank, record.samples[one.index].image_id, one.score, one.why(names))
        for rank, one in enumerate(doubts.ranked[:_SHOWN], start=1)
    ]
    if not as_json:
        table = Table(title="Labels that networks doubt most, which did not see them")
        for column in ("", "image", "doubt", "what they see"):
            table.add_column(column, justify="right" if column in ("", "doubt") else "left", overflow="fold")
        for rank, image_id, score, why in first:
            table.add_row(str(rank), image_id, f"{score:.3f}", why)
        results.print(table)
    figures = {
        "images": len(doubts.ranked),
        "doubts": [
            {"rank": rank, "image": name, "doubt": round(score, 4), "why": why} for rank, name, score, why in first
        ],
    }
    finish(wrote, None, as_json=as_json, figures=figures)
