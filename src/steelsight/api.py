"""What a program calls: a few lines each over the floors below. `import steelsight` gives these names, see `__init__`."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, get_args

from steelsight import recipe as recipes
from steelsight.cascade.sources import Source
from steelsight.core.arguments import check_choice, check_list, check_names, check_size
from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.dataset import read as reading
from steelsight.dataset.depth import with_bits
from steelsight.dataset.groups import read_groups
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Dataset, Layout
from steelsight.dataset.split_by_time import LATER_SHARE
from steelsight.metrics.mask_table import read_mask_table
from steelsight.metrics.submission import Score, image_suffixes, read_image_list, score_submission
from steelsight.metrics.submitted_defects import Sizes, sizes_in
from steelsight.recipe import Recipe, choose_folds, choose_jobs
from steelsight.recipe.quick import QUICK_IMAGES, quick_recipe
from steelsight.rule.objective import ObjectiveName, chosen_objective
from steelsight.run.run import Run
from steelsight.verdicts.policy import Limits, Unchanged
from steelsight.verdicts.severity import Severity
from steelsight.verdicts.thresholds import check_wish

if TYPE_CHECKING:
    from steelsight.cascade.judge import Prediction
    from steelsight.inspector.artifact import Precision
    from steelsight.inspector.inspector import Inspector
    from steelsight.selection.decision import Decision


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe that comes with steelsight (`paper`, `lite`, `demo`), or that of a YAML file.

    Args:
        overrides: changes, each `key.sub=value`, as in `members.segment-lite0.sampling.batch=4`; phases count from 1.

    Raises:
        UserError: no such recipe, not YAML, or a wrong key or value.

    >>> load_recipe("lite", ["folds=3"]).folds
    3
    """
    check_names("overrides", overrides)
    return recipes.load_recipe(str(name_or_path), overrides)


def read_dataset(
    folder: str | Path,
    layout: Layout | None = None,
    *,
    boxes: Boxes | None = None,
    bits: int | None = None,
    ignore_class: Sequence[str] = (),
) -> Dataset:
    """Read a folder of labelled images, every image opened and every mask checked against it.

    Args:
        folder: in any of the layouts (docs/data.md); or the CSV, JSON or XML to read if a folder has several.
        layout: detected if left out.
        boxes: what a box without an outline counts as, `as-masks` or `as-labels`; a fault if left out.
        bits: of the camera whose values 16-bit images hold, so that 2^bits - 1 is white; found from all images if left out.
        ignore_class: labels that are not defect classes: areas with them are `sample.ignored`.

    Returns:
        `samples` without any image that has a fault, and `faults`. `sample.mask()` is bool (classes, height, width), and
        `sample.size` (height, width) in pixels.

    Raises:
        UserError: no layout fits, no image shows a defect, or an argument is out of its range.

    >>> from tempfile import TemporaryDirectory
    >>> from steelsight import make_strips
    >>> with TemporaryDirectory() as parent:
    ...     made = make_strips(Path(parent) / "strips", 4, size=(64, 256), defective=1)
    ...     data = read_dataset(Path(parent) / "strips")
    >>> len(data.samples), data.samples[0].size, data.faults
    (4, (64, 256), ())
    """
    if layout is not None:
        check_choice("layout", layout, get_args(Layout))
    if boxes is not None:
        check_choice("boxes", boxes, get_args(Boxes))
    check_names("ignore_class", ignore_class)
    read = reading.read_dataset(Path(folder), layout, boxes=boxes, ignore_class=ignore_class)
    return with_bits(read, bits)


def score(
    truth: str | Path,
    predicted: str | Path,
    *,
    images: str | Path | None = None,
    classes: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    mm_per_pixel: float | None = None,
) -> Score:
    """Judge a table of predicted masks against one of true masks, as the Severstal competition does and beyond.

    Args:
        truth, predicted: CSV files of run lengths, in either layout, as `submission.csv` of an inspection.
        images: a folder of the images to judge, or a list of them; those that either file names if left out.
        classes: those to judge; those of the truth file if left out.
        size: (height, width) in pixels of every image; with it, or with `images` as a folder, connected defects are counted.
        mm_per_pixel: size of a pixel along the strip, for false alarms per metre.

    Returns:
        `figures.dice` is the competition's mean, in [0, 1]; `defects` is None if no size is known.

    Raises:
        UserError: a file is no such table, the two do not belong together, a run lies beyond its image, or an argument is
            out of its range.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name, runs in (("truth", "1 4"), ("predicted", "1 2")):
    ...         text = f"ImageId,ClassId,EncodedPixels\\na.jpg,1,{runs}\\n"
    ...         _ = (Path(folder) / f"{name}.csv").write_text(text)
    ...     scored = score(f"{folder}/truth.csv", f"{folder}/predicted.csv", size=(4, 4))
    >>> round(scored.figures.dice, 4), scored.defects.all.found
    (0.6667, 1)
    """
    if size is not None:
        check_size("size", size)
    true_masks, masks = read_mask_table(Path(truth), size), read_mask_table(Path(predicted), size)
    folder = None if images is None else Path(images)
    names = None if folder is None else read_image_list(folder, image_suffixes(true_masks, masks))
    sizes: Sizes = size
    if size is None and folder is not None and folder.is_dir():
        sizes = sizes_in(folder, names or ())
    scored = score_submission(true_masks, masks, names, classes, sizes, mm_per_pixel)
    if mm_per_pixel is not None and scored.defects is None:
        raise UserError(
            f"`mm_per_pixel={mm_per_pixel:g}`: a length needs the images' widths; give `size=`, or `images=` as a folder of "
            "them"
        )
    return scored


@dataclass(frozen=True)
class TrainedRun(Run):
    """A trained RUN, to decide, report, export and predict; `steelsight.Run` is this class.

    The paths of the folder and what is stored there (`recipe`, `record`) come from `steelsight.run.run.Run`.

    >>> run = Run.open("runs/lite")                                    # doctest: +SKIP
    >>> run.decide(Limits(max_escape=0.1)).nested.figures.dice         # doctest: +SKIP
    0.861
    >>> inspector = run.export("inspectors/line2")                     # doctest: +SKIP
    """

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a run that `train` has begun.

        Raises:
            UserError: the folder holds no run, or a damaged one.
        """
        run = cls(Path(folder))
        if run.recipe.folds and run.record.samples:
            return run
        raise UserError(f"{run}: a run without images; train again, into another folder")

    @property
    def decision(self) -> "Decision":
        """The last decision: members, rule, policy and figures.

        Raises:
            UserError: nothing is decided yet, or decision.json is damaged.
        """
        from steelsight.selection.decision import read_decision

        return read_decision(self)

    def decide(
        self,
        limits: Limits | None = None,
        *,
        objective: ObjectiveName | None = None,
        max_false_alarms: float | None = None,
        gate: float | None = None,
        rule: Literal["searched", "each-class", "plain", "published"] = "searched",
        severity: Severity | Unchanged | None = "keep",
    ) -> "Decision":
        """Choose members, rule and verdict policy again from the stored evidence, and write decision.json.

        Args:
            limits: for the verdicts; None for those of the last decision, or else the default.
            objective: what the rule is searched for; None for the recipe's.
            max_false_alarms: share of empty pairs, in [0, 1], in which something may be marked; only with `defects`.
            gate: search at this P(defect) alone, in [0, 1].
            rule: search it among all kinds, or with thresholds for each class; or take the plain one or the one that the
                recipe states, without a search.
            severity: rules on what was found; `keep` for those that the run has, None for none.

        Raises:
            UserError: jobs are not done, or an argument is out of its range.
        """
        from steelsight.selection.decide import RuleSource, decide

        if objective is not None:
            check_choice("objective", objective, get_args(ObjectiveName))
        check_choice("rule", rule, get_args(RuleSource))
        aimed = chosen_objective(self.recipe.search, objective, max_false_alarms)
        return decide(self, gate=gate, objective=aimed, rule=rule, wish=limits, severity=severity)

    def decide_verdicts(
        self, limits: Limits | None = None, *, severity: Severity | Unchanged | None = "keep"
    ) -> "Decision":
        """Find the verdict policy again, for the members and the rule that are decided; takes seconds.

        Raises:
            UserError: nothing is decided yet, or the evidence has changed since.
        """
        from steelsight.selection.run_policy import decide_verdicts

        return decide_verdicts(self, limits, severity)

    def report(self, inspected: str | Path | None = None, *, mm_per_pixel: float | None = None) -> Path:
        """Write the report, one HTML page that needs no network, and return its path.

        Args:
            inspected: results of an inspection with overlays, to be pictured as well; "none" for no such section. If left
                out, those of the last report.
            mm_per_pixel: size of a pixel along the strip; if left out, that of the severity rules, or of the last report.

        Raises:
            UserError: nothing is decided yet, or `inspected` holds no results.
        """
        from steelsight.report.build import build_report

        return build_report(self, None if inspected is None else Path(inspected), mm_per_pixel)

    def export(
        self,
        out: str | Path,
        *,
        folds: str | int = "all",
        precision: "Precision" = "fp32",
        max_dice_loss: float = 0.002,
        images: Sequence[str | Path] = (),
        sign: str | Path | None = None,
    ) -> "Inspector":
        """Write an INSPECTOR that runs without torch, compare it with the run's networks on images, and open it.

        Args:
            out: folder to write; an inspector that is already there is replaced.
            folds: `all`, or one fold's number; only one fold's inspector has guaranteed bounds, from that fold's images.
            max_dice_loss: competition Dice that a precision below fp32 may lose.
            images: files, folders or patterns for the proof; the run's own if left out.
            sign: PEM file of an Ed25519 private key, not encrypted, to sign it with.

        Raises:
            UserError: the run is not complete, images are gone, or the networks differ; or `sign` is no such key. Nothing is
                left behind.
        """
        from steelsight.export.export import export_run
        from steelsight.inspector.artifact import Precision
        from steelsight.inspector.inspector import Inspector
        from steelsight.inspector.signature import read_signing_key

        check_choice("precision", precision, get_args(Precision))
        check_list("images", images)
        given = [str(image) for image in images]
        key = None if sign is None else read_signing_key(Path(sign))
        export_run(
            self, Path(out), folds=str(folds), precision=precision, max_dice_loss=max_dice_loss, images=given, sign=key
        )
        return Inspector.open(out)

    def distil(
        self,
        out: str | Path,
        *,
        unlabelled: Sequence[str | Path] = (),
        made_up: int = 0,
        compare: str | Path | None = None,
        resume: bool = False,
        images: Sequence[str | Path] = (),
    ) -> "Inspector":
        """Train one network a step to answer as the run's networks do together, write these as an INSPECTOR, and open it.

        It gives no verdicts until it is calibrated on new images; see docs/inspector.md, One pair from many.

        Args:
            out: folder to write; an inspector that is already there is replaced.
            unlabelled: files, folders or patterns of images without labels to learn from as well.
            made_up: how many made-up strips to learn from as well.
            compare: labelled images that nothing has learned from, on which the loss against the ensemble is measured.
            resume: go on with what an interrupted one has done.
            images: as for `export`.

        Raises:
            UserError: as `export`; or there is no ensemble, or images to compare on were learned from.
        """
        from steelsight.export.distil.request import DistilRequest
        from steelsight.export.export import export_run
        from steelsight.inspector.inspector import Inspector

        check_list("unlabelled", unlabelled)
        check_list("images", images)
        request = DistilRequest(
            tuple(map(str, unlabelled)), made_up, None if compare is None else Path(compare), resume
        )
        export_run(self, Path(out), images=[str(image) for image in images], distil=request)
        return Inspector.open(out)

    def predict(self, images: Iterable[str | Path], *, folds: str | int = "all") -> "Iterator[Prediction]":
        """Judge images with the run's own networks, in torch, in the order given; see `Inspector.stream`.

        Args:
            images: files; one that cannot be read gives a `Prediction` with its error.
            folds: `all`, or one fold's number, to judge with its networks alone.

        Raises:
            UserError: nothing is decided yet, a job is not done, or there is no such fold.
        """
        from steelsight.cascade.judge import judge
        from steelsight.export.card import measure_familiar
        from steelsight.export.images import are_there
        from steelsight.networks.torch_engine import load_engine
        from steelsight.run.predictions import OutOfFoldPredictions
        from steelsight.selection.run_policy import of_folds

        check_list("images", images)
        decision, chosen = self.decision, choose_folds(str(folds), self.recipe.folds)
        deployed = of_folds(OutOfFoldPredictions.of(self), decision, chosen)
        engine = load_engine(self, self.recipe, decision.classes, *decision.jobs_of(chosen))
        usual = measure_familiar(self.record, (), engine) if are_there(self.record) else None
        return judge(
            map(Source.of, images),
            engine,
            decision.rule_of(chosen),
            flags=None if usual is None else usual.flags,
            policy=None if deployed is None else deployed[1],
        )


def train(
    data: str | Path | Dataset,
    *,
    out: str | Path,
    recipe: str | Path | Recipe = "lite",
    overrides: Sequence[str] = (),
    limits: Limits | None = None,
    quick: bool = False,
    limit: int | None = None,
    groups: str | None = None,
    split_by_time: str | None = None,
    later: float = LATER_SHARE,
    resume: bool = False,
    skip_faulty: bool = False,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    workers: int | None = None,
    parallel: int | Literal["auto"] = "auto",
) -> TrainedRun:
    """Train a recipe in cross-validation, then decide members, rule and verdicts, and write the report.

    If the training stops, finished work is kept, and `resume` goes on from it. Progress goes to standard error.

    Args:
        data: folder of labelled images, or what `read_dataset` made of it, which takes layout, boxes, bits and
            ignored classes.
        out: folder of the run; it must not hold another one.
        recipe: `paper`, `lite`, `demo`, a YAML file, or what `load_recipe` made of one.
        overrides: changes to a recipe that is given by name or file, such as `roi=strip`; see `load_recipe`.
        limits: for the verdicts; None for the default.
        quick: minutes instead of hours, to see that everything works: two folds, the smallest network of each step, few
            epochs, small images, 120 of them unless `limit` says otherwise.
        limit: how many images to take at most: whole groups, each combination of classes in its share; None for all.
        groups: which images belong together, beside twins: a CSV file with the columns image and, say, coil, or a regular
            expression with named groups that is searched for in their names.
        split_by_time: the kind of group that says when an image was taken: train on the earlier images, and hold back the
            later ones, which `TrainedRun.export` judges.
        later: share of the images that is held back then at least, in (0, 1).
        resume: go on with the run in `out`, with the recipe, images and labels that it began with, whatever `limit` and
            `later` say; begin a new one if there is none.
        skip_faulty: leave faulty images out.
        device, workers: where to train, and loader processes of each job.
        parallel: jobs side by side; `auto`: one on every core of a processor, or on every GPU.

    Raises:
        UserError: an argument is out of its range, images are faulty, `out` holds something else, a run that goes on began
            with other images or labels, or ImageNet weights that the recipe names are missing: nothing is begun then. Or a
            job failed; finished work is kept.

    >>> import steelsight                                                           # doctest: +SKIP
    >>> run = steelsight.train("demo/strips", recipe="demo", out="runs/demo") # doctest: +SKIP
    >>> run.report()                                                                # doctest: +SKIP
    """
    check_names("overrides", overrides)
    if not isinstance(recipe, Recipe):
        wanted = recipes.load_recipe(str(recipe), overrides, quick=quick)
    elif overrides:
        raise UserError(
            f"`overrides={overrides[0]}`: the recipe is made already; give the changes to load_recipe, which makes it"
        )
    else:
        wanted = quick_recipe(recipe) if quick else recipe
    run = TrainedRun(Path(out))
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.training.device_config import DeviceConfig, require_device
    from steelsight.training.start import check_groups, check_start, check_unchanged, go_on, start_run

    machine = DeviceConfig(device, "auto", workers, parallel)
    require_device(machine)
    check_start(run, wanted, resume=resume)
    if run.is_started:
        predictions = go_on(run, wanted, data if isinstance(data, Dataset) else Path(data), note=_say)
        check_groups(predictions, groups, split_by_time)
        if limits is not None:
            check_wish(limits, predictions.record.classes)
        check_unchanged(predictions, choose_jobs(predictions.recipe, []))
    else:
        dataset = data if isinstance(data, Dataset) else read_dataset(data)
        _refuse_faults(dataset, skip_faulty)
        if limits is not None:
            check_wish(limits, dataset.classes)
        limit = QUICK_IMAGES if quick and limit is None else limit
        every = [sample.image_id for sample in (*dataset.samples, *dataset.without_masks)]
        known = {} if groups is None else read_groups(groups, every)
        predictions = OutOfFoldPredictions.of(
            start_run(run, dataset, wanted, known=known, limit=limit, time=split_by_time, later_share=later)
        )
    from steelsight.training.experiment import run_jobs

    run_jobs(predictions, choose_jobs(predictions.recipe, []), machine)
    run = TrainedRun(run.path)
    run.decide(limits)
    run.report()
    return run


def _say(sentence: str) -> None:
    sys.stderr.write(f"note: {shown(sentence)}\n")


def _refuse_faults(dataset: Dataset, skip_faulty: bool) -> None:
    if dataset.faults and not skip_faulty:
        raise UserError(
            f"{dataset.root}: {len(dataset.faults)} faults (the first: {dataset.faults[0].message}); mend them, which "
            "read_dataset lists, or leave those images out by skip_faulty=True"
        )
