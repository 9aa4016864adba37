"""The options of `decide` for limits and costs of verdicts."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import ValidationError

from steelsight.cli.output import option_at
from steelsight.core.errors import UserError
from steelsight.core.model import explain, first_fault

if TYPE_CHECKING:
    from steelsight.verdicts.policy import Costs, Limits, Policy

_PANEL = "Verdicts"

MaxEscape = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE|none",
        help="Greatest share of defective images that may pass, such as 0.01. Default: 0.05.",
        rich_help_panel=_PANEL,
    ),
]
EscapeAmong = Annotated[
    Literal["defective", "passed", "both"] | None,
    typer.Option(
        help="What --max-escape is a share of: defective images (the default), passed ones, or each of both.",
        rich_help_panel=_PANEL,
    ),
]
MaxOverkill = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE|none",
        help="Greatest share of good images that may be rejected. Default: 0.05.",
        rich_help_panel=_PANEL,
    ),
]
OverkillAmong = Annotated[
    Literal["good", "rejected", "both"] | None,
    typer.Option(
        help="What --max-overkill is a share of: good images (the default), rejected ones, or each of both.",
        rich_help_panel=_PANEL,
    ),
]
Confidence = Annotated[
    float | None, typer.Option(help="Confidence of each bound. Default: 0.95.", rich_help_panel=_PANEL)
]
DefectShare = Annotated[
    float | None,
    typer.Option(
        help="Share of the strip's images that are defective; needed for shares of passed or rejected images, and for costs.",
        rich_help_panel=_PANEL,
    ),
]
NeverMiss = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=SHARE|CLASS=none|none",
        help="Greatest share of the images with this class that may pass; repeat it for each class. none: no such limit.",
        rich_help_panel=_PANEL,
    ),
]
CostEscape = Annotated[
    str | None,
    typer.Option(
        metavar="COST|none",
        help="Cost of a defective image that passes. Give all three costs to choose the limits of least expected cost. none: "
        "costs have no say.",
        rich_help_panel=_PANEL,
    ),
]
CostReview = Annotated[float | None, typer.Option(help="Cost of a second look by a person.", rich_help_panel=_PANEL)]
CostOverkill = Annotated[
    float | None, typer.Option(help="Cost of a good image that is rejected.", rich_help_panel=_PANEL)
]
CostEscapeOf = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=COST|CLASS=none|none",
        help="Cost of an escape with this class, in place of --cost-escape; repeat it for each class. none: --cost-escape.",
        rich_help_panel=_PANEL,
    ),
]


def make_wish(
    former: "Callable[[], Limits]",
    *,
    max_escape: str | None,
    escape_among: str | None,
    max_overkill: str | None,
    overkill_among: str | None,
    confidence: float | None,
    defect_share: float | None,
    never_miss: Sequence[str] | None,
    cost_escape: str | None,
    cost_review: float | None,
    cost_overkill: float | None,
    cost_escape_of: Sequence[str] | None,
) -> "Limits | None":
    """What verdicts are to keep to: what options speak of, and else what was asked for before; None without any option.

    Args:
        former: what was asked for before; called where an option was given.

    Raises:
        UserError: an option is out of its range, or lacks another.
    """
    from steelsight.verdicts.policy import Limits

    costs = (cost_escape, cost_review, cost_overkill, cost_escape_of)
    given: dict[str, Any] = {
        "max_escape": max_escape,
        "escape_among": escape_among,
        "max_overkill": max_overkill,
        "overkill_among": overkill_among,
        "confidence": confidence,
        "defect_share": defect_share,
        "never_miss": never_miss,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted and all(one is None for one in costs):
        return None
    before = former()
    for name in wanted.keys() & {"max_escape", "max_overkill"}:
        wanted[name] = _number(
            "--" + name.replace("_", "-"), wanted[name], "a limit is a share such as 0.01", "for no limit"
        )
    if never_miss is not None:
        wanted["never_miss"] = _by_class("--never-miss", never_miss, before.never_miss)
    if any(one is not None for one in costs):
        wanted["costs"] = _costs(before.costs, *costs)
    try:
        return Limits.model_validate({**before.model_dump(), **wanted})
    except ValidationError as error:
        raise UserError(_sentence(error)) from error


def former_limits(folder: Path | None) -> "Limits":
    """What was asked for when a RUN or an INSPECTOR was last decided; the defaults if there is nothing to read."""
    from steelsight.verdicts.policy import Limits

    try:
        policy = None if folder is None else _former_policy(folder)
    except UserError:  # told by what reads the folder for its own sake
        policy = None
    return Limits() if policy is None else policy.wish


def _former_policy(folder: Path) -> "Policy | None":
    from steelsight.inspector.artifact import CARD, read_card

    if (folder / CARD).is_file():
        return read_card(folder).policy
    from steelsight.run.run import Run
    from steelsight.selection.decision import read_decision

    run = Run(folder)
    return read_decision(run).policy if run.decision_file.is_file() else None


def _costs(
    before: "Costs | None",
    escape: str | None,
    review: float | None,
    overkill: float | None,
    escape_of: Sequence[str] | None,
) -> "Costs | None":
    from steelsight.verdicts.policy import Costs

    of_escape = None
    if escape is not None:
        of_escape = _number("--cost-escape", escape, "a cost is a number such as 100", "to leave costs out")
        if of_escape is None and review is None and overkill is None and not escape_of:
            return None
    known = {} if before is None or escape == "none" else before.model_dump()
    named = {"escape": of_escape, "review": review, "overkill": overkill}
    costs = {name: known.get(name) if value is None else value for name, value in named.items()}
    for name, value in costs.items():
        if value is None:
            raise UserError(f"--cost-{name} is missing: costs are weighed against each other; give all three")
    try:
        return Costs.model_validate(
            {**costs, "escape_of": _by_class("--cost-escape-of", escape_of or (), known.get("escape_of", {}))}
        )
    except ValidationError as error:
        raise UserError(_sentence(error, "cost_")) from error


def _by_class(option: str, given: Sequence[str], before: Mapping[str, float]) -> Mapping[str, float]:
    """
    >>> _by_class("--never-miss", ["4=0.01", "3=none"], {"2": 0.1, "3": 0.2})
    {'2': 0.1, '4': 0.01}
    >>> _by_class("--never-miss", ["none"], {"2": 0.1})
    {}
    """
    found = dict(before)
    for text in given:
        name, equals, number = text.rpartition("=")
        if text == "none":
            found.clear()
        elif equals and number == "none":
            found.pop(name, None)
        else:
            try:
                found[name] = float(number)
            except ValueError:
                equals = ""
            if not equals:
                raise UserError(f"{option} {text}: give a class and a number, such as {option} 4=0.01, or none")
    return found


def _number(option: str, text: str, what: str, none: str) -> float | None:
    """A number, or None for `none`."""
    if text == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{option} {text}: {what}, or none {none}") from None


def _sentence(error: ValidationError, prefix: str = "") -> str:
    of_all = not first_fault(error)["loc"]  # a limit or costs that a share of defective images is lacking for
    return explain(
        error,
        place=lambda location: option_at(location, prefix),
        mend="give it with --defect-share" if of_all else None,
    )
