"""Section Data: what the images are, how large the defects, what was left out, and a look at some."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from steelsight.dataset.model import Fault, Sample
from steelsight.imaging.read import ImageError, read_image
from steelsight.plots.filled import filled_beside
from steelsight.plots.hatched import hatched
from steelsight.plots.outlines import TRUTH, Outline, fitted, jpeg, outlined, page_width
from steelsight.plots.style import (
    WIDE,
    class_names,
    colour,
    log_axis,
    new_figure,
    plain,
    quiet,
    rows_of,
    small_multiples,
    styled,
    svg,
)
from steelsight.results.overlay import class_colour
from steelsight.run.record import Record

_PICTURES_PER_CLASS = 2
_MOST_PICTURES = 14
_MOST_FILLED = 6
_MOST_AUGMENTATIONS = 8
_MOST_SIZES = 6
_MOST_LINES = 20


@dataclass(frozen=True)
class ClassRow:
    """One defect class: how many images carry it, and the areas of its masks in pixels."""

    name: str
    images: int
    alone: int
    smallest: int
    median: float
    largest: int
    median_share: float


@dataclass(frozen=True)
class Shown:
    """A picture of the page and what stands under it."""

    source: Markup
    name: str
    caption: str
    width: int


@dataclass(frozen=True)
class DataView:
    """What the template of this section reads.

    Attributes:
        by_count: number of classes, and how many images show as many; from 0.
        filled: images beside themselves with their masks filled.
        key: class and its colour there.
        said: what else reading the data said: images that nobody read, what was named and counted, what was taken to be so.
        ignored: images of which a part is ignored, and the share of all pixels that is.
        roi: the region of interest in words; None without one.
    """

    images: int
    defective: int
    classes: tuple[ClassRow, ...]
    sizes: tuple[tuple[str, int], ...]
    different_sizes: int
    widths: tuple[int, int]
    heights: tuple[int, int]
    areas: Markup | None
    faults: tuple[tuple[str, int], ...]
    fault_lines: tuple[str, ...]
    faults_left_out: int
    said: tuple[str, ...]
    by_count: tuple[tuple[int, int], ...]
    pictures: tuple[Shown, ...]
    filled: tuple[Shown, ...]
    key: tuple[tuple[str, str], ...]
    unreadable: int
    augmentations: tuple[Shown, ...]
    ignored: tuple[int, float]
    roi: str | None


def data_view(record: Record, augmentations: Path) -> DataView:
    """Look over the recorded images of a run; pictures are read from where the record says they are, and from the folder
    of augmented ones."""
    samples = record.samples
    names = class_names(record.classes)
    sizes = Counter(f"{sample.size[1]} × {sample.size[0]}" for sample in samples).most_common()
    pictures, unreadable = _pictures(samples, record.classes)
    kinds = Counter(fault.kind for fault in record.skipped)
    return DataView(
        images=len(samples),
        defective=sum(sample.is_defective for sample in samples),
        classes=tuple(_class_row(samples, index, name) for index, name in enumerate(names)),
        sizes=tuple(sizes[:_MOST_SIZES]),
        different_sizes=len(sizes),
        widths=_ends([sample.size[1] for sample in samples]),
        heights=_ends([sample.size[0] for sample in samples]),
        areas=_area_plot(samples, names),
        faults=tuple(kinds.most_common()),
        fault_lines=tuple(_fault_line(fault) for fault in record.skipped[:_MOST_LINES]),
        faults_left_out=max(0, len(record.skipped) - _MOST_LINES),
        said=(*(remark.message for remark in record.remarks), *record.notes)[:_MOST_LINES],
        by_count=tuple(sorted(Counter(len(sample.classes) for sample in samples).items())),
        pictures=pictures,
        filled=_filled(samples, record.classes),
        key=tuple((name, "#{:02x}{:02x}{:02x}".format(*class_colour(index))) for index, name in enumerate(names)),
        unreadable=unreadable,
        augmentations=_augmentations(augmentations),
        ignored=_ignored(samples),
        roi=None if record.roi is None else record.roi.text,
    )


def _ignored(samples: Sequence[Sample]) -> tuple[int, float]:
    areas = [sample.ignored.area for sample in samples]
    whole = sum(sample.size[0] * sample.size[1] for sample in samples)
    return sum(area > 0 for area in areas), sum(areas) / max(whole, 1)


def areas_of(samples: Sequence[Sample], index: int) -> NDArray[np.int64]:
    """Mask areas of one class in pixels, over the images that carry it: int64 (n,)."""
    return np.array([sample.runs[index].area for sample in samples if sample.runs[index].area], dtype=np.int64)


def choose_samples(samples: Sequence[Sample], classes: int) -> tuple[int, ...]:
    """Positions of images worth showing: per class those nearest its median and its 90 % area, then defect-free ones.

    The same data always gives the same images.
    """
    chosen: list[int] = []
    for index in range(classes):
        areas = areas_of(samples, index)
        if not areas.size:
            continue
        for quantile in (0.5, 0.9)[:_PICTURES_PER_CLASS]:
            target = float(np.quantile(areas, quantile))
            left = [at for at, sample in enumerate(samples) if sample.runs[index].area and at not in chosen]
            if left and len(chosen) < _MOST_PICTURES - 2:
                chosen.append(min(left, key=lambda at: abs(samples[at].runs[index].area - target)))
    clean = [at for at, sample in enumerate(samples) if not sample.is_defective]
    return (*chosen, *(clean[len(clean) * part // 3] for part in (1, 2) if len(clean) >= 3))


def _class_row(samples: Sequence[Sample], index: int, name: str) -> ClassRow:
    areas = areas_of(samples, index)
    shares = [s.runs[index].area / (s.size[0] * s.size[1] - s.ignored.area) for s in samples if s.runs[index].area]
    return ClassRow(
        name=name,
        images=len(areas),
        alone=sum(sample.classes == (index,) for sample in samples),
        smallest=int(areas.min()) if areas.size else 0,
        median=float(np.median(areas)) if areas.size else 0.0,
        largest=int(areas.max()) if areas.size else 0,
        median_share=float(np.median(shares)) if shares else 0.0,
    )


def _ends(values: Sequence[int]) -> tuple[int, int]:
    return min(values), max(values)


def _area_plot(samples: Sequence[Sample], classes: Sequence[str]) -> Markup | None:
    every = [areas_of(samples, index) for index in range(len(classes))]
    largest = max((int(areas.max()) for areas in every if areas.size), default=0)
    if not largest:
        return None
    least = min(int(areas.min()) for areas in every if areas.size)
    bins = np.geomspace(max(1, least) * 0.9, largest * 1.1, 25)
    shape = rows_of(len(classes), 5)
    with styled():
        figure = new_figure(WIDE, 0.4 + 1.55 * shape[0])
        grid = small_multiples(figure, len(classes), shape)
        for index, (axes, areas) in enumerate(zip(grid, every, strict=True)):
            axes.hist(areas, bins=bins.tolist(), color=colour(index))
            log_axis(axes, "x", bins.tolist())
            axes.set_title(plain(f"{classes[index]}: {len(areas)}"))
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4, min_n_ticks=1))
            quiet(axes)
        figure.supxlabel("defect area of an image, pixels (logarithmic)", fontsize=8)
        figure.supylabel("images", fontsize=8)
        return svg(figure, "Distribution of defect areas per class")


def _pictures(samples: Sequence[Sample], classes: Sequence[str]) -> tuple[tuple[Shown, ...], int]:
    shown: list[Shown] = []
    shown_names = class_names(classes)
    unreadable = 0
    for at in choose_samples(samples, len(classes)):
        sample = samples[at]
        try:
            image = read_image(sample.path)
        except ImageError:
            unreadable += 1  # the data may have been moved since; the figures do not need it
            continue
        shown_image = hatched(image, sample.ignored_mask())
        picture = outlined(shown_image, [Outline(sample.mask(), TRUTH)], classes if len(sample.classes) > 1 else ())
        caption = "; ".join(f"{shown_names[index]}, {sample.runs[index].area:,} px" for index in sample.classes)
        shown.append(Shown(jpeg(picture), sample.image_id, caption or "no defect", page_width(picture)))
    return tuple(shown), unreadable


def _filled(samples: Sequence[Sample], classes: Sequence[str]) -> tuple[Shown, ...]:
    """For each class the image nearest to its median area, and the one that shows the most classes."""
    every = choose_samples(samples, len(classes))
    typical = dict.fromkeys(
        next((at for at in every if index in samples[at].classes), -1) for index in range(len(classes))
    )
    chosen = [at for at in typical if at >= 0]
    most = max(range(len(samples)), key=lambda at: len(samples[at].classes), default=0)
    if samples and len(samples[most].classes) > 1 and most not in chosen:
        chosen.append(most)
    names, shown = class_names(classes), []
    for at in chosen[:_MOST_FILLED]:
        sample = samples[at]
        try:
            image = read_image(sample.path)
        except ImageError:
            continue  # counted with the outlined ones
        picture = filled_beside(
            hatched(image, sample.ignored_mask()), sample.mask(), [class_colour(index) for index in range(len(classes))]
        )
        caption = ", ".join(names[index] for index in sample.classes)
        shown.append(Shown(jpeg(picture), sample.image_id, caption, page_width(picture)))
    return tuple(shown)


def _augmentations(folder: Path) -> tuple[Shown, ...]:
    shown: list[Shown] = []
    for path in sorted(folder.glob("*.png"))[:_MOST_AUGMENTATIONS]:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is not None:
            picture = fitted(np.ascontiguousarray(picture[..., ::-1], dtype=np.uint8))
            shown.append(Shown(jpeg(picture), f"sheet {path.stem}", "", page_width(picture)))
    return tuple(shown)


def _fault_line(fault: Fault) -> str:
    line = f", line {fault.line}" if fault.line is not None else ""
    return f"{fault.file.name}{line}: {fault.message}"
