"""What `data check` counts: classes, sizes, areas, twins and faults of a dataset."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.model import Dataset, Fault

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class ClassCount:
    """One defect class.

    Attributes:
        images: images with at least one pixel of it.
        share: of all images, in [0, 1].
        areas: pixels per such image at `QUANTILES`; empty where no image shows the class.
    """

    name: str
    images: int
    share: float
    areas: tuple[int, ...]


@dataclass(frozen=True)
class TwinCount:
    """Images of one surface.

    Attributes:
        groups: groups of two images or more.
        images: images in them.
        largest: images in the largest group; 1 where there are no twins.
        differing: groups whose images show different classes, as image ids.
    """

    groups: int
    images: int
    largest: int
    differing: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class DatasetSummary:
    """Everything `data check` says of the images without a fault.

    Attributes:
        images, defect_free: counts.
        classes: one per class, in order.
        classes_per_image: images by their number of classes, from 0 up.
        sizes: ((height, width), images), the most common first.
        twins: None where they were not looked for.
        fault_kinds: faults by kind.
    """

    images: int
    defect_free: int
    classes: tuple[ClassCount, ...]
    classes_per_image: dict[int, int]
    sizes: tuple[tuple[tuple[int, int], int], ...]
    twins: TwinCount | None
    fault_kinds: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def summarise(dataset: Dataset, groups: NDArray[np.int64] | None = None) -> DatasetSummary:
    """Count a dataset.

    Args:
        groups: int64 (samples,), the twin group of each sample; None where twins were not looked for.
    """
    samples = dataset.samples
    areas = np.array([[runs.area for runs in sample.runs] for sample in samples], np.int64)
    areas = areas.reshape(len(samples), len(dataset.classes))
    shown = (areas > 0).sum(axis=1)
    counts = np.bincount(shown, minlength=1)
    return DatasetSummary(
        images=len(samples),
        defect_free=int(counts[0]),
        classes=tuple(_class_count(name, areas[:, index]) for index, name in enumerate(dataset.classes)),
        classes_per_image={number: int(count) for number, count in enumerate(counts)},
        sizes=tuple(Counter(sample.size for sample in samples).most_common()),
        twins=None if groups is None else _twin_count(dataset, groups),
        fault_kinds=dict(Counter(fault.kind for fault in dataset.faults).most_common()),
    )


def fault_place(fault: Fault) -> str:
    """File and line, as an editor takes them.

    >>> from pathlib import Path
    >>> fault_place(Fault("run-overlap", Path("train.csv"), 7, "a.jpg", ""))
    'train.csv:7'
    """
    return f"{fault.file}:{fault.line}" if fault.line else str(fault.file)


def _class_count(name: str, areas: NDArray[np.int64]) -> ClassCount:
    present = areas[areas > 0]
    quantiles = np.quantile(present, QUANTILES).round().astype(int).tolist() if present.size else []
    return ClassCount(name, int(present.size), present.size / max(areas.size, 1), tuple(quantiles))


def _twin_count(dataset: Dataset, groups: NDArray[np.int64]) -> TwinCount:
    members: dict[int, list[int]] = {}
    for index, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(index)
    twins = [indices for indices in members.values() if len(indices) > 1]
    samples = dataset.samples
    differing = tuple(
        tuple(samples[index].image_id for index in indices)
        for indices in twins
        if len({samples[index].classes for index in indices}) > 1
    )
    largest = max((len(indices) for indices in members.values()), default=1)
    return TwinCount(len(twins), sum(map(len, twins)), largest, differing)
