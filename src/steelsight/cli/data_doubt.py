"""`steelsight data doubt`: labels that the networks of a run doubt most; and images without labels that are worth one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from steelsight.cli.output import console, counting, finish, results, shown_progress
from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown, told_apart

if TYPE_CHECKING:
    from steelsight.cascade.worth_labelling import Members
    from steelsight.recipe import Member
    from steelsight.run.predictions import OutOfFoldPredictions

_SHOWN = 20
_CUT = (
    "note: the run counts a region of interest, so that these labels lack what {root} marks outside of it, and say `ignore` "
    "there; take over what you mend into the labels of {root}, and do not put these in their place"
)

Tool = Literal["labelme", "cvat", "coco"]


def doubt(
    run: Annotated[Path, typer.Argument(help="Folder that `steelsight train --out` wrote.")],
    unlabelled: Annotated[
        str | None,
        typer.Option(
            help="A folder of images without labels: rank these by how much a label of them is worth, in place of the run's."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the table and the page. Default: RUN/doubt, or RUN/worth with --unlabelled."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many images the page and the labels show.")] = 50,
    labels: Annotated[
        Tool | None,
        typer.Option(help="Write labels_TOOL/ too: these images with their masks, and what networks see beside them."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Rank the images of RUN by how much their masks disagree with networks that did not see them; or images without labels
    by how unsure its networks are of them."""
    from steelsight.dataset.writers.write import refuse_existing
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run

    folder = out or run / ("doubt" if unlabelled is None else "worth")
    if labels:
        refuse_existing(folder / f"labels_{labels}")
    evidence = OutOfFoldPredictions.of(Run(run))
    if unlabelled is None:
        _doubts(evidence, folder, most, labels, as_json)
    else:
        _worth(evidence, unlabelled, folder, most, labels, as_json)


def _doubts(evidence: "OutOfFoldPredictions", folder: Path, most: int, labels: Tool | None, as_json: bool) -> None:
    from steelsight.plots.style import class_names
    from steelsight.report.doubt_page import PAGE, write_doubt_labels, write_doubts
    from steelsight.selection.doubt import rank_doubts

    with shown_progress() as tell:
        doubts = rank_doubts(evidence, tell)
    wrote = list(write_doubts(doubts, folder, most))
    if labels:
        wrote.append(write_doubt_labels(doubts, folder / f"labels_{labels}", labels, most))
        if evidence.record.roi is not None:
            console.print(
                _CUT.format(root=shown(str(evidence.record.root))), markup=False, highlight=False, soft_wrap=True
            )
    record, names = evidence.record, class_names(evidence.record.classes)
    first = [
        (rank, record.samples[one.index].image_id, one.score, one.why(names))
        for rank, one in enumerate(doubts.ranked[:_SHOWN], start=1)
    ]
    if not as_json:
        _show(
            first,
            "Labels that the networks doubt most; each image is judged by networks that did not see it",
            "doubt",
            "what they see",
        )
    figures = {
        "images": len(doubts.ranked),
        "doubts": [
            {"rank": rank, "image": name, "doubt": round(score, 4), "why": why} for rank, name, score, why in first
        ],
    }
    finish(wrote, None, as_json=as_json, figures=figures, look_at=folder / PAGE)


def _worth(
    evidence: "OutOfFoldPredictions", unlabelled: str, folder: Path, most: int, labels: Tool | None, as_json: bool
) -> None:
    from steelsight.cascade.sources import find
    from steelsight.cascade.worth_labelling import Worth, in_order, measure, usual_shares
    from steelsight.dataset.twins import find_twins
    from steelsight.plots.style import class_names
    from steelsight.report.worth_page import PAGE, write_worth, write_worth_labels

    record = evidence.record
    found = find([unlabelled])
    files = {
        source: source.file for source in found.sources
    }  # what is in an object store is refused before hours of looking
    for passed_over in found.left_out:
        console.print(shown(passed_over.sentence), markup=False, highlight=False, soft_wrap=True)
    classifiers, segmenters = _members(evidence)
    grey = all(network.preprocess.colour == "grey" for of in (*classifiers, *segmenters) for network in of)
    looked: list[Worth] = []
    failed: list[str] = []
    with counting("looking at images") as advance:
        seen = measure(found.sources, classifiers, segmenters, usual_shares(record.samples), grey=grey, roi=record.roi)
        for done, one in enumerate(seen, start=1):
            if isinstance(one, Worth):
                looked.append(one)
            else:
                failed.append(str(one))
            advance(done, len(found.sources))
    for sentence in failed:
        console.print(shown(sentence), markup=False, highlight=False, soft_wrap=True)
    if not looked:
        raise UserError(f"{unlabelled}: none of its images can be read; see above")
    labelled = [*record.samples, *record.later]
    known = [sample.path for sample in labelled] if all(sample.path.is_file() for sample in labelled) else []
    with counting("looking for twins") as advance:
        groups = find_twins([*(files[one.source] for one in looked), *known], progress=advance).tolist()
    order = in_order(looked, groups[: len(looked)], frozenset(groups[len(looked) :]))
    ranked, of_groups = [looked[place] for place in order], [groups[place] for place in order]
    names = class_names(record.classes)
    wrote = list(write_worth(ranked, of_groups, record.classes, names, folder, most, evidence.run.name))
    if labels:
        wrote.append(write_worth_labels(ranked, record.classes, folder / f"labels_{labels}", labels, most))
    first = [
        (rank, one.source.image_id, one.score, one.why(names)) for rank, one in enumerate(ranked[:_SHOWN], start=1)
    ]
    if not as_json:
        _show(first, "Images whose labels are worth most", "worth", "why")
    figures = {
        "images": len(ranked),
        "failed": failed,
        "worth": [
            {"rank": rank, "image": name, "worth": round(score, 4), "why": why} for rank, name, score, why in first
        ],
    }
    finish(wrote, None, as_json=as_json, figures=figures, look_at=folder / PAGE)
    if failed or found.left_out:
        raise typer.Exit(3)


def _members(evidence: "OutOfFoldPredictions") -> "tuple[Members, Members]":
    """The networks of every member that is trained on all folds, of each step."""
    from steelsight.networks.torch_engine import load_engine

    of_step = {"classify": evidence.members("classify"), "segment": evidence.members("segment")}
    if not of_step["segment"]:
        raise UserError(f"{evidence.run}: no segmenter is trained on every fold; finish the jobs with `resume=`")
    folds = evidence.recipe.folds

    def jobs(members: "Sequence[Member]") -> list[tuple[str, int]]:
        return [(member.name, fold) for member in members for fold in range(folds)]

    engine = load_engine(
        evidence.run, evidence.recipe, evidence.record.classes, jobs(of_step["classify"]), jobs(of_step["segment"])
    )
    first, second = (
        [networks[start : start + folds] for start in range(0, len(networks), folds)]
        for networks in (engine.classifiers, engine.segmenters)
    )
    return first, second


def _show(rows: Sequence[tuple[int, str, float, str]], title: str, measure: str, why: str) -> None:
    table = Table(title=title)
    for column in ("", "image", measure, why):
        table.add_column(column, justify="right" if column in ("", measure) else "left", overflow="fold")
    for rank, image_id, score, said in rows:
        table.add_row(str(rank), escape(told_apart(image_id)), f"{score:.3f}", escape(said))
    results.print(table)
