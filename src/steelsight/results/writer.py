"""Writing what was judged while it is judged: tables, masks and overlays, so that a run that was stopped can go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from steelsight.cascade.judge import Prediction
from steelsight.cascade.sources import Source
from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors
from steelsight.core.interruption import is_interruption
from steelsight.core.lock import Lock
from steelsight.imaging.object_store import was_url
from steelsight.results.contents import CONTENTS, JudgedContent
from steelsight.results.label_files import LabelKind, write_label_files
from steelsight.results.pictures import Pictures
from steelsight.results.resume import Origin, Unfinished
from steelsight.results.tables import (
    DEFECTS,
    IMAGES,
    SUBMISSION,
    TABLES,
    ClassIds,
    FinishedRow,
    ResultRow,
    SubmissionLayout,
    Tables,
    as_written,
)

_WITH_THE_REST = "it is judged again, with what was judged after it"


@dataclass
class Tally:
    """How many images were written, of those how many are defective and flagged, and which were not judged.

    Attributes:
        given: verdicts that were given, unreadable images included; without a policy an unjudged image goes to review, and no
            other has one.
        unreadable: name and reason of those that could not be read.
        unjudged: of those for which a network gave no probability.
    """

    images: int = 0
    given: dict[str, int] = field(default_factory=lambda: {"pass": 0, "review": 0, "reject": 0})
    defective: int = 0
    flagged: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unjudged: list[tuple[str, str]] = field(default_factory=list)

    @property
    def verdicts(self) -> dict[str, int] | None:
        """How many images pass, go to review or are rejected; None where some have no verdict, as without a policy."""
        return self.given if self.images and sum(self.given.values()) == self.images else None

    def add(self, row: FinishedRow) -> None:
        """Count an image."""
        self.images += 1
        if row.verdict:
            self.given[row.verdict] += 1
        self.defective += row.area > 0
        self.flagged += row.is_flagged
        if row.error:
            (self.unjudged if row.is_read else self.unreadable).append((row.image_id, row.error))


class ResultWriter:
    """Writes results image by image into a folder; use as a context manager, and judge the images of `remaining`.

    Rows are appended to `*.partial.csv` in whole lines; the tables appear under their own names, in the order of the
    sources, when all is written, and what stood there stays untouched until then. However the run ends before, the
    partial files stay, and a writer with `resume` goes on from them. An image that could not be read, or for which a
    network gave no probability, has a row in `images.csv` with the reason, and none and no picture elsewhere: nothing was
    predicted of it. One writer at a time has a folder, from when it is entered until it is left.

    Args:
        out: folder; made if it is missing.
        classes: defect class names.
        sources: all images.
        class_ids, layout: see `Tables`.
        masks, overlays: see `Pictures`.
        resume: whether to keep what an earlier writer has finished here, of files that are the same; the sources may be
            others by now.
        made_by: what judges, as a hash, and `options` what else changes the results: to resume, both must be the same.
        batch: images judged together; rows are written out, and kept on resuming, by as many.

    Raises:
        UserError: with `resume`, what is there was made with something else; or, when it is entered, another writer has the
            folder.
    """

    def __init__(
        self,
        out: Path,
        classes: Sequence[str],
        sources: Sequence[Source],
        *,
        class_ids: ClassIds = "data",
        layout: SubmissionLayout = "long",
        masks: bool = False,
        overlays: bool = False,
        resume: bool = False,
        made_by: str = "",
        options: Mapping[str, str] | None = None,
        batch: int = 8,
    ) -> None:
        if out.exists() and not out.is_dir():
            raise UserError(f"{out}: there is a file of this name; choose another folder for the results")
        if was_url(out):
            raise UserError(
                f"`out={out}`: results are written to a disk, not to an object store; name a folder, and copy it afterwards"
            )
        self.out = out
        self.remaining: Sequence[Source] = sources
        """The images still to be judged, once the writer is entered."""
        self.tally = Tally()
        """Of all that is written, what was finished before included."""
        self.judged_again: str | None = None
        """Why images that were finished before are judged again, in a sentence; known once the writer is entered."""
        self._sources, self._batch = sources, batch
        self._tables = Tables(tuple(classes), class_ids, layout)
        self._pictures = Pictures(out, classes, (one.image_id for one in sources), masks=masks, overlays=overlays)
        own: dict[str, str] = {"class_ids": class_ids, "layout": layout}
        own |= {name: "on" if wanted else "off" for name, wanted in (("masks", masks), ("overlays", overlays))}
        self._unfinished = Unfinished(out, self._tables, Origin(made_by=made_by, options={**own, **(options or {})}))
        self.resumes = resume and self._unfinished.check()
        """Whether there is something to go on with, which entering the writer compares with the images."""
        said = f"{out}: another run writes its results here; wait for it or end it, or give another `out=`"
        self._lock = Lock(out / ".results.lock", said, needed=False, stays=False)
        self._waiting: list[dict[str, bytes]] = []

    @property
    def wrote(self) -> list[Path]:
        """Files and folders that a completed writing leaves."""
        return [self.out / SUBMISSION, self.out / IMAGES, self.out / DEFECTS, *self._pictures.folders]

    def write_labels(self, kind: LabelKind) -> Path:
        """Write what was found as label files for a tool, once all is written; returns their folder."""
        return write_label_files(self.out, kind, self._tables.classes, self._sources)

    def __enter__(self) -> Self:
        with disk_errors(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        try:
            self._pictures.sweep()
            if self.resumes and self._unfinished.check():  # once more: another run may have had the folder until now
                self._resume()
            else:
                self._unfinished.start()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
                self._unfinished.publish([one.image_id for one in self._sources], self.tally.images)
                return
            self._unfinished.take_back()
            if is_interruption(error):
                self._flush()
        finally:
            self._lock.release()

    def write(self, judged: Prediction) -> None:
        """Add one image.

        Raises:
            UserError: the disk is full or may not be written to.
        """
        self._pictures.write(judged)
        lines = {**self._tables.lines(ResultRow.of(judged)), CONTENTS: JudgedContent.of(judged).line}
        self._waiting.append(lines)
        self.tally.add(self._tables.read_image_row(lines[IMAGES]))
        if len(self._waiting) >= self._batch:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []  # first: an interruption here may lose rows, never double them
        self._unfinished.append({name: b"".join(lines[name] for lines in waiting) for name in (*TABLES, CONTENTS)})

    def _resume(self) -> None:
        sources = {as_written(one.image_id): one for one in self._sources}

        def why_again(row: FinishedRow, content: JudgedContent) -> str | None:
            source = sources.get(row.image_id)
            if source is None:
                return None
            if not row.error and not self._pictures.are_there(source.image_id):
                return (
                    f"{source.path}: its mask or overlay is missing, or would have another name now; {_WITH_THE_REST}"
                )
            if not content.is_still(source, row):
                return f"{source.path}: not the file that was judged under this name; {_WITH_THE_REST}"
            return None

        rows, self.judged_again = self._unfinished.resume(self._batch, why_again)
        kept = {row.image_id: row for row in rows}
        for name in sources:
            if name in kept:
                self.tally.add(kept[name])
        self.remaining = [one for one in self._sources if as_written(one.image_id) not in kept]
