"""A mill's labelled images and what reviewers have said, as one dataset: what the next inspector is trained on."""

import hashlib
import os
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.files import replacing, resolved, write_csv
from steelsight.dataset.groups import BESIDE, take_along
from steelsight.dataset.layouts.image_labels import BAD, TABLE
from steelsight.dataset.model import UNKNOWN, Dataset, Sample
from steelsight.dataset.writers.file_names import free_name
from steelsight.imaging.read import read_content
from steelsight.imaging.rle import Runs
from steelsight.station.corrections.export import (
    ChosenCorrections,
    CorrectionsSummary,
    LeftOutReview,
    choose,
    read_stored,
    require_new,
    some_of,
    summary_of,
)
from steelsight.station.corrections.files import Correction, Example, annotations, joined_readme, labels, reviews
from steelsight.station.log.log import InspectionLog
from steelsight.station.store import ImageStore

_FOLDER = "corrections"  # below images/, of what DATA does not have

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Joined:
    """What the joined dataset holds.

    Attributes:
        summary: of all its images.
        kept: images of the old data, masks as they were.
        replaced: images of the old data that were reviewed: the reviewer's masks stand in place of theirs.
        added: reviewed images that the old data does not have.
        new_classes: that the inspector knows and the old data does not.
        unreviewed_classes: that the old data has and the inspector does not know, so that no reviewer could draw them.
        said: what became of the table of groups beside the old data, one sentence; none where there is none.
    """

    summary: CorrectionsSummary
    kept: int
    replaced: int
    added: int
    new_classes: tuple[str, ...]
    unreviewed_classes: tuple[str, ...]
    said: tuple[str, ...]


def write_joined(
    log: InspectionLog, store: ImageStore, folder: Path, data: Dataset, progress: Progress | None = None
) -> Joined:
    """Write all images of `data`, those without masks too, and all corrections as one dataset in the COCO layout, as
    `write_corrections` does.

    A sample keeps its id as its name in `images/`; a reviewed image that is none of the samples comes to
    `images/corrections/`. Of a sample with the very file that was reviewed, the reviewer's masks count, except for
    classes that the inspector does not know, whose masks and labels stay; a rejection without any mask leaves the masks
    that a sample has. The classes are those of `data` in their order, then the inspector's others.

    Args:
        folder: where to; it must not exist, or be empty, and not lie in the data. Files of `data` are hard-linked into it
            where the disk can, those of the store copied.
        progress: called with images of `data` done and in all.

    Raises:
        UserError: no reviewed image can be written, the folder holds something or lies in the data, an image has gone
            since it was read, or the disk is full.
    """
    require_joinable(folder, data.root)
    samples = (*data.samples, *data.without_masks)
    digests = _digests(samples)
    held = {digest: sample.path for digest, sample in zip(digests, samples, strict=True)}
    chosen = some_of(choose(log, store, held))
    with replacing(folder) as temporary:
        images = temporary / "images"
        images.mkdir(parents=True)
        names: set[str] = set()
        classes = (*data.classes, *(name for name in chosen.classes if name not in data.classes))
        old = _put_samples(data, samples, digests, chosen, classes, images, names, progress)
        added, left_out = _put_added(chosen, held.keys(), classes, store, images, names)
        replaced = [one for one in old if isinstance(one, Correction)]
        some_of(ChosenCorrections(chosen.classes, (*replaced, *added), left_out))
        examples = [*old, *added]
        with (temporary / "annotations.json").open("wb") as stream:
            stream.writelines(annotations(classes, examples))
        if of_images := labels(examples):
            (temporary / TABLE).write_bytes(of_images)
        (temporary / "reviews.csv").write_bytes(reviews([*replaced, *added]))
        before, after = [sample.image_id for sample in samples], [one.name for one in old]
        groups, of_groups = take_along(data.root, before, after, [one.name for one in added])
        if groups:
            write_csv(temporary / BESIDE, groups[0], groups[1:])
        readme = joined_readme(examples, str(data.root), len(replaced), len(added), has_groups=bool(groups))
        (temporary / "README.txt").write_bytes(readme)
    return Joined(
        summary=summary_of(classes, examples, left_out),
        kept=len(old) - len(replaced),
        replaced=len(replaced),
        added=len(added),
        new_classes=classes[len(data.classes) :],
        unreviewed_classes=tuple(name for name in data.classes if name not in chosen.classes),
        said=of_groups,
    )


def require_joinable(folder: Path, root: Path) -> None:
    """See whether a joined dataset may be written there, before hours of reading.

    Args:
        root: of the data that it shall hold.

    Raises:
        UserError: the folder holds something, or lies in the data.
    """
    require_new(folder)
    if resolved(folder).is_relative_to(resolved(root)):
        raise UserError(f"{folder}: lies in {root}, whose images it would hold again; name a folder outside it")


def _digests(samples: Sequence[Sample]) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: hashlib.sha256(read_content(one.path)).hexdigest(), samples))


def _put_samples(
    data: Dataset,
    samples: Sequence[Sample],
    digests: Sequence[str],
    chosen: ChosenCorrections,
    classes: Sequence[str],
    images: Path,
    names: set[str],
    progress: Progress | None,
) -> list[Example]:
    """Put the images of the old data; a reviewed one becomes a `Correction`."""
    reviewed = {one.result.sha256: one for one in chosen.corrections}
    examples: list[Example] = []
    for sample, digest in zip(samples, digests, strict=True):
        name = free_name(sample.image_id, names)
        masks = dict(zip(data.classes, sample.runs, strict=True))
        _link(sample.path, images / name)
        one = reviewed.get(digest)
        if one is None or (one.shown and sample.is_defective):
            shown = tuple(BAD if place == UNKNOWN else data.classes[place] for place in sample.shown)
            examples.append(Example(name, sample.size, _in_order(masks, classes), shown=shown, ignored=sample.ignored))
        else:
            masks |= zip(chosen.classes, one.masks, strict=True)
            named = [data.classes[place] for place in sample.shown if place != UNKNOWN]
            kept = tuple(name for name in named if name not in chosen.classes)  # which nobody denied
            in_order = _in_order(masks, classes)
            examples.append(replace(one, name=name, masks=in_order, shown=(*one.shown, *kept), ignored=sample.ignored))
        if progress:
            progress(len(examples), len(samples))
    return examples


def _put_added(
    chosen: ChosenCorrections,
    held: Set[str],
    classes: Sequence[str],
    store: ImageStore,
    images: Path,
    names: set[str],
) -> tuple[list[Correction], tuple[LeftOutReview, ...]]:
    """Put the reviewed images that the old data does not have, and say what was left out altogether."""
    added: list[Correction] = []
    left_out = list(chosen.left_out)
    for one in chosen.corrections:
        if one.result.sha256 in held:
            continue
        content = read_stored(one, store)
        if isinstance(content, LeftOutReview):
            left_out.append(content)
            continue
        name = free_name(f"{_FOLDER}/{one.name}", names)
        masks = _in_order(dict(zip(chosen.classes, one.masks, strict=True)), classes)
        path = images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        added.append(replace(one, name=name, masks=masks))
    return added, tuple(left_out)


def _in_order(masks: dict[str, Runs], classes: Sequence[str]) -> tuple[Runs, ...]:
    return tuple(masks.get(name, Runs.empty()) for name in classes)


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the disk, or its rules, cannot."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(resolved(source), target)  # resolved: a link to a symbolic link would lead nowhere from here
    except OSError:
        target.write_bytes(read_content(source))
