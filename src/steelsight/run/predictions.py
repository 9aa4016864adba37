"""The out-of-fold store: what every member said of every image that it did not see.

On disk, under RUN/evidence/<member>/: `fold<k>.parquet` (image_id, probability) for a classifier,
`fold<k>.zarr` (uint8, images x classes x height x width at the member's working size) for a segmenter. A fold's evidence
is written whole or not at all, so that jobs can run alone, on any machine.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import replacing, sweep
from steelsight.imaging.combine import Combine
from steelsight.recipe import Member, Recipe, Step
from steelsight.run.record import Record
from steelsight.run.run import Run
from steelsight.run.stored_maps import SHARD, Frame, create_maps, open_maps, read_map
from steelsight.run.stored_probabilities import read_probabilities, write_probabilities


@dataclass(frozen=True)
class OutOfFoldPredictions:
    """Evidence of one run.

    Attributes:
        run: its folder.
        record: its images, folds and twin groups.
        recipe: its resolved recipe.
    """

    run: Run
    record: Record
    recipe: Recipe
    _arrays: dict[tuple[str, int], Any] = field(default_factory=dict, repr=False, compare=False)
    _places: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)
    _digests: dict[Path, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.record.folds.size and int(self.record.folds.max()) >= self.recipe.folds:
            raise UserError(
                f"{self.run.samples_file}: it has a fold {int(self.record.folds.max())}, and {self.run.recipe_file} "
                f"has folds 0 to {self.recipe.folds - 1}; restore both from a copy"
            )
        for fold in range(self.recipe.folds):
            for row, index in enumerate(self.indices(fold)):
                self._places[self.record.samples[index].image_id] = (fold, row)

    @classmethod
    def of(cls, run: Run) -> Self:
        """What is stored of a run so far.

        Raises:
            UserError: its recipe or its record is missing or damaged, or they do not go together.
        """
        return cls(run, run.record, run.recipe)

    @property
    def combine(self) -> Combine:
        """How what the members say is combined."""
        return self.recipe.selection.combine

    def indices(self, fold: int) -> NDArray[np.int64]:
        """Positions in `record.samples` of the images of a fold: int64 (n,), ascending."""
        return np.flatnonzero(self.record.folds == fold)

    def has(self, member: Member, fold: int) -> bool:
        """Whether the evidence of a job is there."""
        return self._path(member, fold).exists()

    def is_done(self, member: Member, fold: int) -> bool:
        """Whether a job has its final weights and its evidence."""
        return self.run.job(member.name, fold).done.is_file() and self.has(member, fold)

    def sweep(self, member: Member, fold: int) -> None:
        """Remove what a killed job left half-written."""
        path = self._path(member, fold)
        sweep(path.parent, below=False, stem=path.stem)

    def digest(self, member: Member, fold: int) -> str:
        """SHA-256 of what is stored of a job, in hexadecimal: what was derived from another one is stale. Times would not
        tell, since two files written in the same tick of the clock have the same, and copying a run changes them."""
        path = self._path(member, fold)
        if path not in self._digests:
            self._digests[path] = _digest(path)
        return self._digests[path]

    def members(self, step: Step) -> tuple[Member, ...]:
        """Members of a step with evidence of every fold, in the recipe's order."""
        return tuple(
            member
            for member in self.recipe.members
            if member.step == step and all(self.has(member, fold) for fold in range(self.recipe.folds))
        )

    def write_probabilities(self, member: Member, fold: int, probabilities: NDArray[np.float64]) -> None:
        """Store P(defect) of the images of a fold, in the order of `indices(fold)`."""
        ids = [self.record.samples[index].image_id for index in self.indices(fold)]
        with replacing(self._path(member, fold)) as temporary:
            write_probabilities(temporary, ids, probabilities)
        self._digests.pop(self._path(member, fold), None)

    def write_maps(self, member: Member, fold: int, batches: Iterable[NDArray[np.uint8]]) -> None:
        """Store the 8-bit maps of the images of a fold, given as batches (b, classes, height, width) in the order of
        `indices(fold)`."""
        ids = [self.record.samples[index].image_id for index in self.indices(fold)]
        with replacing(self._path(member, fold)) as temporary:
            array = create_maps(temporary, len(ids), self._frame(member), ids)
            for start, block in _blocks(batches, SHARD):
                array[start : start + len(block)] = block
        self._digests.pop(self._path(member, fold), None)

    def probabilities(self, member: Member) -> NDArray[np.float64]:
        """P(defect) of every image by the job that did not see it: float64 (images,), in the order of the record.

        Raises:
            UserError: the images are others, or a number is none in [0, 1].
        """
        said = np.full(len(self.record.samples), np.nan)
        for fold in range(self.recipe.folds):
            path = self._path(member, fold)
            ids, probabilities = read_probabilities(path, len(self.indices(fold)))
            self._check_ids(path, ids, fold)
            said[self.indices(fold)] = probabilities
        return said

    def map(self, member: Member, index: int) -> NDArray[np.uint8]:
        """The 8-bit map (classes, height, width) of image `index`, at the member's working size."""
        fold, row = self._places[self.record.samples[index].image_id]
        key = (member.name, fold)
        if key not in self._arrays:
            path = self._path(member, fold)
            array = open_maps(path, len(self.indices(fold)), self._frame(member))
            self._check_ids(path, list(array.attrs["image_ids"]), fold)
            self._arrays[key] = array
        return read_map(self._arrays[key], row, self._path(member, fold))

    def _frame(self, member: Member) -> Frame:
        return len(self.record.classes), member.preprocess.height, member.preprocess.width

    def _path(self, member: Member, fold: int) -> Path:
        return self.run.predictions_file(member, fold)

    def _check_ids(self, path: Path, stored: Sequence[str], fold: int) -> None:
        expected = [self.record.samples[index].image_id for index in self.indices(fold)]
        if list(stored) != expected:
            raise UserError(
                f"{path}: its images are not those of fold {fold} in {self.run.samples_file}; "
                f"train this job again with `{command('train', resume=True)}` after deleting the file"
            )


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and the files of a folder."""
    digest = hashlib.sha256()
    for file in sorted(inside for inside in path.rglob("*") if inside.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").digest()
        digest.update(file.relative_to(path).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def _blocks(batches: Iterable[NDArray[np.uint8]], size: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Regroup batches into (start, block) of `size` images, so that each shard is written once."""
    start = 0
    waiting: list[NDArray[np.uint8]] = []
    for batch in batches:
        waiting.extend(batch)
        while len(waiting) >= size:
            yield start, np.stack(waiting[:size])
            waiting = waiting[size:]
            start += size
    if waiting:
        yield start, np.stack(waiting)
