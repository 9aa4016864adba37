"""The options of `decide` for limits and costs of verdicts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import ValidationError

from steelsight.cli.output import option_at
from steelsight.core.errors import UserError
from steelsight.core.model import explain, first_fault

if TYPE_CHECKING:
    from steelsight.verdicts.policy import Costs, Limits

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
        metavar="CLASS=SHARE",
        help="Greatest share of the images with this class that may pass; repeat it for each class.",
        rich_help_panel=_PANEL,
    ),
]
CostEscape = Annotated[
    float | None,
    typer.Option(
        help="Cost of a defective image that passes. Give all three costs to choose the limits of least expected cost.",
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
        metavar="CLASS=COST",
        help="Cost of an escape with this class, in place of --cost-escape; repeat it for each class.",
        rich_help_panel=_PANEL,
    ),
]


def make_wish(
    *,
    max_escape: str | None,
    escape_among: str | None,
    max_overkill: str | None,
    overkill_among: str | None,
    confidence: float | None,
    defect_share: float | None,
    never_miss: Sequence[str] | None,
    cost_escape: float | None,
    cost_review: float | None,
    cost_overkill: float | None,
    cost_escape_of: Sequence[str] | None,
) -> "Limits | None":
    """The wish that options speak of, with defaults for those left out; None where all are.

    Raises:
        UserError: an option is out of its range, or lacks another.
    """
    from steelsight.verdicts.policy import Limits

    given: dict[str, Any] = {
        "escape_among": escape_among,
        "overkill_among": overkill_among,
        "confidence": confidence,
        "defect_share": defect_share,
        "never_miss": _by_class("--never-miss", never_miss),
        "costs": _costs(cost_escape, cost_review, cost_overkill, cost_escape_of),
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    limits = {"max_escape": max_escape, "max_overkill": max_overkill}
    wanted |= {name: _limit(name, text) for name, text in limits.items() if text is not None}
    if not wanted:
        return None
    try:
        return Limits(**wanted)
    except ValidationError as error:
        raise UserError(_sentence(error)) from error


def _costs(
    escape: float | None, review: float | None, overkill: float | None, escape_of: Sequence[str] | None
) -> "Costs | None":
    from steelsight.verdicts.policy import Costs

    named = {"--cost-escape": escape, "--cost-review": review, "--cost-overkill": overkill}
    if all(value is None for value in named.values()) and not escape_of:
        return None
    for option, value in named.items():
        if value is None:
            raise UserError(f"{option} is missing: costs are weighed against each other; give all three")
    try:
        return Costs.model_validate(
            {
                "escape": escape,
                "review": review,
                "overkill": overkill,
                "escape_of": _by_class("--cost-escape-of", escape_of) or {},
            }
        )
    except ValidationError as error:
        raise UserError(_sentence(error, "cost_")) from error


def _by_class(option: str, given: Sequence[str] | None) -> Mapping[str, float] | None:
    """
    >>> _by_class("--never-miss", ["4=0.01"])
    {'4': 0.01}
    """
    if not given:
        return None
    found: dict[str, float] = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise UserError(f"{option} {text}: give a class and a number, such as {option} 4=0.01")
    return found


def _limit(name: str, text: str) -> float | None:
    if text == "none":
        return None
    try:
        return float(text)
    except ValueError:
        option = "--" + name.replace("_", "-")
        raise UserError(f"{option} {text}: a limit is a share such as 0.01, or none for no limit") from None


def _sentence(error: ValidationError, prefix: str = "") -> str:
    of_all = not first_fault(error)["loc"]  # a limit or costs that a share of defective images is lacking for
    return explain(
        error,
        place=lambda location: option_at(location, prefix),
        mend="give it with --defect-share" if of_all else None,
    )
