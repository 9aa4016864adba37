"""`steelsight train --plan`: what a training will cost, before it costs it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from steelsight.cli.begin_run import begin_run
from steelsight.cli.output import console, finish, results
from steelsight.cli.retyped_command import again
from steelsight.dataset.model import Dataset

if TYPE_CHECKING:
    from steelsight.cluster.lay_out import ClusterLayout
    from steelsight.recipe import Member, Recipe
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.training.cost_plan import Cost
    from steelsight.training.job_layout import Arrangement

    Plan = Callable[[OutOfFoldPredictions, Sequence[tuple[Member, int]]], tuple[Cost, Arrangement | ClusterLayout]]


@contextmanager
def planned_run(
    dataset: Dataset, wanted: "Recipe", groups: str | None, limit: int | None, time: str | None, later: float
) -> "Iterator[OutOfFoldPredictions]":
    """A run as it would be, in a folder that is thrown away."""
    import tempfile

    from steelsight.run.run import Run

    with tempfile.TemporaryDirectory(prefix="steelsight-plan-") as folder:
        yield begin_run(dataset, wanted, Run(Path(folder) / "run"), groups, limit, time, later)


def show_plan(
    evidence: "OutOfFoldPredictions", only: Sequence[str], plan: "Plan", *, has_out: bool, as_json: bool
) -> None:
    """Time each network and print what the jobs will cost.

    Args:
        plan: times them where they would train.
        has_out: whether the command names where the run is to be.
    """
    from steelsight.recipe import choose_jobs

    jobs = choose_jobs(evidence.recipe, only)
    with console.status("timing each network"):
        cost, arrangement = plan(evidence, jobs)
    if not as_json:
        results.print(_time_table(evidence.recipe.name, cost, arrangement.device), _space_table(cost))
        if cost.at_once > 1:
            each = f" with {arrangement.threads} thread each" if arrangement.threads else ""
            results.print(
                f"the total is the time until all are done, {cost.at_once} at once{each}; images/s are those of one job "
                "beside the others",
                highlight=False,
            )
        results.print("steps: of an epoch; images/s: of a first epoch, in which images are decoded", highlight=False)
    for note in arrangement.notes:
        console.print(note, highlight=False, markup=False)
    working = cost.at_once * max(member.working for member in cost.members)
    console.print(f"while jobs run, their checkpoints take up to {_size(working)} more", highlight=False)
    figures = {
        "jobs": len(jobs),
        "parallel": cost.at_once,
        "seconds": cost.seconds,
        "device_hours": cost.device_hours,
        "bytes": cost.disk,
        "members": [asdict(member) for member in cost.members],
    }
    finish([], again(without=["--plan"], add=() if has_out else ("--out", "run")), as_json=as_json, figures=figures)


def _time_table(recipe: str, cost: "Cost", device: str) -> Table:
    on = f"{device}, {cost.at_once} at once" if cost.at_once > 1 else device
    jobs = sum(member.jobs for member in cost.members)
    hours = "GPU hours" if device == "cuda" else "core hours"
    table = _table(
        f"Plan of recipe {escape(recipe)} on {on} ({jobs} jobs)", "jobs", "epochs", "steps", "images/s", "a job", hours
    )
    for member in cost.members:
        table.add_row(
            member.member,
            str(member.jobs),
            str(member.epochs),
            str(member.steps),
            f"{member.training_rate:.1f}",
            _duration(member.seconds / member.jobs),
            f"{member.device_hours:.2f}",
        )
    table.add_row("total", str(jobs), "", "", "", _duration(cost.seconds), f"{cost.device_hours:.2f}", style="bold")
    return table


def _space_table(cost: "Cost") -> Table:
    """Disk, and where jobs have processes of their own what one of them takes at most."""
    table = _table("What they take", "memory of a job", "disk of a job", "disk")
    for member in cost.members:
        memory = _size(member.memory) if member.memory else ""
        table.add_row(member.member, memory, _size(member.job_disk), _size(member.disk))
    table.add_row("total", "", "", _size(cost.disk), style="bold")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    table.add_column("member", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _duration(seconds: float) -> str:
    """
    >>> _duration(90), _duration(7200)
    ('1.5 min', '2.0 h')
    """
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _size(count: float) -> str:
    """
    >>> _size(2_500_000)
    '2.5 MB'
    """
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"
