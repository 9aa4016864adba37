"""What reviewers have said, as a dataset that `steelsight train` reads, so that each review improves the next inspector."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from steelsight.core.collected_pieces import CollectedPieces
from steelsight.core.errors import UserError
from steelsight.core.files import replacing
from steelsight.dataset.layouts.image_labels import BAD, TABLE
from steelsight.dataset.read import is_black
from steelsight.imaging.read import ImageError, decode_image
from steelsight.imaging.rle import RunError, parse_runs
from steelsight.station.corrections.files import Correction, Example, annotations, labels, readme, reviews
from steelsight.station.inspection import Inspection, Review
from steelsight.station.log.identity import lies_in
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.query import MOST, Query
from steelsight.station.store import ImageStore
from steelsight.station.writers import writers_of

_PIECE = 1 << 20
_GONE = "its image is not stored (any more)"


class NoCorrections(UserError):  # noqa: N818 (no fault, there is nothing yet)
    """No reviewed image that could be trained on."""


@dataclass(frozen=True)
class LeftOutReview:
    """A reviewed inspection that is no example to train on.

    Attributes:
        id: of the inspection.
        why: one sentence without its final stop.
    """

    id: int
    why: str


@dataclass(frozen=True)
class CorrectionsSummary:
    """What the dataset of all corrections holds.

    Attributes:
        images: in it; of the same image, reviewed several times, the latest review counts.
        defective: images with a defect.
        without_masks: of these, rejected ones on which nobody drew it.
        classes: images that show each defect class, in the classes' order.
        left_out: reviewed, and not in it.
    """

    images: int
    defective: int
    classes: dict[str, int]
    left_out: tuple[LeftOutReview, ...]
    without_masks: int = 0


@dataclass(frozen=True)
class ChosenCorrections:
    """What reviewers have said, and can be trained on.

    Attributes:
        classes: of the newest inspection that was reviewed and whose image is there.
        corrections: in the order of the log.
        left_out: reviewed, and not among them.
    """

    classes: tuple[str, ...]
    corrections: tuple[Correction, ...]
    left_out: tuple[LeftOutReview, ...]


def summarise(log: InspectionLog, store: ImageStore) -> CorrectionsSummary:
    """Count what `write_corrections` would write now. That opens the images, and leaves out all-black ones besides."""
    chosen = choose(log, store)
    return summary_of(chosen.classes, chosen.corrections, chosen.left_out)


def write_corrections(log: InspectionLog, store: ImageStore, folder: Path) -> CorrectionsSummary:
    """Write the dataset: `annotations.json` (COCO) and `images/`, with `reviews.csv` and `README.txt` beside them, and
    `labels.csv` where images were rejected of which no mask shows the defect.

    The classes are those of the newest inspection that was reviewed and whose image is in the store. An image is called by
    its SHA-256, never by the name that its sender gave it.

    Args:
        folder: where to; it must not exist, or be empty.

    Raises:
        UserError: no reviewed image can be written, the folder holds something, or the disk is full.
    """
    require_new(folder)
    chosen = some_of(choose(log, store))
    files = _Files(chosen, store)
    with replacing(folder) as temporary:
        (temporary / "images").mkdir(parents=True)
        for name, pieces in files:
            with (temporary / name).open("wb") as stream:
                stream.writelines(pieces)
        there = files.there
        return summary_of(there.classes, there.corrections, there.left_out)


def require_new(folder: Path) -> None:
    """Nothing is written over.

    Raises:
        UserError: the folder holds something, or is none.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: already there, and nothing is overwritten; name a new folder")


def zip_corrections(log: InspectionLog, store: ImageStore) -> Iterator[bytes]:
    """The same dataset as a ZIP archive, made as it is taken, so that it lies nowhere as a whole.

    Raises:
        NoCorrections: no reviewed image can be written.
    """
    return _zipped(_Files(some_of(choose(log, store)), store))


def _zipped(files: "_Files") -> Iterator[bytes]:
    collected = CollectedPieces()
    with ZipFile(cast(IO[bytes], collected), "w") as archive:
        for name, pieces in files:
            archive.compression = ZIP_STORED if name.startswith("images/") else ZIP_DEFLATED
            with archive.open(name, "w") as stream:
                for piece in pieces:
                    stream.write(piece)
                    yield collected.take()
    yield collected.take()


class _Files:
    """All files of a dataset by name, in pieces, one image in memory at a time.

    Attributes:
        there: what was in fact written, once all were taken.
    """

    def __init__(self, chosen: ChosenCorrections, store: ImageStore) -> None:
        self.there = chosen
        self._store = store

    def __iter__(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        chosen = self.there
        written: list[Correction] = []
        left_out = list(chosen.left_out)
        for one in chosen.corrections:
            content = read_stored(one, self._store)
            if isinstance(content, LeftOutReview):
                left_out.append(content)
            else:
                yield f"images/{one.name}", _sliced(content)
                written.append(one)
        there = self.there = some_of(ChosenCorrections(chosen.classes, tuple(written), tuple(left_out)))
        yield "annotations.json", annotations(there.classes, there.corrections)
        if of_images := labels(there.corrections):
            yield TABLE, [of_images]
        yield "reviews.csv", [reviews(there.corrections)]
        yield "README.txt", [readme(there.corrections)]


def _sliced(content: bytes) -> Iterator[bytes]:
    return (content[at : at + _PIECE] for at in range(0, len(content), _PIECE))


def read_stored(one: Correction, store: ImageStore) -> bytes | LeftOutReview:
    """The image file of a correction, or why it is no example."""
    content = store.read_image(one.result.sha256)
    if content is None:
        return LeftOutReview(one.id, _GONE)
    try:
        pixels = decode_image(content, Path(one.name), grey=True)
    except ImageError:
        return LeftOutReview(one.id, "its stored image is damaged")
    if is_black(pixels):
        return LeftOutReview(one.id, "its image is all black, which no dataset may contain")
    return content


def some_of(chosen: ChosenCorrections) -> ChosenCorrections:
    """The same.

    Raises:
        NoCorrections: there is none among them.
    """
    if not chosen.corrections:
        raise NoCorrections(
            f"no reviewed image to train on ({len(chosen.left_out)} left out); review some of the images that are stored"
        )
    return chosen


def choose(log: InspectionLog, store: ImageStore, held: Mapping[str, Path] | None = None) -> ChosenCorrections:
    """The latest review of each image, where it says enough and the image is there.

    Args:
        held: images that are there though the store may have lost them, by SHA-256.
    """
    reviewed, there = _latest(log), held or {}
    own = None if lies_in(log, store.data) else writers_of(store.data)
    classes = _classes([inspection for inspection, _ in reviewed], store, there, own)
    corrections: list[Correction] = []
    left_out: list[LeftOutReview] = []
    for inspection, review in reviewed:
        found = _correction(inspection, review, classes, store, there)
        if isinstance(found, Correction):
            corrections.append(found)
        else:
            left_out.append(LeftOutReview(inspection.id, found))
    return ChosenCorrections(classes, tuple(_of_one_name_each(corrections)), tuple(left_out))


def _classes(
    reviewed: Sequence[Inspection], store: ImageStore, held: Mapping[str, Path], own: Collection[str] | None
) -> tuple[str, ...]:
    """The classes to train on: those of the newest inspection whose image is there, since a log may be shared by lines with
    other classes, whose images lie elsewhere; of the newest of all where no image is there. Two lines may have one image, as
    a strip that their pages offer to try: those that this folder's own stations inspected come first.

    Not of the latest review: who looks once more at what an earlier inspector said has not gone back to it.
    """
    there = [one for one in reviewed if _place(one.result.sha256, store, held) is not None]
    ours = [one for one in there if own is None or one.result.station in own]
    chosen = ours or there or reviewed
    return chosen[-1].classes if chosen else ()


def _place(sha256: str, store: ImageStore, held: Mapping[str, Path]) -> Path | None:
    return store.image_path(sha256) or held.get(sha256)


def _of_one_name_each(corrections: Sequence[Correction]) -> Iterator[Correction]:
    """Those whose names are the same by their whole SHA-256: who sends images can find two that begin alike in minutes."""
    counts = Counter(one.name for one in corrections)
    for one in corrections:
        whole = f"{one.result.sha256}{Path(one.name).suffix}"
        yield one if counts[one.name] == 1 else replace(one, name=whole)


def _latest(log: InspectionLog) -> list[tuple[Inspection, Review]]:
    """Of each reviewed image the inspection with the latest review, in the order of the log."""
    latest: dict[str, tuple[Inspection, Review]] = {}
    for inspection in _reviewed(log):
        review, key = inspection.review, inspection.result.sha256
        if review is None:
            continue
        other = latest.get(key)
        if other is None or (other[1].at, other[0].id) < (review.at, inspection.id):
            latest[key] = (inspection, review)
    return sorted(latest.values(), key=lambda pair: pair[0].id)


def _reviewed(log: InspectionLog) -> Iterator[Inspection]:
    cursor: str | None = None
    while True:
        found = log.find(Query(reviewed=True, order="oldest", limit=MOST, cursor=cursor))
        yield from found.inspections
        cursor = found.next
        if cursor is None:
            return


def _correction(
    inspection: Inspection, review: Review, classes: tuple[str, ...], store: ImageStore, held: Mapping[str, Path]
) -> Correction | str:
    """What to train on, or why there is nothing."""
    result = inspection.result
    texts = result.runs if review.agrees else review.runs
    if result.size is None:
        return "its file could not be read, so there is nothing to draw on"
    if set(inspection.classes) != set(classes) or len(texts) != len(classes):
        there, wanted = ", ".join(inspection.classes), ", ".join(classes)
        return (
            f"it was inspected for the classes {there}, and the newest reviewed image that is stored here for {wanted}; "
            "inspect it again, and review that"
        )
    try:
        by_class = {name: parse_runs(text, result.size) for name, text in zip(inspection.classes, texts, strict=True)}
    except RunError as error:
        return f"its mask does not fit it: {error}"
    masks = tuple(by_class[name] for name in classes)
    is_undrawn = review.word == "reject" and not any(runs.area for runs in masks)
    path = _place(result.sha256, store, held)
    if path is None:
        return _GONE
    return Correction(
        f"{result.sha256[:16]}{path.suffix}",
        result.size,
        masks,
        inspection.id,
        result,
        review,
        shown=(BAD,) if is_undrawn else (),
    )


def summary_of(
    classes: Sequence[str], examples: Sequence[Example], left_out: tuple[LeftOutReview, ...]
) -> CorrectionsSummary:
    """Count the images of a dataset."""
    shown: Counter[str] = Counter()
    for one in examples:
        shown.update(name for name, runs in zip(classes, one.masks, strict=True) if runs.area)
    return CorrectionsSummary(
        images=len(examples),
        defective=sum(one.is_defective for one in examples),
        classes={name: shown[name] for name in classes},
        left_out=left_out,
        without_masks=sum(bool(one.shown) for one in examples),
    )
