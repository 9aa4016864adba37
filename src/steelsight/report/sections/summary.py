"""Section Summary: what was trained, the honest headline figures with intervals, and what they mean in one sentence."""

import importlib.metadata
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steelsight.core.errors import UserError
from steelsight.core.formatting import percent
from steelsight.core.parsing import parse_json
from steelsight.metrics.intervals import Interval, wilson
from steelsight.plots.style import class_names
from steelsight.recipe import Recipe
from steelsight.report.page import signed
from steelsight.report.sections.classifier import ClassifierView
from steelsight.report.sections.masks import RuleFigures
from steelsight.report.sections.training import TrainingView
from steelsight.rule.pixel_counts import PixelCounts
from steelsight.run.record import Record
from steelsight.run.run import Run
from steelsight.verdicts.text import groups_text

_REPORTED = ("numpy", "opencv-python-headless", "scikit-learn", "timm", "segmentation-models-pytorch", "lightning")


@dataclass(frozen=True)
class Headline:
    """One figure of the first lines: value, 95 % interval, what it is held against.

    Attributes:
        form: `figure` for a Dice or an AUC, `percent` for a share.
    """

    name: str
    value: float
    interval: Interval
    form: str
    beside: str


@dataclass(frozen=True)
class SummaryView:
    """What the template of this section reads."""

    run: str
    recipe: str
    members: str
    images: int
    defective: int
    groups: str
    classes: tuple[str, ...]
    folds: int
    seed: int
    layout: str
    fingerprint: str
    seconds: float
    machine: str
    versions: tuple[tuple[str, str], ...]
    headlines: tuple[Headline, ...]
    meaning: str
    epoch_selected: tuple[str, ...]


def summary_view(
    run: Run,
    record: Record,
    recipe: Recipe,
    nested: RuleFigures,
    counts: PixelCounts,
    classifier: ClassifierView | None,
    training: TrainingView,
) -> SummaryView:
    """Put the first page together from what the other sections found."""
    done = _done_files(run)
    return SummaryView(
        run=run.name,
        recipe=recipe.name,
        members=_count_members(recipe),
        images=len(record.samples),
        defective=sum(sample.is_defective for sample in record.samples),
        groups=groups_text(len(np.unique(record.groups)), record.grouped_by),
        classes=class_names(record.classes),
        folds=recipe.folds,
        seed=recipe.seed,
        layout=record.layout,
        fingerprint=record.fingerprint,
        seconds=training.seconds,
        machine=_machine(done),
        versions=_versions(done),
        headlines=_headlines(nested, classifier),
        meaning=meaning(nested, counts),
        epoch_selected=training.epoch_selected,
    )


def meaning(nested: RuleFigures, counts: PixelCounts) -> str:
    """One sentence on the nested figures, for somebody who has not seen a Dice before.

    Args:
        counts: pixels of the nested masks.
    """
    truth, marked = counts.truth.sum(axis=1) > 0, counts.predicted.sum(axis=1) > 0
    found, defective = int((truth & marked).sum()), int(truth.sum())
    alarms, clean = int((~truth & marked).sum()), int((~truth).sum())
    low, high = nested.gain_interval
    between = f"{signed(low, 3)} to {signed(high, 3)}"
    side = "above" if nested.gain >= 0 else "below"
    if math.isnan(low):
        verdict = "too few groups to say how sure that is"
    elif not marked.any():
        verdict = "since nothing is marked"
    elif low > 0:
        verdict = f"so clearly better than marking nothing (95 % interval of the difference {between})"
    elif high < 0:
        verdict = f"so worse than marking nothing (95 % interval of the difference {between})"
    else:
        verdict = f"a difference that {defective + clean:,} images cannot tell from zero (95 %: {between})"
    return (
        f"On images that its networks did not see, the inspector marks something on {found:,} of {defective:,} images "
        f"with a defect and on {alarms:,} of {clean:,} without; its competition Dice of {nested.figures.dice:.3f} is "
        f"{abs(nested.gain):.3f} {side} the {nested.figures.floor:.3f} that an empty answer scores, {verdict}."
    )


def _headlines(nested: RuleFigures, classifier: ClassifierView | None) -> tuple[Headline, ...]:
    of = nested.figures
    empty_pairs = of.pairs - sum(of.defective_pairs_per_class)
    masks = (
        Headline("Competition Dice", of.dice, nested.dice, "figure", f"all-empty floor {of.floor:.3f}"),
        Headline(
            "Dice, pairs with a defect",
            of.defective_dice,
            nested.defective,
            "figure",
            f"over {sum(of.defective_pairs_per_class):,} pairs; all-empty floor 0",
        ),
        Headline(
            "False alarms", of.false_alarm_share, nested.false_alarms, "percent", f"of {empty_pairs:,} empty pairs"
        ),
    )
    if classifier is None:
        return masks
    half = classifier.points[0].confusion
    return (
        *masks,
        Headline(
            "Classifier accuracy",
            half.accuracy,
            wilson(half.tp + half.tn, half.images),
            "percent",
            f"always the commoner answer: {percent(_majority(classifier), 1)}",
        ),
        Headline("Classifier ROC AUC", classifier.auc, Interval(*classifier.auc_interval), "figure", "chance 0.5"),
    )


def _majority(classifier: ClassifierView) -> float:
    return max(classifier.defective, classifier.images - classifier.defective) / classifier.images


def _count_members(recipe: Recipe) -> str:
    parts = []
    for step, word in (("classify", "classifier"), ("segment", "segmenter")):
        count = sum(member.step == step for member in recipe.members)
        if count:
            parts.append(f"{count} {word}{'s' if count > 1 else ''}")
    return " and ".join(parts)


def _done_files(run: Run) -> list[dict[str, object]]:
    return [_done_file(job.done) for job in run.jobs_begun() if job.done.is_file()]


def _done_file(path: Path) -> dict[str, object]:
    try:
        content = parse_json(path.read_text("utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); train its job again, or restore the file from a copy") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a JSON object; train its job again, or restore the file from a copy")
    return content


def _machine(done: Sequence[dict[str, object]]) -> str:
    """Where and how the jobs ran, every kind once."""
    kinds = {
        f"{job.get('device', 'unknown device')}, {job.get('precision', 'unknown precision')}"
        + (
            f", {job['threads']} thread{'s' if job['threads'] != 1 else ''}"
            if job.get("device") == "cpu" and "threads" in job
            else ""
        )
        for job in done
    }
    return "; ".join(sorted(kinds)) or "not recorded"


def _versions(done: Sequence[dict[str, object]]) -> tuple[tuple[str, str], ...]:
    """Versions that the jobs wrote down, then those of the libraries that made this report."""
    found: dict[str, set[str]] = {}
    for job in done:
        versions = job.get("versions")
        for name, version in versions.items() if isinstance(versions, dict) else ():
            found.setdefault(str(name), set()).add(str(version))
    written = [(name, ", ".join(sorted(versions))) for name, versions in found.items()]
    return (*written, *((name, version) for name in _REPORTED if (version := _installed(name)) and name not in found))


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
