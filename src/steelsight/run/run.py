"""A RUN folder: where each of its files lies. Floors above ask here, so that none of them spells a path of a RUN.

RUN/recipe.yaml, dataset.json, samples.csv and truth.csv say what it was made of; jobs/<member>/fold<k> holds what training
one member on one fold leaves; evidence/ what each network said of the images that it did not see, and what was derived from
that; decision.json what was chosen; report/ the page. `steelsight.selection.decision` reads and writes decision.json.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from steelsight.core.files import is_temporary, resolved
from steelsight.recipe import Member, Recipe
from steelsight.run.record import DATASET, IGNORED, LATER, SAMPLES, TRUTH, WITHOUT_MASKS, Record, read_record
from steelsight.run.resolved_recipe import RECIPE, read_run_recipe


@dataclass(frozen=True)
class JobFolder:
    """RUN/jobs/<member>/fold<k>."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def weights(self) -> Path:
        """The final weights."""
        return self.path / "weights.safetensors"

    @property
    def checkpoint(self) -> Path:
        """What a killed job goes on from; gone when the job is done."""
        return self.path / "checkpoint.pt"

    @property
    def log(self) -> Path:
        """A line for each epoch, see `steelsight.run.job_log`."""
        return self.path / "log.jsonl"

    @property
    def progress(self) -> Path:
        """The picture of the log."""
        return self.path / "progress.png"

    @property
    def done(self) -> Path:
        """Written last of all."""
        return self.path / "done.json"

    @property
    def lock(self) -> Path:
        """Held by the process that trains the job."""
        return self.path / ".lock"


@dataclass(frozen=True)
class Run:
    """A folder that `steelsight train` writes; it need not exist yet.

    >>> Run(Path("RUN")).job("classify-b0", 2).weights.as_posix()
    'RUN/jobs/classify-b0/fold2/weights.safetensors'
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """Name of the folder, even if it was given as `.`."""
        return resolved(self.path).name

    @property
    def is_started(self) -> bool:
        """Whether its recipe is written: the last file of a new run before its jobs."""
        return self.recipe_file.is_file()

    @property
    def is_torn_start(self) -> bool:
        """Whether it holds only what a run leaves that was killed before it had its recipe."""
        started = (
            self.samples_file,
            self.truth_file,
            self.path / WITHOUT_MASKS,
            self.path / IGNORED,
            self.path / LATER,
            self.dataset_file,
        )
        return self.path.is_dir() and all(entry in started or is_temporary(entry) for entry in self.path.iterdir())

    @property
    def recipe_file(self) -> Path:
        return self.path / RECIPE

    @property
    def dataset_file(self) -> Path:
        return self.path / DATASET

    @property
    def samples_file(self) -> Path:
        return self.path / SAMPLES

    @property
    def truth_file(self) -> Path:
        return self.path / TRUTH

    @property
    def machine_file(self) -> Path:
        """How many threads its jobs have on a processor."""
        return self.path / "machine.json"

    @property
    def lock(self) -> Path:
        """Held by the process that decides."""
        return self.path / ".lock"

    @property
    def decision_file(self) -> Path:
        return self.path / "decision.json"

    @property
    def later_figures_file(self) -> Path:
        """See `steelsight.selection.later_figures`."""
        return self.path / "later.json"

    @property
    def report_page(self) -> Path:
        return self.path / "report" / "index.html"

    @property
    def report_options(self) -> Path:
        """What the report was asked for beside the RUN."""
        return self.path / "report" / "options.json"

    @property
    def augmentations(self) -> Path:
        """Pictures of what the networks see, one for each of a few images."""
        return self.path / "augmentations"

    def job(self, member: str, fold: int) -> JobFolder:
        return JobFolder(self.path / "jobs" / member / f"fold{fold}")

    def jobs_begun(self) -> list[JobFolder]:
        """Those that have a folder, by member and fold."""
        return [JobFolder(path) for path in sorted(self.path.glob("jobs/*/fold*"))]

    @property
    def evidence(self) -> Path:
        """The folder of what its networks said of images that they did not see."""
        return self.path / "evidence"

    def predictions_file(self, member: Member, fold: int) -> Path:
        """What a member said of a fold's images: a table for a classifier, an array of maps for a segmenter."""
        suffix = "parquet" if member.step == "classify" else "zarr"
        return self.evidence / member.name / f"fold{fold}.{suffix}"

    def scores_file(self, member: str, fold: int, key: str) -> Path:
        """Derived from predictions, as are the three below; `key` changes with what it is derived from."""
        return self.evidence / "scores" / f"{member}-fold{fold}-{key}.npz"

    def histograms_file(self, fold: int, key: str) -> Path:
        return self.evidence / "histograms" / f"fold{fold}-{key}.npz"

    def defects_file(self, fold: int, key: str, what: str) -> Path:
        return self.evidence / "defects" / f"fold{fold}-{key}-{what}.npz"

    def evaluation_folder(self, key: str) -> Path:
        """The folder of the images as the verdict policy sees them."""
        return self.evidence / "tested" / key

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe, read once.

        Raises:
            UserError: it is missing, or no recipe.
        """
        return read_run_recipe(self.path)

    @cached_property
    def record(self) -> Record:
        """Its images, folds and twin groups, read once.

        Raises:
            UserError: as `read_record`.
        """
        return read_record(self.path)
