"""The files of the corrections' dataset: images, COCO annotations, who said what, and where it comes from."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from steelsight.core.commands import command
from steelsight.dataset.groups import BESIDE
from steelsight.dataset.layouts.image_labels import COLUMNS
from steelsight.dataset.writers.labelled import IGNORED
from steelsight.imaging.rle import Runs, decode_runs, to_coco_counts
from steelsight.results.tables import line
from steelsight.station.inspection import Result, Review
from steelsight.version import __version__

_COLUMNS = ("image", "inspection", "name", "inspector", "reviewed", "reviewer", "version", "agrees", "word", "comment")

_GROUPS = f"{BESIDE}           the groups of the images from there, empty for the others\n"


def _commands(*, has_groups: bool) -> str:
    train = (
        command("train", "FOLDER", recipe="lite", out="run", groups=f"FOLDER/{BESIDE}")
        if has_groups
        else command("train", "FOLDER", recipe="lite", out="run")
    )
    return "\n".join(f"    {text}" for text in (command("data check", "FOLDER"), train))


TOGETHER = command("log corrections", out="NEW", with_="DATA")
"""What a station's machine runs to join the corrections with the data that the present inspector was trained on."""

_README = """\
Reviewed images of an inspection station (steelsight {version}): {images} images, {defective} of them with a defect.

images/           the images as they came, each called by the first 16 digits of its SHA-256
annotations.json  the masks as reviewers left them (COCO, uncompressed run lengths); an image without one is defect-free
{labels}reviews.csv       which inspection each comes from, who reviewed it, when, and what they said

{commands}

A person looked at these images, most of them because the inspector was in doubt. They are harder than the line's images,
and another share of them is defective. Do not train on them alone: on the station's machine,

    {together}

joins them with DATA, the labelled images that the present inspector was trained on. Test on images picked at random alone.
"""

_JOINED = """\
Labelled images, joined with the reviewed images of an inspection station (steelsight {version}): {images} images, {defective}
of them with a defect.

images/              {old} images of {root}, by their names there
images/corrections/  {added} reviewed images that it does not have, each called by the first 16 digits of its SHA-256
annotations.json     all masks (COCO, uncompressed run lengths); an image without one is defect-free
{tables}reviews.csv          of each reviewed image: which inspection it comes from, who reviewed it, when, and what they said

{replaced} of the images from there were reviewed too: the reviewer's masks stand in place of theirs.
Image files may be hard links to those there: change a copy, not the file itself.

{commands}

Reviewed images are those that a person looked at, most of them because the inspector was in doubt: harder than the
line's, and another share of them is defective. Test on images picked at random alone.
"""


@dataclass(frozen=True, eq=False)
class Example:
    """One image to train on.

    Attributes:
        name: of the file in `images/`.
        size: height and width in pixels.
        masks: of each class of the dataset.
        shown: classes that it shows, or a word for any defect, where nobody drew it; its masks are not all that there is
            to see then.
        ignored: what is not to be judged.
    """

    name: str
    size: tuple[int, int]
    masks: tuple[Runs, ...]
    shown: tuple[str, ...] = field(default=(), kw_only=True)
    ignored: Runs = field(default_factory=Runs.empty, kw_only=True)

    @property
    def is_defective(self) -> bool:
        return bool(self.shown) or any(runs.area for runs in self.masks)


@dataclass(frozen=True, eq=False)
class Correction(Example):
    """One that was reviewed.

    Attributes:
        id: of the inspection.
        result, review: what the inspector found, and what the reviewer said last.
    """

    id: int
    result: Result
    review: Review


def annotations(classes: Sequence[str], examples: Sequence[Example]) -> Iterator[bytes]:
    """COCO, an entry a line. An image without masks that stands in `labels` is listed as well, which alone would say that it
    is good; what is ignored is a class of its own."""
    marked = [one.masks for one in examples]
    if any(one.ignored.area for one in examples):
        classes, marked = (*classes, IGNORED), [(*one.masks, one.ignored) for one in examples]
    yield b'{"categories": '
    yield json.dumps([{"id": number, "name": name} for number, name in enumerate(classes, start=1)]).encode()
    yield b',\n"images": ['
    for number, one in enumerate(examples, start=1):
        height, width = one.size
        entry = {"id": number, "file_name": one.name, "height": height, "width": width}
        yield (b",\n" if number > 1 else b"\n") + json.dumps(entry).encode()
    yield b'],\n"annotations": ['
    count = 0
    for image, (one, masks) in enumerate(zip(examples, marked, strict=True), start=1):
        for category, runs in enumerate(masks, start=1):
            if runs.area:
                count += 1
                entry = {"id": count, "image_id": image, "category_id": category} | _segmentation(runs, one.size)
                yield (b",\n" if count > 1 else b"\n") + json.dumps(entry).encode()
    yield b"]}\n"


def labels(examples: Sequence[Example]) -> bytes:
    """labels.csv: a row for each image and class of which nobody drew where; empty where there is none."""
    rows = [line((f"images/{one.name}", name)) for one in examples for name in one.shown]
    return b"".join([line(COLUMNS), *rows]) if rows else b""


def _segmentation(runs: Runs, size: tuple[int, int]) -> dict[str, object]:
    box = cv2.boundingRect(decode_runs(runs, size).view(np.uint8))
    counts = {"size": list(size), "counts": to_coco_counts(runs, size)}
    return {"segmentation": counts, "area": runs.area, "bbox": list(box), "iscrowd": 1}  # COCO's word for run lengths


def reviews(corrections: Sequence[Correction]) -> bytes:
    """A row for each image, as CSV."""
    rows = [line(_COLUMNS)]
    for one in corrections:
        result, said = one.result, one.review
        agrees = "yes" if said.agrees else "no"
        row = (one.name, one.id, result.name, result.inspector, said.at.isoformat())
        rows.append(line([*row, said.reviewer, said.version, agrees, said.word, said.comment]))
    return b"".join(rows)


def readme(corrections: Sequence[Correction]) -> bytes:
    """What the folder is, for the person who finds it."""
    return _README.format(
        commands=_commands(has_groups=False),
        together=TOGETHER,
        version=__version__,
        images=len(corrections),
        defective=sum(one.is_defective for one in corrections),
        labels=_of_labels(corrections, "labels.csv        "),
    ).encode()


def _of_labels(examples: Sequence[Example], head: str) -> str:
    count = sum(bool(one.shown) for one in examples)
    return f"{head}{count} images that show a defect which nobody drew, and have no mask for that\n" if count else ""


def joined_readme(examples: Sequence[Example], root: str, replaced: int, added: int, *, has_groups: bool) -> bytes:
    """What the folder is where corrections were joined with the data at `root`."""
    text = _JOINED.format(
        commands=_commands(has_groups=has_groups),
        version=__version__,
        images=len(examples),
        defective=sum(one.is_defective for one in examples),
        old=len(examples) - added,
        root=root,
        added=added,
        replaced=replaced,
        tables=_of_labels(examples, "labels.csv           ") + (_GROUPS if has_groups else ""),
    )
    return text.encode("utf-8", "backslashreplace")
