"""The first page: three figures that matter, and what becomes of the images; the pictures are the gallery's."""

from dataclasses import dataclass

from steelsight.core.files import resolved
from steelsight.report.sections.defect_table import DefectTable
from steelsight.report.sections.masks import RuleFigures
from steelsight.report.sections.summary import Headline
from steelsight.run.record import Record


@dataclass(frozen=True)
class FirstView:
    """What the template of this section reads; `title` is the name of the data."""

    title: str
    figures: tuple[Headline, ...]


def first_view(record: Record, table: DefectTable, nested: RuleFigures) -> FirstView:
    """How many defects are found, how many are imagined, and the competition's figure."""
    counts, intervals = table.all.counts, table.all.intervals
    figures = (
        Headline(
            "Defects found",
            counts.found_share,
            intervals.found,
            "percent",
            f"{counts.found:,} of {counts.annotated:,} annotated defects",
        ),
        Headline(
            "False alarms per image",
            counts.false_alarms_per_image,
            intervals.false_alarms_per_image,
            "figure",
            f"{counts.false_alarms:,} on {counts.images:,} images",
        ),
        Headline(
            "Competition Dice",
            nested.figures.dice,
            nested.dice,
            "figure",
            f"an answer without any mask scores {nested.figures.floor:.3f}",
        ),
    )
    return FirstView(resolved(record.root).name or str(record.root), figures)
