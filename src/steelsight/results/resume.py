"""Results while they grow: *.partial.csv and run.partial.json, from which a run that was stopped goes on.

Rows are appended to the partial files image by image, in the order in which the images were judged. An image counts as
finished where all its rows are there and whole, and one of contents.partial.csv says of which file they are. At the end the
tables are put in place in the order of the input, and the partial files go.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from steelsight.core.cores import on_all_cores
from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, replacing, sweep, write_json
from steelsight.core.model import Model
from steelsight.core.parsing import parse_json
from steelsight.results.contents import CONTENTS, CONTENTS_HEADER, JudgedContent, read_contents
from steelsight.results.finished import read_finished
from steelsight.results.tables import IMAGES, TABLES, FinishedRow, Tables, as_written
from steelsight.version import __version__

RECORD = "run.partial.json"
SCHEMA_VERSION: Literal[3] = 3
"""1: images.csv without verdicts. 2: tables without what is suspected."""
_AGAIN = "the same again with `resume=`"
_GROWING = (*TABLES, CONTENTS)
_READERS = 8  # threads that read finished images again: disks and object stores answer several at a time

WhyAgain = Callable[[FinishedRow, JudgedContent], str | None]
"""Why a finished image is to be judged again, in a sentence; None where its rows stay."""


class Origin(Model):
    """run.partial.json: what unfinished results are made with.

    Attributes:
        steelsight: version.
        made_by: SHA-256 of the inspector, or of the run's decision.
        options: parameters that change what is written, by their names; older ones wrote them as the options are called.
    """

    schema_version: Literal[3] = SCHEMA_VERSION
    steelsight: str = __version__
    made_by: str
    options: dict[str, str]

    @field_validator("options")
    @classmethod
    def _by_parameter(cls, options: dict[str, str]) -> dict[str, str]:
        return {name.removeprefix("--").replace("-", "_"): value for name, value in options.items()}


class Unfinished:
    """The partial files of a folder.

    Args:
        out: the folder.
        tables: what they hold.
        origin: what the rows to come are made with.
    """

    def __init__(self, out: Path, tables: Tables, origin: Origin) -> None:
        self._out, self._tables, self._origin = out, tables, origin
        self._record = out / RECORD
        self._paths = {name: out / f"{Path(name).stem}.partial.csv" for name in TABLES}
        self._contents = out / CONTENTS
        self._growing = {**self._paths, CONTENTS: self._contents}
        self._sizes = dict.fromkeys(_GROWING, 0)

    def check(self) -> bool:
        """Whether there is something to go on with.

        Raises:
            UserError: there is, but made with something else.
        """
        if not self._record.is_file():
            return False
        start_over = "leave out `resume=` to start over, or choose another `out=`"
        beginning = f"{self._record}: the unfinished results here were made"
        try:
            content = parse_json(self._record.read_text(encoding="utf-8"))
            if isinstance(content, dict) and content.get("schema_version") in (1, 2):
                raise UserError(f"{beginning} by a steelsight whose tables have other columns; {start_over}")
            found = Origin.model_validate(content)
        except ValueError as error:
            raise UserError(f"{self._record}: does not say what these results were made with; {start_over}") from error
        if found.steelsight != self._origin.steelsight:
            raise UserError(f"{beginning} by steelsight {found.steelsight}, this is {__version__}; {start_over}")
        if found.made_by != self._origin.made_by:
            raise UserError(f"{beginning} by other networks, another rule or another policy; {start_over}")
        for name in sorted({*found.options, *self._origin.options}):
            then, now = (one.options.get(name, "none") for one in (found, self._origin))
            if then != now:
                raise UserError(f"{beginning} with `{name}={then}`, now it is {now}; give the same, or {start_over}")
        return True

    def start(self) -> None:
        """Begin anew; unfinished results of before go."""
        with disk_errors(self._out):
            self._out.mkdir(parents=True, exist_ok=True)
            self.remove()
            sweep(self._out, below=False)
        write_json(self._record, self._origin.model_dump(mode="json"))
        self._sizes = dict.fromkeys(_GROWING, 0)
        self.append({**{name: self._tables.header(name) for name in TABLES}, CONTENTS: CONTENTS_HEADER})

    def resume(self, multiple: int, why_again: WhyAgain) -> tuple[list[FinishedRow], str | None]:
        """Keep the rows of images that are finished, up to the first that is to be judged again, and cut off the rest;
        returns them, and the sentence on that one.

        Args:
            multiple: the number of images kept is rounded down to one of it, so that batches are made up as they would
                have been without an interruption.
            why_again: asked by several threads.
        """
        kept: list[FinishedRow] = []
        group: list[FinishedRow] = []
        why = self._why_unknown()
        for (row, _, ends), why in on_all_cores(lambda one: (one, why_again(*one[:2])), self._finished(), _READERS):
            if why is not None:
                break
            group.append(row)
            if len(group) == multiple:
                kept.extend(group)
                group.clear()
                self._sizes = dict(zip(_GROWING, ends, strict=True))
        if kept:
            sweep(self._out, below=False)
            self.take_back()
        else:
            self.start()
        return kept, why

    def _finished(self) -> Iterator[tuple[FinishedRow, JudgedContent, tuple[int, ...]]]:
        """The finished images, what they are of, and where their rows end."""
        for one, (content, end) in zip(
            read_finished(self._paths, self._tables), read_contents(self._contents), strict=False
        ):
            if content.image_id != one.image.image_id:
                return
            yield one.image, content, (*one.ends, end)

    def _why_unknown(self) -> str | None:
        if self._contents.is_file() or next(read_finished(self._paths, self._tables), None) is None:
            return None
        return (
            f"{self._contents}: missing, as an older steelsight leaves it, so it is not known of which files the rows here "
            "are; all images are judged again"
        )

    def append(self, blocks: Mapping[str, bytes]) -> None:
        """Add the whole rows of one or more images, by the names of the tables and `CONTENTS`.

        Raises:
            UserError: the disk is full or may not be written to; `take_back` then removes what was added in part.
        """
        for name, path in self._growing.items():
            with disk_errors(path, again=_AGAIN), path.open("ab") as stream:
                stream.write(blocks[name])
        self._sizes = {name: size + len(blocks[name]) for name, size in self._sizes.items()}

    def take_back(self) -> None:
        """Cut off what was added in part."""
        for name, path in self._growing.items():
            if path.is_file():
                with disk_errors(path, again=_AGAIN), path.open("r+b") as stream:
                    stream.truncate(self._sizes[name])

    def publish(self, image_ids: Sequence[str], count: int) -> None:
        """Put the tables in place with the rows of those of these images that are finished, in their order, and remove
        the partial files.

        Args:
            count: how many of them are finished.

        Raises:
            UserError: the disk is full or may not be written to, or other images are finished than should be; the partial
                files then stay as they are.
        """
        in_order, found = self._is_in_order(image_ids)
        spans = {} if in_order else self._spans(frozenset(map(as_written, image_ids)))
        found = found if in_order else len(spans)
        if found != count:
            raise UserError(
                f"{self._paths[IMAGES]}: holds {found} whole images of the {count} that were written; another run may "
                f"have the same `out=`; see to it, then run {_AGAIN}"
            )
        for index, name in enumerate(TABLES):
            path = self._out / name
            with disk_errors(path, again=_AGAIN), replacing(path) as temporary:
                if in_order:
                    shutil.copyfile(self._paths[name], temporary)
                    continue
                with self._paths[name].open("rb") as source, temporary.open("wb") as target:
                    target.write(self._tables.header(name))
                    for image_id in filter(spans.__contains__, map(as_written, image_ids)):
                        begin, end = spans[image_id][index], spans[image_id][index + len(TABLES)]
                        source.seek(begin)
                        target.write(source.read(end - begin))
        with disk_errors(self._out):
            self.remove()

    def _is_in_order(self, image_ids: Sequence[str]) -> tuple[bool, int]:
        """Whether the rows are of these images alone and in their order, as they are without a change of the list; and of
        how many. Nothing is kept of them, so that memory stays level."""
        expected, found = map(as_written, image_ids), 0
        for found, one in enumerate(read_finished(self._paths, self._tables), start=1):
            if one.image.image_id not in expected:  # takes from the iterator up to the name
                return False, found
        return True, found

    def _spans(self, wanted: frozenset[str]) -> dict[str, tuple[int, ...]]:
        """Where the rows of each image begin in the tables, then where they end."""
        spans: dict[str, tuple[int, ...]] = {}
        begins = tuple(len(self._tables.header(name)) for name in TABLES)
        for one in read_finished(self._paths, self._tables):
            if one.image.image_id in wanted:
                spans[one.image.image_id] = (*begins, *one.ends)
            begins = one.ends
        return spans

    def remove(self) -> None:
        """Remove the partial files."""
        for path in (self._record, *self._growing.values()):
            path.unlink(missing_ok=True)
