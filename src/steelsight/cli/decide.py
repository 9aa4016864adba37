"""`steelsight decide`: members and rule again, from stored evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from steelsight.cli.output import console, finish, results

if TYPE_CHECKING:
    from steelsight.decision.decision import Decision, Figures, Interval
    from steelsight.decision.stability import Range
    from steelsight.evidence.team import Progress as Tell


def decide(
    run: Annotated[Path, typer.Argument(help="RUN folder of `steelsight train`.")],
    gate: Annotated[
        float | None,
        typer.Option(help="Search the rule at this gate alone, a probability. Default: the recipe's gates."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Choose members and rule again from stored evidence, and judge the choice on folds that had no say in it."""
    from steelsight.decision.decision import FILE
    from steelsight.evidence.decide import decide as decide_run

    with shown_progress() as tell:
        decision = decide_run(run, gate=gate, progress=tell)
    if not as_json:
        show(decision)
    finish(
        [run / FILE],
        f"steelsight report {run}",
        as_json=as_json,
        figures={"decision": decision.model_dump(mode="json")},
    )


@contextmanager
def shown_progress() -> Iterator["Tell"]:
    """Bars on standard error, one for each thing that is being done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield tell


def show(decision: "Decision") -> None:
    """Print the figures and the rule of a decision."""
    results.print(_figures(decision))
    results.print(_rule(decision))
    results.print(escape(decision.reason), soft_wrap=True, highlight=False)
    if decision.incomplete:
        left = ", ".join(decision.incomplete)
        results.print(f"note: not every fold of {escape(left)} is trained; left out", soft_wrap=True, highlight=False)


def _figures(decision: "Decision") -> Table:
    table = Table(
        title=f"{decision.figures.images} images x {len(decision.classes)} classes, Dice at the image's own size",
        caption="nested: members and rule chosen without the fold that they are judged on; [..]: 95 % over twin groups",
    )
    table.add_column("rule")
    for heading in ("Dice", "Dice of pairs\nwith defect", "false alarms on\nempty pairs"):
        table.add_column(heading, justify="right")
    plain = decision.candidate("defaults").nested.figures
    rows: list[tuple[str, Figures, str]] = [
        (f"kept ({decision.kept}), on its own images", decision.figures, "tuned"),
        ("nested", decision.nested.figures, "nested"),
        ("plain defaults, nested", plain, "defaults"),
    ]
    intervals = {str(name): value for name, value in decision.intervals.items()}
    for name, figures, key in rows:
        table.add_row(
            f"[bold]{name}[/]" if key == "nested" else name,
            _cell(figures.dice, intervals[key].dice),
            _cell(figures.defective_dice, intervals[key].defective_dice),
            "-" if figures.false_alarm_share is None else f"{figures.false_alarm_share:.2%}",
        )
    table.add_row("all empty (floor)", f"{decision.floor:.4f}", "-", "0.00%")
    return table


def _rule(decision: "Decision") -> Table:
    rule, moves = decision.rule, decision.stability
    if moves is not None and moves.kind != decision.kept:
        moves = None  # of what was not kept
    soft = f"; minimum areas grow to {rule.softness:g} times as it falls to 0" if rule.softness > 1 else ""
    gate = f"{rule.gate:g}{_moves(moves.gate if moves else None, 1, '.2f')}"
    table = Table(
        title=f"Rule: an image passes to the masks when P(defect) > {gate}{soft}",
        caption=f"[..]: 95 % of {moves.draws} draws of twin groups, on a coarser grid" if moves else None,
    )
    table.add_column("class")
    for heading in ("upper", "lower", "minimum area", "Dice, nested", "floor", "Dice of pairs\nwith defect, nested"):
        table.add_column(heading, justify="right")
    nested = decision.nested.figures
    for place, name in enumerate(decision.classes):
        defective = nested.defective_per_class[place]
        upper, lower, area = (
            moves.of_class(field, place) if moves else None for field in ("upper", "lower", "min_area")
        )
        table.add_row(
            escape(name),
            f"{rule.upper[place] / 255:.3f}{_moves(upper, 255, '.2f')}",
            f"{rule.lower[place] / 255:.3f}{_moves(lower, 255, '.2f')}",
            f"{rule.min_area[place]}{_moves(area, 1, '.0f')} px",
            f"{nested.per_class[place]:.4f}",
            f"{decision.floor_per_class[place]:.4f}",
            "-" if defective is None else f"{defective:.4f}",
        )
    return table


def _moves(ends: "Range | None", unit: int, form: str) -> str:
    return escape(f" [{ends.low / unit:{form}}, {ends.high / unit:{form}}]") if ends else ""


def _cell(value: float | None, interval: "Interval") -> str:
    if value is None:
        return "-"
    if interval.low is None or interval.high is None:
        return f"{value:.4f}"
    return escape(f"{value:.4f} [{interval.low:.4f}, {interval.high:.4f}]")
