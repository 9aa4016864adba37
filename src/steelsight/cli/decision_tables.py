"""A decision as tables on the terminal."""

import shlex
from math import ceil
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from steelsight.cli.output import results
from steelsight.core.formatting import apart, at_most, percent
from steelsight.verdicts.guarantee import guarantee_of
from steelsight.verdicts.text import another_text, groups_text, outcome_text, stability_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from steelsight.rule.bootstrap import ValueInterval
    from steelsight.selection.decision import Decision, FigureInterval, MaskFigures
    from steelsight.verdicts.policy import Bound, Policy


def show(decision: "Decision") -> None:
    """Print the figures and the rule of a decision."""
    results.print(_figures(decision))
    results.print(_rule(decision))
    results.print(escape(decision.reason), soft_wrap=True, highlight=False)
    for aim, score in decision.scores.items():
        mark = " (searched for)" if aim == decision.objective.aim else ""
        results.print(f"nested, objective {aim}{mark}: {score:.4f}", soft_wrap=True, highlight=False)
    if decision.incomplete:
        left = ", ".join(decision.incomplete)
        results.print(f"note: {escape(left)} left out: not every fold is trained", soft_wrap=True, highlight=False)


def _figures(decision: "Decision") -> Table:
    table = Table(
        title=f"{decision.figures.images} images x {len(decision.classes)} classes, Dice at the image's own size",
        caption="nested: members and rule were chosen without the fold that they are judged on; [..]: 95 % over groups",
    )
    table.add_column("rule")
    for heading in ("Dice", "Dice of pairs\nwith defect", "false alarms on\nempty pairs"):
        table.add_column(heading, justify="right")
    from steelsight.rule.kinds import PLAIN, PUBLISHED

    plain = decision.candidate(PLAIN).nested.figures
    stated = [of.nested.figures for of in decision.candidates if of.kind == PUBLISHED and decision.kept != PUBLISHED]
    rows: list[tuple[str, MaskFigures, str]] = [
        (f"kept ({decision.kept}), on its own images", decision.figures, "tuned"),
        ("nested", decision.nested.figures, "nested"),
        ("plain defaults, nested", plain, "defaults"),
        *(("published, nested", figures, "published") for figures in stated),
    ]
    intervals = {str(name): value for name, value in decision.intervals.items()}
    for name, figures, key in rows:
        table.add_row(
            f"[bold]{name}[/]" if key == "nested" else name,
            _cell(figures.dice, intervals[key].dice),
            _cell(figures.defective_dice, intervals[key].defective_dice),
            "-" if figures.false_alarm_share is None else percent(figures.false_alarm_share, 2),
        )
    table.add_row("all empty (floor)", f"{decision.floor:.4f}", "-", percent(0, 2))
    return table


def _rule(decision: "Decision") -> Table:
    rule, moves = decision.rule, decision.stability
    if moves is not None and moves.kind != decision.kept:
        moves = None  # of what was not kept
    soft = f"; minimum areas grow to {rule.softness:g} times as it falls to 0" if rule.softness > 1 else ""
    cut = "; masks are cut at the networks' size and enlarged" if rule.at == "working" else ""
    gate = f"{rule.gate:g}{_moves(moves.gate if moves else None, 1, '.2f')}"
    table = Table(
        title=f"Rule: an image is searched for defects if P(defect) > {gate}{soft}{cut}",
        caption=f"[..]: 95 % of {moves.draws} draws of groups, on a coarser grid" if moves else None,
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


def _moves(ends: "ValueInterval | None", unit: int, form: str) -> str:
    return escape(f" [{ends.low / unit:{form}}, {ends.high / unit:{form}}]") if ends else ""


def _cell(value: float | None, interval: "FigureInterval") -> str:
    if value is None:
        return "-"
    if interval.low is None or interval.high is None:
        return f"{value:.4f}"
    return escape(f"{value:.4f} [{interval.low:.4f}, {interval.high:.4f}]")


def say_unfound(decision: "Decision", run: "Path") -> None:
    """Print which classes are not found, why, and what would help: a verb's last words before what it wrote."""
    from steelsight.selection.unfound import unfound_sentences

    for unfound in decision.unfound:
        text = " ".join(unfound_sentences(unfound, decision, run))
        results.print(f"note: {escape(text)}", soft_wrap=True, highlight=False)


def say_uneven_votes(decision: "Decision") -> None:
    """Print where the inspector's votes are not those that the rule was found on."""
    from steelsight.selection.uneven_votes import uneven_votes

    if (text := uneven_votes(decision)) is not None:
        results.print(f"note: {escape(text)}", soft_wrap=True, highlight=False)


def show_policy(policy: "Policy | None", classes: "Sequence[str]") -> None:
    """Print when an image passes or is rejected, and what is known of it."""
    if policy is None:
        results.print("There are no verdicts: the run has no classifier.", soft_wrap=True, highlight=False)
        return
    worth = guarantee_of(policy)
    for text in (headline(policy), f"{worth.title}. {worth.text}"):  # which speaks of what follows below
        results.print(escape(text), soft_wrap=True, highlight=False)
    results.print(_bounds(policy))
    results.print(_outcome(policy))
    for text in filter(None, (outcome_text(policy), stability_text(policy))):
        results.print(escape(text), soft_wrap=True, highlight=False)


def headline(policy: "Policy") -> str:
    """When an image passes and when it is rejected; if neither ever happens, what is missing, and which limits are within
    reach."""
    if policy.pass_at is None and policy.reject_at is None:
        return _review_alone(policy)
    bounds = [bound for bound in (policy.pass_at, policy.reject_at) if bound is not None]
    named = dict(zip(bounds, apart(*bounds, least=4), strict=True))
    parts = []
    if policy.pass_at is not None:
        parts.append(f"passes up to P(defect) {named[policy.pass_at]}")
    if policy.reject_at is not None:
        parts.append(f"is rejected above P(defect) {named[policy.reject_at]}")
    return f"An image {' and '.join(parts)}; every other image goes to review, and so does each unusual one."


def _review_alone(policy: "Policy") -> str:
    which = "Every image" if policy.severity is None else "Every image that no severity rule rejects"
    if not policy.outcome.good_groups:
        return f"{which} goes to review: no image without a defect was tested."
    lacking = [one for one in policy.statements if not one.kept and one.missing is not None]
    if not lacking:
        return f"{which} goes to review: none passes, and none is rejected for its P(defect) alone."
    needs: dict[str, int] = {}
    for one in lacking:
        kind = "good" if one.kind == "overkill" else _of_class(one.defect_class) or "defective"
        needs[kind] = max(needs.get(kind, 0), one.missing or 0)
    limits = " / ".join(percent(one.limit) for one in lacking)
    more = _listed([f"{count:,} more {kind}" for kind, count in needs.items()])
    word = "limits" if len(lacking) > 1 else "a limit"
    said = f"{which} goes to review: {word} of {limits} need{'s' if len(lacking) == 1 else ''} {more} images"
    within = " ".join(_within_reach(lacking))
    return f"{said}, each of {another_text(policy.grouped_by)}.{f' With these images: {within}.' if within else ''}"


def _within_reach(lacking: "Sequence[Bound]") -> "Iterator[str]":
    """The options that the tested images do support; none where only other images help."""
    if any(one.among in ("passed", "rejected") for one in lacking):
        return  # such a share depends on the thresholds, which move with the limit
    for one in lacking:
        share = ceil(round(100 * one.bound, 9)) / 100
        if share < 1:
            option = "--max-overkill " if one.kind == "overkill" else "--max-escape "
            yield (
                option if one.defect_class is None else f"--never-miss {shlex.quote(one.defect_class)}="
            ) + f"{share:g}"


def _of_class(name: str | None) -> str | None:
    return None if name is None else f"class {name}"


def _listed(words: "Sequence[str]") -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _bounds(policy: "Policy") -> Table:
    table = Table(
        title="Verdicts: what was asked for, and what the test images support",
        caption=f"Each bound holds by itself, with {percent(policy.wish.confidence)} confidence, over groups.",
    )
    table.add_column("at most")
    for heading in ("asked", "bound", "groups", "lost", "kept"):
        table.add_column(heading, justify="right")
    for one in policy.statements:
        table.add_row(
            _what(one), percent(one.limit), at_most(one.bound, one.limit), str(one.groups), str(one.lost), _kept(one)
        )
    return table


def _what(one: "Bound") -> str:
    of = {
        "defective": "of defective images pass",
        "passed": "of passed images are defective",
        "good": "of good images are rejected",
        "rejected": "of rejected images are good",
    }[one.among]
    return escape(of if one.defect_class is None else f"of images with class {one.defect_class} pass")


def _kept(one: "Bound") -> str:
    if one.kept:
        return "yes"
    return "no" if one.missing is None else f"no, needs {one.missing} more"


def _outcome(policy: "Policy") -> Table:
    of = policy.outcome
    table = Table(
        title=f"Verdicts of the {of.images} tested images, of {escape(groups_text(of.groups, policy.grouped_by))}"
    )
    table.add_column("")
    for heading in ("pass", "review", "reject"):
        table.add_column(heading, justify="right")
    for place, name in enumerate(("defective", "good")):
        table.add_row(name, *(str(counts[place]) for counts in (of.passed, of.review, of.rejected)))
    return table
