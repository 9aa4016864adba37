"""Section Folds: how the images were split, and that no group was."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from steelsight.plots.style import class_names
from steelsight.run.record import Record
from steelsight.verdicts.text import group_text


@dataclass(frozen=True)
class FoldRow:
    """One fold, or all of them: how many images, defective images, groups, and images of each class."""

    name: str
    images: int
    defective: int
    groups: int
    classes: tuple[int, ...]


@dataclass(frozen=True)
class FoldsView:
    """What the template of this section reads.

    Attributes:
        group: what a group is.
        large_groups, images_in_them: groups of several images, and how many images these have.
        twins: images that show the surface of another one; None where nobody knows how many of the above do.
    """

    classes: tuple[str, ...]
    rows: tuple[FoldRow, ...]
    total: FoldRow
    group: str
    large_groups: int
    images_in_them: int
    twins: int | None
    largest_group: int
    split_groups: int


def folds_view(record: Record) -> FoldsView:
    """Count the folds of a run."""
    everything = np.arange(len(record.samples))
    sizes = Counter(record.groups.tolist())
    folds_of_group = {(group, fold) for group, fold in zip(record.groups.tolist(), record.folds.tolist(), strict=True)}
    return FoldsView(
        classes=class_names(record.classes),
        rows=tuple(
            _row(record, f"{fold}", np.flatnonzero(record.folds == fold)) for fold in sorted(set(record.folds.tolist()))
        ),
        total=_row(record, "all", everything),
        group=group_text(record.grouped_by),
        large_groups=sum(size > 1 for size in sizes.values()),
        images_in_them=sum(size for size in sizes.values() if size > 1),
        twins=record.twins if record.twins or record.grouped_by else None,
        largest_group=max(sizes.values(), default=0),
        split_groups=len(folds_of_group) - len(sizes),
    )


def _row(record: Record, name: str, images: np.ndarray[tuple[int], np.dtype[np.intp]]) -> FoldRow:
    samples = [record.samples[index] for index in images]
    return FoldRow(
        name=name,
        images=len(samples),
        defective=sum(sample.is_defective for sample in samples),
        groups=len(set(record.groups[images].tolist())),
        classes=tuple(sum(bool(sample.runs[index].area) for sample in samples) for index in range(len(record.classes))),
    )
